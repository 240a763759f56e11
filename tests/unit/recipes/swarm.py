"""A swarm in memory that answers the Docker API's paths that `stack_remote` asks, and refuses any other."""

import base64
import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ccci_host.recipes.stack_remote import NAMESPACE, OURS, TASK_LABEL, Daemon

KINDS = ("services", "containers", "networks", "volumes", "secrets", "configs")


class FakeSwarm(Daemon):
    """Things by kind and name. A service's containers go `lingering` rounds after it."""

    def __init__(self, lingering: int = 0) -> None:
        super().__init__()
        self.things: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in KINDS}
        self.tasks: list[dict[str, Any]] = []
        self.lingering = lingering
        self.rounds = 0
        self.refuses: dict[str, str] = {}
        """By path, the reason why the daemon does not delete it."""
        self.created: list[tuple[str, dict[str, Any]]] = []

    def add_service(self, stack: str, name: str, *, secrets: tuple[str, ...] = ()) -> None:
        full = f"{stack}_{name}"
        spec = {
            "Name": full,
            "Labels": {NAMESPACE: stack},
            "Mode": {"Replicated": {"Replicas": 1}},
            "TaskTemplate": {
                "ContainerSpec": {"Image": "lab/app:1", "Secrets": [{"SecretName": one} for one in secrets]}
            },
        }
        self.things["services"][full] = {"ID": full, "Version": {"Index": 1}, "Spec": spec}
        labels = {NAMESPACE: stack, TASK_LABEL: f"task-of-{full}"}
        self.things["containers"][full] = {
            "Names": [f"/{full}.1"],
            "Labels": labels,
            "Image": "lab/app:1",
            "ImageID": "sha256:1",
            "Status": "Up 2 seconds",
        }
        self.tasks.append({"ID": f"task-of-{full}", "Version": {"Index": 1}, "ServiceID": full})

    def add(self, kind: str, name: str, stack: str | None = None, *, label: str = NAMESPACE) -> None:
        labels = {label: stack} if stack else None
        if kind in ("secrets", "configs"):
            thing: dict[str, Any] = {"ID": name, "Spec": {"Name": name, "Labels": labels}}
        else:
            thing = {"Id": name, "Name": name, "Labels": labels}
        self.things[kind][name] = thing

    def names(self, kind: str) -> list[str]:
        return sorted(self.things[kind])

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        parts = urlsplit(path)
        assert "prune" not in path and "/images" not in path, "a teardown never touches an image"
        if method == "GET":
            return 200, self._list(parts.path, parse_qs(parts.query))
        if method == "POST":
            return self._create(parts.path, body)
        assert method == "DELETE"
        return self._delete(parts.path)

    def _list(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "/tasks":
            return self.tasks
        kind = path.split("/")[1]
        assert kind in KINDS, path
        if kind == "containers":
            self.rounds += 1
            running = self.things["services"]
            if self.rounds > self.lingering:
                self.things[kind] = {name: one for name, one in self.things[kind].items() if name in running}
        found = list(self.things[kind].values())
        for wanted in json.loads(query.get("filters", ["{}"])[0]).get("label", []):
            # Sloppier than Docker's own filter, so that the program's second look counts.
            found = [one for one in found if wanted in json.dumps(one).replace('": "', "=").replace('"', "")]
        return {"Volumes": found or None} if kind == "volumes" else found

    def _create(self, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        kind = {"/networks/create": "networks", "/secrets/create": "secrets"}[path]
        if body["Name"] in self.things[kind]:
            return 409, {"message": "already exists"}
        self.add(kind, body["Name"], body["Labels"].get(OURS), label=OURS)
        if "Data" in body:
            base64.b64decode(body["Data"], validate=True)
        self.created.append((kind, body))
        return 201, {"ID": body["Name"]}

    def _delete(self, path: str) -> tuple[int, Any]:
        found = re.fullmatch(r"/(\w+)/(.+)", path)
        assert found is not None
        if found[1] in ("networks", "volumes"):
            stack = self.things[found[1]][found[2]]["Labels"][NAMESPACE]
            holders = [one for one in self.things["containers"].values() if one["Labels"][NAMESPACE] == stack]
            assert not holders, f"{path} was to go under its containers"
        if path in self.refuses:
            return 409, {"message": self.refuses[path]}
        if self.things[found[1]].pop(found[2], None) is None:
            return 404, {"message": "not found"}
        return 204, None
