"""The lab's `ccci.toml`: hosts like any others, described in a file like any other."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccci_host.lab import harness
from ccci_host.lab.keys import Keys

PREFERRED = "classic"
"""The default host, where there is one of that name."""

LABEL = "the lab: real Incus, Docker and swarm, a stand-in for Docker Hub"

HEADER = "# Written by `invoke lab.up`, and written again each time.\n"


@dataclass(frozen=True, slots=True)
class Description:
    """What the hosts of a lab have in common."""

    socket: Path
    https: str
    project: str
    keys: Keys
    account: str
    pat_file: Path
    access_log: Path
    recipes: Path
    default_recipe: str
    versions: tuple[str, str]
    """Two images of one repository, between which the control of the moved tag moves one."""
    tag_command: tuple[str, ...]
    """Lets a tag of the stand-in mean another image; the two references are added."""

    def render(self, instances: Sequence[str]) -> str:
        """Each instance three times: as `NAME` by the unix socket, as `NAME-remote` by HTTPS and SSH.

        And as `NAME-unlent`: as `NAME`, but no login is lent to the harness of `--deployer command`.
        """
        tables = [HEADER]
        if instances:
            default = PREFERRED if PREFERRED in instances else instances[0]
            tables.append(f"default_host = {_value(default)}\n")
        for name in instances:
            local = {"endpoint": self.socket, "instance": name, "project": self.project}
            remote = local | {
                "endpoint": self.https,
                "client_cert": self.keys.client_cert,
                "client_key": self.keys.client_key,
                "server_cert": self.keys.server_cert,
            }
            tables += self._host(name, local, ssh=None)
            tables += self._host(f"{name}-remote", remote, ssh={"key": self.keys.ssh_key})
            tables += self._host(f"{name}-unlent", local, ssh=None, lend_login=False)
        return "\n".join(tables)

    def _host(
        self,
        name: str,
        incus: Mapping[str, Any],
        ssh: Mapping[str, Any] | None,
        *,
        lend_login: bool = True,
    ) -> Iterable[str]:
        yield _table(
            f"host.{name}",
            {
                "label": LABEL,
                "disposable": True,
                "allow_reboot": True,
                "recipes": [self.recipes],
                "default_recipe": self.default_recipe,
            },
        )
        yield _table(f"host.{name}.incus", incus)
        if ssh:
            yield _table(f"host.{name}.ssh", ssh)
        yield _table(f"host.{name}.hub", {"account": self.account})
        yield _table(f"host.{name}.hub.pat", {"file": self.pat_file})
        yield _table(f"host.{name}.command", harness.commands(lend_login=lend_login))
        yield _table(
            f"host.{name}.registry",
            {
                "access_log": self.access_log,
                "versions": self.versions,
                "tag_command": [*self.tag_command, "{source}", "{target}"],
            },
        )


def _table(name: str, values: Mapping[str, Any]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: Any) -> str:
    """`value` in TOML, which takes JSON's strings, numbers, booleans and lists of these or of such lists."""
    return json.dumps(value, default=str)
