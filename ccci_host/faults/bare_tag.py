"""A spec that kept the bare tag: what a task start pulls is the registry's to say (fact 16)."""

from ccci_host.faults.by_tag import ByTag
from ccci_host.verdict import Verdict


class BareTag(ByTag):
    """The redeploy leaves the tags unresolved; the controls are as they should be."""

    name = "bare-tag"
    task = "verify-pc3"
    point = ("before", "redeploy")
    until = ("before", "final-teardown")
    expected = Verdict.UNKNOWN
    check = "specs-carry-digests"
    because = "Deployed without a digest"


FAULT = BareTag()
