"""The folders of dockerd and containerd elsewhere for a while; the host's own settings outlive every cut."""

from contextlib import suppress

import pytest

from ccci_host.faults.data_in_memory import CONTAINERD_SETTINGS, FAULT, SETTINGS, DataInMemory
from tests.fakes import completed
from tests.unit.faults.files import Files
from tests.unit.machines import fake_machine

BOTH = {SETTINGS: b'{"registry-mirrors": []}', CONTAINERD_SETTINGS: b"version = 2\n"}


@pytest.mark.parametrize("before", [BOTH, {SETTINGS: BOTH[SETTINGS]}, {}], ids=["both", "one", "none"])
@pytest.mark.parametrize("cut_at", range(19))
def test_wherever_it_is_cut_off_the_settings_are_those_of_before(
    before: dict[str, bytes], cut_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(before)
    files.executor.script |= {"docker swarm init": completed(), "rm --recursive": completed()}
    machine = fake_machine(files.executor)
    monkeypatch.setattr(machine.instance, "address", lambda: "192.0.2.7", raising=False)
    monkeypatch.setattr(DataInMemory, "_restart", lambda *_, **__: None)
    files.cut_at = cut_at
    with suppress(KeyboardInterrupt):
        FAULT.inject(machine)
    for _ in range(2):  # the first one may be what is cut off
        with suppress(KeyboardInterrupt):
            FAULT.revert(machine)
    assert files.cut_at is None
    assert files.content == before
