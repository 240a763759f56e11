"""Opens the machine of a host table."""

from ccci_host.config import HostTable
from ccci_host.transport.incus import connect
from ccci_host.transport.machine import Machine


def open_machine(name: str, table: HostTable) -> Machine:
    """The host called `name`, reached through the server of its table; it must be running.

    Raises `ConfigError` for an unfit certificate or key, `UnreachableError` when server or machine do not
    answer, `NotFoundError` when project or instance do not exist.
    """
    server = connect(table.incus)
    try:
        instance = server.instance(table.incus.instance)
        instance.require_running()
        return Machine(name, table, instance, instance.executor(), server.close)
    except BaseException:
        server.close()
        raise
