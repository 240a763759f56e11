"""The agent's words: what each does, and what it prints."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, Optional

from . import __version__, paths, policy, pressure, snapshot
from . import ledger as ledgers
from . import watch as watching
from .clock import show
from .daemon import Daemon
from .decide import Plan, decide
from .gates import Circumstances
from .host import read
from .leases import describe
from .ledger import Ledger
from .look import ADOPTED, look, uses
from .policy import Policy
from .problem import AgentError, UnreadableError
from .roots import Index
from .scene import Places, Scene, record, see
from .storage import Reserved
from .sweep import tick

FINE, FAILED, USAGE = 0, 1, 2

Word = Callable[[argparse.Namespace], int]


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run one word; returns the exit code: 0 fine, 1 failed (and says why), 2 arguments that mean nothing."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    try:
        word: Word = options.word
        return word(options)
    except AgentError as problem:
        print(f"ccci-prune: {problem}", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def plan(options: argparse.Namespace) -> int:
    """Say of every image what would become of it now, and why. Changes nothing."""
    decision, scene = (_recorded_plan(options), None) if options.source else _live_plan(options)
    if options.json:
        print(json.dumps(decision.to_json(), indent=1))
        return FINE
    for line in _plan_lines(decision, scene, options.image):
        print(line)
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
        file.write(
            ledgers.dump(look(_ledger_in(options.ledger), _recorded_host(options), options.now, trusted=True))
        )
        return FINE
    places = _places(options)
    with places.only_writer(wait=True):
        scene = see(places, Daemon(places.socket))
        if scene.host.unreadable:
            raise UnreadableError("; ".join(scene.host.unreadable))
        record(places, scene)
    return FINE


def adopt(options: argparse.Namespace) -> int:
    """Settle the origin of an image: the operator knows that it can be had again."""
    places = _places(options)
    with places.only_writer(wait=True):
        scene = see(places, Daemon(places.socket))
        if scene.host.unreadable:
            raise UnreadableError("; ".join(scene.host.unreadable))
        images = sorted(Index(scene.host, scene.ledger).meant(options.image))
        if not images:
            raise AgentError(f"{options.image} is no image of this host.")
        for identity in images:
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
    leases = _places(options).leases
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if command:
        leases.run(
            command, options.owner or f"{getpass.getuser()}: {Path(command[0]).name} (pid {os.getpid()})"
        )
    if options.release:
        known = leases.release(options.release)
        print(options.release if known else f"{options.release} had ended by itself")
    elif options.renew:
        if options.hold is None:
            raise AgentError("`lease --renew ID` needs --hold SECONDS.")
        print(leases.renew(options.renew, options.hold).id)
    elif options.hold is not None:
        print(leases.grant(options.owner or getpass.getuser(), options.hold).id)
    else:
        held = leases.held()
        print("\n".join(describe(one) for one in held) or "no lease is held")
    return FINE


def watch(options: argparse.Namespace) -> int:
    """Stay, and write down what the daemon's events show of use between two looks."""
    places = _places(options)
    watching.watch(places.state, places.run, Daemon(places.socket), lambda line: print(line, flush=True))


def status(options: argparse.Namespace) -> int:
    """What the agent did last and why, who holds a lease, how full the disk is and with what."""
    places = _places(options)
    report = _status(places, see(places, Daemon(places.socket)))
    if options.json:
        print(json.dumps(report, indent=1))
    else:
        for line in _status_lines(report):
            print(line)
    return FINE


def _live_plan(options: argparse.Namespace) -> tuple[Plan, Scene]:
    places = _places(options)
    scene = see(places, Daemon(places.socket))
    if options.disk_used_percent is not None:
        around = scene.around
        scene.around = Circumstances(
            around.now,
            pressure.recorded(options.disk_used_percent),
            around.leases,
            around.downloads,
            around.unreadable,
        )
    return scene.plan(), scene


def _recorded_plan(options: argparse.Namespace) -> Plan:
    _needed(options, "ledger", "now", "disk_used_percent")
    host = _recorded_host(options)
    rules, unreadable = Policy(), tuple[str, ...]()
    if options.policy:
        try:
            rules = policy.load(options.policy)
        except UnreadableError as error:
            unreadable = (str(error),)
    remembered = _ledger_in(options.ledger)
    if not host.unreadable:
        remembered = uses(remembered, host, options.now, trusted=True)
    disk = pressure.recorded(options.disk_used_percent)
    around = Circumstances(options.now, disk, unreadable=unreadable, trusted=True)
    return decide(host, remembered, rules, around)


def _recorded_host(options: argparse.Namespace) -> Any:
    return read(snapshot.read(options.source))


def _ledger_in(path: str) -> Ledger:
    try:
        return ledgers.parse(Path(path).read_bytes())
    except FileNotFoundError:
        return Ledger(fresh="there was no ledger")
    except OSError as error:
        return Ledger(fresh=f"the ledger cannot be read ({error})")


