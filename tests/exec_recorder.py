"""Records every program that is started on this machine, its containers included, by the kernel's audit.

`recording()` starts this file as a process of its own, which registers as the kernel's audit daemon, adds its
rules, writes what comes to a file, and takes everything back when its standard input ends: so it does when
the test run is killed as well. The kernel makes a program wait rather than drop its record, and counts what
it had to drop. A process that was there before audit was first enabled is recorded once it forks.

Layouts and numbers: linux/audit.h and linux/netlink.h.
"""

import errno
import os
import platform
import re
import select
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

CHECKOUT = Path(__file__).resolve().parent.parent

NETLINK_AUDIT = 9
REQUEST, ACK = 1, 4
ERROR = 2
GET, SET, ADD_RULE, DEL_RULE = 1000, 1001, 1011, 1012
EXECVE, END_OF_EVENT = 1309, 1320

HEADER = struct.Struct("=IHHII")
STATUS = struct.Struct("=11I")
MASK, ENABLED, _, PID, _, BACKLOG_LIMIT, LOST, BACKLOG, _, WAIT_TIME, _ = range(11)
SETTABLE = {ENABLED: 1, PID: 4, BACKLOG_LIMIT: 16, WAIT_TIME: 32}
"""Fields of the status, each with its bit in the mask."""
LOCKED = 2

ON_EXIT, ALWAYS = 4, 2
ARCH, SUCCESS, KEY = 11, 104, 210
EQUAL = 0x40000000
KEY_OF_OURS = b"ccci-exec-recorder"

QUEUE = 1 << 16
"""Records that the kernel keeps for a slow reader."""
PATIENCE = 60 * 250
"""Jiffies that a program may have to wait for the reader: a minute."""
SO_RCVBUFFORCE = 33
BUFFER = 64 << 20
"""Bytes of the socket's receive buffer."""

QUIET = 0.3
"""Seconds without a record after which none is under way."""

CALLS = {
    "x86_64": ((0xC000003E, (59, 322)), (0x40000003, (11, 358))),
    "aarch64": ((0xC00000B7, (221, 281)),),
}
"""By machine: audit's numbers of its architectures, each with `execve` and `execveat`."""


class NoRecorderError(Exception):
    """Nothing can be recorded on this machine, and why."""


# --- In the process that records


class Audit:
    """The kernel's audit, asked over netlink. Raises `OSError` when it refuses."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT)
        self.socket.bind((0, 0))
        self._asked = 0

    def ask(self, kind: int, payload: bytes = b"") -> bytes:
        """The answer to one request: for `GET` what it asked for, else empty."""
        self._asked += 1
        # The answer to `GET` may come after its acknowledgement, so that one is not asked for.
        flags = REQUEST if kind == GET else REQUEST | ACK
        size = HEADER.size + len(payload)
        self.socket.send(HEADER.pack(size, kind, flags, self._asked, 0) + payload)
        while True:
            datagram = self.socket.recv(1 << 17)
            _, said, _, number, _ = HEADER.unpack_from(datagram)
            if number != self._asked:
                continue
            if said != ERROR:
                return datagram[HEADER.size :]
            (refusal,) = struct.unpack_from("=i", datagram, HEADER.size)
            if refusal:
                raise OSError(-refusal, os.strerror(-refusal))
            return b""

    def status(self) -> list[int]:
        """The fields of `struct audit_status`; 0 where an older kernel has fewer."""
        return list(STATUS.unpack(self.ask(GET).ljust(STATUS.size, b"\0")[: STATUS.size]))

    def set(self, values: dict[int, int]) -> None:
        """Set these fields of the status."""
        fields = [values.get(index, 0) for index in range(11)]
        fields[MASK] = sum(SETTABLE[index] for index in values)
        self.ask(SET, STATUS.pack(*fields))

    def remove_rules(self) -> None:
        """Take away the recorder's rules where they are."""
        for rule in rules():
            try:
                self.ask(DEL_RULE, rule)
            except OSError as error:
                if error.errno != errno.ENOENT:
                    raise


