"""The deploying user's login at Docker Hub, as docker's `config.json` holds it; never the PAT itself."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import RegistryLogins
from ccci_host.secret import Secret

HUB_KEY = "https://index.docker.io/v1/"
"""The key under which docker keeps a Docker Hub login, whatever names the registry has otherwise."""


@dataclass(frozen=True, slots=True)
class HubLogin:
    """What stands in `config.json` about Docker Hub."""

    mode: int
    owner: str
    folder_owner: str
    """Who the folder belongs to: the user that deploys, and that has to read the file."""
    account: str
    """Empty when there is no login for Docker Hub."""
    fields: Mapping[str, str]
    """The login's fields, each value replaced by its HMAC."""
    helper: str
    """A credential helper that docker would ask instead of this file; empty when none."""
    others: tuple[str, ...]
    """Other registries with a login, which stays as it is."""

    def is_for(self, account: str, pat: Secret, nonce: str) -> bool:
        """Whether the login is exactly that of `account` with `pat`, and nothing comes before it."""
        return self.fields == {"auth": veiled(nonce, login_entry(account, pat))} and not self.helper


def hub_login(path: str, nonce: str) -> Fact[HubLogin | Absent | Unreadable]:
    """The fact for the configuration file at `path`; `nonce` keys the comparison and is used once."""
    probe = RegistryLogins(path, nonce)

    def parse(answers: Answers) -> HubLogin | Absent | Unreadable:
        answer = answers[probe]
        if not isinstance(answer, Present):
            return answer
        seen = json.loads(answer.content)
        entry = seen["logins"].get(HUB_KEY, {"account": "", "fields": {}})
        return HubLogin(
            mode=answer.mode,
            owner=answer.owner,
            folder_owner=seen["folder_owner"],
            account=entry["account"],
            fields=entry["fields"],
            helper=seen["credHelpers"].get(HUB_KEY, seen["credsStore"]),
            others=tuple(sorted(set(seen["logins"]) - {HUB_KEY})),
        )

    return Fact("hub_login", (probe,), parse)


def login_entry(account: str, pat: Secret) -> Secret:
    """The `auth` field of a login: base64 of account and PAT, and so as secret as these."""
    return Secret(base64.b64encode(f"{account}:{pat.reveal()}".encode()).decode())


def veiled(nonce: str, secret: Secret) -> str:
    """What `RegistryLogins` answers in place of `secret`."""
    return hmac.new(nonce.encode(), secret.reveal().encode(), hashlib.sha256).hexdigest()
