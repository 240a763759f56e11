"""Tells an image's configuration from its layers, for the access log."""

import json
from typing import Any

from ccci_host.lab.hub.faults import Kind


class BlobKinds:
    """Learns from every manifest that passes which blob is a configuration and which a layer."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}

    def learn(self, manifest: bytes) -> None:
        """Take note of the blobs that a single-platform manifest names; an index names none."""
        try:
            document: Any = json.loads(manifest)
        except ValueError:
            return
        if not isinstance(document, dict):
            return
        for layer in document.get("layers", ()):
            self._kinds[layer["digest"]] = "layer"
        if "config" in document:
            self._kinds[document["config"]["digest"]] = "config"

    def of(self, digest: str) -> Kind | None:
        """The kind of a blob, or None when no manifest has named it yet."""
        return self._kinds.get(digest)

    def guess(self, digest: str, beginning: bytes) -> Kind:
        """The kind of a blob that no manifest has named since the start: a configuration is a JSON object."""
        return self._kinds.setdefault(digest, "config" if beginning.lstrip().startswith(b"{") else "layer")
