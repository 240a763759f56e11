from pathlib import Path

import pytest

from ccci_host.errors import HostError
from ccci_host.facts.answers import Absent, Present, Unreadable
from ccci_host.steps.operations import AddLine, MakeFolder
from ccci_host.steps.ssh_access import AUTHORIZED_KEYS, STEP
from ccci_host.transport.ssh_door import load_private_key
from tests.unit.machines import host_table, key_file
from tests.unit.steps.facts_of import facts, wanted

NEIGHBOUR = "ssh-ed25519 AAAAneighbour somebody@else"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return key_file(tmp_path_factory.mktemp("keys"))


def test_without_ssh_there_is_nothing_to_do() -> None:
    plan = STEP.plan(facts(), wanted())

    assert (plan.changes, plan.why) == ((), "commands go through Incus")


@pytest.mark.parametrize("before", ["", f"{NEIGHBOUR}\n", NEIGHBOUR])
def test_a_key_is_added(key: Path, before: str) -> None:
    table = host_table(ssh={"key": str(key)})
    seen = Present(before.encode()) if before else Absent()

    folder, added = (
        change.operation for change in STEP.plan(facts({AUTHORIZED_KEYS: seen}), wanted(table)).changes
    )

    assert folder == MakeFolder("/root/.ssh", 0o700)
    assert added == AddLine(
        "/root/.ssh/authorized_keys", f"ssh-rsa {load_private_key(key).get_base64()} ccci-host"
    )


@pytest.mark.parametrize(
    ("before_it", "options"),
    [
        ("", ""),
        (" ", ""),
        ('from="10.0.0.0/8" ', ", with options before it in line 2"),
        ('command="run me",no-pty ', ", with options before it in line 2"),
    ],
)
def test_a_key_that_is_there_is_not_added_and_options_before_it_are_named(
    key: Path, before_it: str, options: str
) -> None:
    """Whoever restricted our key meant it; whether sshd takes it is not to be read in the file."""
    text = f"# {NEIGHBOUR}\n{before_it}ssh-rsa {load_private_key(key).get_base64()} me\n"
    table = host_table(ssh={"key": str(key)})

    plan = STEP.plan(facts({AUTHORIZED_KEYS: Present(text.encode())}), wanted(table))

    assert (plan.changes, plan.why) == ((), f"id_rsa is in authorized_keys{options}")


@pytest.mark.parametrize("comment", ["#", "  # ", "\t#"])
def test_a_key_in_a_comment_is_none(key: Path, comment: str) -> None:
    text = f"{comment}ssh-rsa {load_private_key(key).get_base64()} me\n"
    table = host_table(ssh={"key": str(key)})

    assert STEP.plan(facts({AUTHORIZED_KEYS: Present(text.encode())}), wanted(table)).changes


def test_keys_that_cannot_be_read_are_not_overwritten(key: Path) -> None:
    table = host_table(ssh={"key": str(key)})

    with pytest.raises(HostError, match="cannot be read"):
        STEP.plan(facts({AUTHORIZED_KEYS: Unreadable("Input/output error")}), wanted(table))
