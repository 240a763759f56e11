"""The lab: made, killed at any moment, met by two checkouts, stopped, purged. Beside the usual lab."""

import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ccci_host import config
from ccci_host.errors import RefusedError
from ccci_host.lab import Lab, incusd, processes
from ccci_host.lab.commands import environment, run
from ccci_host.lab.disk import mount_points
from ccci_host.lab.incus import Incus
from ccci_host.lab.settings import Settings
from ccci_host.transport import open_machine
from ccci_host.waiting import wait_until
from tests.scratch_lab import ScratchLab

pytestmark = pytest.mark.live

FOLDER = Path("/var/lib/ccci-lab-scratch")
HOSTS = ("classic", "classic-remote")


@pytest.fixture(scope="module")
def scratch() -> Iterator[ScratchLab]:
    """A lab that was cut off twice while it was made: a controller alone, then all processes at once."""
    scratch = ScratchLab(FOLDER)
    scratch.lab.down(purge=True)
    scratch.borrow_image()
    scratch.kill_controller_when(lambda: scratch.has("instances/classic"), "the instance to be begun")
    scratch.kill_all()
    scratch.lab.up()
    try:
        yield scratch
    finally:
        scratch.lab.down(purge=True)


def swarm_node(scratch: ScratchLab, host: str = "classic") -> str:
    """The id of the swarm's node, asked by the way of `host`; an instance that works answers."""
    name, table = config.load(scratch.lab.config_path).select(host)
    with open_machine(name, table) as machine:
        shown = machine.run_repeatable(["docker", "info", "--format", "{{.Swarm.NodeID}}"]).check().text
        machine.run_repeatable(["docker", "node", "inspect", shown]).check()
        return shown


@pytest.mark.parametrize("host", HOSTS)
def test_both_doors_lead_into_a_working_instance(scratch: ScratchLab, host: str) -> None:
    name, table = config.load(scratch.lab.config_path).select(host)
    with open_machine(name, table) as machine:
        assert machine.run_repeatable(["systemctl", "is-system-running"]).text == "running"
        machine.executor.run(["docker", "pull", "harbour/guestbook:1.0"], timeout=120).check()


def test_its_incus_copies_itself_for_no_command(scratch: ScratchLab) -> None:
    """A command would fail now and then in the copying (DECISIONS.md)."""
    name, table = config.load(scratch.lab.config_path).select("classic")
    nap = "sleep 3.25"
    with open_machine(name, table) as machine, ThreadPoolExecutor() as pool:
        command = pool.submit(machine.executor.run, nap.split())
        wait_until(
            lambda: any(process.command == nap for process in processes.running()) or None,
            what="the command to run",
            timeout=3,
            interval=0.1,
        )
        seen = [process for process in processes.running() if process.command.endswith(f" cmd {nap}")]
        programs = [Path(f"/proc/{process.pid}/exe").readlink() for process in seen]
        command.result().check()
    assert programs == [incusd.PROGRAM]


def test_docker_s_data_is_on_a_small_disk_of_its_own(scratch: ScratchLab) -> None:
    name, table = config.load(scratch.lab.config_path).select("classic")
    with open_machine(name, table) as machine:
        for folder in ("/var/lib/docker", "/var/lib/containerd"):
            shown = machine.run_repeatable(["df", "--output=size,source", "--block-size=1M", folder]).check()
            size, source = shown.text.splitlines()[1].split()
            assert 2500 < int(size) < 3100
            assert source.startswith("/dev/loop")


def test_once_more_changes_nothing(scratch: ScratchLab) -> None:
    before = scratch.lab.status(), scratch.incus().list("instances"), scratch.lab.config_path.read_text()
    scratch.lab.up()
    after = scratch.lab.status(), scratch.incus().list("instances"), scratch.lab.config_path.read_text()
    assert after == before


def test_two_checkouts_at_once_end_up_with_one_lab(scratch: ScratchLab) -> None:
    node = swarm_node(scratch)
    with scratch.start_controller() as one, scratch.start_controller() as two:
        assert (one.wait(timeout=120), two.wait(timeout=120)) == (0, 0)
    assert [guest.name for guest in scratch.lab.status().guests] == ["classic"]
    assert swarm_node(scratch) == node


def test_killed_all_at_once_it_comes_back_with_its_swarm(scratch: ScratchLab) -> None:
    node = swarm_node(scratch)
    assert scratch.kill_all() > 5
    scratch.lab.up()
    assert {swarm_node(scratch, host) for host in HOSTS} == {node}


def test_a_killed_daemon_alone_comes_back_under_a_running_instance(scratch: ScratchLab) -> None:
    started = scratch.incus().get("instances/classic/state")["started_at"]
    ours = [process for process in processes.running() if process.incus_dir == str(scratch.settings.incus)]
    processes.end(process.pid for process in ours if process.command.startswith(str(incusd.PROGRAM)))
    scratch.lab.up()
    assert scratch.incus().get("instances/classic/state")["started_at"] == started


def test_a_killed_dnsmasq_is_started_again(scratch: ScratchLab) -> None:
    processes.end(
        process.pid
        for process in processes.running()
        if process.command.startswith("dnsmasq ") and f"={scratch.settings.incus}/" in process.command
    )
    scratch.lab.up()
    name, table = config.load(scratch.lab.config_path).select("classic")
    with open_machine(name, table) as machine:
        shown = machine.run_repeatable(["getent", "hosts", "registry-1.docker.io"]).check().text
    assert shown.split()[0] == str(scratch.settings.address.ip)


