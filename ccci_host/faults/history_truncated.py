"""A history whose end is missing, as after a disk that was full or a copy that broke off."""

from ccci_host.faults.spoilt_history import SpoiltHistory


class HistoryTruncated(SpoiltHistory):
    """Cuts the file off in its last third."""

    name = "history-truncated"

    def spoilt(self, content: bytes) -> bytes:
        """Two thirds of it."""
        return content[: len(content) * 2 // 3]


FAULT = HistoryTruncated()
