"""The host programs of this package, as text to be sent."""

from importlib import resources

from ccci_host.facts.proxy import going_out

USER_AGENT = "ccci-host"
"""How the suite's own requests name themselves, so that nobody takes them for the daemon's."""

DOCKER_SOCKET = "/var/run/docker.sock"


def source(name: str) -> str:
    """The text of the host program in `NAME_remote.py`, as it is sent."""
    return going_out((resources.files(__package__) / f"{name}_remote.py").read_text())
