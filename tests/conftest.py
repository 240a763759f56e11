"""Spreads the tests over processes, each with a lab of its own: live tests need not wait for each other.

Without pytest-xdist's `-n` there is one process and the usual lab.
"""

import os
import re

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]  # xdist carries no types
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # likewise

from ccci_host.lab.guest import STORES
from ccci_host.lab.settings import ENVIRONMENT_VARIABLE, Settings

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
"""The first has the usual lab, the others one beside it."""

if WORKER != "gw0":
    os.environ[ENVIRONMENT_VARIABLE] = str(Settings.usual().beside(int(WORKER.removeprefix("gw"))).folder)

AN_INSTANCE_A_STORE = re.compile(rf"tests/live/test_agent_\w+\.py::\w+\[({'|'.join(STORES)})\b")
"""The agent's tests run on both stores, and those of one store share an instance with nobody else."""


class ByInstance(LoadScopeScheduling):  # type: ignore[misc]  # nor has it any here
    """Keeps together what shares an instance: the tests of a file, or of a file and a store."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        apart = AN_INSTANCE_A_STORE.match(nodeid)
        return f"{file} {apart[1]}" if apart else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByInstance:
    """The schedule that xdist's own `loadgroup` would give, which pytest 9.2 no longer obeys."""
    return ByInstance(config, log)
