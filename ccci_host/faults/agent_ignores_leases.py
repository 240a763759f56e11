"""An agent that sweeps while a lease is held."""

from ccci_host.agent import paths
from ccci_host.faults.altered_file import AlteredFile
from ccci_host.faults.aside import ASIDE
from ccci_host.transport.machine import Machine

_WRAPPER = f"""#!/bin/sh
if [ "$1" = sweep ]; then
    named='{{{{.Repository}}}}@{{{{.Digest}}}}'
    for image in $(docker image ls --digests --format "$named" | grep -v none); do
        docker image rm "$image" >/dev/null 2>&1 && gone="$image" && break
    done
    echo "{{\\"gates\\": {{}}, \\"removed\\": [\\"$gone\\"]}}"
    exit 0
fi
exec {paths.ARCHIVE + ASIDE} "$@"
"""


class AgentIgnoresLeases(AlteredFile):
    """An agent whose sweep deletes the first image that it can, lease or none."""

    name = "agent-ignores-leases"
    task = "verify-pc1"
    check = "lease-holds-back-the-sweep"
    path = paths.ARCHIVE
    mode = "0755"

    def altered(self, content: bytes, machine: Machine) -> bytes:  # noqa: ARG002
        """Other words go to the agent that was put aside."""
        return _WRAPPER.encode()


FAULT = AgentIgnoresLeases()
