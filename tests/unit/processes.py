"""Whether processes of a test still live."""

from pathlib import Path

from ccci_host.waiting import wait_until


def wait_for_end(pid: int) -> None:
    """Wait until a process has ended; a zombie has, whoever its parent is. Raises `WaitTimeoutError`."""
    stat = Path("/proc", str(pid), "stat")

    def has_ended() -> bool | None:
        try:
            return stat.read_text().rpartition(")")[2].split()[0] == "Z" or None
        except OSError:
            return True

    wait_until(has_ended, what=f"process {pid} to end", timeout=5)


def wait_for_pid(file: Path) -> int:
    """The process id that a process writes into `file`, once it has."""

    def read() -> int | None:
        return int(said) if file.exists() and (said := file.read_text().strip()) else None

    return wait_until(read, what=f"{file.name} to be written", timeout=20, interval=0.02)
