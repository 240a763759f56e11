"""A history from which somebody took what they did not like."""

from ccci_host.faults.spoilt_history import SpoiltHistory


class HistoryEdited(SpoiltHistory):
    """Takes the records of the registry's log out."""

    name = "history-edited"

    def spoilt(self, content: bytes) -> bytes:
        """Every other line as it was."""
        lines = content.splitlines(keepends=True)
        return b"".join(line for line in lines if b'"kind":"requests"' not in line)


FAULT = HistoryEdited()
