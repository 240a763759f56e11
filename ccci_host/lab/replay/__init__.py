"""The incident, played again: one churn of recipe runs under four ways of pruning, on real daemons.

`churn` says what happens in which night, `policies` are the four ways, `host` is where, `campaign` plays one
of them there, `measuring` counts, and `page` and `picture` say what came of it.
"""

from ccci_host.lab.replay.campaign import Campaign
from ccci_host.lab.replay.replay import record, replay

__all__ = ["Campaign", "record", "replay"]
