from ccci_host.audit import competing_pruners
from ccci_host.facts.collector import Facts
from ccci_host.facts.pruner import Audit, Pruner
from ccci_host.facts.pruners import PRUNERS

ACTIVE = Pruner("cron", "/etc/crontab line 1", "docker image prune", True, "Comment it out.")
ASLEEP = Pruner("unit", "x.service", "docker image prune", False, "Disable it.")


def test_only_what_will_run_again_competes() -> None:
    assert competing_pruners(Facts({PRUNERS.name: Audit((ACTIVE, ASLEEP), ())})) == (ACTIVE,)
