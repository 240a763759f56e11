"""Asks registries, from the host, whether they have manifests. Runs there: Python 3.9, standard library only.

Standard input: `{"references": [{"registry", "repository", "reference"}], "docker_config": PATH}`; a
reference is a tag or a digest. Standard output is a list of `{"found": true, "digest": …}`,
`{"found": false}`, or `{"trouble": …}` when nobody can tell. Asked by `HEAD`, which costs no quota, with the
login that the Docker configuration on the host holds, if it holds one, and through dockerd's proxy where it
has one.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from ccci_host.facts.proxy_remote import opener

TIMEOUT = 15.0
"""Seconds for one request."""
MANIFESTS = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
HUB = "docker.io"
HUB_HOST = "registry-1.docker.io"
HUB_LOGIN = "https://index.docker.io/v1/"
_FIELD = re.compile(r'(\w+)="([^"]*)"')


def send(method: str, url: str, headers: dict[str, str]) -> tuple[int, Any, bytes]:
    """One request; status, headers and body. Raises `OSError` when there was no answer."""
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - https
    try:
        with opener().open(request, timeout=TIMEOUT) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def login_for(registry: str, config: Path) -> str | None:
    """The Basic authorisation that the Docker configuration holds for `registry`; None when it holds none."""
    try:
        logins = json.loads(config.read_text(encoding="utf-8")).get("auths") or {}
    except FileNotFoundError:
        return None
    entry = logins.get(HUB_LOGIN if registry == HUB else registry) or {}
    return entry.get("auth") or None


def token(challenge: str, repository: str, login: str | None) -> str:
    """The token that a registry's challenge asks for. Raises `ValueError` when the service gives none."""
    fields = dict(_FIELD.findall(challenge))
    if not fields["realm"].startswith("https://"):
        raise ValueError(f"the token service {fields['realm']} has no https address")
    query = {"service": fields.get("service", ""), "scope": f"repository:{repository}:pull"}
    headers = {"Authorization": f"Basic {login}"} if login else {}
    status, _, body = send("GET", f"{fields['realm']}?{urllib.parse.urlencode(query)}", headers)
    if status != 200:
        raise ValueError(f"the token service answered {status}")
    answer = json.loads(body)
    return str(answer.get("token") or answer["access_token"])


def ask(asked: dict[str, str], config: Path) -> dict[str, Any]:
    """Whether a registry has one manifest."""
    registry = asked["registry"]
    url = f"https://{HUB_HOST if registry == HUB else registry}"
    url += f"/v2/{asked['repository']}/manifests/{asked['reference']}"
    headers = {"Accept": MANIFESTS}
    try:
        login = login_for(registry, config)
        status, answered, _ = send("HEAD", url, headers)
        if status == 401:
            challenge = answered.get("WWW-Authenticate") or ""
            if challenge.lower().startswith("bearer"):
                headers["Authorization"] = "Bearer " + token(challenge, asked["repository"], login)
            elif login:
                headers["Authorization"] = f"Basic {login}"
            status, answered, _ = send("HEAD", url, headers)
    except (OSError, ValueError, KeyError) as error:
        return {"trouble": f"{registry}: {error}"}
    if status == 200:
        return {"found": True, "digest": answered.get("Docker-Content-Digest") or ""}
    return {"found": False} if status in (401, 403, 404) else {"trouble": f"{registry} answered {status}"}


def main() -> None:
    """Read the questions, write the answers."""
    asked = json.load(sys.stdin)
    config = Path(asked["docker_config"])
    json.dump([ask(one, config) for one in asked["references"]], sys.stdout)


if __name__ == "__main__":
    main()
