"""The real registry behind the stand-in: Debian's `docker-registry` on a unix socket that only root reaches.

It knows nothing of accounts. Every registry's repositories live in it, the registry's name in front:
`docker.io/library/webfront`.
"""

import json
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import httpx

from ccci_host.errors import HostError, NotFoundError
from ccci_host.lab.hub.certificates import write_atomically
from ccci_host.lab.hub.references import Reference

PROGRAM = "docker-registry"
BASE_URL = "http://backend"

MANIFEST_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


def write_config(path: Path, *, storage: Path, socket: Path) -> None:
    """Write the configuration of `docker-registry` (JSON, which is YAML) unless it is there already."""
    if path.exists():
        return
    config = {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "cache": {"blobdescriptor": "inmemory"},
            "delete": {"enabled": True},
        },
        "http": {
            "net": "unix",
            "addr": str(socket),
            "relativeurls": True,
            "secret": secrets.token_hex(16),
        },
    }
    write_atomically(path, json.dumps(config, indent=1).encode(), 0o600)


def argv(config: Path) -> Sequence[str]:
    """The command that runs it; the kernel ends it together with the hub, however that ends."""
    return ("setpriv", "--pdeathsig", "KILL", "--", PROGRAM, "serve", str(config))


class Backend:
    """What publishing and the controls need of the registry, through its own API."""

    def __init__(self, socket: Path) -> None:
        self._client = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket)), base_url=BASE_URL, timeout=60, trust_env=False
        )

    def __enter__(self) -> "Backend":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def put_blob(self, repository: str, digest: str, content: bytes, *, from_repository: str | None) -> None:
        """Put a blob into `repository`, without sending it when `from_repository` already holds it."""
        mount = {"mount": digest, "from": from_repository} if from_repository else {}
        begun = self._ask("POST", f"/v2/{repository}/blobs/uploads/", accepted=(201, 202), params=mount)
        if begun.status_code == 202:
            where = httpx.URL(begun.headers["location"]).copy_merge_params({"digest": digest})
            self._ask(
                "PUT",
                str(where),
                accepted=(201,),
                content=content,
                headers={"content-type": "application/octet-stream"},
            )

    def put_manifest(self, repository: str, reference: str, content: bytes, media_type: str) -> None:
        """Put a manifest under a tag or its digest."""
        self._ask(
            "PUT",
            f"/v2/{repository}/manifests/{reference}",
            accepted=(201,),
            content=content,
            headers={"content-type": media_type},
        )

    def get_manifest(self, repository: str, reference: str) -> tuple[bytes, str, str]:
        """A manifest: its bytes, media type and digest. Raises `NotFoundError`."""
        answer = self._ask(
            "GET",
            f"/v2/{repository}/manifests/{reference}",
            accepted=(200, 404),
            headers={"accept": ", ".join(MANIFEST_TYPES)},
        )
        if answer.status_code == 404:
            raise NotFoundError(f"The stand-in has no manifest {reference} in {repository}.")
        return answer.content, answer.headers["content-type"], answer.headers["docker-content-digest"]

    def digest(self, reference: Reference) -> str:
        """The digest that a tag means now. Raises `NotFoundError`."""
        return self.get_manifest(reference.backend_repository, reference.tag)[2]

    def move_tag(self, reference: Reference, target: str) -> str:
        """Let a tag mean `target`, a digest or another tag of the same repository; what it meant before."""
        before = self.digest(reference)
        content, media_type, _ = self.get_manifest(reference.backend_repository, target)
        self.put_manifest(reference.backend_repository, reference.tag, content, media_type)
        return before

    def _ask(
        self,
        method: str,
        url: str,
        *,
        accepted: Iterable[int],
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = self._client.request(
                method, url, content=content, headers=headers, params=params or None
            )
        except httpx.HTTPError as error:
            raise HostError(
                "The registry behind the Docker Hub stand-in does not answer.",
                details=f"{method} {url}: {error}",
                resolution="Start the lab again: `invoke lab.up`.",
            ) from error
        if answer.status_code not in accepted:
            raise HostError(
                f"The registry behind the Docker Hub stand-in refused {method} {url}: {answer.status_code}.",
                details=answer.text[:2000],
            )
        return answer
