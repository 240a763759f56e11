"""The login at Docker Hub: what stands there, and what Docker Hub says; never the credential."""

from typing import Any

import pytest

from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.hub_login import HubLogin
from ccci_host.witnesses.credential import answer_fields, entry_fields


def login(**fields: Any) -> HubLogin:
    usual = {
        "mode": 0o600,
        "owner": "root",
        "folder_owner": "root",
        "account": "me",
        "fields": {"auth": "veiled"},
        "helper": "",
        "others": (),
    }
    return HubLogin(**{**usual, **fields})


def test_an_entry_is_told_with_its_mode_its_account_and_whose_it_is_to_be() -> None:
    assert entry_fields(login(folder_owner="bot")) == {
        "state": "present",
        "mode": "0600",
        "owner": "root",
        "expected_owner": "bot",
        "account": "me",
    }
    assert entry_fields(login(mode=0o644))["mode"] == "0644"


@pytest.mark.parametrize("entry", [Absent(), login(account="")])
def test_no_file_and_no_entry_are_absent(entry: HubLogin | Absent) -> None:
    assert entry_fields(entry) == {"state": "absent"}


def test_unreadable_is_not_absent() -> None:
    assert entry_fields(Unreadable("denied")) == {"state": "unreadable", "problem": "denied"}


def test_a_helper_keeps_the_login_where_it_cannot_be_seen() -> None:
    assert entry_fields(login(account="", helper="pass"))["state"] == "unreadable"


def test_docker_hub_accepts_or_refuses_or_does_not_answer() -> None:
    accepted = {"logins": [{"account": "me", "actions": ["pull"]}]}
    assert answer_fields(accepted) == {"accepted": True, "can_push": False}
    assert answer_fields({"logins": [{"account": "me", "actions": ["pull", "push"]}]})["can_push"] is True
    refused = {"logins": [{"problem": "401: incorrect username or password", "refused": True}]}
    assert answer_fields(refused) == {"accepted": False, "answer": "401: incorrect username or password"}
    for silent in ({"problem": "no python"}, {"logins": [{"problem": "timed out"}]}):
        assert "accepted" not in answer_fields(silent)
        assert answer_fields(silent)["problem"]
