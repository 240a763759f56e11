"""A registry that takes its time: everything takes longer, and nothing is lost."""

from ccci_host.lab.faults.hub_fault import RegistryFault
from ccci_host.lab.hub import Fault as Harm
from ccci_host.verdict import Verdict


class RegistrySlow(RegistryFault):
    """Two seconds for every manifest."""

    name = "registry-slow"
    task = "verify-pc2"
    point = ("amid", "cold-pull")
    expected = Verdict.PASS
    check = "pulls-authenticated"
    harm = Harm(effect="slow", kind="manifest", seconds=2.0)


FAULT = RegistrySlow()
