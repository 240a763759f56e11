"""Host program: asks registries by `HEAD`, which costs no quota (fact 13).

Runs on the CI host, Python ≥ 3.9, standard library only. Reads on standard input

    {"config": PATH of docker's config.json, "agent": USER AGENT,
     "buckets": [{"as": "account" | "anonymous", "repository": …, "tag": …}],
     "sizes": [{"registry": …, "repository": …, "digests": [[DIGEST, …], …]}],
     "logins": [{"repository": …}],
     "manifests": [{"registry": …, "repository": …, "reference": …}],
     "anonymous_pulls": [{"registry": …, "repository": …, "reference": …}]}

and prints the answers in the same order as JSON. A layer's alternatives are tried until one is known there;
where no `HEAD` tells of one, a byte of it is fetched, which costs no quota either.
Credentials are read here, from the file that docker itself uses, and are in no answer. All goes through
dockerd's proxy where it has one.
"""

from __future__ import annotations

import base64
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

Value = dict[str, Any]

HUB = "registry-1.docker.io"
HUB_KEY = "https://index.docker.io/v1/"
TIMEOUT = 20
ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class NotAcceptedError(Exception):
    """The token service refused the credential, in its own words."""


class Registry:
    """One registry, asked with or without the account of docker's configuration."""

    def __init__(self, host: str, basic: str | None, agent: str) -> None:
        self.host = host
        self.basic = basic
        self.agent = agent
        self.tokens: dict[str, str] = {}
        self.beyond: dict[str, Registry] = {}
        """Those that it sends on to, by host."""

    def head(self, repository: str, what: str) -> Any:
        """The answer to `HEAD /v2/REPOSITORY/WHAT`; its status says how it went."""
        return self.answer("HEAD", repository, what, {})

    def answer(self, method: str, repository: str, what: str, headers: dict[str, str]) -> Any:
        """The answer of whoever has `/v2/REPOSITORY/WHAT`.

        `lscr.io` sends on to `ghcr.io`, which wants a token of its own. Our login is for this registry, and
        the other one is asked as nobody.
        """
        url = f"https://{self.host}/v2/{repository}/{what}"
        answer = self.admitted(method, url, repository, headers)
        named = repository_at(answer.url)
        if answer.status != 401 or same_host(answer.url, url) or not named:
            return answer
        host = urllib.parse.urlsplit(answer.url).netloc
        there = self.beyond.setdefault(host, Registry(host, None, self.agent))
        return there.admitted(method, answer.url, named, headers)

    def admitted(self, method: str, url: str, repository: str, headers: dict[str, str]) -> Any:
        """The answer to a request, put again with the login or token that the registry asks for."""
        shown = self.bearer(repository)
        answer = self.ask(method, url, {**headers, **shown})
        challenge = answer.headers.get("WWW-Authenticate", "")
        if answer.status != 401 or not same_host(answer.url, url) or (shown and not challenge):
            return answer
        if challenge.lower().startswith("basic"):
            shown = {"Authorization": f"Basic {self.basic}"} if self.basic else {}
        else:
            self.tokens[repository] = self.token(challenge, repository)
            shown = self.bearer(repository)
        return self.ask(method, url, {**headers, **shown})

    def size(self, repository: str, digest: str) -> int | None:
        """Compressed bytes of a blob, which cost no quota; None where the registry does not tell.

        `public.ecr.aws` answers 401 to each `HEAD` of a blob, whatever the token: it is asked for one byte.
        """
        answer = self.head(repository, f"blobs/{digest}")
        if answer.status not in (200, 404):
            answer = self.answer("GET", repository, f"blobs/{digest}", {"Range": "bytes=0-0"})
            answer.close()  # the headers tell: where the range is not heeded, all of it would come
        told = {200: "Content-Length", 206: "Content-Range"}.get(answer.status, "")
        size = answer.headers.get(told, "").rpartition("/")[2]
        return int(size) if size.isdigit() else None

    def bearer(self, repository: str) -> dict[str, str]:
        """The header that shows the token for a repository, when there is one."""
        token = self.tokens.get(repository)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, url: str, headers: dict[str, str]) -> Any:
        """The answer to one request, whatever its status."""
        if not url.startswith("https://"):
            raise OSError(f"{url} is not asked: it is no https address")
        headers = {"User-Agent": self.agent, "Accept": ACCEPT, **headers}
        request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - https, see above
        try:
            return opener().open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            return error

    def token(self, challenge: str, repository: str, actions: str = "pull") -> str:
        """A token for `actions`, from the service that the registry's challenge names."""
        fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if "realm" not in fields:
            raise OSError(f"{self.host} names no token service")
        scope = f"repository:{repository}:{actions}"
        query = {"service": fields.get("service", ""), "scope": scope}
        headers = {"Authorization": f"Basic {self.basic}"} if self.basic else {}
        answer = self.ask("GET", f"{fields['realm']}?{urllib.parse.urlencode(query)}", headers)
        body = answer.read()
        if answer.status in (401, 403):
            raise NotAcceptedError(f"{answer.status}: {body[:300].decode(errors='replace')}")
        if answer.status != 200:
            raise OSError(f"the token service answered {answer.status}")
        said = json.loads(body)
        return str(said.get("token") or said["access_token"])


