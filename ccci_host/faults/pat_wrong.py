"""A PAT that Docker Hub does not know."""

from ccci_host.faults.login import AlteredLogin


class PatWrong(AlteredLogin):
    """Puts another word in the PAT's place."""

    name = "pat-wrong"
    task = "verify-pc2"
    check = "credential-accepted"
    auth = "{account}:not-the-token"


FAULT = PatWrong()
