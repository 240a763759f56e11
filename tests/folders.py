"""Whether somebody holds a folder, as another command would find it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ccci_host.alone import alone
from ccci_host.errors import WaitTimeoutError


def is_held(folder: Path) -> bool:
    """Whether another thread, which is to the lock what another process is, would have to wait."""

    def has_to_wait() -> bool:
        try:
            with alone(folder, timeout=0):
                return False
        except WaitTimeoutError:
            return True

    with ThreadPoolExecutor(1) as other:
        return other.submit(has_to_wait).result()
