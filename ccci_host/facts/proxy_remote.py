"""Opens requests as dockerd does: through its proxy, and on where sent on. Python 3.9, standard library only.

No program of its own: `proxy.going_out` puts this text into the programs that import from it. What proxies
dockerd has, by its environment, flags or configuration, its `/info` tells; a login at one, which that masks,
stands in `daemon.json` or in dockerd's environment as the kernel has it, and is in no error's words. The
proxies of the session that runs this are not dockerd's.
"""

import base64
import functools
import http.client
import ipaddress
import json
import re
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

PROC = Path("/proc")
DAEMON_JSON = Path("/etc/docker/daemon.json")
DOCKER_SOCKET = "/var/run/docker.sock"
MASK = "xxxxx:xxxxx@"
PROXIES = {"http_proxy": "HttpProxy", "https_proxy": "HttpsProxy", "no_proxy": "NoProxy"}
"""The variables, and the names that `/info` has for them."""
SHORT = 3.0
"""Seconds for connecting to an address, while there is another one to try."""


def dockerd_tells() -> dict[str, str]:
    """What the running dockerd uses, with logins masked; nothing when it does not answer."""
    asking = http.client.HTTPConnection("docker")
    try:
        asking.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        asking.sock.settimeout(10)
        asking.sock.connect(DOCKER_SOCKET)
        asking.request("GET", "/info")
        told = json.loads(asking.getresponse().read())
        return {name: told[word] for name, word in PROXIES.items()}
    except (OSError, ValueError, LookupError, http.client.HTTPException):
        return {}
    finally:
        asking.close()


def dockerd_was_told() -> list[dict[str, str]]:
    """The same as `daemon.json` has it, and then the environment of each process called `dockerd`."""
    told = []
    try:
        named = json.loads(DAEMON_JSON.read_bytes()).get("proxies", {})
        told.append({name: named.get(name.replace("_", "-"), "") for name in PROXIES})
    except (OSError, ValueError, AttributeError):
        pass  # it names none
    for process in sorted(PROC.glob("[0-9]*")):
        try:
            if (process / "comm").read_bytes() == b"dockerd\n":
                lines = (process / "environ").read_bytes().decode(errors="replace").split("\0")
                given = dict(line.partition("=")[::2] for line in lines)
                told.append({name: given.get(name.upper()) or given.get(name, "") for name in PROXIES})
        except OSError:
            continue  # it ended
    return told


@functools.cache
def dockerds_proxies() -> dict[str, str]:
    """What dockerd uses, with logins; an empty word where it uses none."""
    says, told, uses = dockerd_tells(), dockerd_was_told(), {}
    for name in PROXIES:
        known = [one[name] for one in told if one[name]]
        uses[name] = says.get(name, (known or [""])[0])
        _, masked, host = uses[name].partition(MASK)
        if masked:
            ends = "@" + host.rstrip("/")
            uses[name] = next((one for one in known if one.rstrip("/").endswith(ends)), uses[name])
    return uses


def goes_directly(host: str, port: int, no_proxy: str) -> bool:
    """Whether Go asks `host` without a proxy: this machine itself, and what `no_proxy` names."""
    try:
        address: Any = ipaddress.ip_address(host)
    except ValueError:
        address = None
    if host == "localhost" or (address and address.is_loopback):
        return True
    for word in no_proxy.lower().replace(" ", "").split(","):
        name, _, only = word.partition(":")
        end = "." + name.removeprefix("*").removeprefix(".")
        named = host.endswith(end) or host == name
        if word == "*" or (name and named and only in ("", str(port))):
            return True
        try:
            if address and address in ipaddress.ip_network(word, strict=False):
                return True
        except ValueError:
            continue  # no address
    return False


