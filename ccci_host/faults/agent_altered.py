"""The agent altered by hand on the host: it does the same, and nobody has reviewed it."""

from ccci_host.agent import paths
from ccci_host.faults.altered_file import AlteredFile
from ccci_host.transport.machine import Machine


class AgentAltered(AlteredFile):
    """One line more at the head of the agent's archive."""

    name = "agent-altered"
    task = "verify-pc1"
    check = "agent-as-built"
    because = f"{paths.ARCHIVE} (altered)"
    path = paths.ARCHIVE
    mode = "0755"

    def altered(self, content: bytes, machine: Machine) -> bytes:  # noqa: ARG002
        """A comment behind the first line, which a zip archive does not mind."""
        first, end, rest = content.partition(b"\n")
        return first + end + b"# mended in a hurry\n" + rest


FAULT = AgentAltered()
