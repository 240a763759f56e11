"""What is measured, and how it is shown; no figure is judged."""

import io
import json
import tarfile
from collections.abc import Sequence
from functools import partial
from importlib import resources
from pathlib import Path

import pytest

from ccci_host.agent.host import CLASSIC, CONTAINERD, read
from ccci_host.errors import UsageError
from ccci_host.lab import Lab
from ccci_host.lab.benchmark import (
    Figure,
    Measured,
    agent_decision,
    agent_tick,
    demo,
    measure_all,
    provision,
    reboot,
    suite,
    suite_whole,
    table,
)
from ccci_host.lab.settings import Settings
from tests.unit import programs


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(Settings.for_folder(tmp_path / "no lab"))


def figure(measured: float) -> Figure:
    return Figure("a thing", measured, 0.2, "s", "once")


def test_each_figure_stands_beside_its_budget() -> None:
    lines = table([figure(0.1999), figure(0.21)]).splitlines()
    assert lines[1].split("  ")[0] == "a thing"
    assert "over" not in lines[1]
    assert "0.21 s" in lines[2]
    assert "0.2 s" in lines[2]
    assert "over" in lines[2]


def test_a_line_alone_says_the_same() -> None:
    assert figure(0.1).line() == "a thing: 0.1 s, budget 0.2 s (once)"
    assert figure(0.3).line() == "a thing: 0.3 s, budget 0.2 s, over (once)"


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that were asked; none really measures."""
    asked: list[str] = []
    for module in (agent_decision, agent_tick, demo, provision, reboot, suite, suite_whole):
        monkeypatch.setattr(module, "measure", partial(pretend, asked, module.__name__.rpartition(".")[2]))
    return asked


def pretend(asked: list[str], name: str, _: Lab) -> Sequence[Figure]:
    asked.append(name)
    return [figure(0.1)]


def test_a_measurement_is_a_module_with_measure(lab: Lab, measured: list[str]) -> None:
    assert measure_all(lab, ["agent-tick"]) == Measured((figure(0.1),))
    assert measured == ["agent_tick"]


def test_what_takes_long_is_left_out_unless_it_is_named(lab: Lab, measured: list[str]) -> None:
    usual = measure_all(lab)
    assert measured == ["agent_decision", "agent_tick", "demo", "provision", "reboot", "suite"]
    assert usual.figures == (figure(0.1),) * 6
    assert usual.to_text().splitlines()[-1] == "Left out, for they take long: suite-whole (--only NAME)."
    named = measure_all(lab, ["suite-whole"])
    assert measured[-1] == "suite_whole"
    assert "Left out" not in named.to_text()


def test_what_was_measured_before_a_failure_has_been_said(
    lab: Lab, measured: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: Lab) -> Sequence[Figure]:
        raise UsageError("no")

    monkeypatch.setattr(agent_tick, "measure", fails)
    with pytest.raises(UsageError):
        measure_all(lab)
    assert figure(0.1).line() in capsys.readouterr().err


def test_a_name_that_there_is_not(lab: Lab) -> None:
    with pytest.raises(UsageError, match="agent-tack") as caught:
        measure_all(lab, ["agent-tack"])
    assert "agent-decision, agent-tick" in str(caught.value.resolution)


@pytest.mark.parametrize("store", [CLASSIC, CONTAINERD])
def test_the_generated_host_makes_sense(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_decision, "IMAGES", 500)
    monkeypatch.setattr(agent_decision, "CONTAINERS", 50)
    host = read(agent_decision.snapshot(store))
    assert not host.unreadable
    assert not host.reported
    assert host.store == store
    assert len(host.images) == 500
    assert len(host.containers) == 50
    assert len(list(agent_decision._times(store))) == agent_decision.TIMES


def test_the_archive_holds_each_image_with_its_layers() -> None:
    with tarfile.open(fileobj=io.BytesIO(agent_tick.archive())) as tar:
        names = set(tar.getnames())
        listed = json.loads(tar.extractfile("manifest.json").read())  # type: ignore[union-attr]
    assert len(listed) == agent_tick.IMAGES
    assert len({image["RepoTags"][0] for image in listed}) == agent_tick.IMAGES
    for image in listed:
        assert {image["Config"], *image["Layers"]} <= names
        assert len(image["Layers"]) == 8


PROGRAM = (resources.files("ccci_host.lab.benchmark") / "agent_tick_remote.py").read_text()


@pytest.mark.parametrize("python", programs.interpreters())
def test_each_run_has_its_cost(python: str) -> None:
    costs = programs.run(python, PROGRAM, {"argv": ["python3", "-c", "sum(range(10**6))"], "times": 2})
    assert len(costs["cpu"]) == len(costs["peak"]) == 2
    assert min(costs["cpu"]) > 0
    assert min(costs["peak"]) > 10**6


def test_a_command_that_fails_has_no_cost() -> None:
    with pytest.raises(SystemExit, match="ended with status"):
        programs.run(programs.OURS, PROGRAM, {"argv": ["false"], "times": 1})
