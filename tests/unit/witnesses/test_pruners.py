"""Every competing pruner is named, however many of a kind there are."""

import pytest

from ccci_host.checks.no_competing_pruner import no_competing_pruner
from ccci_host.facts.pruner import Audit, Pruner
from ccci_host.facts.pruners import PRUNERS
from ccci_host.records import PrunersSeen
from ccci_host.witnesses import pruners
from tests.fakes import FakeExecutor
from tests.histories import changed, good
from tests.unit.machines import fake_machine


def cron(name: str) -> Pruner:
    return Pruner(kind="cron", name=name, command="docker image prune -f", active=True, remedy="Stop it.")


def test_two_of_a_kind_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    audit = Audit((cron("/etc/crontab line 1"), cron("/etc/cron.d/tidy line 4")), ("units: no answer",))
    monkeypatch.setattr(pruners, "collect", lambda machine, fact: {PRUNERS: audit})
    seen = pruners.look(fake_machine(FakeExecutor()), "end")
    assert seen.problem == "units: no answer"
    history = changed(good("verify-pc1"), PrunersSeen, {"pruners": seen.pruners})
    answer = no_competing_pruner(history)
    assert "/etc/crontab line 1 and /etc/cron.d/tidy line 4" in answer.reason
    assert answer.details[0] == "cron /etc/crontab line 1: docker image prune -f"
