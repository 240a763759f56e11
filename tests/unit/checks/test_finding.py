"""A reason is one sentence on one line, whatever it quotes."""

import pytest

from ccci_host.checks.finding import NoEvidenceError, one_sentence


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
        ("It broke at X", "It broke at X.", ()),
    ],
)
def test_one_sentence(reason: str, sentence: str, more: tuple[str, ...]) -> None:
    assert one_sentence(reason) == (sentence, more)


def test_missing_evidence_reads_as_its_reason() -> None:
    missing = NoEvidenceError("Nobody looked.")
    assert str(missing) == missing.reason == "Nobody looked."
    assert missing.todo == "Run the task again; the report says which witness is missing."
    assert NoEvidenceError("Nobody looked.", todo="Look.").todo == "Look."
