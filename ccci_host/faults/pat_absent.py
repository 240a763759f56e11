"""No login on the host: docker's configuration has no entry for Docker Hub."""

from ccci_host.faults.login import AlteredLogin


class PatAbsent(AlteredLogin):
    """Takes Docker Hub's entry away."""

    name = "pat-absent"
    task = "verify-pc2"
    check = "credential-in-place"
    because = "has no entry for Docker Hub"
    auth = None


FAULT = PatAbsent()
