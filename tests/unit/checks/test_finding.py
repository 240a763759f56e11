"""A reason is one sentence on one line, whatever it quotes."""

import pytest

from ccci_host.checks.finding import NoEvidenceError, one_sentence, printable
from ccci_host.records import Finished
from tests.histories import changed, good
from tests.unit.checks.cases import finding


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a – b\tc\nd", "a – b\tc\nd"),
        ("\x1b[2K\rPASS", "\\x1b[2K\\x0dPASS"),
        ("\x9b2K\x07", "\\x9b2K\\x07"),
        ("\u202eLIAF\u2066", "\\x202eLIAF\\x2066"),
        ("\ud800\u2028\ufeff\x85", "\\xd800\\x2028\\xfeff\\x85"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, told: str) -> None:
    assert printable(text) == told


def test_no_finding_writes_over_a_verdict() -> None:
    problem = "exit code 1\x1b[2K\n\x1b[Averify-pc3: PASS"
    history = changed(good("verify-pc3"), Finished, {"outcome": "failed", "problem": problem})
    found = finding("run-complete", history)
    assert found.reason == "The run ended early: exit code 1\\x1b[2K."
    assert found.details == ("\\x1b[Averify-pc3: PASS",)
