"""What a repeat deploy asks of Docker Hub."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, not_shown, passed
from ccci_host.checks.reading import count, deployment, in_each_cycle, moved, repository_of
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import History, RequestsSeen


@check(
    pc="PC2",
    sentence="a repeat deploy reuses layers and makes at most an authenticated manifest check",
    witnesses=("registry log",),
    tasks=REDEPLOYS,
    order=46,
)
def redeploy_costs(history: History) -> Answer:
    """One counted `GET` of a manifest per service (fact 13), paid by an account. Read from the log alone."""
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    seen = history.during(RequestsSeen, "redeploy", cycle)
    if seen is None or seen.problem:
        return not_shown("What the redeploy cost at Docker Hub was not shown: the registry log was not read.")
    if moved(history, cycle):
        raise NoEvidenceError("A tag moved upstream, so the redeploy was no repeat of the deploy.")
    services = deployment(history, "redeploy", cycle).services
    repositories = {repository_of(service.image) for service in services}
    counted = [
        request for request in seen.requests if request.costs_quota and request.repository in repositories
    ]
    anonymous = [
        request.repository for request in counted if request.account is None and request.status < 300
    ]
    if anonymous:
        return failed(
            f"The redeploy asked Docker Hub for {count(len(anonymous), 'manifest')} anonymously.",
            *dict.fromkeys(anonymous),
            todo="Deploy with registry auth, logged in as the deploying user.",
        )
    if len(counted) > len(services):
        return failed(
            f"The redeploy of {count(len(services), 'service')} took {len(counted)} counted requests.",
            todo="Look at the registry's requests in the report: a warm deploy costs one manifest a service.",
        )
    return passed(
        f"The redeploy cost {count(len(counted), 'manifest request')} of the account's quota for "
        f"{count(len(services), 'service')}."
    )