def test_down_stops_every_process_and_up_brings_the_same_instance_back(scratch: ScratchLab) -> None:
    node = swarm_node(scratch)
    scratch.lab.down()
    scratch.lab.down()
    assert processes.left_behind(processes.running(), scratch.settings) == ()
    assert scratch.lab.status().daemon == "down"
    scratch.lab.up()
    assert swarm_node(scratch) == node


def test_an_instance_can_be_added_and_removed_beside_the_first(scratch: ScratchLab) -> None:
    scratch.lab.instance("containerd", name="second", data_gb=0.5)
    name, table = config.load(scratch.lab.config_path).select("second")
    with open_machine(name, table) as machine:
        shown = machine.run_repeatable(["docker", "info", "--format", "{{json .DriverStatus}}"]).check()
        assert "io.containerd.snapshotter.v1" in shown.text
    scratch.lab.remove("second")
    assert "second" not in config.load(scratch.lab.config_path).host
    assert not list(scratch.settings.disks.glob("second*"))
    assert not [point for point in mount_points() if "second" in point.parts]


def test_the_image_build_ends_with_its_controller_and_leaves_no_mount() -> None:
    half = ScratchLab(FOLDER.with_name("ccci-lab-scratch-half"))
    try:
        rootfs = half.settings.cache / "half-done" / "rootfs"
        half.kill_controller_when((rootfs / "usr").exists, "mmdebstrap to have begun")
        wait_until(
            lambda: None if any(str(rootfs) in process.command for process in processes.running()) else True,
            what="mmdebstrap to end with its controller",
            timeout=10,
        )
        assert not [point for point in mount_points() if point.is_relative_to(half.settings.cache)]
        assert not list(half.settings.cache.glob("*.tar"))
    finally:
        half.lab.down(purge=True)


@pytest.fixture
def machines_incus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Incus]:
    """An Incus that is this machine's own, with something of a stranger's in it."""
    folder = Path("/var/lib/ccci-lab-scratch-machine")
    folder.mkdir()
    env = environment({"INCUS_DIR": str(folder)})
    argv = [str(incusd.PROGRAM), "--group", "root"]
    socket = folder / "unix.socket"
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as daemon:
        wait_until(lambda: incusd.answers(socket) or None, what="the machine's Incus", timeout=60)
        monkeypatch.setattr(incusd, "MACHINES_SOCKET", socket)
        incus = Incus(socket)
        incus.create("projects", {"name": "stranger", "config": {}})
        try:
            yield incus
        finally:
            daemon.send_signal(signal.SIGTERM)
    for point in reversed(mount_points()):
        if point.is_relative_to(folder):
            run(["umount", str(point)]).check()
    run(["rm", "-r", str(folder)]).check()


def test_in_the_machine_s_own_incus_it_keeps_to_its_project(machines_incus: Incus) -> None:
    guest = ScratchLab(FOLDER.with_name("ccci-lab-scratch-guest"))
    guest.borrow_image()
    lab = Lab(Settings.for_folder(guest.settings.folder))
    theirs = f"projects/{lab.settings.project}"
    machines_incus.create("projects", {"name": lab.settings.project, "config": {}})
    with pytest.raises(RefusedError, match="among its projects"):
        lab.up()
    with pytest.raises(RefusedError, match="among its projects"):
        lab.down(purge=True)
    assert machines_incus.find(theirs) is not None
    machines_incus.delete(theirs)
    try:
        lab.up()
        assert lab.status().daemon == "the machine's"
        for host in HOSTS:
            swarm_node(guest, host)
        assert machines_incus.list("instances") == []
        lab.down()
        assert [found.status for found in lab.status().guests] == ["Stopped"]
    finally:
        lab.down(purge=True)
    assert not guest.settings.folder.exists()
    names = {found["name"] for found in machines_incus.list("projects")}
    assert names == {"default", "stranger"}
    assert machines_incus.list("storage-pools") == []
    assert machines_incus.list("certificates") == []
    assert [found["name"] for found in machines_incus.list("networks") if found["managed"]] == []
    assert machines_incus.get("")["config"] == {}


def test_purge_leaves_nothing_of_it_and_the_usual_lab_as_it_was(scratch: ScratchLab) -> None:
    """The last one: it takes the lab away."""
    settings, usual = scratch.settings, Lab.default()
    before = usual.status()
    scratch.lab.down(purge=True)
    assert not settings.folder.exists()
    assert processes.left_behind(processes.running(), settings) == ()
    assert not [point for point in mount_points() if point.is_relative_to(settings.folder)]
    assert f"{settings.folder}/" not in run(["losetup", "--list", "--output", "BACK-FILE"]).check().text
    assert not Path("/sys/class/net", settings.bridge).exists()
    assert settings.bridge not in run(["nft", "list", "ruleset"]).check().text
    assert not list(Path("/sys/fs/cgroup").glob(f"*/lxc.*.{settings.project}_*"))
    after = usual.status()
    assert (after.daemon, after.hub, after.config) == (before.daemon, before.hub, before.config)
