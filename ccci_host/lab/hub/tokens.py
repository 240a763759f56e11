"""Bearer tokens, as Docker Hub's token service issues them: RS256 JWTs that say who may do what where."""

import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ccci_host.lab.hub.certificates import write_atomically

LIFETIME = 300
"""Seconds that a token counts; Docker Hub's figure."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a client asks for: `repository:NAME:ACTION[,ACTION…]`."""

    repository: str
    actions: tuple[str, ...]

    def __str__(self) -> str:
        return f"repository:{self.repository}:{','.join(self.actions)}"


@dataclass(frozen=True, slots=True)
class Bearer:
    """A verified token: the account it was issued to (None: anonymous) and its rights."""

    account: str | None
    access: dict[str, frozenset[str]]

    def allows(self, repository: str, action: str) -> bool:
        """Whether it carries the right to `action` (`pull`, `push`) in `repository`."""
        return action in self.access.get(repository, frozenset())


def parse_scopes(values: Iterable[str]) -> tuple[Scope, ...]:
    """The repository scopes in `values`, each of which may hold several, with spaces between."""
    scopes = []
    for text in " ".join(values).split():
        kind, _, rest = text.partition(":")
        repository, _, actions = rest.rpartition(":")
        if kind == "repository" and repository:
            scopes.append(Scope(repository, tuple(actions.split(","))))
    return tuple(scopes)


class Mint:
    """Issues and verifies tokens with one RSA key, kept in a file so that tokens outlive a restart."""

    def __init__(self, key_file: Path, *, now: Callable[[], float] = time.time) -> None:
        self._now = now
        if not key_file.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write_atomically(key_file, pem, 0o600)
        loaded = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        assert isinstance(loaded, rsa.RSAPrivateKey)  # noqa: S101 - we made it
        self._key = loaded

    def issue(self, *, issuer: str, service: str, account: str | None, granted: Iterable[Scope]) -> str:
        """A token for `service` with exactly the rights in `granted`."""
        now = int(self._now())
        claims = {
            "iss": issuer,
            "aud": service,
            "sub": account or "",
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME,
            "jti": str(uuid.uuid4()),
            "access": [
                {"type": "repository", "name": scope.repository, "actions": list(scope.actions)}
                for scope in granted
            ],
        }
        return jwt.encode(claims, self._key, algorithm="RS256")

    def verify(self, token: str, *, service: str) -> Bearer | None:
        """The rights in `token`, or None when it is forged, expired or meant for another service."""
        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                algorithms=["RS256"],
                audience=service,
                options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.PyJWTError:
            return None
        if claims["exp"] <= self._now():
            return None
        access = {entry["name"]: frozenset(entry["actions"]) for entry in claims["access"]}
        return Bearer(claims["sub"] or None, access)
