"""dockerd told to prefer what it has: pulls are skipped, and a broken image goes unnoticed (fact 16)."""

from ccci_host.faults.daemon_setting import DaemonSetting
from ccci_host.transport.machine import Machine
from ccci_host.witnesses import host


class PreferOffline(DaemonSetting):
    """Sets the variable in dockerd's environment."""

    name = "prefer-offline"
    task = "verify-pc3"
    check = "pull-path-is-real"
    drop_in = "Environment=DOCKER_SERVICE_PREFER_OFFLINE_IMAGE=1\n"

    def is_present(self, machine: Machine) -> bool:
        """Whether the running dockerd has it."""
        return any("OFFLINE" in setting for setting in host.look(machine).pull_overrides)


FAULT = PreferOffline()
