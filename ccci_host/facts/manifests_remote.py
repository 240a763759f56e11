"""Asks registries, from the host, whether they have manifests. Runs there: Python 3.9, standard library only.

Standard input: `{"references": [{"registry", "repository", "reference"}], "docker_config": PATH}`; a
reference is a tag or a digest. Standard output is a list of `{"found": true, "digest": …}`,
`{"found": false}`, or `{"trouble": …}` when nobody can tell. Asked by `HEAD`, which costs no quota, with the
login that the Docker configuration on the host holds, if it holds one, and through dockerd's proxy where it
has one.
"""

from __future__ import annotations

import http.client
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from ccci_host.facts.proxy_remote import opener, repository_at, same_host

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


def send(method: str, url: str, headers: dict[str, str]) -> tuple[int, Any, bytes, str]:
    """One request; status, headers, body, and the address that answered. Raises `OSError` when none did."""
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - https
    try:
        with opener().open(request, timeout=TIMEOUT) as response:
            return response.status, response.headers, response.read(), response.url
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read(), error.url


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
    status, _, body, _ = send("GET", f"{fields['realm']}?{urllib.parse.urlencode(query)}", headers)
    if status != 200:
        raise ValueError(f"the token service answered {status}")
    answer = json.loads(body)
    return str(answer.get("token") or answer["access_token"])


def authorization(challenge: str, repository: str, login: str | None) -> dict[str, str]:
    """The header that a registry's challenge asks for, as far as there is one."""
    if challenge.lower().startswith("bearer"):
        return {"Authorization": "Bearer " + token(challenge, repository, login)}
    return {"Authorization": f"Basic {login}"} if login else {}


def ask(asked: dict[str, str], config: Path) -> dict[str, Any]:
    """Whether a registry has one manifest, or the one that it sends on to: that one is asked as nobody."""
    registry, repository = asked["registry"], asked["repository"]
    url = f"https://{HUB_HOST if registry == HUB else registry}"
    url += f"/v2/{repository}/manifests/{asked['reference']}"
    accepted = {"Accept": MANIFESTS}
    try:
        login = login_for(registry, config)
        status, answered, _, place = send("HEAD", url, accepted)
        if status == 401 and same_host(place, url):
            shown = authorization(answered.get("WWW-Authenticate") or "", repository, login)
            status, answered, _, place = send("HEAD", url, {**accepted, **shown})
        named = repository_at(place)
        if status == 401 and named and not same_host(place, url):
            shown = authorization(answered.get("WWW-Authenticate") or "", named, None)
            status, answered, _, _ = send("HEAD", place, {**accepted, **shown})
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
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
