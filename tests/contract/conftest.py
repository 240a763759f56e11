"""The executors that the contract holds for: a fake, this machine, and the three ways into a lab instance."""

from collections.abc import Iterator

import pytest

from ccci_host.config import Config
from ccci_host.transport.executor import Executor
from ccci_host.transport.local import LocalExecutor
from ccci_host.transport.opening import open_machine
from tests.contract.scripted import scripted_host
from tests.lab_hosts import own_instance

INSTANCE = "contract"


@pytest.fixture(scope="session")
def hosts() -> Iterator[Config]:
    """The configuration of one lab instance that only these tests use."""
    with own_instance(INSTANCE) as config:
        yield config


@pytest.fixture(
    scope="module",
    params=[
        "fake",
        "local",
        pytest.param("unix", marks=pytest.mark.live),
        pytest.param("https", marks=pytest.mark.live),
        pytest.param("ssh", marks=pytest.mark.live),
    ],
)
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """One executor after the other."""
    if request.param == "fake":
        yield scripted_host()
    elif request.param == "local":
        yield LocalExecutor()
    else:
        hosts: Config = request.getfixturevalue("hosts")
        name = INSTANCE if request.param == "unix" else f"{INSTANCE}-remote"
        with open_machine(name, hosts.host[name]) as machine:
            yield machine.executor if request.param == "ssh" else machine.instance.executor()
