"""A teardown that forgets the secrets, and does not see that they are left."""

from ccci_host.faults.bug import Bug


class ForgottenSecret(Bug):
    """The teardown leaves the stack's secrets behind, and says that nothing is left."""

    name = "teardown-forgets-secret"
    task = "verify-pc1"
    check = "teardown-is-clean"
    because = "Left behind: secret "
    changes = (
        ("    secrets = secrets_named(stack, owned, shared)\n", "    secrets: list[Value] = []\n"),
        ("[name_of(one) for one in secrets_named(stack, secrets, shared)]", "[]"),
    )


FAULT = ForgottenSecret()
