"""Whether swarm deployed by digest, so that a task start never asks the registry on its own."""

from ccci_host.checks.finding import Answer, passed, unknown
from ccci_host.checks.reading import count, deployment, in_each_cycle, listed
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History


@check(
    pc="PC3",
    sentence="every service's spec carried a digest in both deploys",
    witnesses=("swarm services",),
    tasks=REDEPLOYS,
    order=40,
)
def specs_carry_digests(history: History) -> Answer:
    """A spec that kept the bare tag makes every task start attempt a pull (fact 16)."""
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    deploys = {word: deployment(history, word, cycle) for word in ("deploy", "redeploy")}
    bare = [
        f"{service.name} ({service.image})"
        for done in deploys.values()
        for service in done.services
        if service.digest is None
    ]
    if bare:
        return unknown(
            f"Deployed without a digest: {listed(bare)}. Each start of a task may mean another image.",
            todo="Make the registry resolve these tags while deploying; the deploy warns when it cannot.",
        )
    return passed(f"{count(len(deploys['redeploy'].services), 'service')} deployed by digest, both times.")
