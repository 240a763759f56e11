"""Where a lab keeps its state, and the names and addresses that it takes on this machine."""

import hashlib
import os
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

ENVIRONMENT_VARIABLE = "CCCI_LAB_DIR"
USUAL_FOLDER = Path("/var/lib/ccci-lab")
BESIDE = "-beside-"
"""Stands in the name of a folder between that of the lab beside which it is, and its number."""


@dataclass(frozen=True, slots=True)
class Settings:
    """One lab. Two labs in two folders differ in everything that a machine has only once."""

    folder: Path
    project: str
    """Name of its project and of its storage pool in Incus."""
    bridge: str
    """Interface name, at most 15 characters."""
    address: IPv4Interface
    """The bridge's own address, with the network that instances get theirs from.

    Swarm gives overlay networks theirs from 10.0.0.0 upwards; those of labs are far from there.
    """
    https_port: int
    """Loopback port on which Incus answers remote clients."""

    @classmethod
    def usual(cls) -> "Settings":
        """The lab of this machine: in `CCCI_LAB_DIR`, or in /var/lib/ccci-lab."""
        named = os.environ.get(ENVIRONMENT_VARIABLE)
        return cls.for_folder(Path(named) if named else USUAL_FOLDER)

    @classmethod
    def for_folder(cls, folder: Path) -> "Settings":
        """The lab in `folder`. Anywhere but in the usual place, its names follow from the path.

        Two folders share a network once in 16,384 pairs and a port once in 10,000; such two are not
        to be up at the same time.
        """
        folder = folder.expanduser().resolve()
        if folder == USUAL_FOLDER:
            return cls(folder, "ccci-lab", "ccci0", IPv4Interface("10.77.0.1/24"), 8443)
        digest = hashlib.sha256(str(folder).encode()).digest()
        port = 20000 + int.from_bytes(digest[1:3]) % 10000
        mark = digest.hex()[:8]
        network = IPv4Interface(f"10.{128 + digest[0] % 64}.{digest[3]}.1/24")
        return cls(folder, f"ccci-lab-{mark}", f"ccci-{mark}", network, port)

    def beside(self, number: int) -> "Settings":
        """One more lab beside this one, in a folder of its own: for what is to run at the same time."""
        return Settings.for_folder(self.folder.with_name(f"{self.folder.name}{BESIDE}{number}"))

    def all_beside(self) -> tuple["Settings", ...]:
        """The labs beside this one that there are."""
        folders = self.folder.parent.glob(f"{self.folder.name}{BESIDE}*")
        return tuple(Settings.for_folder(folder) for folder in sorted(folders))

    @property
    def lock(self) -> Path:
        """Held by whoever changes the lab."""
        return self.folder / "lock"

    @property
    def mark(self) -> Path:
        """Says that the folder is a lab's, and so whose all that is in it is."""
        return self.folder / "ccci-lab"

    @property
    def daemon(self) -> Path:
        """Says whose Incus the lab uses."""
        return self.folder / "daemon"

    @property
    def purging(self) -> Path:
        """Is there while the lab is being purged: whatever else is there then is not to be trusted."""
        return self.folder / "purging"

    @property
    def logs(self) -> Path:
        """Output of apt-get, mmdebstrap and incusd."""
        return self.folder / "logs"

    @property
    def incus(self) -> Path:
        """State of the lab's own Incus daemon: its `INCUS_DIR`."""
        return self.folder / "incus"

    @property
    def pool(self) -> Path:
        """Incus' storage pool: root file systems of the instances."""
        return self.folder / "pool"

    @property
    def cache(self) -> Path:
        """CI host images, named after their inputs; one cache for a lab and those beside it."""
        return self.folder.with_name(self.folder.name.partition(BESIDE)[0]) / "cache"

    @property
    def disks(self) -> Path:
        """Data disks, one an instance."""
        return self.folder / "disks"

    @property
    def keys(self) -> Path:
        """Keys and certificates of the two doors. Mode 0700."""
        return self.folder / "keys"

    @property
    def hub(self) -> Path:
        """State of the Docker Hub stand-in."""
        return self.folder / "hub"

    @property
    def recipes(self) -> Path:
        """The lab's recipes, each a git repository."""
        return self.folder / "recipes"

    @property
    def config(self) -> Path:
        """The configuration that describes the lab's hosts."""
        return self.folder / "ccci.toml"
