"""A reason is one sentence on one line, whatever it quotes."""

import pytest

from ccci_host.checks.finding import one_sentence


@pytest.mark.parametrize(
    ("reason", "sentence", "more"),
    [
        ("All is well.", "All is well.", ()),
        ("All is well", "All is well.", ()),
        ("It broke: no such file..", "It broke: no such file.", ()),
        ("It broke (no such file.).", "It broke (no such file).", ()),
        ("It broke (f() failed)", "It broke (f() failed).", ()),
        ("It broke (exit code 1.\nstderr: a\n\n  b).", "It broke (exit code 1).", ("stderr: a", "b).")),
        ("", "No reason was given.", ()),
    ],
)
def test_one_sentence(reason: str, sentence: str, more: tuple[str, ...]) -> None:
    assert one_sentence(reason) == (sentence, more)
