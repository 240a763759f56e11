"""Opens the machine of a host table."""

from ccci_host.config import HostTable
from ccci_host.transport.executor import Executor
from ccci_host.transport.incus import connect
from ccci_host.transport.machine import Machine, require_running
from ccci_host.transport.ssh import SshExecutor
from ccci_host.transport.ssh_door import Door


def open_machine(name: str, table: HostTable) -> Machine:
    """The host called `name`, reached through the server of its table; it must be running.

    The SSH connection is made by the first command, so that a key can be authorised through Incus before.
    Raises `ConfigError` for an unfit certificate or key, `UnreachableError` when server or machine do not
    answer, `NotFoundError` when project or instance do not exist.
    """
    server = connect(table.incus)
    try:
        instance = server.instance(table.incus.instance)
        require_running(instance)
        executor: Executor = instance.executor()
        if table.ssh is not None:
            executor = SshExecutor(Door(table.ssh, instance), f"{instance.where} over SSH")
        return Machine(name, table, instance, executor, server.close)
    except BaseException:
        server.close()
        raise
