"""A fault proves that it bit, and is taken back however the run in between ended."""

import signal

import pytest

from ccci_host.checks import all_checks
from ccci_host.errors import HostError, RefusedError
from ccci_host.faults import Fault, all_faults, injected
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table

LAB = "ccci_host.lab.faults"


class Harm(Fault):
    """A fault that remembers what happened to it."""

    name, task, check = "harm", "verify-pc1", "some-check"

    def __init__(self, *, already: bool = False, bites: bool = True) -> None:
        self.present, self.bites = already, bites
        self.log: list[str] = []

    def inject(self, machine: Machine) -> None:
        self.log.append("inject")
        self.present = self.bites

    def is_present(self, machine: Machine) -> bool:
        return self.present

    def revert(self, machine: Machine) -> None:
        self.log.append("revert")
        self.present = False


def machine(*, disposable: bool = True) -> Machine:
    return fake_machine(FakeExecutor(), host_table(disposable=disposable))


def test_it_is_there_within_and_gone_after() -> None:
    harm = Harm()
    with injected(harm, machine()):
        assert harm.present
    assert harm.log == ["inject", "revert"]


@pytest.mark.parametrize("error", [HostError("x"), KeyboardInterrupt()])
def test_it_is_taken_back_however_the_run_ends(error: BaseException) -> None:
    harm = Harm()
    with pytest.raises(type(error)), injected(harm, machine()):
        raise error
    assert harm.log == ["inject", "revert"]


def test_a_wish_to_stop_waits_until_it_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    harm = Harm()
    take_back = harm.revert

    def revert(machine: Machine) -> None:
        signal.raise_signal(signal.SIGINT)
        take_back(machine)

    monkeypatch.setattr(harm, "revert", revert)
    try:
        with pytest.raises(KeyboardInterrupt), injected(harm, machine()):
            pass
    finally:
        signal.signal(signal.SIGINT, before)
    assert harm.log == ["inject", "revert"]


def test_one_that_is_still_there_is_an_error_unless_it_is_to_stay() -> None:
    class Stays(Harm):
        def revert(self, machine: Machine) -> None:
            self.log.append("revert")

    with pytest.raises(HostError, match="is still on"), injected(Stays(), machine()):
        pass
    done = Stays()
    done.stays = True  # type: ignore[misc]
    with injected(done, machine()):
        pass
    assert {fault.name for fault in all_faults(LAB) if fault.stays} == {
        "bystander-restarted",
        "lease-taken-away",
        "prune-af",
        "sweep-in-unleased-deploy",
    }


def test_one_that_does_not_bite_is_an_error_and_taken_back() -> None:
    harm = Harm(bites=False)
    with pytest.raises(HostError, match="did not bite"), injected(harm, machine()):
        raise AssertionError("never reached")
    assert harm.log == ["inject", "revert"]


def test_one_that_was_there_before_is_not_ours_to_take_back() -> None:
    harm = Harm(already=True)
    with pytest.raises(HostError, match="before it was injected"), injected(harm, machine()):
        raise AssertionError("never reached")
    assert harm.log == []


def test_a_host_that_is_not_disposable_is_left_alone() -> None:
    harm = Harm()
    with pytest.raises(RefusedError), injected(harm, machine(disposable=False)):
        raise AssertionError("never reached")
    assert harm.log == []


def test_every_fault_names_a_check_that_decides_its_task() -> None:
    checks = {check.name: check for check in all_checks()}
    faults = all_faults(LAB)
    assert len({fault.name for fault in faults}) == len(faults) >= 3
    for fault in faults:
        assert fault.task in checks[fault.check].tasks, fault.name


def test_a_run_that_ends_early_has_many_reasons_and_each_fault_names_its_own() -> None:
    early = [fault for fault in all_faults(LAB) if fault.check == "run-complete"]
    assert [fault.name for fault in early if not fault.because] == []
    [reboot] = [fault for fault in early if fault.name == "ctrl-c-in-reboot"]
    assert reboot.because == "interrupted during reboot "


def test_every_check_is_made_to_fail_by_a_fault() -> None:
    failed = {fault.check for fault in all_faults(LAB) if fault.expected is not Verdict.PASS}
    assert {check.name for check in all_checks()} - failed == set()


def test_lost_evidence_alone_is_never_a_fail_and_nothing_is_expected_to_pass_by_default() -> None:
    assert Fault.expected is Verdict.FAIL
    passing = {fault.name for fault in all_faults(LAB) if fault.expected is Verdict.PASS}
    assert passing == {
        "after-boot-timer",
        "incusd-restarted",
        "registry-cuts-layer",
        "registry-log-truncated",
        "registry-slow",
        "ssh-cut",
    }


def test_the_faults_of_the_lab_are_its_own() -> None:
    assert "registry-down" not in {fault.name for fault in all_faults()}
    assert "registry-down" in {fault.name for fault in all_faults(LAB)}


def test_a_prune_has_bitten_when_only_held_images_are_left() -> None:
    [prune] = [fault for fault in all_faults() if fault.name == "prune-af"]

    def bitten(listed: str, used: str, held: str) -> bool:
        executor = FakeExecutor(
            {
                "docker image ls": completed(listed),
                "docker container ls": completed(used),
                "docker container inspect": completed(held),
            }
        )
        return prune.is_present(fake_machine(executor))

    assert bitten("", "", "")
    assert not bitten("sha256:a\n", "", "")
    assert bitten("sha256:a\n", "c1\n", "sha256:a\n")
    assert not bitten("sha256:a\nsha256:b\n", "c1\n", "sha256:a\n")
