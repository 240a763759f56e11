"""The agent's words: what each does, and what it prints.

What a tick has no need of is imported by the words that do: a tick is mostly the time that imports take.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional

from . import __version__, ledger, paths, policy, pressure, snapshot
from .daemon import Daemon
from .gates import Circumstances
from .host import read
from .leases import describe
from .look import ADOPTED, look, uses
from .policy import Policy
from .problem import AgentError, UnreadableError
from .scene import Places, Scene, record, see
from .storage import Reserved
from .sweep import tick

FINE, FAILED, USAGE = 0, 1, 2

Word = Callable[[argparse.Namespace], int]


class _MeaningError(AgentError):
    """Arguments that mean nothing together."""


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one word; returns the exit code: 0 fine, 1 failed (and says why), 2 arguments that mean nothing.

    A command that is run under a lease takes this process' place, and its exit code is the command's.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        word: Word = options.word
        return word(options)
    except AgentError as problem:
        print(f"ccci-prune: {problem}", file=sys.stderr)
        return USAGE if isinstance(problem, _MeaningError) else FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def plan(options: argparse.Namespace) -> int:
    """Say of every image, or of one, what would become of it now, and why. Changes nothing."""
    from . import naming, telling  # noqa: PLC0415

    scene = _recorded_scene(options) if options.source else _live_scene(options)
    decision = scene.plan()
    found = naming.find(options.image, scene.host, scene.ledger) if options.image else None
    if found is not None:
        decision = naming.only(decision, found.images)
        if found.note:
            print(f"ccci-prune: {found.note}", file=sys.stderr)
    if options.json:
        asked = {} if found is None else {"of": options.image, "note": found.note or None}
        print(json.dumps({**asked, **decision.to_json()}, indent=1))
    else:
        print("\n".join(telling.plan_lines(decision, scene.notes)))
    if found is not None and not found.images:
        raise _no_image(options.image)
    return FINE


def sweep(options: argparse.Namespace) -> int:
    """A tick: look, and delete what may go where every gate is open."""
    places = _places(options)
    outcome = tick(places, Daemon(places.socket), lambda line: print(line, flush=True))
    if options.json:
        print(json.dumps(outcome.to_json(), indent=1))
    return outcome.exit_code


def observe(options: argparse.Namespace) -> int:
    """Record a look in the ledger, and delete nothing."""
    if options.source:
        _needed(options, "ledger", "now")
        file = Reserved(Path(options.ledger))
        host = read(snapshot.read(options.source))
        remembered = ledger.load(Path(options.ledger).read_bytes)
        file.write(ledger.dump(look(remembered, host, options.now, trusted=True)))
        return FINE
    places = _places(options)
    with places.only_writer(wait=True):
        scene = see(places, Daemon(places.socket))
        if not scene.looked:
            raise UnreadableError("; ".join([*scene.around.unreadable, *scene.host.unreadable]))
        record(places, scene)
    return FINE


def adopt(options: argparse.Namespace) -> int:
    """Settle the origin of an image: the operator knows that it can be had again."""
    from . import naming  # noqa: PLC0415

    places = _places(options)
    with places.only_writer(wait=True):
        scene = see(places, Daemon(places.socket))
        if not scene.looked:
            raise UnreadableError("; ".join([*scene.around.unreadable, *scene.host.unreadable]))
        found = naming.find(options.image, scene.host, scene.ledger)
        if not found.images:
            raise _no_image(options.image)
        if found.note:
            meant = ", ".join(sorted(found.images))
            raise AgentError(f"{options.image} may mean {meant}; name it by its id: {found.note}.")
        for identity in sorted(found.images):
            entry = scene.ledger.images[identity]
            entry.origin = entry.origin or ADOPTED
            print(f"{identity}: {entry.origin}")
        record(places, scene)
    return FINE


def take_snapshot(options: argparse.Namespace) -> int:
    """Write the daemon's raw answers into a new folder."""
    places = _places(options)
    scene = see(places, Daemon(places.socket))
    snapshot.write(scene.snapshot, options.folder)
    for name, problem in scene.snapshot.problems.items():
        print(f"ccci-prune: {name}: {problem}", file=sys.stderr)
    return FAILED if scene.snapshot.problems else FINE


def lease(options: argparse.Namespace) -> int:
    """Hold, renew or release a run lease, or run a command under one."""
    import getpass  # noqa: PLC0415

    leases = _places(options).leases
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if command:
        leases.run(
            command, options.owner or f"{getpass.getuser()}: {Path(command[0]).name} (pid {os.getpid()})"
        )
    if options.release:
        print(leases.release(options.release))
    elif options.renew:
        if options.hold is None:
            raise _MeaningError("`lease --renew ID` needs --hold SECONDS.")
        print(leases.renew(options.renew, options.hold).id)
    elif options.hold is not None:
        print(leases.grant(options.owner or getpass.getuser(), options.hold).id)
    else:
        held = leases.held()
        print("\n".join(describe(one) for one in held) or "no lease is held")
    return FINE


