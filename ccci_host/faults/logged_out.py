"""Logged out between teardown and redeploy: the repeat deploy asks Docker Hub anonymously."""

from ccci_host.faults.login import AlteredLogin


class LoggedOut(AlteredLogin):
    """Takes Docker Hub's entry away before the redeploy."""

    name = "logged-out"
    task = "verify-pc3"
    point = ("before", "redeploy")
    until = ("before", "final-teardown")
    check = "redeploy-costs"
    auth = None


FAULT = LoggedOut()
