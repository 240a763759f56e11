"""A CI machine: what Incus knows of it from outside, and a way to run commands inside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import docker

from ccci_host.config import HostTable
from ccci_host.errors import UnreachableError
from ccci_host.transport.docker_sdk import open_docker
from ccci_host.transport.executor import (
    DEFAULT_TIMEOUT,
    Completed,
    Executor,
    run_python,
    run_repeatable,
)


class Instance(Protocol):
    """The machine seen from outside, through Incus. Nothing here trusts the machine itself."""

    @property
    def where(self) -> str:
        """Instance, project and server, for messages."""
        ...

    @property
    def kind(self) -> str:
        """`container` or `virtual-machine`."""
        ...

    def status(self) -> str:
        """`Running`, `Stopped`, `Frozen`, … as Incus says it."""
        ...

    def started_at(self) -> str:
        """When Incus last started it, ISO 8601: the outside witness of a boot."""
        ...

    def pid(self) -> int:
        """The process id of its init (container) or QEMU (VM) on the Incus host; 0 when stopped."""
        ...

    def bytes_received(self) -> int:
        """Bytes that came in over its network interface since it started.

        On a virtual machine with a running agent Incus takes the figure from inside the guest.
        """
        ...

    def address(self) -> str:
        """Its IPv4 address on the interface that its expanded devices name."""
        ...

    def addresses(self) -> tuple[str, ...]:
        """All its global addresses there, IPv4 and IPv6."""
        ...

    def request_restart(self, *, force: bool, timeout: float) -> None:
        """Restart it: gracefully, or by a forced stop and a start."""
        ...

    def request_stop(self, *, force: bool, timeout: float) -> None:
        """Stop it: gracefully, or by force."""
        ...

    def request_start(self, *, timeout: float) -> None:
        """Start it."""
        ...

    def write_file(self, path: str, content: bytes, *, mode: int) -> None:
        """Put a file into it as root."""
        ...

    def read_file(self, path: str) -> bytes:
        """The content of a file in it; raises `NotFoundError` when there is none."""
        ...

    def executor(self) -> Executor:
        """A way to run commands in it that needs nothing but Incus."""
        ...


def require_running(instance: Instance) -> None:
    """Raise `UnreachableError` unless `instance` runs; `Ready` is what a guest may call itself then."""
    status = instance.status()
    if status in ("Running", "Ready"):
        return
    remedy = {"Stopped": "`incus start`", "Frozen": "`incus resume`"}.get(status)
    raise UnreachableError(
        f"No command can run on {instance.where}: it is {status.lower()}.",
        resolution=f"Bring it back with {remedy} and try again."
        if remedy
        else "Look at it with `incus info`.",
    )


@dataclass
class Machine:
    """A host of the configuration, reached. Made by `transport.open_machine`; a context manager."""

    name: str
    config: HostTable
    instance: Instance
    executor: Executor
    on_close: Callable[[], None] = lambda: None

    def run_python(
        self, program: str, payload: Any, *, timeout: float = DEFAULT_TIMEOUT, repeatable: bool = False
    ) -> Any:
        """`executor.run_python` on this machine."""
        return run_python(self.executor, program, payload, timeout=timeout, repeatable=repeatable)

    def run_repeatable(
        self, argv: Sequence[str], *, input: bytes = b"", timeout: float = DEFAULT_TIMEOUT
    ) -> Completed:
        """`executor.run_repeatable` on this machine."""
        return run_repeatable(self.executor, argv, input=input, timeout=timeout)

    def docker(self, timeout: float = DEFAULT_TIMEOUT) -> docker.DockerClient:
        """The docker SDK speaking with this machine's daemon; see `docker_sdk.open_docker`."""
        return open_docker(self.executor, timeout)

    def close(self) -> None:
        """Give up every connection to it. Safe to call twice."""
        self.executor.close()
        self.on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