def watch(options: argparse.Namespace) -> int:
    """Stay, and write down what the daemon's events show of use between two looks."""
    from .watch import watch as follow  # noqa: PLC0415

    places = _places(options)
    follow(places.state, places.run, Daemon(places.socket), lambda line: print(line, flush=True))


def status(options: argparse.Namespace) -> int:
    """What the agent did last and why, who holds a lease, how full the disk is and with what."""
    from . import telling  # noqa: PLC0415

    places = _places(options)
    daemon = Daemon(places.socket)
    report = telling.status_json(places, daemon, see(places, daemon))
    print(json.dumps(report, indent=1) if options.json else "\n".join(telling.status_lines(report)))
    return FINE


def _no_image(text: str) -> AgentError:
    return AgentError(f"{text} is no image of this host.")


def _live_scene(options: argparse.Namespace) -> Scene:
    places = _places(options)
    scene = see(places, Daemon(places.socket))
    if options.disk_used_percent is not None:
        scene.around = replace(scene.around, disk=pressure.recorded(options.disk_used_percent))
    return scene


def _recorded_scene(options: argparse.Namespace) -> Scene:
    _needed(options, "ledger", "now", "disk_used_percent")
    answers = snapshot.read(options.source)
    host = read(answers)
    rules, unreadable = Policy(), tuple[str, ...]()
    if options.policy:
        try:
            rules = policy.load(options.policy)
        except UnreadableError as error:
            unreadable = (str(error),)
    remembered = ledger.load(Path(options.ledger).read_bytes)
    if not host.unreadable:
        remembered = uses(remembered, host, options.now, trusted=True)
    disk = pressure.recorded(options.disk_used_percent)
    around = Circumstances(options.now, disk, unreadable=unreadable, trusted=True)
    return Scene(host, remembered, rules, around, answers)


def _places(options: argparse.Namespace) -> Places:
    return Places(options.socket, options.policy or paths.POLICY, Path(options.state), Path(options.run))


def _needed(options: argparse.Namespace, *names: str) -> None:
    missing = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name) is None]
    if missing:
        raise _MeaningError(f"With --from also give {', '.join(missing)}.")


WORDS: dict[str, Word] = {
    "plan": plan,
    "sweep": sweep,
    "observe": observe,
    "watch": watch,
    "lease": lease,
    "adopt": adopt,
    "status": status,
    "snapshot": take_snapshot,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ccci-prune", description="Keeps the Docker images of a CI host, and deletes as its policy says."
    )
    parser.add_argument("--version", action="version", version=__version__)
    words = parser.add_subparsers(metavar="WORD", required=True)
    made = {name: _word_parser(words, name, does) for name, does in WORDS.items()}
    for name in ("plan", "observe"):
        add = made[name].add_argument
        add("--from", dest="source", metavar="FOLDER", help="a snapshot, instead of the daemon")
        add("--ledger", metavar="FILE", help="with --from: the ledger")
        add("--now", type=float, metavar="T", help="with --from: the moment, epoch seconds")
    add = made["plan"].add_argument
    add("--disk-used-percent", type=float, metavar="P", help="decide as if the disk were as full as that")
    add("image", nargs="?", help="explain this image only")
    for name in ("plan", "sweep", "status"):
        made[name].add_argument("--json", action="store_true")
    made["adopt"].add_argument("image")
    made["snapshot"].add_argument("folder")
    add = made["lease"].add_argument
    add("--hold", type=float, metavar="SECONDS", help="take (or, with --renew, extend) a timed lease")
    add("--owner", metavar="WHO", help="who holds it")
    add("--renew", metavar="ID", help="extend this timed lease; needs --hold")
    add("--release", metavar="ID", help="end this timed lease")
    add("command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="run a command under a lease")
    return parser


def _word_parser(words: Any, name: str, does: Word) -> argparse.ArgumentParser:
    text = (does.__doc__ or "").strip()
    made: argparse.ArgumentParser = words.add_parser(name, help=text, description=text)
    made.set_defaults(word=does)
    made.add_argument("--socket", default=paths.SOCKET, help="the Docker daemon's socket")
    made.add_argument("--state", default=paths.STATE, help="the agent's state folder")
    made.add_argument("--run", default=paths.RUN, help="the agent's folder of locks")
    made.add_argument("--policy", help=f"the policy file (default {paths.POLICY})")
    return made
