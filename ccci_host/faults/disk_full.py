"""A data disk that is full: no image can be pulled, so an experiment would show nothing."""

from ccci_host.faults.disk import FilledDisk
from ccci_host.verdict import Verdict


class DiskFull(FilledDisk):
    """Fills the disk to the last per cent; the run refuses to begin."""

    name = "disk-full"
    task = "verify-pc1"
    expected = Verdict.UNKNOWN
    check = "run-complete"
    because = "is full"
    percent = 99.5


FAULT = DiskFull()
