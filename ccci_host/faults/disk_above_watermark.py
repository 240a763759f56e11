"""A disk that something else than images keeps above the high watermark."""

from ccci_host.faults.disk import FilledDisk


class DiskAboveWatermark(FilledDisk):
    """Fills the disk to 90 %, with nothing that the agent may remove."""

    name = "disk-above-watermark"
    task = "verify-pc1"
    check = "disk-stays-bounded"
    percent = 90.0


FAULT = DiskAboveWatermark()
