"""Sign-off on a real host: the Adversary's PASS opens it, another policy on the host closes it again.

verify-pc1 runs for real. The other runs are hand-written, of the same code and host: how such are judged is
other tests' matter, and they would take minutes.
"""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccci_host import deferred, evidence, machine_docs
from ccci_host.experiments import Options
from ccci_host.journal import Journal, read_history
from ccci_host.provision import provision
from ccci_host.records import History, HostSeen, Started
from ccci_host.review import pass_line
from ccci_host.sign_off import REQUIRED, YOUNG, Now, SignOff, look, sign_off
from ccci_host.transport import open_machine
from ccci_host.transport.machine import Machine
from ccci_host.verdict import Verdict
from ccci_host.verify import verify
from tests.histories import changed, good
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

NAME = "sign-off"
OURS = Path(__file__).resolve().parents[2] / "machine-docs"


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    with own_instance(NAME, data_gb=1.0) as config, open_machine(NAME, config.host[NAME]) as machine:
        provision(machine)
        yield machine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (machine_docs.STATUS, machine_docs.REVIEW):
        shutil.copy(OURS / name, tmp_path / name)
    return tmp_path


def with_another_policy(machine: Machine) -> Machine:
    """The same host, wanted with another high watermark."""
    table = machine.config
    prune = table.prune.model_copy(update={"high_watermark_percent": table.prune.high_watermark_percent + 1})
    return replace(machine, config=table.model_copy(update={"prune": prune}))


def written_as_of(real: History, task: str, folder: Path) -> str:
    """A hand-written run of `task`, of the code and the host of `real`, kept; its name."""
    began, host = real.first(Started), real.last(HostSeen)
    assert began is not None
    assert host is not None
    about = {field: getattr(began, field) for field in ("tree", "host", "instance", "project")}
    seen = {name: getattr(host, name) for name in ("policy_sha256", "agent_sha256", "daemon")}
    history = changed(changed(good(task), Started, about), HostSeen, seen)
    run = evidence.new_folder(folder / machine_docs.EVIDENCE_FOLDER, task)
    with Journal(run / evidence.HISTORY) as journal:
        for entry in history.entries:
            journal.write(entry.event)
    evidence.conclude(run)
    return run.name


def test_from_a_run_to_done_and_to_done_no_longer(machine: Machine, folder: Path) -> None:
    root = folder / machine_docs.EVIDENCE_FOLDER
    outcome = verify(machine, Options(task="verify-pc1", argv=("verify-pc1",)), root=root)
    assert outcome.verdict is Verdict.PASS, outcome.lines()
    real = read_history(outcome.folder / evidence.HISTORY)

    def now(seen: Machine) -> Now:
        """As `look` has it, but for the tree: somebody may be editing this checkout beside the test."""
        return replace(look(seen), tree=outcome.judgement.tree)

    def done(seen: Machine, *, check: bool = False) -> SignOff:
        return sign_off(now(seen), folder, check=check)

    alone = done(machine)
    assert [one.about for one in alone.objections] == [outcome.folder.name, *REQUIRED[1:]]
    assert "no word of the Adversary's" in alone.objections[0].reason

    names = [outcome.folder.name, *(written_as_of(real, task, folder) for task in REQUIRED[1:])]
    with (folder / machine_docs.REVIEW).open("a") as review:
        for name in names:
            review.write(f"{pass_line(name, evidence.recorded(root / name).history_sha256)}\n")
    assert done(machine).lines() == ("Signed off, and it holds.",)
    status = (folder / machine_docs.STATUS).read_text()
    assert status.count(machine_docs.DONE) == 1

    provision(with_another_policy(machine))
    try:
        changed_host = done(machine, check=True)
        assert [one.reason.partition(":")[0] for one in changed_host.objections] == [
            "the host runs another policy"
        ] * len(REQUIRED)
        assert changed_host.lines()[-1] == "Signed off, and holds no longer: 4 reasons above."
        assert (folder / machine_docs.STATUS).read_text() == status
    finally:
        provision(machine)
    assert done(machine, check=True).holds
    tomorrow = replace(now(machine), at=datetime.now(UTC).replace(microsecond=0) + 2 * YOUNG)
    assert all("hours old" in one.reason for one in sign_off(tomorrow, folder, check=True).objections)


def test_the_conditions_of_the_deferred_cache_are_measured(machine: Machine, folder: Path) -> None:
    several, cold = deferred.conditions(machine, folder)
    assert several.parts == (deferred.Measured(False, "The swarm has 1 node."),)
    assert [part.holds for part in cold.parts] == [None, True], (
        "nothing was deployed; the lab has a data disk"
    )
