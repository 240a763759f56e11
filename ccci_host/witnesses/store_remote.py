"""Host program: the whole image store of a Docker daemon in one look.

Runs on the CI host, Python ≥ 3.9, standard library only. Reads `{"socket": PATH}` on standard input and
prints the look as JSON. Asks the daemon's API for images and the disk for layers: what the daemon says of an
image and what lies on disk are two things, and both are wanted.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import platform
import re
import socket
import sys
import time
from pathlib import Path
from typing import Any

Value = dict[str, Any]

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}
MANIFEST_LIMIT = 4 * 1024 * 1024
CONTAINERD_CONFIG = Path("/etc/containerd/config.toml")
CONTAINERD_ROOT = Path("/var/lib/containerd")
ROOT = re.compile(r"""^\s*root\s*=\s*["']([^"']+)["']""", re.MULTILINE)
CONTENT = "io.containerd.content.v1.content/blobs/sha256"


class Daemon(http.client.HTTPConnection):
    """The Docker API on its unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=60)
        self.path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, path: str) -> Any:
        """The JSON answer of a `GET`; None for 404."""
        self.request("GET", path)
        answer = self.getresponse()
        body = answer.read()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise OSError(f"GET {path} answered {answer.status}: {body[:200].decode(errors='replace')}")
        return json.loads(body)


def look(daemon: Daemon) -> Value:
    """The store: its kind, images with the keys of their layers, and layers with size and ctime."""
    info = daemon.ask("/info")
    status = {pair[0]: pair[1] for pair in info.get("DriverStatus") or [] if len(pair) == 2}
    images = [image for image in (inspected(daemon, name) for name in listed(daemon)) if image]
    if status.get("driver-type") == "io.containerd.snapshotter.v1":
        folder = content_folder(info, images)
        return {"store": "containerd", **or_problem(in_content_store(folder, images), folder)}
    base = Path(info["DockerRootDir"], "image", info["Driver"])
    return {"store": "classic", **or_problem(in_layerdb(base, images), base)}


def or_problem(seen: Value, folder: Path | None) -> Value:
    """`seen`, with a problem where there are images and `folder` has no layer: layers lie elsewhere then."""
    if not seen["images"] or seen["layers"]:
        return seen
    where = folder or "the folders where containerd usually keeps content"
    return {**seen, "problem": f"the daemon has images ({len(seen['images'])}), and no layer lies in {where}"}


def listed(daemon: Daemon) -> list[str]:
    """Ids of all images."""
    return sorted({image["Id"] for image in daemon.ask("/images/json?all=1")})


def inspected(daemon: Daemon, image_id: str) -> Value | None:
    """One image, as the daemon describes it; None when it went away between the listing and now."""
    found: Value | None = daemon.ask(f"/images/{image_id}/json")
    return found


def stored(image: Value, layers: list[str]) -> Value:
    """Of an image what a history keeps."""
    names = [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]
    return {
        "id": image["Id"],
        "references": [name for name in names if "<none>" not in name],
        "size": image.get("Size") or 0,
        "layers": layers,
    }


def in_layerdb(base: Path, images: list[Value]) -> Value:
    """The classic store: layers are the directories of layerdb, named by chain id."""
    layers = []
    for folder in entries(base / "layerdb" / "sha256"):
        try:
            layer = {
                "key": f"sha256:{folder.name}",
                "size": int((folder / "size").read_text()),
                "changed_at": folder.stat().st_ctime,
                "blobs": blobs_of(base, (folder / "diff").read_text()),
            }
        except FileNotFoundError:
            continue  # it goes away, or is being made: in either case it is no layer now
        layers.append(layer)
    return {
        "images": [stored(image, chain((image.get("RootFS") or {}).get("Layers") or [])) for image in images],
        "layers": layers,
    }


def chain(diffs: list[str]) -> list[str]:
    """Chain ids of a stack of layers, the bottom one first (OCI image spec, "Layer ChainID")."""
    keys: list[str] = []
    for diff in diffs:
        pair = f"{keys[-1]} {diff}" if keys else ""
        keys.append(f"sha256:{hashlib.sha256(pair.encode()).hexdigest()}" if pair else diff)
    return keys


