"""The store witness reads both kinds of store as they lie on disk."""

import hashlib
import json
from pathlib import Path
from typing import Any, cast, get_args

import pytest

from ccci_host.records import Moment
from ccci_host.witnesses import store_remote
from ccci_host.witnesses.program import source
from ccci_host.witnesses.store import WITNESS, parse
from tests.fakes import completed
from tests.unit.programs import interpreters, run
from tests.unit.witnesses.scripted import machine_answering


class FakeDaemon:
    """Answers `ask` from a script; what is not scripted is not found."""

    def __init__(self, script: dict[str, Any]) -> None:
        self.script = script

    def ask(self, path: str) -> Any:
        return self.script.get(path)


def look(daemon: FakeDaemon) -> dict[str, Any]:
    return store_remote.look(cast(store_remote.Daemon, daemon))


def sha(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


BASE, TOP = sha("base"), sha("top")
TOP_CHAIN = sha(f"{BASE} {TOP}")


def layerdb(folder: Path, chain: str, diff: str, size: int) -> None:
    layer = folder / "image/overlay2/layerdb/sha256" / chain.partition(":")[2]
    layer.mkdir(parents=True)
    (layer / "size").write_text(f"{size}")
    (layer / "diff").write_text(diff)


def classic(root: Path) -> FakeDaemon:
    return FakeDaemon(
        {
            "/info": {
                "Driver": "overlay2",
                "DockerRootDir": str(root),
                "DriverStatus": [["Backing", "ext4"]],
            },
            "/images/json?all=1": [{"Id": "sha256:i"}, {"Id": "sha256:gone"}],
            "/images/sha256:i/json": {
                "Id": "sha256:i",
                "RepoTags": [],
                "RepoDigests": ["app@sha256:d", "<none>@<none>"],
                "Size": 30,
                "RootFS": {"Layers": [BASE, TOP]},
            },
        }
    )


def test_on_the_classic_store_a_layer_is_known_by_its_chain_id(tmp_path: Path) -> None:
    layerdb(tmp_path, BASE, BASE, 10)
    layerdb(tmp_path, TOP_CHAIN, TOP, 20)
    known = tmp_path / "image/overlay2/distribution/v2metadata-by-diffid" / TOP.replace(":", "/")
    known.parent.mkdir(parents=True)
    known.write_text(json.dumps([{"Digest": "sha256:blob", "SourceRepository": "docker.io/library/app"}]))
    seen = parse({**look(classic(tmp_path)), "host_clock": 5.0}, "deployed", 2)
    assert seen.store == "classic"
    assert (seen.moment, seen.cycle, seen.host_clock) == ("deployed", 2, 5.0)
    [image] = seen.images
    assert image.layers == (BASE, TOP_CHAIN)
    assert image.references == ("app@sha256:d",)
    top = seen.layer(TOP_CHAIN)
    assert top is not None
    assert (top.size, top.blobs) == (20, ("sha256:blob",))
    folder = tmp_path / "image/overlay2/layerdb/sha256" / TOP_CHAIN.partition(":")[2]
    assert top.changed_at == folder.stat().st_ctime
    base = seen.layer(BASE)
    assert base is not None
    assert base.blobs == ()


def test_a_layer_that_is_being_removed_is_no_layer(tmp_path: Path) -> None:
    layerdb(tmp_path, BASE, BASE, 10)
    (tmp_path / "image/overlay2/layerdb/sha256" / BASE.partition(":")[2] / "size").unlink()
    assert look(classic(tmp_path))["layers"] == []


def test_a_classic_store_whose_layers_lie_elsewhere_is_unreadable(tmp_path: Path) -> None:
    seen = parse({**look(classic(tmp_path)), "host_clock": 0.0}, "start", 0)
    folder = tmp_path / "image/overlay2"
    assert seen.problem == f"the daemon has images (1), and no layer lies in {folder}"
    layerdb(tmp_path, BASE, BASE, 10)
    assert parse({**look(classic(tmp_path)), "host_clock": 0.0}, "start", 0).problem is None


def test_an_empty_classic_store_is_empty_and_not_unreadable(tmp_path: Path) -> None:
    seen = look(FakeDaemon({**classic(tmp_path).script, "/images/json?all=1": []}))
    assert seen == {"store": "classic", "images": [], "layers": []}


def put(folder: Path, content: bytes) -> str:
    name = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return f"sha256:{name}"


def containerd(
    root: Path, monkeypatch: pytest.MonkeyPatch, *, with_layer: bool = True
) -> tuple[FakeDaemon, str, str]:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    content = root / "containerd/daemon" / store_remote.CONTENT
    layer = put(content, b"\x1f\x8b a layer")
    other = put(content, b"\x1f\x8b a layer of another architecture")
    if not with_layer:
        (content / layer.partition(":")[2]).unlink()
    manifest = put(content, json.dumps({"layers": [{"digest": layer}]}).encode())
    foreign = put(content, json.dumps({"layers": [{"digest": other}]}).encode())
    index = put(
        content,
        json.dumps(
            {
                "manifests": [
                    {"digest": foreign, "platform": {"os": "linux", "architecture": "arm64"}},
                    {"digest": "sha256:missing", "platform": {"os": "unknown", "architecture": "unknown"}},
                    {"digest": manifest, "platform": {"os": "linux", "architecture": "amd64"}},
                ]
            }
        ).encode(),
    )
    daemon = FakeDaemon(
        {
            "/info": {
                "Driver": "overlayfs",
                "DockerRootDir": str(root),
                "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
            },
            "/images/json?all=1": [{"Id": index}],
            f"/images/{index}/json": {"Id": index, "RepoTags": [f"app:1@{index}"], "RepoDigests": None},
        }
    )
    return daemon, index, layer


def test_on_the_containerd_store_a_layer_is_a_content_blob(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, index, layer = containerd(tmp_path, monkeypatch)
    monkeypatch.setattr(
        store_remote,
        "content_folder",
        lambda info, images: Path(info["DockerRootDir"], "containerd/daemon", store_remote.CONTENT),
    )
    seen = parse({**look(daemon), "host_clock": 0.0}, "start", 0)
    assert seen.store == "containerd"
    assert seen.images[0].layers == (layer,)
    assert seen.image_with(index) == seen.images[0]
    assert {entry.key for entry in seen.layers} > {layer}
    assert all(entry.blobs == (entry.key,) for entry in seen.layers)
    assert len(seen.layers) == 2  # manifests and the index are no layers


def test_a_containerd_store_whose_content_lies_elsewhere_is_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, _, _ = containerd(tmp_path, monkeypatch)
    monkeypatch.setattr(store_remote, "content_folder", lambda *_: None)
    seen = parse({**look(daemon), "host_clock": 0.0}, "start", 0)
    assert seen.problem == (
        "the daemon has images (1), and no layer lies in the folders where containerd usually keeps content"
    )


def test_an_image_names_its_layers_even_when_one_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, _, layer = containerd(tmp_path, monkeypatch, with_layer=False)
    monkeypatch.setattr(
        store_remote,
        "content_folder",
        lambda info, images: Path(info["DockerRootDir"], "containerd/daemon", store_remote.CONTENT),
    )
    seen = parse({**look(daemon), "host_clock": 0.0}, "start", 0)
    assert seen.images[0].layers == (layer,)
    assert seen.layer(layer) is None


def in_store(folder: Path, name: str) -> str:
    """The digest of a manifest whose one layer tells whose it is."""
    return put(folder, json.dumps({"layers": [{"digest": f"layer of {name}"}]}).encode())


def linux(architecture: str, **more: str) -> dict[str, Any]:
    return {"platform": {"os": "linux", "architecture": architecture, **more}}


ATTESTATION = {"platform": {"os": "unknown", "architecture": "unknown"}}


@pytest.mark.parametrize(
    ("machine", "entries", "used"),
    [
        pytest.param("x86_64", [("a", {}, True)], "a", id="no platform said"),
        pytest.param("x86_64", [("a", {"platform": None}, True)], "a", id="none, in so many words"),
        pytest.param("armv6l", [("v6", linux("arm", variant="v6"), True)], "v6", id="32 bits"),
        pytest.param(
            "aarch64",
            [("64", linux("arm64"), False), ("32", linux("arm"), True)],
            "32",
            id="armhf on 64 bits",
        ),
        pytest.param("x86_64", [("32", linux("386"), True)], "32", id="386 on amd64"),
        pytest.param(
            "x86_64",
            [("other", linux("arm64"), True), ("own", linux("amd64"), True)],
            "own",
            id="this machine's first",
        ),
        pytest.param(
            "armv7l", [("v6", linux("arm"), False), ("v7", linux("arm"), True)], "v7", id="that is here"
        ),
        pytest.param("x86_64", [("words", ATTESTATION, True), ("own", {}, True)], "own", id="no attestation"),
        pytest.param("x86_64", [("words", ATTESTATION, True)], "", id="an attestation alone"),
        pytest.param("x86_64", [("own", linux("amd64"), False)], "", id="none that is here"),
    ],
)
def test_of_an_index_the_image_that_is_used_here_has_the_layers(
    machine: str,
    entries: list[tuple[str, dict[str, Any], bool]],
    used: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each entry: its name, what the index says of it, and whether its manifest is in the store."""
    monkeypatch.setattr("platform.machine", lambda: machine)
    manifests = [
        {"digest": in_store(tmp_path, name) if there else f"sha256:{name}", **said}
        for name, said, there in entries
    ]
    index = put(tmp_path, json.dumps({"manifests": manifests}).encode())
    assert store_remote.manifest_layers(tmp_path, index) == ([f"layer of {used}"] if used else [])


def test_content_is_found_in_the_folder_that_dockerd_gave_containerd(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, index, layer = containerd(tmp_path, monkeypatch)
    others = tmp_path / "others"
    put(others / store_remote.CONTENT, b"a layer of another containerd's")
    monkeypatch.setattr(store_remote, "CONTAINERD_CONFIG", tmp_path / "none")
    monkeypatch.setattr(store_remote, "CONTAINERD_ROOT", others)
    seen = parse({**look(daemon), "host_clock": 0.0}, "start", 0)
    assert (seen.problem, seen.images[0].id, seen.images[0].layers) == (None, index, (layer,))
    assert seen.layer(layer) is not None


def test_content_that_was_moved_is_not_looked_for_in_the_copy_that_was_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = put(tmp_path / "data" / store_remote.CONTENT, b"{}")
    put(tmp_path / "left" / store_remote.CONTENT, b"{}")
    config = tmp_path / "config.toml"
    config.write_text(f'version = 2\nroot = "{tmp_path}/data"\n')
    monkeypatch.setattr(store_remote, "CONTAINERD_CONFIG", config)
    monkeypatch.setattr(store_remote, "CONTAINERD_ROOT", tmp_path / "left")
    found = store_remote.content_folder({"DockerRootDir": str(tmp_path / "docker")}, [{"Id": blob}])
    assert found == tmp_path / "data" / store_remote.CONTENT


def test_one_round_trip_is_enough() -> None:
    machine, asked = machine_answering(
        {"store": {"store": "classic", "images": [], "layers": [], "host_clock": 1.0}}
    )
    seen = WITNESS.look(machine, "start", 0)
    assert seen.problem is None
    assert len(asked) == 1


def test_a_daemon_that_is_down_is_a_problem_and_not_an_empty_store() -> None:
    machine, _ = machine_answering(
        {"store": {"problem": "ConnectionRefusedError: refused", "host_clock": 1.0}}
    )
    seen = WITNESS.look(machine, "start", 0)
    assert seen.problem == "ConnectionRefusedError: refused"
    assert seen.store is None


def test_a_program_that_fails_is_a_problem_and_no_exception() -> None:
    machine, _ = machine_answering({"store": completed(stderr="Killed", exit_code=137)})
    assert "137" in (WITNESS.look(machine, "start", 0).problem or "")


@pytest.mark.parametrize("python", interpreters())
def test_the_program_says_what_kept_it_from_looking(python: str, tmp_path: Path) -> None:
    said = run(python, source("store"), {"socket": str(tmp_path / "nobody.sock")})
    assert "FileNotFoundError" in said["problem"]
    assert said["host_clock"] > 0


def test_the_store_is_looked_at_whenever_anything_is() -> None:
    assert WITNESS.moments == frozenset(get_args(Moment))
