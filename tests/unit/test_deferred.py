"""The two conditions of the deferred cache: measured, or said to be unknown; never guessed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ccci_host import deferred, evidence
from ccci_host.deferred import Condition, Measured
from ccci_host.facts.docker import Docker, Swarm
from ccci_host.journal import line
from ccci_host.records import Deployed, History, StoreKind, StoreSeen
from tests.histories import changed, good, without

DOCKER = Docker(
    id="5f1c",
    version="26.1.5",
    api_version="1.45",
    store="classic",
    root="/var/lib/docker",
    swarm=Swarm(state="active", is_manager=True, nodes=1, error=""),
    mirrors=(),
    prefers_offline_images=False,
)
ROOT: dict[str, Any] = {"root": {"type": "disk", "path": "/", "pool": "default"}, "eth0": {"type": "nic"}}


def keep(folder: Path, history: History, name: str = "20260301T120000Z-verify-pc3") -> None:
    run = folder / "evidence" / name
    run.mkdir(parents=True)
    (run / evidence.HISTORY).write_text("".join(line(entry) + "\n" for entry in history.entries))
    evidence.conclude(run)


def slow(history: History) -> History:
    """The first deploy takes half a minute; both figures count."""

    def longer(deployed: Deployed) -> Deployed:
        deployment = deployed.deployment.model_copy(update={"seconds_to_converge": 29.0})
        return deployed.model_copy(update={"deployment": deployment})

    return changed(history, Deployed, longer, phase="deploy")


def test_nodes_are_counted_by_a_manager() -> None:
    assert deferred.nodes(DOCKER) == Measured(False, "The swarm has 1 node.")
    two = replace(DOCKER, swarm=replace(DOCKER.swarm, nodes=2))
    assert deferred.nodes(two) == Measured(True, "The swarm has 2 nodes.")


@pytest.mark.parametrize("docker", [None, replace(DOCKER, swarm=replace(DOCKER.swarm, is_manager=False))])
def test_nodes_that_nobody_counts_are_not_one(docker: Docker | None) -> None:
    assert deferred.nodes(docker).holds is None


def test_a_cold_deploy_is_held_against_a_warm_one(tmp_path: Path) -> None:
    keep(tmp_path, good("verify-pc3"))
    seen = deferred.bottleneck("classic", tmp_path)
    assert seen.holds is False
    assert (
        "in 5.0 s with 15.0 MB of layers to download, and in 5.0 s with none (20260301T120000Z-v" in seen.seen
    )


def test_most_of_a_deploy_spent_on_pulling_is_a_bottleneck(tmp_path: Path) -> None:
    keep(tmp_path, slow(good("verify-pc3")))
    assert deferred.bottleneck("classic", tmp_path).holds is True


@pytest.mark.parametrize(
    "spoilt",
    [
        changed(good("verify-pc3"), StoreSeen, {"layers": ()}, moment="deployed"),
        changed(good("verify-pc3"), StoreSeen, {"problem": "denied"}, moment="start"),
        changed(good("verify-pc3"), StoreSeen, {"layers": ()}, moment="torn-down"),
        without(good("verify-pc3"), StoreSeen, moment="start"),
        without(good("verify-pc3"), Deployed, phase="redeploy"),
    ],
    ids=["first was warm", "store unreadable", "second was cold", "nobody looked", "no redeploy"],
)
def test_a_run_that_shows_no_cold_beside_a_warm_deploy_measures_nothing(
    tmp_path: Path, spoilt: History
) -> None:
    keep(tmp_path, spoilt)
    assert deferred.bottleneck("classic", tmp_path).holds is None


def test_an_earlier_run_speaks_where_the_last_was_warm_and_other_hosts_do_not(tmp_path: Path) -> None:
    keep(tmp_path, slow(good("verify-pc3")))
    keep(tmp_path, without(good("verify-pc3"), StoreSeen, moment="start"), "20260302T120000Z-verify-pc3")
    assert deferred.bottleneck("classic", tmp_path).holds is True
    assert deferred.bottleneck("elsewhere", tmp_path).holds is None


@pytest.mark.parametrize(
    ("folder", "device", "holds"),
    [
        ("/var/lib/docker", {"type": "disk", "path": "/var/lib/docker", "source": "data"}, True),
        ("/var/lib/docker", {"type": "disk", "path": "/var/lib", "source": "data"}, True),
        ("/var/lib/docker", {"type": "disk", "path": "/var/lib/dock", "source": "data"}, False),
        ("/srv/containerd", {"type": "disk", "path": "/var/lib/docker", "source": "data"}, False),
        ("/srv/containerd", {"type": "disk", "path": "/srv", "source": "data"}, True),
        ("/var/lib/docker", {"type": "disk", "source": "block-volume"}, None),
    ],
)
def test_storage_survives_on_a_disk_of_its_own(
    folder: str, device: dict[str, Any], holds: bool | None
) -> None:
    assert deferred.storage(folder, {**ROOT, "data": device}).holds is holds


@pytest.mark.parametrize(
    ("store", "root", "folder"),
    [
        ("classic", "/srv/containerd", DOCKER.root),
        ("containerd", "/srv/containerd", "/srv/containerd"),
        ("containerd", None, None),
    ],
)
def test_the_store_lies_where_its_daemon_has_its_root(
    store: StoreKind, root: str | None, folder: str | None
) -> None:
    assert deferred.store_folder(replace(DOCKER, store=store), root) == folder
    assert deferred.store_folder(None, root) is None


def test_storage_of_a_daemon_that_does_not_answer_is_not_known() -> None:
    assert deferred.storage(None, ROOT).holds is None


@pytest.mark.parametrize(
    ("parts", "holds", "word"),
    [
        ((True, True), True, "yes"),
        ((True, False), False, "no"),
        ((None, False), False, "no"),
        ((True, None), None, "not known"),
    ],
)
def test_all_parts_of_a_condition_have_to_hold(
    parts: tuple[bool | None, ...], holds: bool | None, word: str
) -> None:
    condition = Condition("this", tuple(Measured(part, "seen so") for part in parts))
    assert condition.holds is holds
    assert condition.lines() == (f"this: {word}", "  seen so", "  seen so")


def test_one_condition_is_enough_to_look_again() -> None:
    no, yes = Condition("a", (Measured(False, ""),)), Condition("b", (Measured(True, ""),))
    assert "stays deferred" in deferred.conclusion((no, no))
    assert "to be looked at again" in deferred.conclusion((no, yes))
