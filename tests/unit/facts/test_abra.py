import pytest

from ccci_host.facts.abra import DEPLOY_HELP, VERSION, Abra, parse
from ccci_host.facts.answers import Absent, Answer, Present, Unreadable
from ccci_host.facts.collector import Answers

HELP = b"""Usage:
  abra app deploy <domain> [version] [flags]

Flags:
  -C, --chaos                ignore uncommitted recipes changes
  -c, --no-converge-checks   disable converge logic checks
  -h, --help                 help for deploy

Global Flags:
  -n, --no-input   toggle non-interactive mode
"""


def parsed(version: Answer, help_: Answer) -> Abra | Absent | Unreadable:
    return parse(Answers({VERSION: version, DEPLOY_HELP: help_}))


def test_one_that_knows_what_we_rely_on() -> None:
    found = parsed(Present(b"abra version 0.10.0-beta-6a7bd2d\n"), Present(HELP))
    assert found == Abra("0.10.0-beta-6a7bd2d", ())


def test_flags_that_its_help_does_not_show_are_named() -> None:
    other = HELP.replace(b"-C, --chaos", b"    --chaos").replace(b"-c, ", b"    ")
    found = parsed(Present(b""), Present(other))
    assert found == Abra("unknown", ("-C", "-c")), "--chaos and --no-converge-checks are no -C and -c"


@pytest.mark.parametrize(
    ("version", "help_", "answer"),
    [
        (Absent(), Absent(), Absent()),
        (Unreadable("exit code 1"), Present(HELP), Unreadable("exit code 1")),
        (Present(b"1"), Unreadable("exit code 2"), Unreadable("exit code 2")),
    ],
)
def test_absent_and_unreadable_are_two_answers(version: Answer, help_: Answer, answer: Answer) -> None:
    assert parsed(version, help_) == answer
