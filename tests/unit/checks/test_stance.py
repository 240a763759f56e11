"""What witnesses say together."""

from ccci_host.checks.stance import Stance, together
from ccci_host.verdict import Verdict


def test_two_witnesses_on_the_host_are_not_enough() -> None:
    stances = (
        Stance("layer store", "on the host", "acquits", "all were there"),
        Stance("guest's counters", "on the host", "acquits", "nothing came"),
    )
    said = together(stances, acquitted="None.", convicted="Some", images="the layers")
    assert said.verdict is Verdict.UNKNOWN
    assert said.reason == (
        "It is not shown that the layers came from the local store: only the layer store could tell, and no "
        "witness outside the daemon."
    )
