"""The deploying user's docker configuration holds the account and the PAT, and Docker Hub takes them."""

from ccci_host.errors import HostError
from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.collector import Facts
from ccci_host.facts.hub_account import ask_hub
from ccci_host.facts.hub_login import HUB_KEY, HubLogin, hub_login, login_entry
from ccci_host.steps.operations import MergeLogin
from ccci_host.steps.step import Change, Plan, Step, Wanted, text_diff
from ccci_host.transport.machine import Machine

FILE_MODE = 0o600
_FROZEN = (
    "Services that are deployed already keep the login of their deploy (moby#36126): deploy them again, or "
    "their next pull is made with the old one."
)
FEW = 20
"""Requests left in a bucket below which a deploy of a large recipe may be refused."""


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """The login set, all else in the file kept; raises `HostError` when that is no docker configuration."""
    hub = wanted.config.hub
    path = hub.docker_config
    seen = facts[hub_login(path, wanted.nonce)]
    if isinstance(seen, Unreadable):
        raise HostError(
            f"The docker configuration on {wanted.host} cannot be read.",
            details=seen.reason,
            resolution=f"Mend or remove {path} on the host; it may hold other logins, so it stays.",
        )
    problem = "there is no such file" if isinstance(seen, Absent) else _difference(seen, wanted)
    if not problem:
        return Plan(f"{path} holds the PAT of {hub.account}")
    operation = MergeLogin(path, HUB_KEY, login_entry(hub.account, wanted.pat))
    diff = text_diff(f"{path}, {HUB_KEY}", problem, f"login of {hub.account}")
    return Plan(
        f"{path}: {problem}",
        (Change(operation, f"{path}: {problem}", diff),),
        warnings=() if isinstance(seen, Absent) or not seen.account else (_FROZEN,),
    )


def _difference(seen: HubLogin, wanted: Wanted) -> str:
    account = wanted.config.hub.account
    if not seen.account:
        return "no login for Docker Hub"
    if seen.account != account:
        return f"the login of {seen.account}"
    if seen.helper:
        return f"the credential helper {seen.helper!r} comes before the login"
    if not seen.is_for(account, wanted.pat, wanted.nonce):
        return f"another PAT of {account}"
    if seen.mode != FILE_MODE:
        return f"mode {seen.mode:04o}"
    return "" if seen.owner == seen.folder_owner else f"belongs to {seen.owner}, not to {seen.folder_owner}"


def prove(machine: Machine, wanted: Wanted) -> tuple[str, ...]:
    """Ask Docker Hub, from the host, to take account and PAT; raises `CredentialError` when it does not."""
    hub = wanted.config.hub
    account = ask_hub(machine, hub.account, wanted.pat)
    warnings = []
    if account.can_push:
        warnings.append(
            f"The PAT of {hub.account} can push: whoever reads it on the host can replace your images. Make "
            "one with read access only."
        )
    left = account.bucket.remaining
    if left is not None and left < FEW:
        warnings.append(f"{hub.account} has {left} pulls left in its window at Docker Hub.")
    return tuple(warnings)


STEP = Step(
    "hub-login",
    after=("ssh",),
    facts=lambda wanted: (hub_login(wanted.config.hub.docker_config, wanted.nonce),),
    plan=plan,
    prove=prove,
)
