from dataclasses import replace

import pytest

from ccci_host.errors import HostError
from ccci_host.facts.answers import Absent, Unreadable
from ccci_host.facts.docker import DOCKER
from ccci_host.facts.host import HOST
from ccci_host.steps.host import STEP
from tests.unit.steps.facts_of import DEBIAN, ENGINE, facts, wanted


def test_a_fit_host_is_described_and_not_changed() -> None:
    plan = STEP.plan(facts(), wanted())

    assert not plan.changes
    assert plan.why == (
        "Debian GNU/Linux 13 (trixie), systemd 257, Python 3.13.5, Docker 26.1.5 with the classic image store"
    )


@pytest.mark.parametrize(
    ("by_fact", "brief"),
    [
        ({DOCKER: Absent()}, "ci has no Docker"),
        ({DOCKER: Unreadable("the Docker daemon does not answer")}, "Docker on ci does not answer"),
        ({DOCKER: replace(ENGINE, version="19.3.15")}, "Docker 19.3.15 on ci is too old"),
        ({HOST: replace(DEBIAN, python=(3, 8, 10))}, "Python 3.8.10 on ci is too old"),
        ({HOST: replace(DEBIAN, systemd=None)}, "ci has no systemd"),
    ],
)
def test_an_unfit_host_is_refused(by_fact: dict[object, object], brief: str) -> None:
    with pytest.raises(HostError, match=brief):
        STEP.plan(facts(by_fact), wanted())


def test_the_oldest_versions_will_do() -> None:
    STEP.plan(
        facts({DOCKER: replace(ENGINE, version="20.10.0"), HOST: replace(DEBIAN, python=(3, 9))}), wanted()
    )


def test_a_cli_that_renders_no_recipe_is_warned_about() -> None:
    old = replace(ENGINE, version="20.10.24")

    (warning,) = STEP.plan(facts({DOCKER: old}), wanted()).warnings

    assert "`docker stack config`" in warning


def test_what_masks_a_pull_is_warned_about() -> None:
    masked = replace(ENGINE, prefers_offline_images=True, mirrors=("https://mirror/",))

    warnings = STEP.plan(facts({DOCKER: masked}), wanted()).warnings

    assert "DOCKER_SERVICE_PREFER_OFFLINE_IMAGE" in warnings[0]
    assert "https://mirror/" in warnings[1]
