"""Finds the checks, and puts them to a history.

A check is a module of this package with one function under `@check`. Its name is the module's.
"""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ccci_host.checks.finding import Answer, Finding, NoEvidenceError, one_sentence, printable, unknown
from ccci_host.records import History, Started

PC = Literal["PC1", "PC2", "PC3", "reboot", "run"]
"""Part of the definition of done; `reboot` is retention across one, `run` the soundness of the run itself."""

Task = Literal["verify-pc1", "verify-pc2", "verify-pc3", "reboot-and-redeploy"]
EVERY_TASK: tuple[Task, ...] = ("verify-pc1", "verify-pc2", "verify-pc3", "reboot-and-redeploy")
REDEPLOYS: tuple[Task, ...] = ("verify-pc3", "reboot-and-redeploy")
"""The tasks that deploy twice."""

Judge = Callable[[History], Answer]


@dataclass(frozen=True, slots=True)
class Check:
    """A pure function of a history, with what it decides and by which witnesses."""

    name: str
    pc: PC
    sentence: str
    """What it decides, in the words of the definition of done."""
    witnesses: tuple[str, ...]
    tasks: tuple[Task, ...]
    order: int
    """Whose reason speaks for the run when several are as severe: the lowest."""
    judge: Judge

    def find(self, history: History) -> Finding:
        """Its answer about `history`; an exception inside the check is UNKNOWN."""
        try:
            answer = self.judge(history)
        except NoEvidenceError as missing:
            answer = unknown(missing.reason, todo=missing.todo)
        except Exception as error:
            answer = unknown(
                f"The check {self.name} broke: {type(error).__name__}: {error}",
                todo="Report this with the history; it is a fault of ccci-host, not of the host.",
            )
        reason, quoted = one_sentence(answer.reason)
        return Finding(
            check=self.name,
            pc=self.pc,
            verdict=answer.verdict,
            reason=printable(reason),
            details=tuple(map(printable, quoted + answer.details)),
            todo=printable(answer.todo),
        )


_checks: dict[str, Check] = {}


def check(
    *, pc: PC, sentence: str, witnesses: tuple[str, ...], tasks: tuple[Task, ...], order: int
) -> Callable[[Judge], Judge]:
    """Register the decorated function as the check of its module."""

    def register(judge: Judge) -> Judge:
        name = judge.__module__.rpartition(".")[2].replace("_", "-")
        if name in _checks and _checks[name].judge.__qualname__ != judge.__qualname__:
            raise ValueError(f"the module of check {name} has two checks; one module, one check")
        _checks[name] = Check(name, pc, sentence, witnesses, tasks, order, judge)
        return judge

    return register


@cache
def all_checks() -> tuple[Check, ...]:
    """Every check, in the order in which they speak."""
    package = importlib.import_module("ccci_host.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"ccci_host.checks.{module.name}")
    return tuple(sorted(_checks.values(), key=lambda item: (item.order, item.name)))


def checks_for(task: str) -> tuple[Check, ...]:
    """The checks that decide `task`."""
    return tuple(item for item in all_checks() if task in item.tasks)


def find_all(history: History, checks: Sequence[Check] | None = None) -> tuple[Finding, ...]:
    """The findings of the history's task, and of every check for a task that nobody knows.

    Where it does not say which task it is, of those alone that every task is asked: what one does on purpose
    would convict the host by the checks of another.
    """
    if checks is None:
        started = history.first(Started)
        of_any = tuple(item for item in all_checks() if {*item.tasks} == {*EVERY_TASK})
        checks = (checks_for(started.task) or all_checks()) if started else of_any
    return tuple(item.find(history) for item in checks)
