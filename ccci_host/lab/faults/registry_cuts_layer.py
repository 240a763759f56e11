"""A registry that breaks off in the middle of a layer: dockerd asks again, and who paid is seen."""

from ccci_host.lab.faults.hub_fault import RegistryFault
from ccci_host.lab.hub import Fault as Harm
from ccci_host.verdict import Verdict


class RegistryCutsLayer(RegistryFault):
    """Breaks off once, half-way through a layer."""

    name = "registry-cuts-layer"
    task = "verify-pc2"
    point = ("amid", "cold-pull")
    expected = Verdict.PASS
    check = "pulls-authenticated"
    harm = Harm(effect="cut", kind="layer", method="GET", times=1)


FAULT = RegistryCutsLayer()
