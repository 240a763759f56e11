"""SSH: the right machine, the right key, each command sent once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from ccci_host.errors import CommandTimeoutError, ConfigError, UnansweredError, UnreachableError
from ccci_host.transport.ssh import KeyRefusedError, SshExecutor
from ccci_host.transport.ssh_door import WrongHostKeyError, load_private_key, parse_public_key
from tests.unit.transport.ssh_stub import (
    FakeInstance,
    SshStub,
    answers,
    breaks_off,
    closes_the_channel,
    executor_for,
    public_line,
    ssh_server,
)

HOST_KEY = "/etc/ssh/ssh_host_ecdsa_key.pub"


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "id_ecdsa"
    paramiko.ECDSAKey.generate().write_private_key_file(path)
    return path


@pytest.fixture
def stub(key_file: Path) -> Iterator[SshStub]:
    with ssh_server(load_private_key(key_file)) as stub:
        yield stub


@pytest.fixture
def instance(stub: SshStub) -> FakeInstance:
    return FakeInstance({HOST_KEY: public_line(stub.host_key)})


@pytest.fixture
def ways(stub: SshStub, instance: FakeInstance, key_file: Path) -> Iterator[SshExecutor]:
    executor = executor_for(stub, instance, key_file)
    yield executor
    executor.close()


def test_words_are_quoted_at_the_edge(stub: SshStub, ways: SshExecutor) -> None:
    stub.session = answers(7, b"out", b"err")
    done = ways.run(["printf", "%s", "a b", "$HOME", "it's"])
    assert (done.exit_code, done.stdout, done.stderr) == (7, b"out", b"err")
    assert stub.commands == ["(exec printf %s 'a b' '$HOME' 'it'\"'\"'s'); exit $?"]


def test_one_connection_serves_all_commands_and_its_host_key_is_read_once(
    stub: SshStub, ways: SshExecutor, instance: FakeInstance
) -> None:
    for _ in range(5):
        ways.run(["true"]).check()
    assert len(stub.connections) == 1
    assert instance.asked == [HOST_KEY]


def test_a_stale_connection_is_replaced_before_the_command_is_sent(
    stub: SshStub, ways: SshExecutor, instance: FakeInstance
) -> None:
    ways.run(["first"]).check()
    stub.hang_up()
    ways.run(["second"]).check()
    assert [line.split(";")[0] for line in stub.commands] == ["(exec first)", "(exec second)"]
    assert instance.asked == [HOST_KEY]  # a reboot keeps the host key


@pytest.mark.parametrize("ending", [breaks_off, closes_the_channel])
def test_a_command_that_was_sent_is_never_sent_again(
    stub: SshStub, ways: SshExecutor, ending: object
) -> None:
    stub.session = ending  # type: ignore[assignment]  # one of the two above
    with pytest.raises(UnansweredError, match="Nobody knows how `once` on the host over SSH ended"):
        ways.run(["once"])
    assert len(stub.commands) == 1
    stub.session = answers()
    assert ways.run(["next"]).ok


def test_a_command_that_takes_too_long_leaves_the_connection_usable(stub: SshStub, ways: SshExecutor) -> None:
    over = threading.Event()

    def sleeps(channel: paramiko.Channel, command: str) -> None:
        if "sleep" in command:
            over.wait(10)
        else:
            answers()(channel, command)

    stub.session = sleeps
    with pytest.raises(CommandTimeoutError, match="did not end in its time"):
        ways.run(["sleep"], timeout=0.3)
    over.set()
    assert ways.run(["true"]).ok
    assert len(stub.connections) == 1


def test_another_host_key_than_the_instances_is_refused(
    stub: SshStub, instance: FakeInstance, ways: SshExecutor
) -> None:
    instance.files[HOST_KEY] = public_line(paramiko.ECDSAKey.generate())
    with pytest.raises(
        WrongHostKeyError, match="shows a host key that is not the one of instance 'ci'"
    ) as caught:
        ways.run(["true"])
    assert stub.host_key.fingerprint in caught.value.details
    assert stub.commands == []


def test_a_host_key_that_was_made_anew_is_read_again(
    stub: SshStub, instance: FakeInstance, ways: SshExecutor
) -> None:
    ways.run(["true"]).check()
    stub.host_key = paramiko.ECDSAKey.generate()
    instance.files[HOST_KEY] = public_line(stub.host_key)
    stub.hang_up()
    assert ways.run(["true"]).ok


def test_a_kind_of_host_key_that_the_instance_has_not_is_refused(
    instance: FakeInstance, ways: SshExecutor
) -> None:
    instance.files.clear()
    with pytest.raises(WrongHostKeyError, match="shows a host key of type ecdsa-sha2-nistp256"):
        ways.run(["true"])


def test_a_host_key_file_that_holds_none_is_said(instance: FakeInstance, ways: SshExecutor) -> None:
    instance.files[HOST_KEY] = b"nothing"
    with pytest.raises(UnreachableError, match="holds no host key"):
        ways.run(["true"])


def test_a_key_that_is_not_authorised_says_what_authorises_it(stub: SshStub, ways: SshExecutor) -> None:
    stub.trusted = None
    with pytest.raises(KeyRefusedError, match=r"root@127.0.0.1:\d+ does not take the key") as caught:
        ways.run(["true"])
    assert "invoke provision" in caught.value.resolution


def test_nobody_at_the_door_is_said(instance: FakeInstance, key_file: Path) -> None:
    with ssh_server(None) as gone:
        pass
    with pytest.raises(UnreachableError, match=r"Nothing answers to SSH at root@127\.0\.0\.1"):
        executor_for(gone, instance, key_file).run(["true"])


def test_a_frozen_machine_is_the_better_answer_than_a_silent_door(key_file: Path) -> None:
    with ssh_server(None) as gone:
        pass
    with pytest.raises(UnreachableError, match="No command can run on instance 'ci': it is frozen"):
        executor_for(gone, FakeInstance({}, "Frozen"), key_file).run(["true"])


def test_an_unfit_private_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with pytest.raises(ConfigError, match="cannot be read"):
        load_private_key(path)
    path.write_text("nothing")
    with pytest.raises(ConfigError, match="holds no SSH private key"):
        load_private_key(path)
    path.unlink()
    paramiko.ECDSAKey.generate().write_private_key_file(path, password="x")
    with pytest.raises(ConfigError, match="is encrypted"):
        load_private_key(path)


@pytest.mark.parametrize("line", ["", "ssh-rsa", "ssh-rsa !!!", "ssh-rsa AAAA", "nonsense AAAA c"])
def test_a_line_that_is_no_public_key_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"expected|not a public key"):
        parse_public_key(line)


def test_a_public_key_is_read_with_or_without_a_comment(key_file: Path) -> None:
    key = load_private_key(key_file)
    assert parse_public_key(public_line(key).decode()) == key
    assert parse_public_key(f"{key.get_name()} {key.get_base64()}") == key
