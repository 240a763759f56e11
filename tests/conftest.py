"""Spreads the tests over processes, each with a lab of its own: live tests need not wait for each other.

Without pytest-xdist's `-n` there is one process and the usual lab.
"""

import os

import pytest

from ccci_host.lab.guest import STORES
from ccci_host.lab.settings import ENVIRONMENT_VARIABLE, Settings

WORKER = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
"""The first has the usual lab, the others one beside it."""

if WORKER != "gw0":
    os.environ[ENVIRONMENT_VARIABLE] = str(Settings.usual().beside(int(WORKER.removeprefix("gw"))).folder)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares an instance: the tests of a file.

    Where a file's fixture `shared` has the image stores as its parameters, each is an instance of its own.
    """
    for item in items:
        callspec = getattr(item, "callspec", None)
        shared = callspec.params.get("shared") if callspec else None
        group = f"{item.path.stem} {shared}" if shared in STORES else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
