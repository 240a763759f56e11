"""Which packages are missing, and on which machines they can be installed at all."""

from pathlib import Path

import pytest

from ccci_host.errors import HostError
from ccci_host.lab import apt_sources, packages
from ccci_host.transport.executor import Completed

BOOKWORM = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_CODENAME=bookworm\n'


def test_the_release_is_read_from_os_release(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text(BOOKWORM)
    assert packages.release(tmp_path / "os-release") == "bookworm"


def test_another_system_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text('PRETTY_NAME="Fedora Linux 43"\nID=fedora\n')
    with pytest.raises(HostError, match="this machine is Fedora Linux 43"):
        packages.release(tmp_path / "os-release")


def test_only_what_is_fully_installed_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = b"acl installed\nattr half-configured\ngit config-files\n"
    monkeypatch.setattr(
        packages, "run", lambda argv, **_: Completed(tuple(argv), 1, shown, b"no packages found", "here")
    )
    assert packages.missing(("acl", "attr", "git", "rsync")) == ("attr", "git", "rsync")


class Machine:
    """Answers `run` like a Debian machine and remembers what was run."""

    def __init__(self, dpkg: list[Completed] | None = None) -> None:
        self.argvs: list[tuple[str, ...]] = []
        self.dpkg = dpkg or []

    def run(self, argv: list[str], **_: object) -> Completed:
        self.argvs.append(tuple(argv))
        if argv[0] == "dpkg" and self.dpkg:
            return self.dpkg.pop(0)
        return Completed(tuple(argv), 0, b"", b"", "here")


@pytest.fixture
def sources_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bookworm machine with the archive alone among its sources; the file that backports would go to."""
    (tmp_path / "os-release").write_text(BOOKWORM)
    (tmp_path / "sources.list").write_text("deb http://example.org/debian bookworm main\n")
    file = tmp_path / "backports.sources"
    release, read = packages.release, apt_sources.read
    monkeypatch.setattr(packages, "release", lambda: release(tmp_path / "os-release"))
    monkeypatch.setattr(apt_sources, "read", lambda: read(tmp_path))
    monkeypatch.setattr(packages, "_BACKPORTS_FILE", file)
    return file


def test_incus_comes_from_backports_which_are_added_first(
    sources_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    machine = Machine()
    monkeypatch.setattr(packages, "run", machine.run)
    packages.install(["incus-base", "acl"], tmp_path / "log")
    assert "Suites: bookworm-backports\n" in sources_file.read_text()
    assert [argv[0] for argv in machine.argvs] == ["dpkg", "apt-get", "apt-get"]
    assert machine.argvs[2][-2:] == ("incus-base/bookworm-backports", "acl")
    assert "Installing Debian packages: incus-base acl" in capsys.readouterr().err


def test_other_packages_leave_the_sources_alone(
    sources_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(packages, "run", Machine().run)
    packages.install(["acl"], tmp_path / "log")
    assert not sources_file.exists()


def test_nothing_missing_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    machine = Machine()
    monkeypatch.setattr(packages, "run", machine.run)
    packages.install([], tmp_path / "log")
    assert machine.argvs == []


def test_what_is_there_is_not_installed_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed: list[tuple[str, ...]] = []
    monkeypatch.setattr(packages, "_LOCK", tmp_path / "lock")
    monkeypatch.setattr(packages, "missing", lambda names: tuple(name for name in names if name != "acl"))
    monkeypatch.setattr(packages, "install", lambda names, log: installed.append(names))
    packages.ensure(tmp_path / "log", ["acl"])
    assert installed == []
    packages.ensure(tmp_path / "log", ["acl", "chromium"])
    assert installed == [("chromium",)]


def test_a_dpkg_of_somebody_else_is_waited_for(
    sources_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    locked = Completed(("dpkg",), 2, b"", b"dpkg frontend lock was locked by another process", "here")
    machine = Machine([locked])
    monkeypatch.setattr(packages, "run", machine.run)
    packages.install(["acl"], tmp_path / "log")
    assert [argv[0] for argv in machine.argvs] == ["dpkg", "dpkg", "apt-get", "apt-get"]
