"""What Docker Hub makes of an account, asked from the host that pulls with it."""

import re
from dataclasses import dataclass
from importlib import resources
from typing import Any

from ccci_host.errors import CredentialError, HostError
from ccci_host.facts.proxy import going_out
from ccci_host.secret import Secret
from ccci_host.transport.machine import Machine

PROGRAM = going_out((resources.files(__package__) / "hub_remote.py").read_text())

AUTH_URL = "https://auth.docker.io/token"
REGISTRY_URL = "https://registry-1.docker.io"
SERVICE = "registry.docker.io"
PREVIEW = ("ratelimitpreview/test", "latest")
"""The image that Docker's own pages name for reading one's rate limit."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A rate-limit bucket as the registry's headers tell it; None is unknown, never zero."""

    limit: int | None
    remaining: int | None
    window: int | None
    """Seconds."""
    source: str
    """The address or the account id that the bucket belongs to; empty when not told."""
    status: int
    """HTTP status of the `HEAD` that told it; 0 when there was no answer."""


@dataclass(frozen=True, slots=True)
class HubAccount:
    """An account that Docker Hub accepted, or nobody's."""

    bucket: Bucket
    can_push: bool | None
    """Whether its token allows pushing to a repository of the account's; None when that cannot be read."""


def ask_hub(
    machine: Machine, account: str | None, pat: Secret | None, *, timeout: float = 60.0
) -> HubAccount:
    """Ask Docker Hub from `machine` about `account` (None: anonymous), in one round trip.

    Takes at most `timeout` seconds and no quota. Raises `CredentialError` when account and PAT are refused,
    `HostError` when Docker Hub does not answer, which says nothing about the PAT.
    """
    asked = {
        "account": account,
        "pat": None if pat is None else pat.reveal(),
        "auth_url": AUTH_URL,
        "registry_url": REGISTRY_URL,
        "service": SERVICE,
        "repository": PREVIEW[0],
        "tag": PREVIEW[1],
        "push_to": None if account is None else f"{account.lower()}/ccci-host-asks",
    }
    answer = machine.run_python(PROGRAM, asked, timeout=timeout, repeatable=True)
    if answer["outcome"] == "refused":
        who = "anonymous pulls" if account is None else f"the PAT of account {account!r}"
        raise CredentialError(
            f"Docker Hub refuses {who}.",
            details=f"Asked from {machine.name} at {AUTH_URL}.",
            resolution="Make a new PAT with read access at Docker Hub (Account settings, Personal access "
            "tokens), put it where [host.….hub] in ccci.toml says, and check `account`.",
        )
    if answer["outcome"] == "trouble":
        raise HostError(
            f"{machine.name} gets no answer about the account from Docker Hub.",
            details=answer["reason"],
            resolution="That says nothing about the PAT. Check the host's DNS, clock and way out to "
            "auth.docker.io and registry-1.docker.io, then try again.",
        )
    pushes = answer["push_scopes"]
    return HubAccount(
        bucket=read_bucket(answer["limits"]),
        can_push=None if pushes is None else any(scope.endswith(":push") for scope in pushes),
    )


def read_bucket(headers: dict[str, Any]) -> Bucket:
    """A bucket from headers such as `ratelimit-remaining: 187;w=21600`.

    Docker Hub may leave them out, leave the number out, or go below zero.
    """
    limit, window = _number_and_window(headers.get("ratelimit-limit"))
    remaining, _ = _number_and_window(headers.get("ratelimit-remaining"))
    return Bucket(
        limit, remaining, window, headers.get("docker-ratelimit-source") or "", int(headers["status"])
    )


def _number_and_window(header: str | None) -> tuple[int | None, int | None]:
    match = re.fullmatch(r"\s*(-?\d+)?\s*(?:;\s*w=(\d+))?\s*", header or "")
    if match is None:
        return None, None
    number, window = match.groups()
    return (None if number is None else int(number)), (None if window is None else int(window))
