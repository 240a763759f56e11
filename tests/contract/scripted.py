"""A fake host that answers the contract's commands as the real ones do."""

from ccci_host.errors import CommandTimeoutError
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed

MEGABYTES = 3_000_000


def scripted_host() -> FakeExecutor:
    """The fake, scripted for the contract."""
    counter: list[bytes] = []

    def append(argv: tuple[str, ...], content: bytes) -> Completed:
        counter.append(content)
        return completed(argv=argv)

    def read(argv: tuple[str, ...], content: bytes) -> Completed:
        return completed(b"".join(counter), argv=argv)

    def remove(argv: tuple[str, ...], content: bytes) -> Completed:
        counter.clear()
        return completed(argv=argv)

    return FakeExecutor(
        {
            "sh -c echo out; echo err >&2; exit 3": completed("out\n", stderr="err\n", exit_code=3),
            "sh -c exit 255": completed(exit_code=255),
            "cat": lambda argv, content: completed(content, argv=argv),
            "true": completed(),
            "printf": lambda argv, content: completed("".join(f"{w}\0" for w in argv[2:]), argv=argv),
            "no-such-command": completed(stderr="not found", exit_code=127),
            "cd": completed(stderr="not found", exit_code=127),
            "echo": completed("a\tb\n"),
            "/etc/passwd": completed(stderr="permission denied", exit_code=126),
            "sh -c kill -9 $$": completed(exit_code=137),
            "sh -c kill -15 $$": completed(exit_code=143),
            "sleep": CommandTimeoutError("`sleep 30` on the fake host did not end in its time."),
            "sh -c head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2": completed(
                bytes(MEGABYTES), stderr=bytes(MEGABYTES)
            ),
            "tee -a /tmp/ccci-contract": append,
            "cat /tmp/ccci-contract": read,
            "rm -f /tmp/ccci-contract": remove,
            "id -u": completed("0\n"),
        }
    )
