"""A program that is run on the host answers in JSON, or says clearly why not."""

import json

import pytest

from ccci_host.errors import CcciError, CommandFailedError, HostError, UnansweredError, UnreachableError
from ccci_host.transport.executor import Completed, run_python, run_repeatable
from tests.fakes import FakeExecutor, completed


def test_its_payload_travels_as_input_and_its_answer_comes_back() -> None:
    def answer(argv: tuple[str, ...], content: bytes) -> Completed:
        return completed(json.dumps({"got": json.loads(content)}), argv=argv)

    host = FakeExecutor({"python3 -I -c PROGRAM": answer})
    assert run_python(host, "PROGRAM", {"pat": "secret"}) == {"got": {"pat": "secret"}}
    ((argv, _),) = host.runs
    assert "secret" not in " ".join(argv)


def test_a_host_without_python_is_told_what_to_install() -> None:
    host = FakeExecutor({"python3": completed(stderr="python3: not found", exit_code=127)})
    with pytest.raises(HostError, match="the fake host has no python3") as caught:
        run_python(host, "PROGRAM", None)
    assert "apt-get install python3" in caught.value.resolution


def test_a_program_that_fails_shows_its_last_words() -> None:
    host = FakeExecutor({"python3": completed(stderr="Traceback\nOSError: no such", exit_code=1)})
    with pytest.raises(CommandFailedError, match="OSError: no such"):
        run_python(host, "PROGRAM", None)


def test_an_answer_that_is_no_json_is_an_error() -> None:
    with pytest.raises(HostError, match="an answer that is no JSON"):
        run_python(FakeExecutor({"python3": completed("hello")}), "PROGRAM", None)


def test_completed_gives_itself_when_all_went_well() -> None:
    done = completed("  text\n")
    assert done.check() is done
    assert done.text == "text"


def test_completed_raises_with_what_to_do_when_it_did_not() -> None:
    with pytest.raises(CommandFailedError, match="on the fake host ended with exit code 4") as caught:
        completed(exit_code=4, argv=["x"]).check("Try again.")
    assert caught.value.resolution == "Try again."


def lost_at_first(lost: CcciError) -> FakeExecutor:
    left = [lost]

    def answer(argv: tuple[str, ...], sent: bytes) -> Completed:
        if left:
            raise left.pop()
        return completed("7")

    return FakeExecutor({"python3": answer})


def test_what_may_be_repeated_is_run_again_when_nobody_knows_how_it_ended() -> None:
    host = lost_at_first(UnansweredError("It may have run."))
    assert run_python(host, "PROGRAM", None, repeatable=True) == 7
    assert len(host.runs) == 2


def test_a_command_that_may_be_repeated_gets_its_input_again() -> None:
    host = lost_at_first(UnansweredError("It may have run."))
    assert run_repeatable(host, ["python3", "-I"], input=b"sent").ok
    assert [sent for _, sent in host.runs] == [b"sent", b"sent"]


def test_nothing_else_is_run_twice() -> None:
    host = lost_at_first(UnansweredError("It may have run."))
    with pytest.raises(UnansweredError):
        run_python(host, "PROGRAM", None)
    assert len(host.runs) == 1
    host = lost_at_first(UnreachableError("The host is gone."))
    with pytest.raises(UnreachableError):
        run_python(host, "PROGRAM", None, repeatable=True)
    assert len(host.runs) == 1
