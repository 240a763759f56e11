"""The stranger's stack goes whole, whenever somebody wishes to stop."""

import signal
from collections.abc import Iterator

import pytest

from ccci_host.faults import stranger as strangers
from ccci_host.faults.stranger import IMAGE, STACK, Stranger
from ccci_host.records import StrangersSeen
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.histories import strangers as looked
from tests.unit.machines import fake_machine


class Host:
    """Runs a stack, and keeps an image."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there: set[str] = set()
        self.stop_in = ""
        monkeypatch.setattr(strangers, "make_image", lambda machine, name: self._add(name))
        monkeypatch.setattr(strangers, "teardown", lambda machine, stack: self._remove(stack))
        self.executor = FakeExecutor(
            {
                "docker stack deploy": lambda argv, _: completed(self._add(argv[-1])),
                "docker service ls": lambda *_: self._running(),
                "docker image inspect": completed("sha256:a"),
                "docker image rm": lambda argv, _: completed(self._remove(argv[-1])),
            }
        )

    def _add(self, name: str) -> str:
        self.there.add(name)
        return "sha256:a"

    def _remove(self, name: str) -> str:
        if self.stop_in == "teardown":
            self.stop_in = ""
            signal.raise_signal(signal.SIGINT)
        self.there.remove(name)
        return name

    def _running(self) -> Completed:
        if self.stop_in == "start":
            signal.raise_signal(signal.SIGINT)
        return completed("1/1")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield Host(monkeypatch)
    signal.signal(signal.SIGINT, before)


def test_it_is_there_within_and_gone_after(host: Host) -> None:
    with Stranger(fake_machine(host.executor)):
        assert host.there == {STACK, IMAGE}
    assert host.there == set()


@pytest.mark.parametrize("moment", ["start", "teardown"])
def test_a_wish_to_stop_leaves_nothing_of_it(moment: str, host: Host) -> None:
    host.stop_in = moment
    with pytest.raises(KeyboardInterrupt), Stranger(fake_machine(host.executor)):
        pass
    assert host.there == set()


@pytest.mark.parametrize("renewed", [True, False])
def test_a_service_differs_by_its_spec_and_not_by_its_version(
    renewed: bool, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(spec: str, version: int) -> StrangersSeen:
        of = looked("end")
        states = (of.states[0].model_copy(update={"spec": spec}),)
        return of.model_copy(update={"services": (("wiki_app", version),), "states": states})

    def differences(now: StrangersSeen) -> list[str]:
        monkeypatch.setattr(Stranger, "look", lambda _: now)
        return stranger.differences(seen("1a", 17), renewed=renewed)

    with Stranger(fake_machine(host.executor)) as stranger:
        assert differences(seen("1a", 18)) == []
        [told] = differences(seen("2b", 17))
    assert told == "the stranger's services had the specs {'wiki_app': '1a'} and have {'wiki_app': '2b'}"
