"""The login at Docker Hub: what stands in docker's configuration, and what Docker Hub says to it.

The credential is used on the host and is in no record. That it is accepted does not show that pulls carry
it; the registry's log and the buckets do.
"""

import secrets
from typing import Any

from ccci_host.errors import CommandFailedError, HostError
from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.collector import collect
from ccci_host.facts.hub_login import HubLogin, hub_login
from ccci_host.records import CredentialSeen, Moment
from ccci_host.transport.machine import Machine
from ccci_host.witnesses.registries import ask


def look(machine: Machine, moment: Moment, cycle: int = 0) -> CredentialSeen:
    """The entry and its acceptance, in two round trips."""
    hub = machine.config.hub
    seen = CredentialSeen(moment=moment, cycle=cycle, path=hub.docker_config, expected_account=hub.account)
    fact = hub_login(hub.docker_config, secrets.token_hex(16))
    try:
        entry = collect(machine, fact)[fact]
    except (CommandFailedError, HostError) as error:
        return seen.model_copy(update={"problem": str(error)})
    seen = seen.model_copy(update=entry_fields(entry))
    if seen.state != "present":
        return seen
    said = ask(machine, logins=[{"repository": f"{seen.account}/ccci-host-probe"}])
    return seen.model_copy(update=answer_fields(said))


def entry_fields(entry: HubLogin | Absent | Unreadable) -> dict[str, Any]:
    """What the file says, as fields of the record."""
    if isinstance(entry, Unreadable):
        return {"state": "unreadable", "problem": entry.reason}
    if isinstance(entry, Absent) or not (entry.account or entry.helper):
        return {"state": "absent"}
    if entry.helper:
        return {"state": "unreadable", "problem": f"docker asks the credential helper {entry.helper}"}
    return {
        "state": "present",
        "mode": f"{entry.mode:04o}",
        "owner": entry.owner,
        "expected_owner": entry.folder_owner,
        "account": entry.account,
    }


def answer_fields(said: dict[str, Any]) -> dict[str, Any]:
    """What the token service said, as fields of the record."""
    answer = said if "problem" in said else said["logins"][0]
    if answer.get("refused"):
        return {"accepted": False, "answer": answer["problem"]}
    if "problem" in answer:
        return {"problem": answer["problem"]}
    return {"accepted": True, "can_push": "push" in answer["actions"]}
