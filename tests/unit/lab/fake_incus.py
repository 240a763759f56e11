"""Incus' objects in a dictionary, by path; writes to anything else than what Incus would take are errors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ccci_host.errors import NotFoundError
from ccci_host.lab.incus import Incus


class FakeIncus(Incus):
    """Remembers every change in `changes`, and applies it to `objects`."""

    def __init__(self, objects: Mapping[str, dict[str, Any]] | None = None) -> None:
        self.socket = Path("/the/socket")
        self.project = "lab"
        self.objects = dict(objects or {})
        self.changes: list[tuple[str, str]] = []

    def get(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise NotFoundError(f"no {path}")
        return self.objects[path]

    def list(self, path: str) -> list[dict[str, Any]]:
        return [value for key, value in self.objects.items() if key.rpartition("/")[0] == path]

    def create(self, path: str, body: Mapping[str, Any]) -> None:
        name = body.get("name", "unnamed")
        self.changes.append(("create", f"{path}/{name}"))
        self.objects[f"{path}/{name}"] = {"config": {}, **body}

    def patch(self, path: str, body: Mapping[str, Any]) -> None:
        self.changes.append(("patch", path))
        config = {**self.get(path)["config"], **body["config"]}
        self.objects[path] = {**self.get(path), "config": config}

    def delete(self, path: str) -> None:
        self.changes.append(("delete", path))
        self.objects.pop(path, None)

    def import_image(self, tarball: Path) -> str:
        self.changes.append(("import", tarball.name))
        return "f00d"
