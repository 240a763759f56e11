"""Which file systems count: those that hold layers."""

from pathlib import Path

import pytest

from ccci_host.agent import pressure
from ccci_host.agent.host import CLASSIC, CONTAINERD, Host


@pytest.fixture
def containerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Containerd's folder, by its own configuration."""
    config = tmp_path / "config.toml"
    config.write_text(f'version = 2\nroot = "{tmp_path}/layers"\n')
    monkeypatch.setattr(pressure, "CONTAINERD_CONFIG", str(config))
    return tmp_path / "layers"


def test_the_classic_store_lies_in_the_daemons_folder(tmp_path: Path) -> None:
    assert pressure.store_folders(Host(CLASSIC, str(tmp_path))) == (str(tmp_path),)


def test_volumes_in_the_daemons_folder_press_on_no_image_of_the_containerd_store(
    tmp_path: Path, containerd: Path
) -> None:
    assert pressure.store_folders(Host(CONTAINERD, str(tmp_path / "docker"))) == (str(containerd),)


def test_a_containerd_of_the_daemons_own_lies_with_it(tmp_path: Path, containerd: Path) -> None:
    own = tmp_path / "docker/containerd/daemon"
    own.mkdir(parents=True)
    assert pressure.store_folders(Host(CONTAINERD, str(tmp_path / "docker"))) == (str(own),)


def test_a_file_system_is_measured_once(tmp_path: Path) -> None:
    (one,) = pressure.measure(Host(CLASSIC, str(tmp_path)), str(tmp_path), "/")[:1]
    assert one.path == str(tmp_path)
    assert len(pressure.measure(Host(CLASSIC, str(tmp_path)), str(tmp_path))) == 1
