from pathlib import Path

import pytest

from ccci_host.config import PatTable
from ccci_host.errors import ConfigError
from ccci_host.pat import MORE, read_pat
from ccci_host.secret import Secret

PAT = Secret("not-a-real-pat")


def shell(program: str) -> PatTable:
    return PatTable(command=("sh", "-c", program))


def refused(table: PatTable) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read_pat(table)
    return caught.value


def test_it_comes_from_a_file_without_the_white_space_around_it(tmp_path: Path) -> None:
    path = tmp_path / "pat"
    path.write_text("  not-a-real-pat\n")
    path.chmod(0o600)

    pat = read_pat(PatTable(file=path))

    assert (pat.secret, pat.warning) == (PAT, "")
    assert PAT.reveal() not in repr(pat)


def test_a_file_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    path = tmp_path / "pat"
    path.write_text("not-a-real-pat")
    path.chmod(0o644)

    assert (
        read_pat(PatTable(file=path)).warning
        == f"{path} is open to other users (mode 0644): `chmod 600 {path}`."
    )


def test_it_comes_from_a_command_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CCCI_TEST_PAT", "not-a-real-pat")

    assert read_pat(shell("echo not-a-real-pat")).secret == PAT
    assert read_pat(PatTable(env="CCCI_TEST_PAT")).secret == PAT


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    error = refused(PatTable(file=tmp_path / "none"))

    assert error.brief == f"The PAT cannot be had from the file {tmp_path / 'none'}."
    assert error.details == "No such file or directory"


def test_an_unset_variable_is_named() -> None:
    assert refused(PatTable(env="CCCI_TEST_UNSET")).details == "It is not set."


def test_a_failing_command_shows_what_it_complained_of_and_not_what_it_printed() -> None:
    error = refused(shell("echo not-a-real-pat; echo locked >&2; exit 1"))

    assert error.details == "It ended with exit code 1. locked"
    assert PAT.reveal() not in str(error)


def test_an_unknown_command_is_named() -> None:
    assert "`no-such-command`" in refused(PatTable(command=("no-such-command",))).brief


@pytest.mark.parametrize(
    ("program", "details"),
    [("echo", "It gave nothing."), ("echo not-a-real-pat; echo login: me", MORE)],
)
def test_it_is_one_word(program: str, details: str) -> None:
    error = refused(shell(program))

    assert error.details == details
    assert PAT.reveal() not in str(error)
