from pathlib import Path

import pytest

from ccci_host.errors import UsageError
from ccci_host.lab.hub.accounts import ACCOUNT, READ_ONLY, READ_WRITE, REVOKED, STRANGER, AccountBook


def make(folder: Path) -> AccountBook:
    return AccountBook.ensure(folder / "accounts.json", folder / "pats")


def pat(book: AccountBook, name: str, account: str = ACCOUNT) -> str:
    return book.accounts[account].pats[name].token.reveal()


def test_the_pats_are_accepted_as_what_they_are(tmp_path: Path) -> None:
    book = make(tmp_path)
    read_only = book.verify(ACCOUNT, pat(book, READ_ONLY))
    assert read_only is not None
    assert not read_only.may_push
    read_write = book.verify(ACCOUNT, pat(book, READ_WRITE))
    assert read_write is not None
    assert read_write.may_push


def test_a_revoked_pat_a_wrong_one_and_anothers_are_refused(tmp_path: Path) -> None:
    book = make(tmp_path)
    assert book.verify(ACCOUNT, pat(book, REVOKED)) is None
    assert book.verify(ACCOUNT, "wrong") is None
    assert book.verify(ACCOUNT, "") is None
    assert book.verify(ACCOUNT, pat(book, READ_ONLY, STRANGER)) is None
    assert book.verify("nobody", pat(book, READ_ONLY)) is None


def test_revoking_and_restoring_survives_in_the_file(tmp_path: Path) -> None:
    book = make(tmp_path)
    book.set_revoked(ACCOUNT, READ_ONLY, True)
    assert make(tmp_path).verify(ACCOUNT, pat(book, READ_ONLY)) is None
    book.set_revoked(ACCOUNT, READ_ONLY, False)
    assert make(tmp_path).verify(ACCOUNT, pat(book, READ_ONLY)) is not None


def test_rotating_refuses_the_old_value_and_writes_the_new_one(tmp_path: Path) -> None:
    book = make(tmp_path)
    old = pat(book, READ_ONLY)
    book.rotate(ACCOUNT, READ_ONLY)
    assert book.verify(ACCOUNT, old) is None
    assert book.pat_file(ACCOUNT, READ_ONLY).read_text().strip() == pat(book, READ_ONLY) != old


def test_every_file_with_a_pat_is_its_owners_alone(tmp_path: Path) -> None:
    book = make(tmp_path)
    files = [tmp_path / "accounts.json", *(tmp_path / "pats").iterdir()]
    assert len(files) == 1 + sum(len(account.pats) for account in book.accounts.values())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "pats").stat().st_mode & 0o777 == 0o700


def test_a_pat_shows_itself_to_nobody_by_accident(tmp_path: Path) -> None:
    book = make(tmp_path)
    assert pat(book, READ_ONLY) not in repr(book.accounts)


def test_an_unknown_pat_is_an_error_that_lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no PAT ccci/golden; there are ccci/read-only, .*"):
        make(tmp_path).set_revoked(ACCOUNT, "golden", True)
