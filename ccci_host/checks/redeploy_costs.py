"""What a repeat deploy asks of Docker Hub."""

from collections import Counter
from collections.abc import Sequence

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, not_shown, passed
from ccci_host.checks.reading import (
    count,
    deployment,
    expected_account,
    in_each_cycle,
    listed,
    moved,
    name_of,
    repository_of,
    unheard_at,
)
from ccci_host.checks.registry import REDEPLOYS, check
from ccci_host.records import DeployedService, History, RegistryRequest, RequestsSeen

UNAUTHORIZED = 401
"""The registry's way to ask for a token, which is no failure of its own."""


@check(
    pc="PC2",
    sentence="a repeat deploy reuses layers and makes at most an authenticated manifest check",
    witnesses=("registry log",),
    tasks=REDEPLOYS,
    order=46,
)
def redeploy_costs(history: History) -> Answer:
    """One counted `GET` of a manifest per service (fact 13), paid by the account. Read from the log alone.

    A request that the registry failed may be made up for by one more. A neighbour's pull of another tag is
    not the run's.
    """
    return in_each_cycle(history, lambda cycle: _cycle(history, cycle))


def _cycle(history: History, cycle: int) -> Answer:
    seen = history.during(RequestsSeen, "redeploy", cycle)
    if seen is None or seen.problem:
        return not_shown("What the redeploy cost at Docker Hub was not shown: the registry log was not read.")
    if moved(history, cycle):
        raise NoEvidenceError("A tag moved upstream, so the redeploy was no repeat of the deploy.")
    services = deployment(history, "redeploy", cycle).services
    allowed = Counter(repository_of(service.image) for service in services)
    asked = _of_the_run(seen.requests, services)
    paid = [one for one in asked if one.costs_quota and one.status < 300]
    anonymous = [one.repository for one in paid if one.account is None]
    if anonymous:
        return failed(
            f"The redeploy asked Docker Hub for {count(len(anonymous), 'manifest')} anonymously.",
            *dict.fromkeys(anonymous),
            todo="Deploy with registry auth, logged in as the deploying user.",
        )
    expected = expected_account(history)
    counted = [one.repository for one in paid if expected in ("", one.account)]
    allowed.update(one.repository for one in asked if one.status > UNAUTHORIZED)
    if Counter(counted) - allowed:
        return failed(
            f"The redeploy of {count(len(services), 'service')} took {len(counted)} counted requests.",
            todo="Look at the registry's requests in the report: a warm deploy costs one manifest a service.",
        )
    payers = listed(str(one.account) for one in paid)
    if len(counted) < len(paid):
        raise NoEvidenceError(
            f"The redeploy was paid by {payers}, and {expected} is to pay.",
            todo="Log the deploying user in as that account: `invoke provision` does.",
        )
    deaf = unheard_at(history, services)
    if deaf:
        return not_shown(
            "What the redeploy cost was not shown: the registry log never had a request at the registry of "
            f"{listed(deaf)}."
        )
    return passed(
        f"The redeploy cost {count(len(counted), 'manifest request')} for {count(len(services), 'service')}"
        f"{f', paid by {payers}' if paid else ''}."
    )


def _of_the_run(
    requests: Sequence[RegistryRequest], services: Sequence[DeployedService]
) -> list[RegistryRequest]:
    """The manifests that the services' repositories were asked for, but for those of a tag that none has.

    Such a tag is a neighbour's, and so is, where one was asked for, what is asked there by a digest that no
    service has: it may be of a platform of the neighbour's image. A cold pull of the run's own asks twice for
    a digest that a service has.
    """
    own = {(repository_of(service.image), name) for service in services for name in _names(service)}
    repositories = {repository for repository, _ in own}
    asked = [one for one in requests if one.what == "manifest" and one.repository in repositories]
    others = [one for one in asked if (one.repository, one.reference) not in own]
    shared = {one.repository for one in others if one.reference and ":" not in one.reference}
    return [one for one in asked if one.repository not in shared or (one.repository, one.reference) in own]


def _names(service: DeployedService) -> tuple[str, str | None]:
    """What a service's image is asked for by: its tag, `latest` where it names none, and its digest."""
    tag = name_of(service.image).rpartition("/")[2].partition(":")[2]
    return tag or "latest", service.digest
