"""What every executor promises. The fake keeps the promises too, or tests that stand on it show nothing."""

import time

import pytest

from ccci_host.errors import CommandTimeoutError
from ccci_host.transport.executor import Executor
from tests.contract.scripted import MEGABYTES

AWKWARD = ("two words", "$HOME", "`id`", "'", '"', "\\", "", "ü", "line\nbreak", "*", "-n", ";", "~")
COUNTER = "/tmp/ccci-contract"

with_and_without_input = pytest.mark.parametrize("content", [b"", b"input"], ids=["no input", "input"])


@with_and_without_input
def test_gives_both_streams_and_the_exit_code(executor: Executor, content: bytes) -> None:
    argv = ["sh", "-c", "echo out; echo err >&2; exit 3"]
    done = executor.run(argv, input=content)
    assert (done.stdout, done.stderr, done.exit_code) == (b"out\n", b"err\n", 3)
    assert done.argv == tuple(argv)
    assert done.where == executor.where


def test_gives_the_largest_exit_code_as_it_is(executor: Executor) -> None:
    assert executor.run(["sh", "-c", "exit 255"]).exit_code == 255


@with_and_without_input
def test_words_reach_the_command_as_they_are(executor: Executor, content: bytes) -> None:
    done = executor.run(["printf", "%s\\0", *AWKWARD], input=content)
    assert tuple(done.stdout.decode().split("\0")[:-1]) == AWKWARD


@pytest.mark.parametrize("content", [b"x", b"\x00\xff\r\n\n", bytes(range(256)) * 400])
def test_input_reaches_the_command_byte_for_byte(executor: Executor, content: bytes) -> None:
    assert executor.run(["cat"], input=content).stdout == content


def test_without_input_a_command_reads_the_end_at_once(executor: Executor) -> None:
    assert executor.run(["cat"], timeout=10).stdout == b""


@with_and_without_input
def test_an_unknown_command_is_127(executor: Executor, content: bytes) -> None:
    done = executor.run(["no-such-command", "x"], input=content)
    assert done.exit_code == 127
    assert b"not found" in done.stderr.lower() or b"no such file" in done.stderr.lower()


@with_and_without_input
def test_a_word_that_only_a_shell_knows_is_no_command(executor: Executor, content: bytes) -> None:
    assert executor.run(["cd", "/"], input=content).exit_code == 127


@with_and_without_input
def test_a_word_that_a_shell_knows_too_is_the_program(executor: Executor, content: bytes) -> None:
    assert executor.run(["echo", "-e", "a\\tb"], input=content).stdout == b"a\tb\n"


@with_and_without_input
def test_a_file_that_is_no_program_is_126(executor: Executor, content: bytes) -> None:
    assert executor.run(["/etc/passwd"], input=content).exit_code == 126


@pytest.mark.parametrize("signal", [9, 15])
def test_death_by_a_signal_is_128_and_its_number(executor: Executor, signal: int) -> None:
    assert executor.run(["sh", "-c", f"kill -{signal} $$"]).exit_code == 128 + signal


@with_and_without_input
def test_a_command_that_takes_too_long_is_given_up(executor: Executor, content: bytes) -> None:
    started = time.monotonic()
    with pytest.raises(CommandTimeoutError, match="did not end in its time"):
        executor.run(["sleep", "30"], input=content, timeout=1)
    assert time.monotonic() - started < 10


def test_much_output_on_both_streams_blocks_nothing(executor: Executor) -> None:
    done = executor.run(["sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2"])
    assert (len(done.stdout), len(done.stderr)) == (MEGABYTES, MEGABYTES)


def test_much_input_arrives(executor: Executor) -> None:
    assert len(executor.run(["cat"], input=bytes(MEGABYTES)).stdout) == MEGABYTES


def test_much_input_that_nobody_reads_is_no_error(executor: Executor) -> None:
    assert executor.run(["true"], input=bytes(MEGABYTES)).exit_code == 0


def test_each_command_runs_exactly_once(executor: Executor) -> None:
    executor.run(["rm", "-f", COUNTER]).check()
    lines = [f"{number}\n".encode() for number in range(20)]
    for line in lines:
        executor.run(["tee", "-a", COUNTER], input=line).check()
    assert executor.run(["cat", COUNTER]).stdout == b"".join(lines)
    executor.run(["rm", "-f", COUNTER]).check()


def test_it_runs_as_root(executor: Executor) -> None:
    assert executor.run(["id", "-u"]).text == "0"


def test_it_can_be_closed_twice_and_used_again(executor: Executor) -> None:
    executor.close()
    executor.close()
    assert executor.run(["true"]).ok
