"""A harness that sends no login, on real hosts: found out as it is, as good as ours with the login lent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccci_host.checks import Finding, find_all
from ccci_host.config import Config
from ccci_host.experiments import EXPERIMENTS, Options, stacks
from ccci_host.journal import Journal, read_history
from ccci_host.provision import provision
from ccci_host.records import Deployed, History, Phase, RequestsSeen, TornDown
from ccci_host.transport import open_machine
from ccci_host.verdict import Verdict
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

Hosts = tuple[Config, str]


@pytest.fixture(scope="module", params=["classic", "containerd"])
def shared(request: pytest.FixtureRequest) -> Iterator[Hosts]:
    """The configuration, and the name of a provisioned host of this store in it."""
    name = f"harness-{request.param}"
    with own_instance(name, store=request.param, data_gb=1.0) as config:
        with open_machine(name, config.host[name]) as machine:
            provision(machine)
        yield config, name


def experiment(task: str, shared: Hosts, way: str, folder: Path) -> tuple[History, dict[str, Finding]]:
    """Run it with the harness on the host by that way; its history and what each check finds."""
    config, name = shared
    path = folder / "history.jsonl"
    with open_machine(f"{name}{way}", config.host[f"{name}{way}"]) as machine:
        with Journal(path) as journal:
            EXPERIMENTS[task](machine, journal, Options(task=task, deployer="command"))
        assert stacks.look(machine).own == ()
        pat_file = machine.config.hub.pat.file
    assert pat_file is not None
    assert pat_file.read_text().strip() not in path.read_text()
    history = read_history(path)
    return history, {finding.check: finding for finding in find_all(history)}


def payers(history: History, phase: Phase) -> set[str | None]:
    """Who paid for the manifests of a phase."""
    [seen] = [one for one in history.of(RequestsSeen) if one.phase == phase]
    assert seen.problem is None
    return {request.account for request in seen.requests if request.costs_quota and request.status == 200}


def test_the_node_pulls_anonymously_though_the_host_is_logged_in(shared: Hosts, tmp_path: Path) -> None:
    history, findings = experiment("verify-pc2", shared, "-unlent", tmp_path)
    assert payers(history, "cold-pull") == {None}
    unlike = {name for name, one in findings.items() if one.verdict is not Verdict.PASS}
    assert unlike == {"pulls-authenticated"}
    found = findings["pulls-authenticated"]
    assert found.verdict is Verdict.FAIL
    assert "harbour/guestbook by nobody (anonymous)" in found.reason
    assert "lend_login" in found.todo


def test_with_the_login_lent_no_request_is_left_that_nobody_pays(shared: Hosts, tmp_path: Path) -> None:
    """Through a reboot on the one store, and into a cold pull on the other."""
    config, name = shared
    task: str = "verify-pc2" if name.endswith("classic") else "reboot-and-redeploy"
    history, findings = experiment(task, shared, "", tmp_path)
    assert {check: one.reason for check, one in findings.items() if one.verdict is not Verdict.PASS} == {}
    account = config.host[name].hub.account
    phases = {one.phase for one in history.of(RequestsSeen)}
    assert {payer for phase in phases for payer in payers(history, phase)} == {account}
    assert payers(history, "cold-pull" if task == "verify-pc2" else "control-redeploy") == {account}
    for deployed in history.of(Deployed):
        [ran] = deployed.deployment.commands
        assert (ran.where, ran.exit_code, ran.argv[1]) == ("host", 0, "deploy")
    for torn_down in history.of(TornDown):
        assert [ran.argv[1] for ran in torn_down.removal.commands] == ["undeploy", "clean-up"]
