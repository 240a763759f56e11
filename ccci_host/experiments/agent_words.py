"""Asks the agent on the host for its plan, or for a sweep, and keeps what it says."""

import hashlib
import json
from typing import Any, Literal

from ccci_host.agent import paths
from ccci_host.config import PruneTable
from ccci_host.errors import tail
from ccci_host.records import Moment, PlanSeen, SweepSeen
from ccci_host.steps import agent_files
from ccci_host.steps.agent_archive import archive
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Machine

PLAN_TIMEOUT = 60.0
SWEEP_TIMEOUT = 600.0


def expected_files(prune: PruneTable) -> dict[str, str]:
    """The SHA-256 of each file that provisioning would install, by path."""
    texts = {path: text.encode() for path, text in agent_files.wanted_texts(prune).items()}
    contents = {paths.ARCHIVE: archive(), **texts}
    return {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}


def plan(machine: Machine, moment: Moment, *, pretend_percent: float | None = None) -> PlanSeen:
    """What the agent would do now, on the disk as it is or as if it were `pretend_percent` full."""
    pretending = ["--disk-used-percent", str(pretend_percent)] if pretend_percent is not None else []
    done = machine.run_repeatable([paths.ARCHIVE, "plan", "--json", *pretending], timeout=PLAN_TIMEOUT)
    said = answer(done)
    if said is None:
        return PlanSeen(moment=moment, simulated_percent=pretend_percent, problem=told(done))
    return PlanSeen(
        moment=moment,
        simulated_percent=pretend_percent,
        victims=tuple(said["victims"]),
        kept=tuple(said["kept"]),
        gates=said["gates"],
        unreadable=tuple(said["unreadable"]),
    )


def sweep(machine: Machine, moment: Moment, under: Literal["lease", "nothing"]) -> SweepSeen:
    """Start a tick, which deletes what the policy lets go; `under` says what should hold it back."""
    done = machine.executor.run([paths.ARCHIVE, "sweep", "--json"], timeout=SWEEP_TIMEOUT)
    said = answer(done)
    removed = (said or {}).get("removed", ())
    failures = [str(failure).encode() for failure in (said or {}).get("failures", ())]
    return SweepSeen(
        moment=moment,
        under=under,
        exit_code=done.exit_code,
        gates=(said or {}).get("gates", {}),
        removed=tuple(_name(image) for image in removed),
        image_ids=tuple(str(image["id"]) for image in removed if isinstance(image, dict) and "id" in image),
        output=tail(b"\n".join((done.stderr, *failures)) if said is not None else done.stdout + done.stderr),
        problem=None if said is not None else told(done),
    )


def _name(image: Any) -> str:
    """An image that the agent removed: its first reference, else its id; what is neither, as it stands."""
    return str([*(image.get("refs") or ()), image.get("id")][0]) if isinstance(image, dict) else str(image)


def answer(done: Completed) -> dict[str, Any] | None:
    """The JSON object that ends the output, behind any lines for a person; None when there is none."""
    text = "\n" + done.stdout.decode(errors="replace")
    start = text.find("\n{")
    try:
        said = json.loads(text[start:]) if start >= 0 else None
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def told(done: Completed) -> str:
    """Why there was no answer."""
    return tail(done.stderr) or f"the agent ended with exit code {done.exit_code} and said nothing"
