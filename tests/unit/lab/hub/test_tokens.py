from pathlib import Path

import jwt

from ccci_host.lab.hub.tokens import LIFETIME, Mint, Scope, parse_scopes

PULL = Scope("library/webfront", ("pull",))


def issue(mint: Mint) -> str:
    return mint.issue(issuer="auth.docker.io", service="registry.docker.io", account="ccci", granted=[PULL])


def test_a_token_carries_its_account_and_exactly_its_rights(tmp_path: Path) -> None:
    mint = Mint(tmp_path / "key")
    bearer = mint.verify(issue(mint), service="registry.docker.io")
    assert bearer is not None
    assert bearer.account == "ccci"
    assert bearer.allows("library/webfront", "pull")
    assert not bearer.allows("library/webfront", "push")
    assert not bearer.allows("library/other", "pull")


def test_a_token_is_refused_once_expired_or_elsewhere_or_forged(tmp_path: Path) -> None:
    now = [1_000_000.0]
    mint = Mint(tmp_path / "key", now=lambda: now[0])
    token = issue(mint)
    assert mint.verify(token, service="ghcr.io") is None
    assert mint.verify(token[:-4] + "AAAA", service="registry.docker.io") is None
    assert mint.verify(issue(Mint(tmp_path / "other")), service="registry.docker.io") is None
    now[0] += LIFETIME
    assert mint.verify(token, service="registry.docker.io") is None


def test_an_unsigned_token_is_refused(tmp_path: Path) -> None:
    mint = Mint(tmp_path / "key")
    claims = jwt.decode(issue(mint), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", algorithm="none")
    assert mint.verify(unsigned, service="registry.docker.io") is None


def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    token = issue(Mint(tmp_path / "key"))
    assert Mint(tmp_path / "key").verify(token, service="registry.docker.io") is not None
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_scopes_come_repeated_or_with_spaces_between() -> None:
    assert parse_scopes(["repository:a/b:pull,push repository:c:pull", "registry:catalog:*", "junk"]) == (
        Scope("a/b", ("pull", "push")),
        Scope("c", ("pull",)),
    )


def test_a_scope_reads_as_it_was_written() -> None:
    assert str(Scope("a/b", ("pull", "push"))) == "repository:a/b:pull,push"
