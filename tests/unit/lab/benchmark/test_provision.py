"""How the other tools are briefed, what is believed of what they say, and when nothing is measured."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ccci_host.agent import paths
from ccci_host.errors import HostError
from ccci_host.lab.benchmark import peers, provision
from ccci_host.lab.benchmark.peers import FILES, Tool
from ccci_host.lab.benchmark.timed import Timed
from ccci_host.provision import ProvisionReport, StepReport
from ccci_host.steps.agent import RUNNING_UNITS
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed
from tests.unit.machines import fake_machine, host_table

RECAP = "PLAY RECAP ****\n10.0.0.2 : ok=6    changed={} {} skipped=1    rescued=0    ignored=0   \n"
WELL = "unreachable=0    failed=0   "


def results(*, success: int = 0, error: int = 0, failed: tuple[str, ...] = (), of: int = 9) -> Completed:
    """What pyinfra prints."""
    said = {"operations": [{}] * of, "totals": {"success": success, "error": error}, "failed_hosts": failed}
    return completed(json.dumps({"plan": [], "results": said}))


@pytest.mark.parametrize("changed", [0, 3, 12])
def test_what_the_tools_changed(changed: int) -> None:
    assert peers.ansible_changes(completed(RECAP.format(changed, WELL))) == changed
    assert peers.pyinfra_changes(results(success=changed)) == changed
    steps = [{"state": "changed"}] * changed + [{"state": "ok"}]
    assert provision.our_changes(completed(json.dumps({"steps": steps}))) == changed


@pytest.mark.parametrize("counts", ["unreachable=1    failed=0   ", "unreachable=0    failed=2   "])
def test_an_ansible_that_failed_says_nothing_of_changes(counts: str) -> None:
    for said in (RECAP.format(0, counts), "PLAY [all] ****\nskipping: no hosts matched\n"):
        with pytest.raises(HostError, match="no recap"):
            peers.ansible_changes(completed(said))


@pytest.mark.parametrize("said", [results(error=1), results(failed=("10.0.0.2",)), results(of=0)])
def test_a_pyinfra_that_failed_says_nothing_of_changes(said: Completed) -> None:
    with pytest.raises(HostError, match="have failures, or are empty"):
        peers.pyinfra_changes(said)


class Copied:
    """An instance with every file."""

    def read_file(self, path: str) -> bytes:
        return f"content of {path}".encode()


def test_both_tools_want_what_the_host_has(tmp_path: Path) -> None:
    table = host_table()
    instance: Any = Copied()
    wanted = json.loads(peers._fetch(instance, table, "ssh-ed25519 AAAA", tmp_path).read_text())
    modes = {file["path"]: file["mode"] for file in wanted["files"]}
    assert modes == {paths.ARCHIVE: "755", paths.POLICY: "644", table.hub.docker_config: "600"}
    assert len(wanted["units"]) == len(paths.UNITS)
    for file in (*wanted["files"], *wanted["units"]):
        copy = Path(wanted["folder"] + file["path"])
        assert copy.read_bytes() == f"content of {file['path']}".encode()
    assert tuple(wanted["running"]) == RUNNING_UNITS


def test_the_playbook_and_the_deploy_use_all_that_is_wanted(tmp_path: Path) -> None:
    instance: Any = Copied()
    wanted = json.loads(peers._fetch(instance, host_table(), "a key", tmp_path).read_text())
    playbook = (FILES / "playbook.yml").read_text()
    deploy = (FILES / "deploy.py").read_text()
    for name in wanted:
        assert "{{ " + name in playbook
        assert f'wanted["{name}"]' in deploy or f"wanted['{name}']" in deploy


class Turns:
    """Makes tools that take scripted seconds, and remembers in which order they ran."""

    def __init__(self) -> None:
        self.order: list[str] = []

    def tool(self, name: str, seconds: list[float], changes: int = 0) -> Any:
        left = iter(seconds)

        class Scripted(Tool):
            def run(tool) -> Timed:  # noqa: N805 - `self` is the turns
                self.order.append(name)
                return Timed(next(left), completed("what it did"))

        return Scripted(name, [], {}, lambda _: changes)


def test_they_take_turns_and_the_median_counts() -> None:
    turns = Turns()
    tools = [turns.tool("ours", [1, 9, 2, 1, 3]), turns.tool("theirs", [7, 5, 5, 5, 90])]
    assert provision._medians(tools) == [2, 5]
    assert turns.order == ["ours", "theirs"] * provision.TIMES


def test_a_tool_with_something_to_do_is_not_measured() -> None:
    with pytest.raises(HostError, match="theirs changed 1 things") as caught:
        provision._medians([Turns().tool("theirs", [1, 1, 1, 1, 1], changes=1)])
    assert caught.value.details == "what it did"


def looked(needed: bool) -> Callable[..., ProvisionReport]:
    step = StepReport("agent", "why", needed, applied=False, changes=("policy differs",) if needed else ())
    return lambda machine, check=False: ProvisionReport("ci", check, (step,))


@pytest.mark.parametrize(("changes", "left"), [(0, False), (4, True)])
def test_a_tool_that_mends_nothing_or_not_all_is_not_measured(
    changes: int, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provision, "provision", looked(left))
    machine = fake_machine(FakeExecutor({"sh -euc": completed()}))
    with pytest.raises(HostError, match=f"it changed {changes} things"):
        provision._mend(machine, Turns().tool("theirs", [1], changes))


def test_what_is_spoilt_is_all_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provision, "provision", looked(False))
    host = FakeExecutor({"sh -euc": completed()})
    machine = fake_machine(host)
    provision._mend(machine, Turns().tool("theirs", [1], 4))
    files, units = peers.files_of(machine.config)
    ((argv, _),) = host.runs
    assert {*files, *units, *RUNNING_UNITS} <= set(argv)


def test_commands_on_the_host_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def two_commands(machine: Any) -> ProvisionReport:
        machine.executor.run(["true"])
        machine.executor.run(["true"])
        return looked(False)(machine)

    monkeypatch.setattr(provision, "provision", two_commands)
    host = FakeExecutor({"true": completed()})
    assert provision._trips(fake_machine(host)) == len(host.runs) == 2


def test_the_playbook_is_yaml_that_ansible_alone_tags() -> None:
    class Loader(yaml.SafeLoader):
        """With Ansible's mark of text that is no template."""

    Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))  # type: ignore[arg-type]
    (play,) = yaml.load((FILES / "playbook.yml").read_text(), Loader)
    assert play["gather_facts"] is False
    assert len(play["tasks"]) == 6
