from pathlib import Path

import pytest

from ccci_host.errors import UsageError
from ccci_host.lab.hub.settings import Settings
from ccci_host.lab.hub.state import PRIVATE_REPOSITORY, LiveState


def test_an_address_may_have_a_port() -> None:
    settings = Settings(listen=("10.77.0.1", "127.0.0.1:8443"))
    assert settings.endpoints == (("10.77.0.1", 443), ("127.0.0.1", 8443))


@pytest.mark.parametrize("text", ["", ":443", "10.0.0.1:", "10.0.0.1:https"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        _ = Settings(listen=(text,)).endpoints


def test_the_fingerprint_follows_the_settings() -> None:
    one = Settings(listen=("10.77.0.1",))
    assert one.fingerprint() == Settings(listen=("10.77.0.1",)).fingerprint()
    assert one.fingerprint() != Settings(listen=("10.77.0.1", "10.78.0.1")).fingerprint()


def test_the_live_state_survives_a_restart(tmp_path: Path) -> None:
    state = LiveState.load(tmp_path / "live.json")
    assert state.private == {PRIVATE_REPOSITORY}
    state.budget.header_mode = "empty"
    state.save()
    assert LiveState.load(tmp_path / "live.json").budget.header_mode == "empty"
