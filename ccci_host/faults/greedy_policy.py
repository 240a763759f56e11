"""A policy for which everything is old at once."""

import json

from ccci_host.agent import paths
from ccci_host.faults.altered_file import AlteredFile
from ccci_host.transport.machine import Machine


class GreedyPolicy(AlteredFile):
    """Nothing is young for longer than a tenth of a second, nor in use."""

    name = "greedy-policy"
    task = "verify-pc1"
    check = "plan-is-conservative"
    path = paths.POLICY

    def altered(self, content: bytes, machine: Machine) -> bytes:  # noqa: ARG002
        """The same watermarks, and other ages."""
        return json.dumps({**json.loads(content), "young": "0.1s", "idle_after": "0.1s"}).encode()


FAULT = GreedyPolicy()
