"""Which boot the machine is in, told from outside by Incus and from inside by its first process.

Outside: Incus' start time and the process id of the machine. Inside: what holds in a container and in a
virtual machine alike (fact 19), and the experiment's token in tmpfs, which no boot survives.
"""

from ccci_host.errors import CcciError, CommandFailedError, HostError
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact, collect
from ccci_host.facts.probes import ReadFile, RunCommand
from ccci_host.records import BootSeen, Moment
from ccci_host.transport.machine import Machine

TOKEN = "/run/ccci-boot-token"  # noqa: S105 - names a file, is no secret

_INIT = ReadFile("/proc/1/stat")
_KERNEL = ReadFile("/proc/stat")
_BOOT_ID = ReadFile("/proc/sys/kernel/random/boot_id")
_TOKEN = ReadFile(TOKEN)
_SYSTEMD = RunCommand(("systemctl", "show", "--property=UserspaceTimestamp", "--value"))
_TICKS = RunCommand(("getconf", "CLK_TCK"))


class BootWitness:
    """Looks from both sides."""

    moments: frozenset[Moment] = frozenset({"torn-down", "rebooted"})

    def look(self, machine: Machine, moment: Moment, cycle: int) -> BootSeen:
        """The boot that it is in now."""
        seen = BootSeen(moment=moment, cycle=cycle)
        try:
            outside = {
                "started_at": machine.instance.started_at(),
                "init_pid": machine.instance.pid(),
            }
            seen = seen.model_copy(update=outside)
        except CcciError as error:
            seen = seen.model_copy(update={"outside_problem": error.brief})
        try:
            inside = collect(machine, INSIDE)[INSIDE]
        except (CommandFailedError, HostError) as error:
            inside = {"inside_problem": str(error)}
        return seen.model_copy(update=inside)


def parse(answers: Answers) -> dict[str, object]:
    """What the inside says, as fields of the record."""
    problems = [
        f"{name}: {answer.reason if isinstance(answer, Unreadable) else 'absent'}"
        for name, answer in (("PID 1", answers[_INIT]), ("systemd", answers[_SYSTEMD]))
        if not isinstance(answer, Present)
    ]
    token = answers[_TOKEN]
    if not isinstance(token, Present | Absent):
        problems.append(f"token: {token.reason}")
    return {
        "init_started": init_started(answers[_INIT], answers[_KERNEL], answers[_TICKS]),
        "systemd_started": _text(answers[_SYSTEMD]),
        "boot_id": _text(answers[_BOOT_ID]),
        "token": _text(token),
        "inside_problem": "; ".join(problems) or None,
    }


def init_started(init: Answer, kernel: Answer, ticks: Answer) -> float | None:
    """When PID 1 began, in epoch seconds: the kernel's boot time and PID 1's start in ticks after it.

    `/proc/1/stat` names the command in brackets, which may hold anything: the fields count from the last one.
    """
    if not isinstance(init, Present) or not isinstance(kernel, Present):
        return None
    fields = init.text.rpartition(")")[2].split()
    boot = [line.split()[1] for line in kernel.text.splitlines() if line.startswith("btime ")]
    if len(fields) < 20 or not boot:
        return None
    per_second = int(ticks.text) if isinstance(ticks, Present) else 100
    return int(boot[0]) + int(fields[19]) / per_second


def _text(answer: Answer) -> str | None:
    return answer.text.strip() or None if isinstance(answer, Present) else None


INSIDE = Fact("boot", (_INIT, _KERNEL, _BOOT_ID, _TOKEN, _SYSTEMD, _TICKS), parse)

WITNESS = BootWitness()