def rules() -> list[bytes]:
    """A `struct audit_rule_data` for each architecture: a program was started."""
    made = []
    for architecture, calls in CALLS[platform.machine()]:
        mask = [0] * 64
        for call in calls:
            mask[call // 32] |= 1 << call % 32
        values = {ARCH: architecture, SUCCESS: 1, KEY: len(KEY_OF_OURS)}
        words = [ON_EXIT, ALWAYS, len(values), *mask]
        for column in (list(values), list(values.values()), [EQUAL] * len(values)):
            words += column + [0] * (64 - len(column))
        made.append(struct.pack("=260I", *words, len(KEY_OF_OURS)) + KEY_OF_OURS)
    return made


def record(path: Path) -> None:
    """Write the records to `path` until standard input ends, then how many were lost to standard output."""
    audit, events = Audit(), Audit()
    before = audit.status()
    if before[ENABLED] == LOCKED:
        raise NoRecorderError("the kernel's audit is locked")
    events.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    _register(events)
    try:
        audit.set({BACKLOG_LIMIT: QUEUE, WAIT_TIME: PATIENCE})
        audit.remove_rules()  # of a recorder that was killed
        audit.set({ENABLED: 1})
        for rule in rules():
            audit.ask(ADD_RULE, rule)
        print("recording", flush=True)
        with path.open("wb") as file:
            _copy(events.socket, file, audit)
        after = audit.status()
    finally:
        audit.remove_rules()
        audit.set({ENABLED: before[ENABLED]})
        if audit.status()[PID] == os.getpid():
            audit.set({PID: 0})
        audit.set({BACKLOG_LIMIT: before[BACKLOG_LIMIT], WAIT_TIME: before[WAIT_TIME]})
    if after[PID] != os.getpid():
        raise NoRecorderError("the kernel gave up the recorder while it recorded")
    print(after[LOST] - before[LOST], flush=True)


def _register(events: Audit) -> None:
    """Become the audit daemon. The kernel forgets one that died, and keeps one that lives."""
    try:
        events.set({PID: os.getpid()})
    except FileExistsError:
        raise NoRecorderError("this machine has an audit daemon already") from None


def _copy(events: socket.socket, file: BinaryIO, audit: Audit) -> None:
    """Copy records until standard input has ended and what was under way then has come."""
    events.setblocking(False)
    sources: list[Any] = [events, sys.stdin]
    while True:
        ready, _, _ = select.select(sources, [], [], None if len(sources) > 1 else QUIET)
        if sys.stdin in ready:
            sources.remove(sys.stdin)
            audit.remove_rules()
        elif not ready and not audit.status()[BACKLOG]:
            return
        try:
            while True:
                datagram = events.recv(1 << 17)
                _, kind, _, _, _ = HEADER.unpack_from(datagram)
                if kind in (EXECVE, END_OF_EVENT):
                    file.write(b"%d %s\n" % (kind, datagram[HEADER.size :].rstrip(b"\0")))
        except BlockingIOError:
            continue


# --- In the process of the tests


@dataclass
class Recording:
    """What was started while it ran."""

    path: Path
    absent: str = ""
    """Why nothing can be recorded on this machine."""
    problem: str = ""
    """Why not everything was recorded."""

    def argvs(self) -> Iterator[bytes]:
        """Each program's words, one argv after the other, with NUL between the words."""
        return read(self.path)


@contextmanager
def recording(path: Path) -> Iterator[Recording]:
    """Record into the file `path` while the block runs; after it, it is known whether that is whole."""
    recording = Recording(path)
    argv = [sys.executable, "-m", __name__, str(path)]
    with subprocess.Popen(
        argv,
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests, whose end is then the recorder's
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        begun = process.stdout.readline()
        try:
            yield recording
        finally:
            process.stdin.close()
            lost, complaint = process.stdout.read().strip(), process.stderr.read().strip()
    said = complaint.splitlines()[-1] if complaint else "the recorder was killed"
    if not begun:
        recording.absent = said
    elif process.returncode:
        recording.problem = said
    elif int(lost):
        recording.problem = f"the kernel dropped {lost} records"


def read(path: Path) -> Iterator[bytes]:
    """The argvs in a file of records. A long one comes in several, which another's may interrupt."""
    under_way: dict[bytes, list[tuple[tuple[int, int], bytes]]] = {}
    with path.open("rb") as file:
        for line in file:
            kind, _, rest = line.partition(b" ")
            event, _, fields = rest.partition(b": ")
            if int(kind) == EXECVE:
                under_way.setdefault(event, []).extend(_pieces(fields))
            elif event.rstrip(b": \n") in under_way:
                yield _joined(under_way.pop(event.rstrip(b": \n")))
    yield from map(_joined, under_way.values())


def _pieces(fields: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Word and piece of a word, and what it holds: in quotes, or in hexadecimal when it has odd signs."""
    for word, piece, shown in re.findall(rb' ?\ba(\d+)(?:\[(\d+)\])?=("[^"]*"|[0-9A-F]*)', fields):
        held = shown[1:-1] if shown.startswith(b'"') else bytes.fromhex(shown.decode())
        yield (int(word), int(piece or 0)), held


def _joined(pieces: list[tuple[tuple[int, int], bytes]]) -> bytes:
    words: dict[int, bytes] = {}
    for (word, _), held in sorted(pieces):
        words[word] = words.get(word, b"") + held
    return b"\0".join(words.values())


if __name__ == "__main__":
    try:
        record(Path(sys.argv[1]))
    except (NoRecorderError, OSError, KeyError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
