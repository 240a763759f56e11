"""Commands over SSH: one connection that is kept, one channel a command."""

import logging
import shlex
import socket
import threading
import time
from collections.abc import Callable, Sequence

import paramiko

from ccci_host.errors import CommandTimeoutError, UnansweredError, UnreachableError, summarise
from ccci_host.transport.executor import DEFAULT_TIMEOUT, Completed
from ccci_host.transport.logged import logged
from ccci_host.transport.ssh_door import Door

CONNECT_TIMEOUT = 10.0
"""Seconds each for the TCP connection, the key exchange and the login."""

SILENCE_TIMEOUT = 20
"""Seconds after which a peer that acknowledges nothing is gone: a forced stop says no goodbye."""

_CHUNK = 1 << 16

logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # its errors reach us as exceptions


class KeyRefusedError(UnreachableError):
    """The SSH server does not take the key: it has not been authorised on the host, or not for this user."""


class SshExecutor:
    """Runs commands over one SSH connection, made when the first command needs it.

    A command is sent once. When the connection turns out stale *before* that, as after a reboot, another one
    is made; after that the answer is `UnreachableError`. A command that does not end in its time raises
    `CommandTimeoutError` and may run on.
    """

    def __init__(self, door: Door, where: str) -> None:
        self._door = door
        self._where = where
        self._client: paramiko.SSHClient | None = None

    @property
    def where(self) -> str:
        """Machine and way, for messages."""
        return self._where

    @logged
    def run(self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT) -> Completed:
        """Run `argv` on the host, as root."""
        deadline = time.monotonic() + timeout
        channel = self._channel(min(timeout, CONNECT_TIMEOUT))
        with channel:
            # `exit $?` keeps the shell: it turns death by a signal into 128 + its number, where sshd would
            # report it in a message that paramiko drops. `exec` runs the program of that name, where the
            # shell would prefer a word of its own (`echo`).
            line = f"(exec {shlex.join(argv)}); exit $?"
            try:
                channel.exec_command(line)
            except (paramiko.SSHException, EOFError, OSError) as error:
                raise self._lost(argv, error) from None
            return _Conversation(channel, input).end(argv, self._where, deadline, self._lost)

    def close(self) -> None:
        """Give up the connection; the next command makes another."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _channel(self, timeout: float) -> paramiko.Channel:
        """An open channel, on the connection that is there if it still lives, else on a new one."""
        transport = self._client.get_transport() if self._client else None
        if transport is not None and transport.is_active():
            try:
                return transport.open_session(timeout=timeout)
            except (paramiko.SSHException, EOFError, OSError):
                pass  # stale; nothing of the command was sent, so it may be sent on another connection
        self.close()
        try:
            self._client = self._connect()
        except UnreachableError:
            self._door.require_running()  # the better answer to why nobody answers
            raise
        transport = self._client.get_transport()
        assert transport is not None  # noqa: S101 - connected just now
        try:
            return transport.open_session(timeout=timeout)
        except (paramiko.SSHException, EOFError, OSError) as error:
            self.close()
            raise UnreachableError(f"{self._where} opens no SSH channel.", details=str(error)) from None

    def _connect(self) -> paramiko.SSHClient:
        door = self._door
        address = door.address()
        place = f"{door.user}@{address}:{door.port}"
        try:
            wire = _connected(address, door.port)
        except OSError as error:
            raise UnreachableError(
                f"Nothing answers to SSH at {place}.",
                details=str(error),
                resolution="Check that the machine is up and sshd runs in it, or leave out [host.….ssh]: "
                "commands then go through Incus.",
            ) from None
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(door.host_keys)
        try:
            client.connect(
                address,
                door.port,
                door.user,
                pkey=door.key,
                sock=wire,
                timeout=CONNECT_TIMEOUT,
                banner_timeout=CONNECT_TIMEOUT,
                auth_timeout=CONNECT_TIMEOUT,
                allow_agent=False,
                look_for_keys=False,
            )
        except paramiko.AuthenticationException as error:
            client.close()
            raise KeyRefusedError(
                f"SSH at {place} does not take the key {door.key_file}.",
                details=str(error),
                resolution="`invoke provision` authorises it through Incus.",
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            client.close()
            raise UnreachableError(f"SSH at {place} ended the conversation.", details=str(error)) from None
        except BaseException:
            client.close()
            raise
        return client

    def _lost(self, argv: Sequence[str], error: BaseException | None = None) -> UnansweredError:
        self.close()
        return UnansweredError(
            f"Nobody knows how `{summarise(argv)}` on {self._where} ended: the connection broke.",
            details=str(error or ""),
            resolution="It may have run, in whole or in part: look before you run it again.",
        )


class _Conversation:
    """One command's three streams, each moved by a thread of its own, so that none can fill up and block."""

    def __init__(self, channel: paramiko.Channel, content: bytes) -> None:
        self._channel = channel
        self._content = content
        self._stderr = b""

    def end(
        self, argv: Sequence[str], where: str, deadline: float, lost: Callable[[Sequence[str]], Exception]
    ) -> Completed:
        """Move the streams until the command has ended."""
        threads = [threading.Thread(target=work, daemon=True) for work in (self._write, self._read_stderr)]
        try:
            self._channel.settimeout(_left(deadline))
            for thread in threads:
                thread.start()
            stdout = _drain(self._channel.recv, lambda: self._channel.settimeout(_left(deadline)))
            if not self._channel.status_event.wait(_left(deadline)):
                raise TimeoutError
            for thread in threads:
                thread.join(_left(deadline))
        except TimeoutError:
            self._channel.close()
            raise CommandTimeoutError(
                f"`{summarise(argv)}` on {where} did not end in its time.",
                resolution="Nobody ended it and it may still run there: look before you run it again.",
            ) from None
        if self._channel.exit_status < 0:  # the channel was closed, and no exit code was ever sent
            raise lost(argv)
        return Completed(tuple(argv), self._channel.exit_status, stdout, self._stderr, where)

    def _write(self) -> None:
        try:
            self._channel.sendall(self._content)
            self._channel.shutdown_write()
        except (OSError, EOFError, paramiko.SSHException):
            return  # it ended without reading its input; its exit code says what that means

    def _read_stderr(self) -> None:
        try:
            self._stderr = _drain(self._channel.recv_stderr)
        except TimeoutError:
            return  # the deadline, which the thread that reads standard output reports


def _drain(receive: Callable[[int], bytes], before_each: Callable[[], None] = lambda: None) -> bytes:
    chunks: list[bytes] = []
    while True:
        before_each()
        chunk = receive(_CHUNK)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)


def _left(deadline: float) -> float:
    """Seconds until `deadline`; raises `TimeoutError` when it has passed."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected(address: str, port: int) -> socket.socket:
    """A TCP connection that notices when the other side is gone without a word."""
    wire = socket.create_connection((address, port), timeout=CONNECT_TIMEOUT)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # small packets: Nagle costs 40 ms a command
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENCE_TIMEOUT // 2)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, SILENCE_TIMEOUT // 4)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_TIMEOUT * 1000)
    return wire
