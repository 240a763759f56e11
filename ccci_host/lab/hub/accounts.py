"""Docker Hub accounts of the stand-in and their personal access tokens (PATs).

They live in one file of mode 0600; each PAT also has a file of its own, which a `ccci.toml` can name.
"""

import json
import secrets
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccci_host.errors import UsageError
from ccci_host.lab.hub.certificates import write_atomically
from ccci_host.secret import Secret

ACCOUNT = "ccci"
"""The account that the lab's hosts pull with. The private repositories are in its namespace."""
READ_ONLY = "read-only"
READ_WRITE = "read-write"
"""The PAT that is more powerful than a CI host needs: it can push."""
REVOKED = "revoked"
STRANGER = "stranger"
"""Another account, to whom `ACCOUNT`'s private repositories do not exist."""


@dataclass(slots=True)
class Pat:
    """A personal access token: what it may do, and whether it still counts."""

    token: Secret
    may_push: bool = False
    revoked: bool = False


@dataclass(slots=True)
class Account:
    """An account: the identifier that Docker Hub shows in `docker-ratelimit-source`, and its PATs by name."""

    name: str
    id: str
    pats: dict[str, Pat] = field(default_factory=dict)


class AccountBook:
    """Every account, kept in a file of mode 0600. Once the hub's process runs, only that writes it."""

    def __init__(self, file: Path, pat_folder: Path) -> None:
        self._file = file
        self._pat_folder = pat_folder
        self.accounts: dict[str, Account] = {}

    @classmethod
    def ensure(cls, file: Path, pat_folder: Path) -> "AccountBook":
        """The book in `file`, made with the lab's accounts when there is none."""
        book = cls(file, pat_folder)
        if file.exists():
            book._read()
        else:
            book._make()
        return book

    def pat_file(self, account: str, pat: str) -> Path:
        """The file, of mode 0600, that holds one PAT and nothing else."""
        return self._pat_folder / f"{account}.{pat}"

    def verify(self, account: str, password: str) -> Pat | None:
        """The PAT that `password` is, or None when this account has no such PAT or it was revoked."""
        known = self.accounts.get(account)
        for pat in known.pats.values() if known else ():
            if secrets.compare_digest(pat.token.reveal().encode(), password.encode()):
                return None if pat.revoked else pat
        return None

    def set_revoked(self, account: str, pat: str, revoked: bool) -> None:
        """Revoke a PAT, or let it count again. Tokens issued for it live on for minutes, as at the Hub."""
        self._pat(account, pat).revoked = revoked
        self.write()

    def rotate(self, account: str, pat: str) -> None:
        """Give a PAT a new value; the old one is refused from now on."""
        self._pat(account, pat).token = _new_token()
        self.write()

    def mend(self) -> None:
        """Accept every PAT again, the one apart that is there to be refused."""
        for account in self.accounts.values():
            for name, pat in account.pats.items():
                pat.revoked = name == REVOKED
        self.write()

    def write(self) -> None:
        """Save the book and the files of its PATs."""
        self._pat_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for account in self.accounts.values():
            for name, pat in account.pats.items():
                write_atomically(
                    self.pat_file(account.name, name), (pat.token.reveal() + "\n").encode(), 0o600
                )
        write_atomically(self._file, json.dumps(self._as_json(), indent=1).encode(), 0o600)

    def _make(self) -> None:
        self.accounts = {
            ACCOUNT: Account(
                ACCOUNT,
                str(uuid.uuid4()),
                {
                    READ_ONLY: Pat(_new_token()),
                    READ_WRITE: Pat(_new_token(), may_push=True),
                    REVOKED: Pat(_new_token(), revoked=True),
                },
            ),
            STRANGER: Account(STRANGER, str(uuid.uuid4()), {READ_ONLY: Pat(_new_token())}),
        }
        self.write()

    def _read(self) -> None:
        self.accounts = {
            name: Account(
                name,
                raw["id"],
                {
                    pat: Pat(Secret(value["token"]), value["may_push"], value["revoked"])
                    for pat, value in raw["pats"].items()
                },
            )
            for name, raw in json.loads(self._file.read_text()).items()
        }

    def _as_json(self) -> dict[str, Any]:
        return {
            account.name: {
                "id": account.id,
                "pats": {
                    name: {"token": pat.token.reveal(), "may_push": pat.may_push, "revoked": pat.revoked}
                    for name, pat in account.pats.items()
                },
            }
            for account in self.accounts.values()
        }

    def _pat(self, account: str, pat: str) -> Pat:
        try:
            return self.accounts[account].pats[pat]
        except KeyError:
            known = ", ".join(f"{a.name}/{p}" for a in self.accounts.values() for p in a.pats)
            raise UsageError(f"There is no PAT {account}/{pat}; there are {known}.") from None


def _new_token() -> Secret:
    # The prefix is Docker Hub's, so that scanners which know it find a leaked one.
    return Secret("dckr_pat_" + secrets.token_urlsafe(20))
