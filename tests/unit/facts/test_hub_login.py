import json
from pathlib import Path
from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.collector import PROGRAM, Answers
from ccci_host.facts.hub_login import HUB_KEY, HubLogin, hub_login, login_entry
from ccci_host.secret import Secret
from tests.unit.programs import OURS, run

PAT = Secret("not-a-real-pat")


def seen(tmp_path: Path, config: Any) -> HubLogin:
    """What the fact says of a file that holds `config`, through the real host program."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config))
    fact = hub_login(str(path), "nonce")
    (value,) = run(OURS, PROGRAM, {"probes": [fact.probes[0].wire()]})
    login = fact.parse(Answers({fact.probes[0]: fact.probes[0].read(value)}))
    assert isinstance(login, HubLogin)
    return login


def entry(account: str = "me", pat: Secret = PAT) -> dict[str, str]:
    return {"auth": login_entry(account, pat).reveal()}


def test_the_right_login_is_recognised_and_never_carried(tmp_path: Path) -> None:
    login = seen(tmp_path, {"auths": {HUB_KEY: entry(), "ghcr.io": entry("else")}})

    assert login.is_for("me", PAT, "nonce")
    assert (login.account, login.others) == ("me", ("ghcr.io",))
    assert PAT.reveal() not in repr(login)
    assert entry()["auth"] not in repr(login)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"auths": {}},
        {"auths": {HUB_KEY: entry("other")}},
        {"auths": {HUB_KEY: entry(pat=Secret("revoked"))}},
        {"auths": {HUB_KEY: {**entry(), "identitytoken": "x"}}},
        {"auths": {"docker.io": entry()}},
        {"auths": {HUB_KEY: entry()}, "credsStore": "pass"},
        {"auths": {HUB_KEY: entry()}, "credHelpers": {HUB_KEY: "pass"}},
    ],
)
def test_any_other_is_not(tmp_path: Path, config: Any) -> None:
    assert not seen(tmp_path, config).is_for("me", PAT, "nonce")


def test_a_helper_that_was_set_aside_for_docker_hub_is_in_nobodys_way(tmp_path: Path) -> None:
    config = {"auths": {HUB_KEY: entry()}, "credsStore": "pass", "credHelpers": {HUB_KEY: ""}}

    assert seen(tmp_path, config).is_for("me", PAT, "nonce")


@pytest.mark.parametrize("answer", [Absent(), Unreadable("it is no JSON")])
def test_no_file_and_a_broken_one_are_two_answers(answer: Absent | Unreadable) -> None:
    fact = hub_login("/root/.docker/config.json", "nonce")

    assert fact.parse(Answers({fact.probes[0]: answer})) == answer
