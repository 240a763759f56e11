"""The CI host image: Debian with systemd, Docker, sshd and Python, made by mmdebstrap.

It is kept in a cache under a name that says what went into it, and put together under another name, so that
an image which was cut off half-way is never taken for a whole one.
"""

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ccci_host.lab import apt_sources
from ccci_host.lab.commands import WITH_US, run
from ccci_host.lab.incus import Incus
from ccci_host.lab.lock import held
from ccci_host.lab.packages import release
from ccci_host.progress import doing

SUITE = "trixie"

PACKAGES = (
    "ca-certificates",
    "cron",
    "curl",
    "dbus",
    "docker-cli",
    "docker.io",
    "git",
    "iproute2",
    "iptables",
    "kmod",
    "nftables",
    "openssh-server",
    "procps",
    "python3",
    "systemd",
    "systemd-sysv",
    "udev",
)

UNITS = ("ccci-lab-first-boot.service", "systemd-networkd.service")

ROOT = Path(__file__).parent / "guest_files"
"""Files that go into the image as they are."""


@dataclass(frozen=True, slots=True)
class HostImage:
    """All that an image is made of."""

    suite: str = SUITE
    packages: tuple[str, ...] = PACKAGES
    without: tuple[str, ...] = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
    units: tuple[str, ...] = UNITS
    edition: int = 1
    """To be raised when this module puts the same inputs together differently."""

    @classmethod
    def of(cls, suite: str) -> "HostImage":
        """The image of a Debian release. In Debian 12 Docker's client comes with its daemon."""
        apart = ("docker-cli",) if suite == "bookworm" else ()
        return cls(suite, tuple(package for package in PACKAGES if package not in apart))

    @property
    def key(self) -> str:
        """Twelve hexadecimal digits that differ when the inputs do."""
        files = {
            str(path.relative_to(ROOT)): path.read_text()
            for path in sorted(ROOT.rglob("*"))
            if path.is_file()
        }
        inputs = json.dumps([asdict(self), files], sort_keys=True)
        return hashlib.sha256(inputs.encode()).hexdigest()[:12]

    @property
    def alias(self) -> str:
        """The image's name in Incus."""
        return self.family + self.key

    @property
    def family(self) -> str:
        """What the names of all its editions begin with."""
        return f"ccci-host-{self.suite}-"


def build(image: HostImage, cache: Path, log: Path) -> Path:
    """The image as one tarball in `cache`; made when it is not there yet."""
    with held(cache / "lock", "making the CI host image"):
        tarball = cache / f"{image.alias}.tar"
        if not tarball.exists():
            _build(image, tarball, log)
        return tarball


def _build(image: HostImage, tarball: Path, log: Path) -> None:
    cache = tarball.parent
    for outdated in cache.glob(f"{image.family}*.tar"):
        outdated.unlink()
    half_done = cache / "half-done"
    if half_done.exists():
        shutil.rmtree(half_done)
    half_done.mkdir(mode=0o700)
    with doing(f"making the CI host image (Debian {image.suite}, Docker, sshd)"):
        _debootstrap(image, half_done / "rootfs", log)
        (half_done / "metadata.yaml").write_text(_metadata(image))
        whole = half_done / "image.tar"
        members = ["metadata.yaml", "rootfs"]
        keeping = ["--numeric-owner", "--xattrs", "--xattrs-include=*"]
        run(
            ["tar", "--create", "--file", str(whole), "--directory", str(half_done), *keeping, *members]
        ).check()
        whole.rename(tarball)
        shutil.rmtree(half_done)


def ensure_imported(incus: Incus, image: HostImage, tarball: Path) -> None:
    """Put the image into Incus under its alias, the last thing that is set; older ones of the lab go."""
    if incus.find(f"images/aliases/{image.alias}"):
        return
    with doing("importing the CI host image into Incus"):
        for other in incus.list("images"):
            if all(alias["name"].startswith(image.family) for alias in other["aliases"]):
                incus.delete(f"images/{other['fingerprint']}")
        fingerprint = incus.import_image(tarball)
        incus.create("images/aliases", {"name": image.alias, "target": fingerprint})


def _debootstrap(image: HostImage, root: Path, log: Path) -> None:
    source = apt_sources.derive(apt_sources.read(), have=release(), want=image.suite)
    options = ['--aptopt=Acquire::Check-Valid-Until "false"']  # a suite in the making may lapse
    options += [f"--dpkgopt=path-exclude={path}" for path in image.without]
    hooks = [
        f"--customize-hook=sync-in {ROOT} /",
        f'--customize-hook=chroot "$1" systemctl --quiet enable {" ".join(image.units)}',
        '--customize-hook=rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/resolv.conf',
    ]
    run(
        [
            *WITH_US,
            "mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", "--skip=output/dev",
            f"--include={','.join(image.packages)}", "--dpkgopt=force-unsafe-io", *options, *hooks,
            image.suite, str(root), "-",
        ],
        input=source.render().encode(),
        log=log,
        timeout=1800,
    ).check(resolution=f"The whole output is in {log}.")  # fmt: skip


def _metadata(image: HostImage) -> str:
    properties = {"description": f"CI host for the lab, Debian {image.suite}", "os": "Debian"}
    facts = {"architecture": _architecture(), "creation_date": int(time.time()), "properties": properties}
    return json.dumps(facts)


def _architecture() -> str:
    return run(["uname", "-m"]).check().text