class Registries:
    """Every registry that is asked, once with the configured account and once without."""

    def __init__(self, config: Path, agent: str) -> None:
        told = json.loads(config.read_text()) if config.is_file() else {}
        self.auths = told.get("auths") or {}
        self.agent = agent
        self.known: dict[tuple[str, bool], Registry] = {}

    def registry(self, name: str, *, anonymous: bool = False) -> Registry:
        """The registry that an image's reference calls `name`."""
        key = (name, anonymous)
        if key not in self.known:
            entry = self.auths.get(HUB_KEY if name == "docker.io" else name) or {}
            basic = None if anonymous else entry.get("auth")
            host = HUB if name == "docker.io" else name
            self.known[key] = Registry(host, basic, self.agent)
        return self.known[key]

    def account(self) -> str:
        """The account that docker's configuration names for Docker Hub; empty when there is none."""
        entry = self.auths.get(HUB_KEY) or {}
        return base64.b64decode(entry.get("auth") or "").decode(errors="replace").partition(":")[0]


def bucket(registries: Registries, wanted: Value) -> Value:
    """The rate-limit headers of one of the two buckets, each as it came or None where it was absent."""
    anonymous = wanted["as"] == "anonymous"
    said: Value = {"account": None if anonymous else registries.account()}
    if not anonymous and not said["account"]:
        return {**said, "problem": "docker's configuration holds no login for Docker Hub"}
    answer = registries.registry("docker.io", anonymous=anonymous).head(
        wanted["repository"], f"manifests/{wanted['tag']}"
    )
    names = ("ratelimit-limit", "ratelimit-remaining", "docker-ratelimit-source")
    return {**said, "status": answer.status, "headers": {name: answer.headers.get(name) for name in names}}


def login(registries: Registries, wanted: Value) -> Value:
    """What the token service grants to the account of docker's configuration: `pull`, `push`, …

    A token is granted for less than was asked where the account may do less; it says so itself.
    """
    registry = registries.registry("docker.io")
    if not registry.basic:
        return {"problem": "docker's configuration holds no login for Docker Hub"}
    asked = registry.ask("HEAD", f"https://{registry.host}/v2/", {})
    if asked.status != 401:
        raise OSError(f"the registry answered {asked.status} where it asks for a login")
    challenge = asked.headers.get("WWW-Authenticate", "")
    payload = registry.token(challenge, wanted["repository"], "pull,push").split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return {
        "account": registries.account(),
        "actions": sorted({action for entry in claims.get("access") or [] for action in entry["actions"]}),
    }


def sizes(registries: Registries, wanted: Value) -> Value:
    """Compressed bytes of each layer, or None where the registry knows none of its digests."""
    registry = registries.registry(wanted["registry"])
    found: list[Value | None] = []
    for alternatives in wanted["digests"]:
        for digest in alternatives:
            size = registry.size(wanted["repository"], digest)
            if size is not None:
                found.append({"digest": digest, "size": size})
                break
        else:
            found.append(None)
    return {"layers": found}


def manifest(registries: Registries, wanted: Value) -> Value:
    """What its registry says now of a tag or a digest: the status, and the digest where it has one."""
    registry = registries.registry(wanted["registry"])
    answer = registry.head(wanted["repository"], f"manifests/{wanted['reference']}")
    found = answer.status == 200
    return {"status": answer.status, "digest": answer.headers["Docker-Content-Digest"] if found else None}


def anonymous_pull(registries: Registries, wanted: Value) -> Value:
    """Whether somebody without an account may have an image."""
    registry = registries.registry(wanted["registry"], anonymous=True)
    return {"status": registry.head(wanted["repository"], f"manifests/{wanted['reference']}").status}


def guarded(ask: Any, registries: Registries, wanted: Value) -> Value:
    """An answer, or why there is none."""
    try:
        said: Value = ask(registries, wanted)
    except NotAcceptedError as error:
        return {"problem": str(error), "refused": True}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return {"problem": f"{type(error).__name__}: {error}"}
    return said


def main() -> None:
    """Ask all that is wanted."""
    wanted = json.load(sys.stdin)
    try:
        registries = Registries(Path(wanted["config"]), wanted["agent"])
    except (OSError, ValueError) as error:
        print(json.dumps({"problem": f"docker's configuration cannot be read: {error}"}))
        return
    words = {
        "buckets": bucket,
        "logins": login,
        "sizes": sizes,
        "manifests": manifest,
        "anonymous_pulls": anonymous_pull,
    }
    print(
        json.dumps(
            {
                word: [guarded(ask, registries, one) for one in wanted.get(word, [])]
                for word, ask in words.items()
            }
        )
    )


if __name__ == "__main__":
    main()
