"""An error says what happened, what was seen and what to do; its text is pinned here."""

import pytest

from ccci_host import errors
from ccci_host.errors import CcciError, CommandFailedError, summarise, tail


def test_an_error_reads_as_three_lines() -> None:
    error = CcciError("It broke.", details="In two.", resolution="Glue it.")
    assert str(error) == "It broke.\nIn two.\nGlue it."
    assert error.args == ("It broke.",)


def test_parts_that_are_empty_take_no_line() -> None:
    assert str(CcciError("It broke.")) == "It broke."
    assert str(CcciError("It broke.", resolution="Glue it.")) == "It broke.\nGlue it."


def test_every_error_of_ours_can_be_caught_as_one() -> None:
    ours = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(ours) > 10
    assert all(issubclass(each, CcciError) for each in ours)


def test_a_failed_command_shows_argv_exit_code_and_streams() -> None:
    error = CommandFailedError(
        ["docker", "stack", "deploy"],
        1,
        b"Creating a\n",
        b"no such image\n",
        where="the host",
        resolution="Pull it.",
    )
    assert str(error) == (
        "`docker stack deploy` on the host ended with exit code 1.\n"
        "stderr: no such image\n"
        "stdout: Creating a\n"
        "Pull it."
    )


def test_a_failed_command_leaves_out_streams_that_said_nothing() -> None:
    assert str(CommandFailedError(["x"], 2, b"", b" \n", where="h")) == "`x` on h ended with exit code 2."


def test_an_argv_is_summarised_on_one_line() -> None:
    assert summarise(["python3", "-c", "a\nb"]) == "python3 -c a⏎b"
    assert summarise(["x" * 200], limit=10) == "xxxxxxxxx…"
    assert len(summarise(["word"] * 100)) == 120


@pytest.mark.parametrize(
    ("stream", "text"), [(b"  a \n", "a"), (b"\xff", "�"), (b"", ""), (b"x" * 9 + b"end", "…xxend")]
)
def test_a_stream_is_shown_from_its_end(stream: bytes, text: str) -> None:
    assert tail(stream, limit=5 if len(stream) > 5 else 100) == text
