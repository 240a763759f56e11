"""Services of zero replicas: they converge at once, and nothing of them ever runs."""

from ccci_host.faults.bug import Bug
from ccci_host.verdict import Verdict


class ZeroReplicas(Bug):
    """Every service of the recipe is deployed with no replica at all."""

    name = "zero-replicas"
    task = "verify-pc3"
    expected = Verdict.UNKNOWN
    check = "tasks-ran-the-image"
    because = "No task was seen running"
    changes = (
        (
            'path.write_bytes(base64.b64decode(file["content"]))',
            'path.write_bytes(base64.b64decode(file["content"]).replace('
            'b"    deploy:\\n", b"    deploy:\\n      replicas: 0\\n"))',
        ),
    )


FAULT = ZeroReplicas()
