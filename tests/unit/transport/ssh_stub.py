"""An SSH server in this process: it runs nothing, counts what it is sent, and breaks off when told to."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko

from ccci_host.config import SshTable
from ccci_host.errors import NotFoundError
from ccci_host.transport.incus import IncusInstance
from ccci_host.transport.ssh import SshExecutor
from ccci_host.transport.ssh_door import Door

Session = Callable[[paramiko.Channel, str], None]
"""What the server does with a command; it leaves with the exit code sent, or without."""


def answers(code: int = 0, stdout: bytes = b"", stderr: bytes = b"") -> Session:
    """A command that says this and ends so."""

    def session(channel: paramiko.Channel, command: str) -> None:
        channel.sendall(stdout)
        channel.sendall_stderr(stderr)
        channel.send_exit_status(code)

    return session


def breaks_off(channel: paramiko.Channel, command: str) -> None:
    """The whole connection ends in the middle of the command."""
    channel.get_transport().close()


def closes_the_channel(channel: paramiko.Channel, command: str) -> None:
    """The channel ends without an exit code."""


@dataclass
class SshStub:
    """What it does with commands, and what it was sent."""

    host_key: paramiko.PKey
    trusted: paramiko.PKey | None
    session: Session = field(default_factory=answers)
    commands: list[str] = field(default_factory=list)
    connections: list[paramiko.Transport] = field(default_factory=list)
    port: int = 0

    def hang_up(self) -> None:
        """End every connection that there is, as a reboot does."""
        for transport in self.connections:
            transport.close()


class _Server(paramiko.ServerInterface):
    def __init__(self, stub: SshStub) -> None:
        self._stub = stub

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = username == "root" and key == self._stub.trusted
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED  # type: ignore[attr-defined,no-any-return,unused-ignore]

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED  # type: ignore[attr-defined,no-any-return,unused-ignore]

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        line = command.decode()
        self._stub.commands.append(line)

        def work() -> None:
            with contextlib.suppress(OSError, EOFError):
                while channel.recv(1 << 16):  # its end comes after the client has seen the command accepted
                    pass
                self._stub.session(channel, line)
            channel.close()

        threading.Thread(target=work, daemon=True).start()
        return True


@contextlib.contextmanager
def ssh_server(trusted: paramiko.PKey | None) -> Iterator[SshStub]:
    """A server on loopback that lets in `trusted`."""
    stub = SshStub(paramiko.ECDSAKey.generate(), trusted)
    listening = socket.create_server(("127.0.0.1", 0))
    stub.port = listening.getsockname()[1]

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listening.accept()
                transport = paramiko.Transport(wire)
                transport.add_server_key(stub.host_key)
                stub.connections.append(transport)
                with contextlib.suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=_Server(stub))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()
        stub.hang_up()


class FakeInstance(IncusInstance):
    """An instance as far as SSH asks about it: its status and its files."""

    def __init__(self, files: dict[str, bytes], status: str = "Running") -> None:
        self.name = "ci"
        self.files = files
        self.asked: list[str] = []
        self._kind = "container"
        self._where = "instance 'ci'"
        self._status = status

    def status(self) -> str:
        return self._status

    def address(self) -> str:
        return "127.0.0.1"

    def read_file(self, path: str) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise NotFoundError(f"There is no {path}.")
        return self.files[path]


def public_line(key: paramiko.PKey) -> bytes:
    """`key` as a `.pub` file holds it."""
    return f"{key.get_name()} {key.get_base64()} root@ci\n".encode()


def executor_for(stub: SshStub, instance: IncusInstance, key_file: Path) -> SshExecutor:
    """The executor under test, pointed at `stub`."""
    table = SshTable(key=key_file, port=stub.port)
    return SshExecutor(Door(table, instance), "the host over SSH")