def blobs_of(base: Path, diff: str) -> list[str]:
    """Digests under which registries served an unpacked layer, as the daemon remembers them."""
    path = base.joinpath("distribution", "v2metadata-by-diffid", *diff.strip().split(":"))
    try:
        return sorted({entry["Digest"] for entry in json.loads(path.read_text())})
    except FileNotFoundError:
        return []


def content_folder(info: Value, images: list[Value]) -> Path | None:
    """Where containerd keeps content, in the root that dockerd gave it or in its own: where most images lie.

    A root that was moved may have left a whole copy behind, so the default one counts only where no other is
    configured.
    """
    roots = (Path(info["DockerRootDir"], "containerd", "daemon"), containerd_root())
    folders = [root / CONTENT for root in roots if (root / CONTENT).is_dir()]
    names = [image["Id"].partition(":")[2] for image in images]
    return max(folders, key=lambda folder: sum((folder / name).is_file() for name in names), default=None)


def containerd_root() -> Path:
    """The root that containerd's configuration names, else its default."""
    try:
        found = ROOT.search(CONTAINERD_CONFIG.read_text())
    except FileNotFoundError:
        found = None
    return Path(found.group(1)) if found else CONTAINERD_ROOT


def in_content_store(folder: Path | None, images: list[Value]) -> Value:
    """The containerd store: layers are the content blobs that are no JSON."""
    layers = []
    for path in entries(folder) if folder else []:
        try:
            about = path.stat()
            with path.open("rb") as blob:
                is_json = blob.read(1) == b"{"
        except FileNotFoundError:
            continue
        if not is_json:
            key = f"sha256:{path.name}"
            layers.append({"key": key, "size": about.st_size, "changed_at": about.st_ctime, "blobs": [key]})
    return {
        "images": [stored(image, manifest_layers(folder, image["Id"]) if folder else []) for image in images],
        "layers": layers,
    }


def manifest_layers(folder: Path, digest: str) -> list[str]:
    """Digests of the layers that the manifest of that digest names, or of an index the one that is used here.

    That is the one for this machine, else the first whose manifest is in the store: what the daemon did not
    choose it did not download.
    """
    manifest = read_blob(folder, digest)
    for entry in sorted(manifest.get("manifests") or [], key=for_this_machine, reverse=True):
        found = [] if is_attestation(entry) else manifest_layers(folder, entry["digest"])
        if found:
            return found
    return [str(layer["digest"]) for layer in manifest.get("layers") or []]


def for_this_machine(entry: Value) -> bool:
    """Whether an index entry says that it is for this machine's kernel, which not all that run here are.

    `platform` is optional (OCI image spec, "Image Index"), a userland may be narrower than its kernel (armhf
    on `aarch64`), and a kernel of 64 bits also runs images for 32.
    """
    wanted = entry.get("platform") or {}
    machine = platform.machine()
    return wanted.get("os") == "linux" and wanted.get("architecture") == ARCHITECTURES.get(machine, machine)


def is_attestation(entry: Value) -> bool:
    """Whether an index entry is no image but words about one, whose platform is `unknown`."""
    return (entry.get("platform") or {}).get("os") == "unknown"


def read_blob(folder: Path, digest: str) -> Value:
    """A JSON blob; empty when it is not in the store."""
    path = folder / digest.partition(":")[2]
    if not path.is_file() or path.stat().st_size > MANIFEST_LIMIT:
        return {}
    found: Value = json.loads(path.read_text())
    return found


def entries(folder: Path) -> list[Path]:
    """What a folder holds, in order; nothing when it is not there."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def main() -> None:
    """Look, and print what was seen."""
    wanted = json.load(sys.stdin)
    clock = time.time()
    try:
        seen = look(Daemon(wanted["socket"]))
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        seen = {"problem": f"{type(error).__name__}: {error}"}
    print(json.dumps({**seen, "host_clock": clock}))


if __name__ == "__main__":
    main()
