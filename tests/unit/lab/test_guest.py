"""When an instance is made, made anew, mended or left alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ccci_host.errors import HostError
from ccci_host.lab import guest as module
from ccci_host.lab.disk import DataDisk
from ccci_host.lab.guest import AUTHORIZED_KEYS, CERTIFICATE, Guest, Placement
from tests.fakes import FakeExecutor, completed
from tests.unit.lab.fake_incus import FakeIncus

PATH = "instances/classic"


class FakeDisk(DataDisk):
    """A disk without a mount."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "classic")
        self.made = 0

    def ensure_mounted(self, size_gb: float) -> None:
        if not self.file.exists():
            self.made += 1
            self.file.write_text(str(size_gb))

    def remove(self) -> None:
        self.file.unlink(missing_ok=True)


class FakeInstance:
    """An instance whose swarm is active once Docker was asked for it."""

    def __init__(self, incus: FakeIncus) -> None:
        self.incus = incus
        self.files: dict[str, bytes] = {}
        self.starts = 0
        self.start_fails = False
        self.shell = FakeExecutor(
            {
                "docker info": completed("active"),
                "update-ca-certificates --fresh": completed(),
                "systemctl restart docker": completed(),
            }
        )

    def status(self) -> str:
        return str(self.incus.objects[PATH]["status"])

    def set_status(self, status: str) -> None:
        self.incus.objects[PATH] = {**self.incus.objects[PATH], "status": status}

    def request_start(self, *, timeout: float) -> None:
        if self.start_fails:
            raise HostError("it does not start")
        self.starts += 1
        self.set_status("Running")

    def request_stop(self, *, force: bool, timeout: float) -> None:
        self.set_status("Stopped")

    def write_file(self, path: str, content: bytes, *, mode: int) -> None:
        self.files[path] = content

    def read_file(self, path: str) -> bytes:
        return self.files[path]

    def executor(self) -> FakeExecutor:
        return self.shell


class Incus(FakeIncus):
    """Makes instances that are stopped, and folders in them."""

    def create(self, path: str, body: Any) -> None:
        super().create(path, {"status": "Stopped", **body})

    def make_folder(self, instance: str, path: str, *, mode: int = 0o755) -> None:
        self.changes.append(("folder", path))

    def settle(self, instance: str) -> None:
        self.changes.append(("settle", instance))


@pytest.fixture
def placement(tmp_path: Path) -> Placement:
    (tmp_path / "ca.pem").write_text("the authority")
    (tmp_path / "key.pub").write_text("the key")
    return Placement(
        pool="lab",
        bridge="ccci0",
        nameserver="10.77.0.1",
        image="ccci-host-trixie-1",
        certificate=tmp_path / "ca.pem",
        ssh_public=tmp_path / "key.pub",
    )


class Scene:
    """A guest with its fakes."""

    def __init__(self, tmp_path: Path, placement: Placement) -> None:
        self.incus = Incus()
        self.disk = FakeDisk(tmp_path)
        self.instance = FakeInstance(self.incus)
        self.guest = Guest(self.incus, "classic", self.disk)
        self.placement = placement

    def ensure(self, store: str = "classic") -> list[tuple[str, str]]:
        """What `ensure` changed in Incus."""
        self.incus.changes.clear()
        self.guest.ensure(store, self.placement, data_gb=1)
        return [change for change in self.incus.changes if change[0] != "folder"]


@pytest.fixture
def scene(tmp_path: Path, placement: Placement, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(tmp_path, placement)
    server = type("Server", (), {"instance": lambda _, __: scene.instance})
    monkeypatch.setattr(module, "connect", lambda _: server())
    return scene


MADE = [("create", PATH), ("patch", PATH)]
MADE_ANEW = [("settle", "classic"), ("delete", PATH), *MADE]


def test_it_is_made_furnished_and_started(scene: Scene) -> None:
    assert scene.ensure() == MADE
    assert scene.instance.starts == 1
    assert scene.disk.made == 1
    assert scene.instance.files["/etc/resolv.conf"] == b"nameserver 10.77.0.1\n"
    assert scene.instance.files[CERTIFICATE] == b"the authority"
    made = scene.incus.objects[PATH]
    assert made["devices"]["docker"] == {
        "type": "disk",
        "source": str(scene.disk.mount_point / "docker"),
        "path": "/var/lib/docker",
    }
    assert made["config"]["security.nesting"] == "true"


def test_once_more_changes_nothing(scene: Scene) -> None:
    scene.ensure()
    assert scene.ensure() == []
    assert scene.instance.starts == 1


def test_a_stopped_one_is_started_and_no_more(scene: Scene) -> None:
    scene.ensure()
    scene.instance.set_status("Stopped")
    assert scene.ensure() == []
    assert scene.instance.starts == 2


def cut_off(scene: Scene) -> None:
    config = {key: value for key, value in scene.incus.objects[PATH]["config"].items() if "whole" not in key}
    scene.incus.objects[PATH] = {**scene.incus.objects[PATH], "config": config}


def other_image(scene: Scene) -> None:
    scene.incus.objects[PATH]["config"]["user.ccci.image"] = "ccci-host-trixie-0"


def lost_disk(scene: Scene) -> None:
    scene.disk.remove()


@pytest.mark.parametrize("harm", [cut_off, other_image, lost_disk])
def test_one_that_is_not_what_is_wanted_is_made_anew(scene: Scene, harm: Callable[[Scene], None]) -> None:
    scene.ensure()
    harm(scene)
    assert scene.ensure() == MADE_ANEW
    assert scene.disk.made == 2


def test_another_store_is_another_instance_on_another_disk(scene: Scene) -> None:
    scene.ensure("classic")
    assert scene.ensure("containerd") == MADE_ANEW
    assert b"true" in scene.instance.files["/etc/docker/daemon.json"]


def test_a_daemon_that_started_it_first_is_no_trouble(scene: Scene) -> None:
    scene.ensure()
    scene.instance.set_status("Stopped")
    scene.instance.start_fails = True
    original = scene.instance.status
    seen = iter(["Stopped", "Running"])
    scene.instance.status = lambda: next(seen, original())  # type: ignore[method-assign]  # the race
    scene.ensure()


def test_one_that_cannot_start_says_so(scene: Scene) -> None:
    scene.ensure()
    scene.instance.set_status("Stopped")
    scene.instance.start_fails = True
    with pytest.raises(HostError, match="it does not start"):
        scene.ensure()


def test_a_new_authority_is_trusted_and_docker_told(scene: Scene) -> None:
    scene.ensure()
    scene.placement.certificate.write_text("another authority")
    scene.ensure()
    assert scene.instance.files[CERTIFICATE] == b"another authority"
    ran = [argv for argv, _ in scene.instance.shell.runs]
    assert ("systemctl", "restart", "docker") in ran


def test_a_new_key_needs_no_restart(scene: Scene) -> None:
    scene.ensure()
    scene.placement.ssh_public.write_text("another key")
    scene.ensure()
    assert scene.instance.files[AUTHORIZED_KEYS] == b"another key"
    assert ("systemctl", "restart", "docker") not in [argv for argv, _ in scene.instance.shell.runs]


def test_removing_takes_the_disk_along(scene: Scene) -> None:
    scene.ensure()
    scene.guest.remove()
    assert PATH not in scene.incus.objects
    assert not scene.disk.file.exists()
