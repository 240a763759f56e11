import json
from typing import Any

import pytest

from ccci_host.errors import CredentialError, HostError
from ccci_host.facts.hub_account import Bucket, ask_hub, read_bucket
from ccci_host.secret import Secret
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine

PAT = Secret("not-a-real-pat")
LIMITS = {
    "status": 200,
    "ratelimit-limit": "200;w=21600",
    "ratelimit-remaining": "187;w=21600",
    "docker-ratelimit-source": "an-id",
}


def answering(answer: dict[str, Any]) -> FakeExecutor:
    return FakeExecutor({"python3": completed(json.dumps(answer))})


@pytest.mark.parametrize(
    ("limit", "remaining", "bucket"),
    [
        ("200;w=21600", "187;w=21600", Bucket(200, 187, 21600, "", 200)),
        (";w=21600", ";w=21600", Bucket(None, None, 21600, "", 200)),
        ("200;w=21600", "-472;w=21600", Bucket(200, -472, 21600, "", 200)),
        (None, None, Bucket(None, None, None, "", 200)),
        ("many", "few", Bucket(None, None, None, "", 200)),
    ],
)
def test_headers_may_be_absent_empty_or_negative(
    limit: str | None, remaining: str | None, bucket: Bucket
) -> None:
    assert read_bucket({"status": 200, "ratelimit-limit": limit, "ratelimit-remaining": remaining}) == bucket


def test_an_accepted_account_has_its_bucket_and_its_power() -> None:
    executor = answering({"outcome": "accepted", "push_scopes": ["me/x:pull", "me/x:push"], "limits": LIMITS})

    account = ask_hub(fake_machine(executor), "me", PAT)

    assert account.bucket == Bucket(200, 187, 21600, "an-id", 200)
    assert account.can_push is True


def test_what_a_token_may_do_can_be_unknown() -> None:
    executor = answering({"outcome": "accepted", "push_scopes": None, "limits": LIMITS})

    assert ask_hub(fake_machine(executor), "me", PAT).can_push is None


def test_the_pat_travels_on_standard_input_alone() -> None:
    executor = answering({"outcome": "accepted", "push_scopes": [], "limits": LIMITS})

    ask_hub(fake_machine(executor), "me", PAT)

    ((argv, given),) = executor.runs
    assert PAT.reveal() not in " ".join(argv)
    assert PAT.reveal().encode() in given


def test_a_refused_pat_is_a_credential_error_that_does_not_hold_it() -> None:
    with pytest.raises(CredentialError) as caught:
        ask_hub(fake_machine(answering({"outcome": "refused"})), "me", PAT)

    assert caught.value.brief == "Docker Hub refuses the PAT of account 'me'."
    assert PAT.reveal() not in str(caught.value)


def test_no_answer_says_nothing_about_the_pat() -> None:
    executor = answering({"outcome": "trouble", "reason": "auth.docker.io: Name or service not known"})

    with pytest.raises(HostError) as caught:
        ask_hub(fake_machine(executor), "me", PAT)

    assert "Name or service not known" in caught.value.details
    assert "nothing about the PAT" in caught.value.resolution
