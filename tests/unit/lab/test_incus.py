"""Incus' objects by path, through pylxd and a real socket; operations are waited for."""

from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import HostError, NotFoundError, UnreachableError
from ccci_host.lab.incus import Incus
from tests.unit.transport.incus_stub import HANG_UP, Answer, Reply, Request, incus, refused, sync

POOL = "/1.0/storage-pools/lab"


def begun(description: str = "Creating instance") -> Reply:
    return 202, {"type": "async", "metadata": {"id": "op", "description": description}}


def state(code: int, **fields: Any) -> Reply:
    return sync({"id": "op", "status_code": code, "description": "Creating instance", **fields})


def test_an_object_is_found_or_is_not(tmp_path: Path) -> None:
    script: dict[str, Answer] = {
        f"GET {POOL}": sync({"name": "lab"}),
        "GET /1.0/networks/none": refused("not found", 404),
    }
    with incus(tmp_path, script) as stub:
        client = Incus(stub.socket, "p")
        assert client.find("storage-pools/lab") == {"name": "lab"}
        assert client.find("networks/none") is None
        with pytest.raises(NotFoundError, match="Incus answers to GET networks/none: not found"):
            client.get("networks/none")


def test_every_request_is_made_in_the_project(tmp_path: Path) -> None:
    with incus(tmp_path, {f"GET {POOL}": sync({})}) as stub:
        Incus(stub.socket, "p").get("storage-pools/lab")
        assert stub.asked(f"GET {POOL}")[0].query["project"] == "p"


def test_an_empty_collection_that_incus_calls_null_is_empty(tmp_path: Path) -> None:
    with incus(tmp_path, {"GET /1.0/storage-pools": sync(None)}) as stub:
        assert Incus(stub.socket).list("storage-pools") == []


def test_an_operation_is_waited_for_in_stretches(tmp_path: Path) -> None:
    """Incus answers to a wait that took too long with an error, and HTTP's 200 (measured, 6.0.4)."""
    not_yet: Reply = (200, {"type": "error", "error": "context deadline exceeded", "error_code": 500})
    script: dict[str, Answer] = {
        "POST /1.0/instances": begun(),
        "GET /1.0/operations/op/wait": [not_yet, state(200)],
        "GET /1.0/operations/op": state(103),
    }
    with incus(tmp_path, script) as stub:
        Incus(stub.socket).create("instances", {"name": "classic"})
        assert len(stub.asked("GET /1.0/operations/op/wait")) == 2
        assert stub.asked("POST /1.0/instances")[0].json == {"name": "classic"}


def test_an_operation_that_fails_says_why(tmp_path: Path) -> None:
    script: dict[str, Answer] = {
        "POST /1.0/instances": begun(),
        "GET /1.0/operations/op/wait": state(400, err="no space left on device"),
    }
    said = "Incus failed at creating instance: no space left on device"
    with incus(tmp_path, script) as stub, pytest.raises(HostError, match=said):
        Incus(stub.socket).create("instances", {})


def test_what_incus_refuses_is_said_in_its_words(tmp_path: Path) -> None:
    script: dict[str, Answer] = {"PATCH /1.0/networks/b": refused("Invalid option")}
    said = "Incus answers to PATCH networks/b: Invalid option"
    with incus(tmp_path, script) as stub, pytest.raises(HostError, match=said):
        Incus(stub.socket).patch("networks/b", {"config": {}})


def test_what_is_gone_already_is_deleted(tmp_path: Path) -> None:
    with incus(tmp_path, {f"DELETE {POOL}": refused("not found", 404)}) as stub:
        Incus(stub.socket).delete("storage-pools/lab")


def test_an_image_goes_up_as_it_is(tmp_path: Path) -> None:
    def taken(request: Request) -> Reply:
        assert request.body == b"the tarball"
        return begun("Downloading image")

    script: dict[str, Answer] = {
        "POST /1.0/images": taken,
        "GET /1.0/operations/op/wait": state(200, metadata={"fingerprint": "f00d"}),
    }
    (tmp_path / "image.tar").write_bytes(b"the tarball")
    with incus(tmp_path, script) as stub:
        assert Incus(stub.socket).import_image(tmp_path / "image.tar") == "f00d"


def working_on(instance: str, description: str) -> dict[str, Any]:
    resources = {"instances": [f"/1.0/instances/{instance}?project=p"]}
    return {"description": description, "resources": resources}


def test_what_somebody_began_with_an_instance_is_waited_for(tmp_path: Path) -> None:
    mine = working_on("mine", "Creating instance")
    script: dict[str, Answer] = {
        "GET /1.0/operations": [sync({"running": [mine]}), sync({"success": [mine]})]
    }
    with incus(tmp_path, script) as stub:
        Incus(stub.socket).settle("mine")
        assert len(stub.asked("GET /1.0/operations")) == 2


def test_commands_and_other_instances_are_not_waited_for(tmp_path: Path) -> None:
    others = [
        working_on("mine", "Executing command"),
        working_on("other", "Creating instance"),
        {"description": "Downloading image", "resources": None},
    ]
    with incus(tmp_path, {"GET /1.0/operations": sync({"running": others})}) as stub:
        Incus(stub.socket).settle("mine")
        assert len(stub.asked("GET /1.0/operations")) == 1


def test_a_daemon_that_goes_away_is_told_from_one_that_refuses(tmp_path: Path) -> None:
    with incus(tmp_path, {f"GET {POOL}": HANG_UP}) as stub, pytest.raises(UnreachableError):
        Incus(stub.socket).get("storage-pools/lab")


def test_no_daemon_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        Incus(tmp_path / "unix.socket")
