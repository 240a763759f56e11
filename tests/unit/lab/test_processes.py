"""Which processes are the lab's, and that they can be ended."""

import subprocess
import sys

from ccci_host.lab import processes
from ccci_host.lab.processes import Process
from ccci_host.lab.settings import USUAL_FOLDER, Settings

SETTINGS = Settings.for_folder(USUAL_FOLDER)

OURS = (
    Process(1, "[lxc monitor] /var/lib/ccci-lab/incus/containers ccci-lab_classic", ()),
    Process(2, "/sbin/init", ("", "lxc.payload.ccci-lab_classic", "init.scope")),
    Process(3, "dockerd", ("lxc.payload.ccci-lab_classic-1", "system.slice")),
    Process(4, "dnsmasq --keep-in-foreground --conf-file=/var/lib/ccci-lab/incus/networks/x", ()),
    Process(5, "/usr/libexec/incus/incusd --group root", (), "/var/lib/ccci-lab/incus"),
)
STRANGERS = (
    Process(11, "[lxc monitor] /var/lib/ccci-lab-two/incus/containers ccci-lab_classic", ()),
    Process(12, "/sbin/init", ("lxc.payload.ccci-lab-two_classic",)),
    Process(13, "/sbin/init", ("lxc.payload.classic",)),
    Process(14, "dnsmasq --conf-file=/var/lib/incus/networks/x", ()),
    Process(15, "/usr/libexec/incus/incusd --group root", (), "/var/lib/ccci-lab/incus-two"),
    Process(16, "/usr/libexec/incus/incusd", ()),
    Process(17, "less /var/lib/ccci-lab/incus/dnsmasq.log", ()),
    Process(18, "python3 -m pytest", ("lxc.monitor.ccci-lab_classic",), "/var/lib/ccci-lab/incus"),
)


def test_the_lab_s_processes_are_known_and_no_stranger_is_among_them() -> None:
    assert processes.left_behind([*STRANGERS, *OURS], SETTINGS) == (1, 2, 3, 4, 5)


def test_this_process_is_seen_with_its_argv() -> None:
    assert any("pytest" in process.command for process in processes.running())


def test_a_process_is_ended_and_waited_for() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        processes.end([process.pid])
        assert process.wait() == -9


def test_a_process_that_is_gone_already_is_no_trouble() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    processes.end([process.pid])