def send_through_proxy(request: urllib.request.Request) -> str:
    """Direct `request` to dockerd's proxy, and give that one's host; empty where dockerd uses none."""
    url, uses = urllib.parse.urlsplit(request.full_url), dockerds_proxies()
    word = uses[f"{url.scheme}_proxy"]
    port = url.port or (443 if url.scheme == "https" else 80)
    if not word or goes_directly(url.hostname or "", port, uses["no_proxy"]):
        return ""
    try:
        proxy = urllib.parse.urlsplit(word if "://" in word else f"http://{word}")
        host, port = proxy.hostname or "", proxy.port or 80
    except ValueError:  # whose words would hold what it could not read
        raise urllib.error.URLError("the address of dockerd's proxy cannot be read") from None
    if proxy.scheme != "http":
        raise urllib.error.URLError(f"dockerd's proxy {host} is no http:// one, and others are not spoken to")
    if proxy.username is not None:
        login = urllib.parse.unquote(f"{proxy.username}:{proxy.password or ''}").encode()
        request.add_unredirected_header("Proxy-Authorization", f"Basic {base64.b64encode(login).decode()}")
    request.set_proxy(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", "http")
    return host


class Connecting:
    """Connects so that a family of addresses whose packets are dropped costs little, and only once."""

    def __init__(self) -> None:
        self.answered: int | None = None
        """The family that answered last. It is tried first."""

    def connect(self, address: tuple[str, int], timeout: float, *_: Any) -> socket.socket:
        """A connection to a host and port, whose answers have `timeout` seconds each.

        Raises what the last of its addresses ended with, an `OSError`.
        """
        found = socket.getaddrinfo(*address, 0, socket.SOCK_STREAM)
        found.sort(key=lambda one: one[0] != self.answered)
        for one in found[:-1]:
            try:
                return self.connected(one, min(SHORT, timeout), timeout)
            except OSError:
                continue  # there is another one
        return self.connected(found[-1], timeout, timeout)

    def connected(self, one: Any, patience: float, timeout: float) -> socket.socket:
        """A connection to one of the addresses that were found, made within `patience` seconds."""
        family, kind, protocol, _, where = one
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(patience)
            made.connect(where)
        except OSError:
            made.close()
            raise
        made.settimeout(timeout)
        self.answered = family
        return made


class AsDockerd(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
    """Sends each request as dockerd would, redirected ones too."""

    connecting = Connecting()

    def do_open(self, http_class: Any, req: urllib.request.Request, **more: Any) -> Any:
        """Send one. What goes wrong on the way through a proxy names that one's host."""
        host = send_through_proxy(req)
        try:
            return super().do_open(functools.partial(self.connection, http_class), req, **more)
        except (OSError, http.client.HTTPException) as error:
            if not host and isinstance(error, OSError):
                raise
            if not host:
                raise urllib.error.URLError(f"no answer in HTTP ({type(error).__name__})") from None
            reason = getattr(error, "reason", error)
            if isinstance(reason, ssl.SSLCertVerificationError):
                reason = f"its certificate is not trusted here: {reason.verify_message}"
            raise urllib.error.URLError(f"through dockerd's proxy {host}: {reason}") from None

    def connection(self, http_class: Any, host: str, **more: Any) -> Any:
        """What speaks with `host`, with our way to connect: `http.client` has no public place for one."""
        made = http_class(host, **more)
        made._create_connection = self.connecting.connect
        return made


def same_host(url: str, other: str) -> bool:
    """Whether two addresses are of one host and port, so that a login for the one is for the other."""
    one, two = urllib.parse.urlsplit(url), urllib.parse.urlsplit(other)
    return (one.scheme, one.netloc.lower()) == (two.scheme, two.netloc.lower())


def repository_at(url: str) -> str:
    """The repository of a manifest or blob that lies at a registry's address; empty for any other address."""
    path = urllib.parse.urlsplit(url).path
    found = re.fullmatch(r"/v2/(.+)/(?:manifests|blobs)/[^/]+", path)
    return found[1] if found else ""


class SentOn(urllib.request.HTTPRedirectHandler):
    """Follows redirections: urllib would take a login to any host, and turn a `HEAD` into a `GET`."""

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302  # which Python 3.9 does not know

    def redirect_request(self, req: urllib.request.Request, *answer: Any, **_: Any) -> urllib.request.Request:
        """The same request to where `answer` sends it (its last word), without the login at another host.

        Raises `URLError` where that would leave https. So it does when a token service sends a login on: what
        comes without the login is anybody's token, and would pass for the account's.
        """
        url = answer[-1]
        asked, onward = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(url)
        if onward.scheme not in ("https", asked.scheme):
            raise urllib.error.URLError(f"{asked.netloc} sends on to {onward.netloc}, and not by https")
        kept = dict(req.headers)
        if not same_host(req.full_url, url):
            login = kept.pop("Authorization", "")
            if login.startswith("Basic ") and "scope" in urllib.parse.parse_qs(asked.query):
                raise urllib.error.URLError(f"{asked.netloc} sends a login on to {onward.netloc}")
        return urllib.request.Request(url, headers=kept, method=req.get_method())  # noqa: S310 - see above


@functools.cache
def opener() -> urllib.request.OpenerDirector:
    """What opens requests as dockerd does, with the host's own trust store.

    As lenient as dockerd is: Python 3.13 also asks for extensions.
    """
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    nobodys = urllib.request.ProxyHandler({})  # urllib's own would be the session's
    return urllib.request.build_opener(nobodys, AsDockerd(context=context), SentOn)
