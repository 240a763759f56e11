import json

from ccci_host.lab.hub.blobs import BlobKinds


def test_a_manifest_tells_configuration_from_layers() -> None:
    kinds = BlobKinds()
    manifest = {"config": {"digest": "sha256:c"}, "layers": [{"digest": "sha256:a"}, {"digest": "sha256:b"}]}
    kinds.learn(json.dumps(manifest).encode())
    assert [kinds.of(f"sha256:{name}") for name in "cab"] == ["config", "layer", "layer"]
    assert kinds.of("sha256:d") is None


def test_an_index_or_nonsense_teaches_nothing() -> None:
    kinds = BlobKinds()
    for content in (b'{"manifests": [{"digest": "sha256:m"}]}', b"<html>", b"[1]"):
        kinds.learn(content)
    assert kinds.of("sha256:m") is None


def test_without_a_manifest_the_beginning_of_a_blob_decides() -> None:
    kinds = BlobKinds()
    assert kinds.guess("sha256:c", b"{") == "config"
    assert kinds.guess("sha256:l", b"\x1f") == "layer"
    assert kinds.of("sha256:l") == "layer"
