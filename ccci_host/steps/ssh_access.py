"""The key of `[host.NAME.ssh]` opens the host. Incus authorises it, so nobody has to log in first."""

from ccci_host.errors import HostError
from ccci_host.facts.answers import Answer, Present, Unreadable
from ccci_host.facts.collector import Fact, Facts
from ccci_host.facts.probes import ReadFile
from ccci_host.steps.operations import AddLine, MakeFolder
from ccci_host.steps.step import Change, Plan, Step, Wanted, text_diff
from ccci_host.transport.ssh_door import load_private_key

FOLDER = "/root/.ssh"
AUTHORIZED = ReadFile(f"{FOLDER}/authorized_keys")
AUTHORIZED_KEYS: Fact[Answer] = Fact("authorized_keys", (AUTHORIZED,), lambda answers: answers[AUTHORIZED])


def plan(facts: Facts, wanted: Wanted) -> Plan:
    """The key added to root's authorised ones; nothing where the configuration has no `[host.NAME.ssh]`."""
    ssh = wanted.config.ssh
    if ssh is None:
        return Plan("commands go through Incus")
    seen = facts[AUTHORIZED_KEYS]
    if isinstance(seen, Unreadable):
        raise HostError(f"The authorised keys of {wanted.host} cannot be read.", details=seen.reason)
    before = seen.text if isinstance(seen, Present) else ""
    key = load_private_key(ssh.key)
    if any(key.get_base64() in line.split() for line in before.splitlines() if not line.startswith("#")):
        return Plan(f"{ssh.key.name} is authorised")
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


STEP = Step("ssh", after=("host",), facts=lambda _: (AUTHORIZED_KEYS,), plan=plan)