def _plan_lines(decision: Plan, scene: Optional[Scene], image: Optional[str]) -> list[str]:
    lines = [f"gate {gate.name} is closed: {gate.reason}" for gate in decision.gates]
    lines += [f"unreadable: {problem}" for problem in decision.unreadable]
    lines += [f"note: {note}" for note in (scene.notes if scene else ())]
    wanted = Index(scene.host, scene.ledger).meant(image) if scene and image else None
    for fate, rulings in (("goes", decision.victims), ("stays", decision.kept)):
        for ruling in rulings:
            if wanted is None or ruling.image.id in wanted:
                name = ", ".join(ruling.image.refs) or "(no name)"
                until = f"; may go from {show(ruling.until)}" if ruling.until else ""
                lines.append(f"{fate:5}  {ruling.image.id[7:19]}  {name}  {ruling.reason}{until}")
    return lines


def _status(places: Places, scene: Scene) -> dict[str, Any]:
    decision = scene.plan()
    try:
        last = json.loads((places.state / paths.LAST_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        last = None
    except (OSError, ValueError) as error:
        last = {"unreadable": str(error)}
    return {
        "version": __version__,
        "now": show(scene.around.now),
        "store": scene.host.store,
        "policy": {"path": places.policy, "sha256": policy.sha256(places.policy)},
        "gates": decision.to_json()["gates"],
        "unreadable": list(decision.unreadable),
        "notes": scene.notes,
        "candidates": decision.candidates,
        "leases": [
            {
                "id": held.id,
                "owner": held.owner,
                "since": show(held.since),
                "until": show(held.until) if held.until is not None else None,
            }
            for held in scene.around.leases
        ],
        "disk": [
            {
                "path": system.path,
                "blocks_percent": round(system.blocks, 2),
                "inodes_percent": round(system.inodes, 2),
                "free_bytes": system.free,
            }
            for system in scene.disk
        ],
        "above_since": show(scene.ledger.above_since) if scene.ledger.above_since is not None else None,
        "sweep_unfinished_since": show(scene.ledger.sweep_since)
        if scene.ledger.sweep_since is not None
        else None,
        "unknown_origin_bytes": sum(
            ruling.image.size for ruling in decision.kept if ruling.row == "unknown origin"
        ),
        "last": last,
    }


def _status_lines(report: dict[str, Any]) -> list[str]:
    lines = [f"{report['now']}: {report['store']} store, policy {report['policy']['path']}"]
    lines += [
        f"disk: {disk['path']} at {disk['blocks_percent']} % (inodes {disk['inodes_percent']} %)"
        for disk in report["disk"]
    ]
    lines += [f"gate {name} is closed: {gate['reason']}" for name, gate in report["gates"].items()]
    lines += [f"lease {held['id']}: {held['owner']}, since {held['since']}" for held in report["leases"]]
    lines += [f"unreadable: {problem}" for problem in report["unreadable"]]
    lines += [f"note: {note}" for note in report["notes"]]
    last = report["last"]
    lines.append("no tick yet" if last is None else f"last tick: {json.dumps(last)}")
    return lines


def _places(options: argparse.Namespace) -> Places:
    return Places(options.socket, options.policy or paths.POLICY, Path(options.state), Path(options.run))


def _needed(options: argparse.Namespace, *names: str) -> None:
    missing = [f"--{name.replace('_', '-')}" for name in names if getattr(options, name) is None]
    if missing:
        raise AgentError(f"With --from also give {', '.join(missing)}.")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ccci-prune", description="Keeps the Docker images of a CI host, and deletes as its policy says."
    )
    parser.add_argument("--version", action="version", version=__version__)
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument("--socket", default=paths.SOCKET, help="the Docker daemon's socket")
    places.add_argument("--state", default=paths.STATE, help="the agent's state folder")
    places.add_argument("--run", default=paths.RUN, help="the agent's folder of locks")
    places.add_argument("--policy", help=f"the policy file (default {paths.POLICY})")
    words = parser.add_subparsers(metavar="WORD", required=True)

    def word(name: str, does: Word) -> argparse.ArgumentParser:
        text = (does.__doc__ or "").strip()
        made = words.add_parser(name, help=text, description=text, parents=[places])
        made.set_defaults(word=does)
        return made

    recorded = [
        ("--from", "source", str, "a snapshot folder, instead of the daemon"),
        ("--ledger", "ledger", str, "with --from: the ledger file"),
        ("--now", "now", float, "with --from: the moment, epoch seconds"),
    ]
    for name, does in (("plan", plan), ("observe", observe)):
        made = word(name, does)
        for flag, target, kind, text in recorded:
            made.add_argument(flag, dest=target, type=kind, help=text)
        if does is plan:
            made.add_argument("--disk-used-percent", type=float, help="decide as if the disk were as full")
            made.add_argument("--json", action="store_true")
            made.add_argument("image", nargs="?", help="explain this image only")
    word("watch", watch)
    word("sweep", sweep).add_argument("--json", action="store_true")
    word("status", status).add_argument("--json", action="store_true")
    word("adopt", adopt).add_argument("image")
    word("snapshot", take_snapshot).add_argument("folder")
    leasing = word("lease", lease)
    leasing.add_argument(
        "--hold", type=float, metavar="SECONDS", help="take (or, with --renew, extend) a timed lease"
    )
    leasing.add_argument("--owner", help="who holds it")
    leasing.add_argument("--renew", metavar="ID")
    leasing.add_argument("--release", metavar="ID")
    leasing.add_argument("command", nargs=argparse.REMAINDER, help="-- COMMAND to run under a lease")
    return parser
