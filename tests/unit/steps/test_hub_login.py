import json
from dataclasses import replace
from typing import Any

import pytest

from ccci_host.errors import CredentialError, HostError
from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.hub_login import HUB_KEY, hub_login, login_entry
from ccci_host.steps.hub_login import STEP
from ccci_host.steps.operations import MergeLogin
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine
from tests.unit.steps.facts_of import LOGIN, NONCE, PAT, facts, wanted

PATH = "/root/.docker/config.json"
FACT = hub_login(PATH, NONCE)


def test_the_right_login_needs_nothing() -> None:
    plan = STEP.plan(facts(), wanted())

    assert (plan.changes, plan.why) == ((), f"{PATH} holds the PAT of me")


@pytest.mark.parametrize(
    ("seen", "what"),
    [
        (Absent(), "there is no such file"),
        (replace(LOGIN, account="", fields={}), "no login for Docker Hub"),
        (replace(LOGIN, account="you"), "the login of you"),
        (replace(LOGIN, fields={"auth": "another"}), "another PAT of me"),
        (replace(LOGIN, helper="pass"), "the credential helper 'pass' comes before the login"),
        (replace(LOGIN, mode=0o644), "mode 0644"),
        (replace(LOGIN, folder_owner="ci"), "belongs to root, not to ci"),
    ],
)
def test_any_other_is_replaced_and_shown_without_the_pat(seen: Any, what: str) -> None:
    (change,) = STEP.plan(facts({FACT: seen}), wanted()).changes

    assert change.operation == MergeLogin(PATH, HUB_KEY, login_entry("me", PAT))
    assert change.what == f"{PATH}: {what}"
    for secret in (PAT, login_entry("me", PAT)):
        assert secret.reveal() not in change.diff + repr(change)


def test_services_that_keep_the_old_login_are_warned_about_where_there_was_one() -> None:
    replaced = STEP.plan(facts({FACT: replace(LOGIN, fields={"auth": "another"})}), wanted())
    first = STEP.plan(facts({FACT: Absent()}), wanted())

    assert "moby#36126" in replaced.warnings[0]
    assert first.warnings == ()


def test_a_file_that_is_no_docker_configuration_is_not_overwritten() -> None:
    with pytest.raises(HostError, match="cannot be read"):
        STEP.plan(facts({FACT: Unreadable("it is no JSON")}), wanted())


def proof(answer: dict[str, Any]) -> tuple[str, ...]:
    assert STEP.prove is not None
    return STEP.prove(fake_machine(FakeExecutor({"python3": completed(json.dumps(answer))})), wanted())


def accepted(*, push: bool = False, remaining: str | None = "187;w=21600") -> dict[str, Any]:
    limits = {"status": 200, "ratelimit-limit": "200;w=21600", "ratelimit-remaining": remaining}
    return {"outcome": "accepted", "push_scopes": ["me/x:push"] if push else [], "limits": limits}


def test_docker_hub_takes_it() -> None:
    assert proof(accepted()) == ()


def test_a_pat_that_can_push_is_warned_about() -> None:
    assert "can push" in proof(accepted(push=True))[0]


@pytest.mark.parametrize(("remaining", "warned"), [("3;w=21600", True), ("-4;w=21600", True), (None, False)])
def test_a_bucket_near_its_end_is_warned_about_and_an_unknown_one_is_not(
    remaining: str | None, warned: bool
) -> None:
    assert bool(proof(accepted(remaining=remaining))) is warned


def test_docker_hub_refuses_it() -> None:
    with pytest.raises(CredentialError):
        proof({"outcome": "refused"})
