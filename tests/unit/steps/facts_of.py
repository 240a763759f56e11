"""A host that is as it should be, fact by fact, to take one thing away from."""

from dataclasses import replace
from typing import Any

from ccci_host.agent import paths
from ccci_host.config import HostTable
from ccci_host.facts.abra import ABRA
from ccci_host.facts.answers import Absent, Answer, Present
from ccci_host.facts.collector import Facts
from ccci_host.facts.docker import DOCKER, Docker, Swarm
from ccci_host.facts.host import HOST, Host
from ccci_host.facts.hub_login import HubLogin, hub_login, login_entry, veiled
from ccci_host.facts.pruner import Audit
from ccci_host.facts.pruners import PRUNERS
from ccci_host.facts.units import Unit
from ccci_host.secret import Secret
from ccci_host.steps.agent import UNITS, calendar
from ccci_host.steps.agent_archive import archive_sha256
from ccci_host.steps.agent_files import INSTALLED, Installed, wanted_texts
from ccci_host.steps.ssh_access import AUTHORIZED_KEYS
from ccci_host.steps.step import Wanted
from tests.unit.machines import host_table

PAT = Secret("not-a-real-pat")
NONCE = "nonce"
DEBIAN = Host("debian", "Debian GNU/Linux 13 (trixie)", (3, 13, 5), 257, "eth0")
SWARM = Swarm("active", True, 1, "")
ENGINE = Docker("5f1c", "26.1.5", "1.45", "classic", "/var/lib/docker", SWARM, (), False)
TIMER = Unit(paths.TIMER, "loaded", "active", "waiting", "enabled", False, (), "success")
SERVICE = Unit(paths.SERVICE, "loaded", "inactive", "dead", "static", False, (), "success")
WATCH = Unit(paths.WATCH, "loaded", "active", "running", "enabled", False, (), "success")
LOGIN = HubLogin(
    mode=0o600,
    owner="root",
    folder_owner="root",
    account="me",
    fields={"auth": veiled(NONCE, login_entry("me", PAT))},
    helper="",
    others=(),
)


def wanted(table: HostTable | None = None, *, disable_pruners: bool = False) -> Wanted:
    return Wanted("ci", table or host_table(), PAT, NONCE, disable_pruners)


def installed(table: HostTable | None = None) -> Installed:
    digest = archive_sha256().encode()
    texts = wanted_texts((table or host_table()).prune)
    return Installed(
        Present(digest, 0o755, "root", paths.ARCHIVE),
        {path: Present(text.encode(), 0o644, "root", path) for path, text in texts.items()},
    )


def instead(path: str, answer: Answer) -> Installed:
    """The agent's files, with another answer for one of them."""
    files = installed()
    if path == paths.ARCHIVE:
        return replace(files, archive=answer)
    return replace(files, texts={**files.texts, path: answer})


def units(*others: Unit) -> dict[str, Unit]:
    """The agent's units, some of them otherwise."""
    return {unit.name: unit for unit in (SERVICE, TIMER, WATCH, *others)}


def facts(by_fact: dict[Any, Any] | None = None, table: HostTable | None = None) -> Facts:
    """All facts of a host that is as it should be, apart from those given."""
    table = table or host_table()
    seen: dict[str, Any] = {
        HOST.name: DEBIAN,
        DOCKER.name: ENGINE,
        AUTHORIZED_KEYS.name: Absent(),
        INSTALLED.name: installed(table),
        UNITS.name: units(),
        calendar(table.prune.timer).name: Present(b"Original form: hourly\n"),
        hub_login(table.hub.docker_config, NONCE).name: LOGIN,
        PRUNERS.name: Audit((), ()),
        ABRA.name: Absent(),
    }
    return Facts({**seen, **{fact.name: value for fact, value in (by_fact or {}).items()}})
