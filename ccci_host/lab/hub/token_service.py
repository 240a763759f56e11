"""`auth.docker.io`: tokens by `GET` with Basic authentication, and by the OAuth2 `POST` that containerd uses.

A wrong or revoked PAT is refused whatever is asked for, so it breaks public pulls too.
"""

import base64
import binascii
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ccci_host.lab.hub.access_log import Entry
from ccci_host.lab.hub.accounts import AccountBook, Pat
from ccci_host.lab.hub.registries import Registry
from ccci_host.lab.hub.tokens import LIFETIME, Mint, Scope, parse_scopes

RepositoryExists = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a password as the client sent them."""

    account: str
    password: str


@dataclass(frozen=True)
class TokenService:
    """Issues the tokens of one registry. `private` holds the repositories that only their owner may see."""

    registry: Registry
    mint: Mint
    book: AccountBook
    private: frozenset[str]
    exists: RepositoryExists

    async def answer(self, request: Request, entry: Entry, asked: "Asked") -> Response:
        """The token that `asked` deserves, or a refusal."""
        scopes = asked.scopes
        pat = None
        if asked.credentials is not None:
            pat = self._verify(asked.credentials)
            if pat is None:
                return _refused("incorrect username or password")
        if request.method == "POST" and asked.credentials is None:
            return _refused("this grant needs a username and a password", status=400)
        granted = [await self._grant(scope, entry.account, pat) for scope in scopes]
        token = self.mint.issue(
            issuer=self.registry.auth_host,
            service=self.registry.service,
            account=entry.account,
            granted=[scope for scope in granted if scope.actions],
        )
        return JSONResponse(
            {
                "token": token,
                "access_token": token,
                "expires_in": LIFETIME,
                "issued_at": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
                "scope": " ".join(map(str, scopes)),
            }
        )

    def _verify(self, credentials: Credentials) -> Pat | None:
        if not self.registry.metered:
            return None
        return self.book.verify(credentials.account, credentials.password)

    async def _grant(self, scope: Scope, account: str | None, pat: Pat | None) -> Scope:
        """The part of `scope` that is granted: what a client may not know of is as if it did not exist."""
        owns = account is not None and scope.repository.startswith(f"{account}/")
        there = await self.exists(f"{self.registry.name}/{scope.repository}")
        may = set()
        if owns or (there and scope.repository not in self.private):
            may.add("pull")
        if owns and pat is not None and pat.may_push:
            may.add("push")
        return Scope(scope.repository, tuple(action for action in scope.actions if action in may))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request to the token service asks for, by whichever of the two ways."""

    credentials: Credentials | None
    scopes: tuple[Scope, ...]


async def read_asked(request: Request) -> Asked:
    """Take credentials and scopes out of the query and header (`GET`) or the form (`POST`)."""
    if request.method != "POST":
        return Asked(_basic(request.headers.get("authorization", "")), _scopes(request))
    form = await request.form()
    username, password = form.get("username"), form.get("password")
    has_both = isinstance(username, str) and isinstance(password, str)
    scopes = parse_scopes(value for value in form.getlist("scope") if isinstance(value, str))
    return Asked(Credentials(str(username), str(password)) if has_both else None, scopes)


def _scopes(request: Request) -> tuple[Scope, ...]:
    return parse_scopes(request.query_params.getlist("scope"))


def _basic(header: str) -> Credentials | None:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        account, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Credentials("", "")  # refused like any wrong password
    return Credentials(account, password)


def _refused(why: str, status: int = 401) -> Response:
    return JSONResponse({"details": why}, status_code=status)
