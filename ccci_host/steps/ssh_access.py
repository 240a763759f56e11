"""The key of `[host.NAME.ssh]` opens the host. Incus authorises it, so nobody has to log in first."""

import paramiko

from ccci_host.errors import HostError
from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Fact, Facts
from ccci_host.facts.probes import ReadFile
from ccci_host.steps.operations import AddLine, MakeFolder
from ccci_host.steps.step import Change, Plan, Step, Wanted, text_diff
from ccci_host.transport.ssh_door import load_private_key

FOLDER = "/root/.ssh"
AUTHORIZED = ReadFile(f"{FOLDER}/authorized_keys")
STILL_REFUSED = (
    "The key is in authorized_keys and sshd still refuses it: see PermitRootLogin, AllowUsers, "
    "AuthorizedKeysFile, and options before the key."
)
"""What a person is told when SSH does not open although the step has nothing to do."""
AUTHORIZED_KEYS: Fact[Answer] = Fact("authorized_keys", (AUTHORIZED,), lambda answers: answers[AUTHORIZED])


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """The key added to root's authorised ones; nothing where the configuration has no `[host.NAME.ssh]`.

    A line that has the key behind options (`from=`, `command=`, …) is somebody's restriction: the key is not
    added beside it. Whether sshd takes it, SSH itself shows.
    """
    ssh = wanted.config.ssh
    if ssh is None:
        return Plan("commands go through Incus")
    seen = facts[AUTHORIZED_KEYS]
    if isinstance(seen, Unreadable):
        raise HostError(f"The authorised keys of {wanted.host} cannot be read.", details=seen.reason)
    before = seen.text if isinstance(seen, Present) else ""
    key = load_private_key(ssh.key)
    found, restricted = _lines(before, key)
    if found:
        options = f", with options before it in line {', '.join(map(str, restricted))}" if restricted else ""
        return Plan(f"{ssh.key.name} is in authorized_keys{options}")
    line = f"{key.get_name()} {key.get_base64()} ccci-host"
    changes = (
        Change(MakeFolder(FOLDER, 0o700), f"{FOLDER} is to be there, and root's alone"),
        Change(
            AddLine(AUTHORIZED.path, line),
            f"{ssh.key.name} is not authorised",
            text_diff(AUTHORIZED.path, before, f"{before.rstrip()}\n{line}".lstrip()),
        ),
    )
    return Plan(f"{ssh.key.name} is not authorised", changes)


def _lines(text: str, key: paramiko.PKey) -> tuple[bool, list[int]]:
    """Whether `text` has `key`, and the numbers of the lines that have it and do not begin with its type."""
    words = [[] if line.lstrip().startswith("#") else line.split() for line in text.split("\n")]
    having = {number: line for number, line in enumerate(words, 1) if key.get_base64() in line}
    return bool(having), [number for number, line in having.items() if line[0] != key.get_name()]


STEP = Step("ssh", after=("host",), facts=lambda _: (AUTHORIZED_KEYS,), plan=plan)
