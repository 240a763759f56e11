"""Debian packages of the lab and its tests: named, then installed, where they are missing."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ccci_host.errors import HostError
from ccci_host.lab import apt_sources
from ccci_host.lab.commands import run
from ccci_host.lab.lock import held
from ccci_host.progress import doing, say
from ccci_host.waiting import wait_until

INCUS = ("incus-base", "incus-client")
"""Containers only: no QEMU."""

NEEDED = (
    *INCUS,
    "acl",
    "attr",
    "busybox-static",
    "dnsmasq-base",
    "docker-registry",
    "e2fsprogs",
    "git",
    "iproute2",
    "iptables",
    "mmdebstrap",
    "nftables",
    "rsync",
    "squashfs-tools",
    "uidmap",
)

FOR_TESTS = ("chromium",)
"""The report is looked at in a browser."""

BACKPORTED = {"bookworm": INCUS}
"""By release, packages that come from its backports; later releases have them in main."""

_QUIET = {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
_PATIENCE = 300
"""Seconds to wait for somebody else's apt-get or dpkg."""

_LOCK = Path("/run/ccci-lab-packages.lock")
"""apt-get has no lock of its own that covers all of it, and labs may be made side by side."""
_BACKPORTS_FILE = Path("/etc/apt/sources.list.d/ccci-lab-backports.sources")
_OS_RELEASE = Path("/etc/os-release")


def release(os_release: Path = _OS_RELEASE) -> str:
    """The code name of this machine's Debian release. Raises `HostError` on anything but Debian."""
    pairs = (line.partition("=") for line in os_release.read_text().splitlines())
    fields = {name: value.strip('"') for name, _, value in pairs}
    if fields.get("ID") != "debian" or not fields.get("VERSION_CODENAME"):
        raise HostError(
            f"The lab runs on Debian; this machine is {fields.get('PRETTY_NAME', 'something else')}.",
            resolution="Run it on Debian 12 or 13, or describe a real host in ccci.toml.",
        )
    return fields["VERSION_CODENAME"]


def missing(names: Iterable[str] = NEEDED) -> tuple[str, ...]:
    """Those of `names` that are not fully installed."""
    wanted = tuple(names)
    shown = run(["dpkg-query", "--show", "--showformat=${Package} ${db:Status-Status}\n", *wanted])
    installed = {
        package
        for package, _, status in (line.partition(" ") for line in shown.text.splitlines())
        if status == "installed"
    }
    return tuple(name for name in wanted if name not in installed)


def ensure(log: Path, names: Iterable[str] = NEEDED) -> None:
    """Install what of `names` is missing, one lab at a time; `log` gets what apt-get says."""
    wanted = tuple(names)
    if missing(wanted):
        with held(_LOCK, "installing Debian packages"):
            install(missing(wanted), log)


def install(names: Sequence[str], log: Path) -> None:
    """Install `names`; where one comes from backports, add these to the apt sources first."""
    if not names:
        return
    codename = release()
    say(f"Installing Debian packages: {' '.join(names)}")
    backported = [name for name in names if name in BACKPORTED.get(codename, ())]
    suite = f"{codename}-backports"
    sources = apt_sources.read()
    if backported and not any(suite in source.suites for source in sources):
        say(f"Adding {suite} to the apt sources, in {_BACKPORTS_FILE}, for {' '.join(backported)}")
        half_done = _BACKPORTS_FILE.with_suffix(".half-done")  # a suffix that apt passes over
        half_done.write_text(apt_sources.derive(sources, have=codename, want=suite).render())
        half_done.rename(_BACKPORTS_FILE)
    targets = [f"{name}/{suite}" if name in backported else name for name in names]
    with doing("installing Debian packages"):
        _finish_interrupted(log)
        _apt_get(["update"], log)
        _apt_get(["install", "--yes", "--no-install-recommends", *targets], log)


def _finish_interrupted(log: Path) -> None:
    """Configure what a dpkg that was killed left half-way; apt-get refuses to work before that is done."""

    def configure() -> bool | None:
        done = run(["dpkg", "--configure", "--pending"], env=_QUIET, log=log)
        if b"locked by another process" in done.stderr:
            return None
        done.check(resolution=f"The whole output is in {log}.")
        return True

    wait_until(configure, what="another process to let go of dpkg", timeout=_PATIENCE, interval=1)


def _apt_get(arguments: Sequence[str], log: Path) -> None:
    options = [f"DPkg::Lock::Timeout={_PATIENCE}", "Dpkg::Options::=--force-confold"]
    argv = ["apt-get", "--quiet", *(f"--option={option}" for option in options), *arguments]
    run(argv, env=_QUIET, log=log, timeout=1800).check(resolution=f"The whole output is in {log}.")
