"""Asks Docker Hub, from the host, what it makes of an account. Runs there: Python 3.9, standard library only.

Standard input: `{"account", "pat", "auth_url", "registry_url", "service", "repository", "tag", "push_to"}`,
account and PAT null for the anonymous bucket. Standard output: `{"outcome": "accepted"}` with
`push_scopes` (null when unknown) and `limits` (status and headers of the rate limit), or
`{"outcome": "refused"}`, or `{"outcome": "trouble", "reason": …}` when nobody can tell. A manifest is asked
for by `HEAD`, which costs no quota. All goes through dockerd's proxy where it has one.
"""

from __future__ import annotations

import base64
import json
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
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
LIMIT_HEADERS = ("ratelimit-limit", "ratelimit-remaining", "docker-ratelimit-source")


class Trouble(Exception):  # noqa: N818 - no error of the host's
    """Docker Hub did not give an answer that says anything about the account."""


def ask(method: str, url: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """One request; status, headers (lower case) and body. Raises `Trouble` when there was no answer."""
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - https, from this suite
    try:
        with opener().open(request, timeout=TIMEOUT) as response:
            return response.status, lower(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, lower(error.headers), error.read()
    except urllib.error.URLError as error:
        reason = error.reason
        if isinstance(reason, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted here: {reason.verify_message}"
        raise Trouble(f"{urllib.parse.urlsplit(url).netloc}: {reason}") from None
    except OSError as error:
        raise Trouble(f"{urllib.parse.urlsplit(url).netloc}: {error}") from None


def lower(headers: Any) -> dict[str, str]:
    """Headers by their names in lower case."""
    return {name.lower(): value for name, value in headers.items()}


def token(asked: dict[str, Any], scope: str) -> str | None:
    """A token for `scope`, or None when account and PAT are refused."""
    query = {"service": asked["service"], "scope": scope}
    headers = {}
    if asked["account"] is not None:
        query["account"] = asked["account"]
        login = base64.b64encode(f"{asked['account']}:{asked['pat']}".encode()).decode()
        headers["Authorization"] = f"Basic {login}"
    status, _, body = ask("GET", f"{asked['auth_url']}?{urllib.parse.urlencode(query)}", headers)
    if status in (401, 403):
        return None
    if status != 200:
        raise Trouble(f"the token service answered {status}")
    try:
        answer = json.loads(body)
        return str(answer.get("token") or answer["access_token"])
    except (ValueError, KeyError, AttributeError):
        raise Trouble("the token service gave no token") from None


def scopes(jwt: str) -> list[str] | None:
    """What a token allows, as `repository:action`; None when it cannot be read."""
    try:
        body = jwt.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return [f"{item['name']}:{action}" for item in claims["access"] for action in item["actions"]]
    except (IndexError, ValueError, KeyError, TypeError):
        return None


def push_scopes(asked: dict[str, Any]) -> list[str] | None:
    """What the account may do to a repository of its own; None when that cannot be told."""
    if asked["push_to"] is None:
        return []
    try:
        push = token(asked, f"repository:{asked['push_to']}:pull,push")
    except Trouble:
        return None  # whether it can pull is known, and that is what was asked
    return [] if push is None else scopes(push)


def limits(asked: dict[str, Any], bearer: str) -> dict[str, Any]:
    """The bucket's headers, null where absent; status 0 when the registry did not answer."""
    url = f"{asked['registry_url']}/v2/{asked['repository']}/manifests/{asked['tag']}"
    try:
        status, headers, _ = ask("HEAD", url, {"Authorization": "Bearer " + bearer, "Accept": MANIFESTS})
    except Trouble as trouble:
        return {"status": 0, "problem": str(trouble)}
    return {"status": status, **{name: headers.get(name) for name in LIMIT_HEADERS}}


def main() -> None:
    """Read the question, write the answer."""
    asked = json.load(sys.stdin)
    try:
        pull = token(asked, f"repository:{asked['repository']}:pull")
        if pull is None:
            answer: dict[str, Any] = {"outcome": "refused"}
        else:
            answer = {
                "outcome": "accepted",
                "push_scopes": push_scopes(asked),
                "limits": limits(asked, pull),
            }
    except Trouble as trouble:
        answer = {"outcome": "trouble", "reason": str(trouble)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
