"""A day of the agent's ticks, by the host's journal, and how full the disk of the store is.

Two voices in one book: systemd says how each tick ended, the agent how full it left the disk. Sees what was
written; a journal that is volatile, or was rotated, tells of less than a day, and its silence shows nothing.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from ccci_host.agent import paths
from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.answers import Present
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.disk import CONTAINERD_ROOT, Disk, disks
from ccci_host.facts.docker import DOCKER, Docker
from ccci_host.facts.probes import ReadFile, RunCommand
from ccci_host.records import Moment, Tick, TicksSeen
from ccci_host.transport.machine import Machine

_FIELDS = "MESSAGE,JOB_RESULT,INVOCATION_ID,_SYSTEMD_INVOCATION_ID"
_JOURNAL = RunCommand(
    (
        *("journalctl", "--quiet", "--no-pager", "--since=-24h", f"--unit={paths.SERVICE}"),
        *("--output=json", f"--output-fields={_FIELDS}"),
    )
)
_CLOCK = RunCommand(("date", "+%s"))
_POLICY = ReadFile(paths.POLICY)
_PERCENT = re.compile(r"=(\d+(?:\.\d+)?)%(?:\s|$)")
"""At the end of the agent's last line: `ended removed=0 kept=2 /var/lib/docker=4.6%`."""


def look(machine: Machine, moment: Moment, cycle: int = 0) -> TicksSeen:
    """The ticks of the last day; what could not be read is a problem."""
    try:
        where_it_is = collect(machine, DOCKER, CONTAINERD_ROOT)
        docker, root = where_it_is[DOCKER], where_it_is[CONTAINERD_ROOT]
        if not isinstance(docker, Docker):
            return TicksSeen(
                moment=moment, cycle=cycle, problem="the daemon does not say where its store lies"
            )
        folders: tuple[str, ...] = (docker.root,)
        if docker.store == "containerd":
            if root is None:
                return TicksSeen(
                    moment=moment, cycle=cycle, problem="containerd's configuration cannot be read"
                )
            folders = (f"{docker.root}/containerd/daemon", root)
        space = disks(*folders)
        facts = collect(machine, BOOK, space)
        folder = next((one for one in folders if isinstance(facts[space][one], Disk)), folders[-1])
    except (CommandFailedError, HostError) as error:
        return TicksSeen(moment=moment, cycle=cycle, problem=str(error))
    disk = facts[space][folder]
    if not isinstance(disk, Disk):
        return TicksSeen(moment=moment, cycle=cycle, problem=f"the disk of {folder} cannot be measured")
    where = {
        "moment": moment,
        "cycle": cycle,
        "folder": folder,
        "used": disk.used,
        "available": disk.available,
    }
    return facts[BOOK].model_copy(update=where)


def parse(answers: Answers) -> TicksSeen:
    """What the journal, the clock and the policy of a host say."""
    book, clock, policy = answers[_JOURNAL], answers[_CLOCK], answers[_POLICY]
    if not isinstance(book, Present) or not isinstance(clock, Present):
        return TicksSeen(moment="end", problem="the journal of the agent's unit cannot be read")
    try:
        marks = json.loads(policy.content) if isinstance(policy, Present) else {}
        return TicksSeen(
            moment="end",
            host_clock=float(clock.text),
            ticks=tuple(_ticks(book.text)),
            high_percent=marks.get("high_watermark"),
            low_percent=marks.get("low_watermark"),
        )
    except (ValueError, AttributeError, KeyError) as error:
        return TicksSeen(moment="end", problem=f"the journal or the policy is not as expected: {error}")


def _ticks(book: str) -> Iterator[Tick]:
    """A tick for each time that systemd ended the unit's start, with what the agent said in it."""
    percents: dict[str, float] = {}
    for line in book.splitlines():
        entry: dict[str, Any] = json.loads(line)
        said = entry.get("MESSAGE")
        if isinstance(said, str) and said.startswith("ended ") and entry.get("_SYSTEMD_INVOCATION_ID"):
            found = [float(percent) for percent in _PERCENT.findall(said)]
            if found:
                percents[entry["_SYSTEMD_INVOCATION_ID"]] = max(found)
        if "JOB_RESULT" in entry:
            at = int(entry["__REALTIME_TIMESTAMP"]) / 1e6
            tick = entry.get("INVOCATION_ID", "")
            yield Tick(at=at, done=entry["JOB_RESULT"] == "done", percent=percents.get(tick))


BOOK = Fact("the agent's ticks", (_JOURNAL, _CLOCK, _POLICY), parse)
