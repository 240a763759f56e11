"""Ansible and pyinfra, told to bring about what `invoke provision` does.

Neither is a dependency: pip puts both into a folder that is removed afterwards. They reach the host by the
SSH that we use, with the same key and the same host key. Ansible keeps its connection from run to run.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ccci_host.agent import paths
from ccci_host.config import HostTable
from ccci_host.errors import HostError, tail
from ccci_host.lab import commands
from ccci_host.lab.benchmark.timed import Timed, timed
from ccci_host.lab.keys import Keys
from ccci_host.progress import doing
from ccci_host.steps.agent import RUNNING_UNITS
from ccci_host.steps.agent_files import place
from ccci_host.transport.executor import Completed
from ccci_host.transport.machine import Instance

PACKAGES = ("ansible-core", "pyinfra")
FILES = Path(__file__).parent / "peer_files"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"
USER = "root"

_RECAP = re.compile(r" changed=(\d+) +unreachable=0 +failed=0 ")


@dataclass(frozen=True, slots=True)
class Tool:
    """A command that brings a host to the wanted state."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    changes: Callable[[Completed], int]
    """How many things it says that it changed; raises `HostError` where its output does not say."""

    def run(self) -> Timed:
        """Run it to its end; raises `CommandFailedError` where it fails."""
        return timed(self.argv, env=self.env)


def files_of(table: HostTable) -> tuple[dict[str, str], dict[str, str]]:
    """Files that our provisioning writes on a host, and its units, each by path with its octal mode."""
    files = {paths.ARCHIVE: "755", paths.POLICY: "644", table.hub.docker_config: "600"}
    return files, {place(unit): "644" for unit in paths.UNITS}


@dataclass(frozen=True, slots=True)
class Briefing:
    """What both tools are told."""

    folder: Path
    """Holds their programs, and takes what they write."""
    address: str
    key: Path
    """The private one."""
    known_hosts: Path
    wanted: Path
    """What `_fetch` wrote."""

    @property
    def master(self) -> Path:
        """The socket of the connection that Ansible keeps."""
        return self.folder / "master"

    def program(self, name: str) -> str:
        """The path of an installed program."""
        return str(self.folder / "venv" / "bin" / name)


@contextmanager
def peers(instance: Instance, table: HostTable, keys: Keys) -> Iterator[tuple[Tool, Tool]]:
    """Ansible and pyinfra, each told to bring `instance` to what it is now: its files are copied from it."""
    with TemporaryDirectory() as root:
        folder, address = Path(root), instance.address()
        with doing("installing Ansible and pyinfra"):
            versions = _install(folder / "venv")
        known_hosts = folder / "known_hosts"
        known_hosts.write_bytes(address.encode() + b" " + instance.read_file(HOST_KEY))
        wanted = _fetch(instance, table, keys.ssh_public.read_text().strip(), folder)
        briefing = Briefing(folder, address, keys.ssh_key, known_hosts, wanted)
        try:
            yield ansible(briefing, versions), pyinfra(briefing, versions)
        finally:
            _hang_up(briefing)


def ansible(briefing: Briefing, versions: Mapping[str, str]) -> Tool:
    """Ansible with pipelining, without gathering facts."""
    argv = [
        *(briefing.program("ansible-playbook"), str(FILES / "playbook.yml")),
        *("--inventory", f"{briefing.address},", "--user", USER, "--private-key", str(briefing.key)),
        *("--extra-vars", f"@{briefing.wanted}"),
    ]
    environment = {
        "ANSIBLE_CONFIG": str(FILES / "ansible.cfg"),
        "ANSIBLE_HOME": str(briefing.folder / "ansible"),
        "ANSIBLE_SSH_CONTROL_PATH": str(briefing.master),
        "ANSIBLE_SSH_COMMON_ARGS": f"-o UserKnownHostsFile={briefing.known_hosts}",
    }
    return Tool(f"ansible-core {versions['ansible-core']}", argv, environment, ansible_changes)


def pyinfra(briefing: Briefing, versions: Mapping[str, str]) -> Tool:
    """pyinfra as it comes."""
    data = {
        "wanted": briefing.wanted,
        "ssh_known_hosts_file": briefing.known_hosts,
        "ssh_strict_host_key_checking": "yes",
    }
    argv = [
        *(briefing.program("pyinfra"), "--yes", "--json", "--user", USER, "--key", str(briefing.key)),
        *(word for name, value in data.items() for word in ("--data", f"{name}={value}")),
        *(briefing.address, str(FILES / "deploy.py")),
    ]
    return Tool(f"pyinfra {versions['pyinfra']}", argv, {}, pyinfra_changes)


def ansible_changes(done: Completed) -> int:
    """The tasks that the recap counts as changed."""
    recap = _RECAP.search(done.text)
    if recap is None:
        raise HostError("Ansible's output has no recap without failures.", details=tail(done.stdout))
    return int(recap[1])


def pyinfra_changes(done: Completed) -> int:
    """The operations that the results count as changed."""
    results = json.loads(done.stdout)["results"]
    if results["failed_hosts"] or results["totals"]["error"] or not results["operations"]:
        raise HostError("pyinfra's results have failures, or are empty.", details=tail(done.stdout))
    return int(results["totals"]["success"])


def _install(venv: Path) -> dict[str, str]:
    """Install both, and say which version each is."""
    commands.run([sys.executable, "-m", "venv", str(venv)]).check()
    pip = [str(venv / "bin" / "pip"), "--disable-pip-version-check", "--no-input"]
    commands.run([*pip, "install", "--quiet", *PACKAGES], timeout=1800).check()
    listed = json.loads(commands.run([*pip, "list", "--format", "json"]).check().stdout)
    return {package["name"]: package["version"] for package in listed}


def _fetch(instance: Instance, table: HostTable, key: str, folder: Path) -> Path:
    """Copy the files from the instance, and write down what is wanted for both tools."""
    files, units = files_of(table)
    for path in (*files, *units):
        copy = folder / "files" / path.lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(instance.read_file(path))
    wanted = {
        "folder": str(folder / "files"),
        "files": [{"path": path, "mode": mode} for path, mode in files.items()],
        "units": [{"path": path, "mode": mode} for path, mode in units.items()],
        "running": RUNNING_UNITS,
        "key": key,
    }
    file = folder / "wanted.json"
    file.write_text(json.dumps(wanted))
    return file


def _hang_up(briefing: Briefing) -> None:
    """End the connection that Ansible left open."""
    if briefing.master.is_socket():
        commands.run(["ssh", "-O", "exit", "-o", f"ControlPath={briefing.master}", briefing.address]).check()
