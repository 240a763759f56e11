"""What a host answers, written by hand after real ones."""

import json
from collections.abc import Mapping
from typing import Any

from ccci_host.facts import pruning_containers, pruning_cron, pruning_units
from ccci_host.facts.answers import Answer, Present
from ccci_host.facts.collector import Answers
from ccci_host.facts.probes import FoundFiles, FoundUnits


def said(value: Any) -> Present:
    """JSON, as the Docker daemon gives it."""
    return Present(json.dumps(value).encode())


def file(text: str, mode: int = 0o644) -> Present:
    return Present(text.encode(), mode=mode, owner="root")


def unit(name: str, command: str = "", **more: str) -> str:
    """A block of `systemctl show`."""
    execs = (
        f"ExecStart={{ path=/x ; argv[]={command} ; ignore_errors=no ; pid=0 ; status=0/0 }}\n"
        if command
        else ""
    )
    seen = {
        "ActiveState": "inactive",
        "UnitFileState": "static",
        "FragmentPath": f"/etc/systemd/system/{name}",
        **more,
    }
    return execs + f"Id={name}\nNames={name}\n" + "".join(f"{key}={value}\n" for key, value in seen.items())


def pruner_answers(
    *,
    shown: Answer | list[str] | None = None,
    unit_scripts: Mapping[str, Answer] | None = None,
    users: FoundFiles | None = None,
    users_enabled: tuple[str, ...] = (),
    tables: FoundFiles | None = None,
    cron_scripts: FoundFiles | None = None,
    containers: Answer | None = None,
    swarm_services: Answer | None = None,
    info: Answer | None = None,
) -> Answers:
    """A host with no pruner, apart from what is said here."""
    nothing = FoundFiles({}, {})
    blocks = "\n".join(shown) if isinstance(shown, list) else ""
    return Answers(
        {
            pruning_units.SYSTEM: FoundUnits(
                shown if isinstance(shown, Answer) else Present(blocks.encode()), unit_scripts or {}
            ),
            pruning_units.USER: users or nothing,
            pruning_units.USER_ENABLED: users_enabled,
            pruning_cron.TABLE_FILES: tables or nothing,
            pruning_cron.SCRIPT_FILES: cron_scripts or nothing,
            pruning_containers.CONTAINERS: containers or said([]),
            pruning_containers.SERVICES: swarm_services or said([]),
            pruning_containers.INFO: info
            or said({"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}),
        }
    )
