"""The experiments on real hosts of the lab, beside a stranger's service, and what checks make of them."""

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from ccci_host.checks import Finding, find_all
from ccci_host.config import Config
from ccci_host.errors import DeployError, RefusedError
from ccci_host.experiments import EXPERIMENTS, Options, stacks
from ccci_host.experiments.lease import AGENT, OWNER, holders, process_table
from ccci_host.faults import all_faults, injected
from ccci_host.journal import Journal, read_history
from ccci_host.provision import provision
from ccci_host.recipes import STACK, Recipe, find_recipe, make_app, own_domain
from ccci_host.records import Entry, Finished, History, Leftovers, Note, PhaseBegan
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

STRANGER = "stranger-web"
"""A service of somebody else, which every experiment must leave as it was."""


@contextmanager
def opened(config: Config, name: str) -> Iterator[Machine]:
    """The host, provisioned, with a stranger's service running."""
    with open_machine(name, config.host[name]) as machine:
        provision(machine)
        argv = ["docker", "service", "create", "--quiet", "--name", STRANGER, "--mount", "target=/data"]
        machine.executor.run([*argv, "--with-registry-auth", "quickcache:7.2"], timeout=120).check()
        yield machine


@pytest.fixture(scope="module")
def classic() -> Iterator[Machine]:
    with own_instance("experiment-a", data_gb=1.0) as config, opened(config, "experiment-a") as machine:
        yield machine


@pytest.fixture(scope="module")
def containerd() -> Iterator[Machine]:
    """Reached as a remote host is: HTTPS, then SSH."""
    name = "experiment-b"
    with (
        own_instance(name, store="containerd", data_gb=1.0) as config,
        opened(config, f"{name}-remote") as machine,
    ):
        yield machine


def experiment(
    machine: Machine,
    folder: Path,
    task: str,
    *,
    listener: Callable[[Entry], None] | None = None,
    options: Options | None = None,
) -> tuple[History, dict[str, Finding]]:
    """Run it; its history and what each check finds."""
    path = folder / f"{secrets.token_hex(4)}.jsonl"
    with Journal(path, listener=listener) as journal:
        EXPERIMENTS[task](machine, journal, replace(options or Options(task=task), task=task))
    history = read_history(path)
    return history, {finding.check: finding for finding in find_all(history)}


def is_untouched(machine: Machine) -> bool:
    """Whether nothing of an experiment is left, and nobody holds a lease."""
    return stacks.look(machine).own == () and holders(machine) == ()


def test_a_redeploy_on_a_quiet_host_passes_every_check(classic: Machine, tmp_path: Path) -> None:
    history, findings = experiment(classic, tmp_path, "verify-pc3")
    assert {name: one.reason for name, one in findings.items() if one.verdict is not Verdict.PASS} == {}
    assert "1 container" in findings["strangers-untouched"].reason
    assert history.complete
    assert is_untouched(classic)


def test_the_incident_is_convicted(classic: Machine, tmp_path: Path) -> None:
    [fault] = [fault for fault in all_faults() if fault.name == "prune-af"]
    with ExitStack() as until_the_end:
        options = Options(
            task=fault.task,
            pause_before="redeploy",
            wait_for_person=lambda *_: until_the_end.enter_context(injected(fault, classic)),
        )
        _, findings = experiment(classic, tmp_path, fault.task, options=options)
    assert findings[fault.check].verdict is fault.expected
    for image in ("harbour/guestbook", "tidedb"):
        assert image in findings[fault.check].reason
    assert findings["eviction-seen"].verdict is Verdict.PASS


def test_the_logins_pay_for_what_the_swarm_pulls(classic: Machine, tmp_path: Path) -> None:
    _, findings = experiment(classic, tmp_path, "verify-pc2")
    assert {name: one.reason for name, one in findings.items() if one.verdict is not Verdict.PASS} == {}


def test_what_a_killed_run_left_is_found_and_removed(classic: Machine, tmp_path: Path) -> None:
    recipe = find_recipe("small", classic.config.recipes)
    STACK.deploy(classic, make_app(recipe, own_domain(recipe, "dead")))
    dead = " ".join((OWNER, socket.gethostname(), "4194304", "1", *(process_table() or ())))
    classic.executor.run([AGENT, "lease", "--hold", "600", "--owner", dead]).check()
    [fault] = [fault for fault in all_faults() if fault.name == "cron-prune"]
    with injected(fault, classic):
        history, findings = experiment(classic, tmp_path, "verify-pc1")
    assert any(dead in note.text for note in history.of(Note))
    [left] = history.of(Leftovers)
    assert ("service", f"{own_domain(recipe, 'dead').replace('.', '_')}_app") in left.removed
    unlike = {name: one.reason for name, one in findings.items() if one.verdict is not Verdict.PASS}
    assert set(unlike) == {fault.check}
    assert is_untouched(classic)


@pytest.mark.parametrize("phase", ["redeploy"])
def test_an_interrupted_run_leaves_the_host_as_it_was(phase: str, classic: Machine, tmp_path: Path) -> None:
    def interrupt(entry: Entry) -> None:
        if isinstance(entry.event, PhaseBegan) and entry.event.phase == phase:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment(classic, tmp_path, "verify-pc3", listener=interrupt)
    [path] = tmp_path.glob("*.jsonl")
    finished = read_history(path).last(Finished)
    assert finished is not None
    assert finished.outcome == "interrupted"
    assert is_untouched(classic)


def test_nothing_is_done_over_somebody_elses_run(classic: Machine, tmp_path: Path) -> None:
    lease = classic.executor.run([AGENT, "lease", "--hold", "600", "--owner", "somebody else"]).check().text
    try:
        with pytest.raises(RefusedError) as refused:
            experiment(classic, tmp_path, "verify-pc3")
    finally:
        classic.executor.run([AGENT, "lease", "--release", lease]).check()
    assert "somebody else" in refused.value.details


def test_a_recipe_whose_image_does_not_exist_is_an_error_and_no_verdict(
    classic: Machine, tmp_path: Path
) -> None:
    folder = tmp_path / "absent"
    folder.mkdir()
    (folder / "compose.yml").write_text(
        'services: {app: {image: "harbour/nobody-published-this:1.0"}}\nversion: "3.8"\n'
    )
    assert Recipe("absent", folder, "unversioned") == find_recipe(str(folder), ())
    with pytest.raises(DeployError, match="nobody-published-this"):
        experiment(classic, tmp_path, "verify-pc3", options=Options(task="t", recipe=str(folder)))
    assert is_untouched(classic)


def test_layers_outlive_a_forced_stop(containerd: Machine, tmp_path: Path) -> None:
    options = Options(task="t", recipe="several", forced_stop=True)
    _, findings = experiment(containerd, tmp_path, "reboot-and-redeploy", options=options)
    assert {name: one.reason for name, one in findings.items() if one.verdict is not Verdict.PASS} == {}
    assert is_untouched(containerd)


def test_strangers_are_rebooted_only_where_that_is_allowed(containerd: Machine, tmp_path: Path) -> None:
    strict = replace(containerd, config=containerd.config.model_copy(update={"allow_reboot": False}))
    with pytest.raises(RefusedError, match="a reboot would stop it"):
        experiment(strict, tmp_path, "reboot-and-redeploy")
    assert is_untouched(containerd)
