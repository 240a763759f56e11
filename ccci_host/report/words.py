"""How the report puts figures and names."""

from datetime import UTC, datetime

from ccci_host.checks.reading import readable_size

PHASES = {
    "preflight": "before the run",
    "deploy": "deploy",
    "teardown": "teardown",
    "reboot": "reboot",
    "redeploy": "redeploy",
    "final-teardown": "teardown",
    "evict": "evict one image",
    "control-redeploy": "redeploy after eviction",
    "pin-control": "a pin that cannot resolve",
    "tag-control": "a tag that moves",
    "cold-pull": "cold pull",
    "cleanup": "cleanup",
}

TASKS = {
    "verify-pc1": "PC1 · conservative prune",
    "verify-pc2": "PC2 · retained and authenticated",
    "verify-pc3": "PC3 · proven reuse of layers",
    "reboot-and-redeploy": "Retention across a reboot",
}


def size(number: float | None) -> str:
    """Bytes for reading; a dash when nobody knows."""
    return "–" if number is None else readable_size(number)


def seconds(number: float | None) -> str:
    """Seconds for reading; a dash when nobody knows."""
    if number is None:
        return "–"
    if number >= 100:
        minutes, rest = divmod(round(number), 60)
        return f"{minutes} min {rest} s"
    return f"{number:.1f} s"


def clock(text: str | None) -> str:
    """`2026-03-01 12:00:00 UTC` of an ISO 8601 time; the text itself when it is none."""
    moment = when(text)
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC") if moment else (text or "–")


def stamp(epoch: float | None) -> str:
    """`2026-03-01 12:00:00` of epoch seconds, UTC; a dash for none, or for those of no year that there is."""
    try:
        return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d %H:%M:%S") if epoch else "–"
    except (ValueError, OverflowError, OSError):
        return "–"


def when(text: str | None) -> datetime | None:
    """The time that an ISO 8601 text names; None when it names none."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def short(digest: str | None) -> str:
    """`sha256:0123456789ab`, enough to tell by eye."""
    if not digest:
        return "–"
    return digest[:19] if digest.startswith("sha256:") else digest[:16]
