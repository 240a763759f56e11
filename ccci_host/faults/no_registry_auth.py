"""Logged in, and deployed without handing the login to the swarm: the node pulls anonymously (fact 11)."""

from ccci_host.faults.bug import Bug


class NoRegistryAuth(Bug):
    """The deployer forgets `--with-registry-auth`."""

    name = "no-registry-auth"
    task = "verify-pc2"
    check = "pulls-authenticated"
    changes = (('            "--with-registry-auth",\n', ""),)


FAULT = NoRegistryAuth()
