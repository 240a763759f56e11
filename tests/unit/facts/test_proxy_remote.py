"""What asks registries goes through dockerd's proxy where it has one, and through nobody else's."""

import ast
import base64
import contextlib
import datetime
import io
import json
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ccci_host.facts import hub_account, manifests, proxy_remote
from ccci_host.witnesses.program import source
from tests.unit import programs
from tests.unit.facts.scripted_http import Said, Scripted, scripted
from tests.unit.transport.unix_http import daemon, http_answer

HUB, MANIFESTS, REGISTRY = hub_account.PROGRAM, manifests.PROGRAM, source("registry")
PASSWORD = "not-a-real-password"
BY_NAME = "127.1"
"""This machine, by what is no address of the loopback network to Go, which would never be proxied."""


class Server(ThreadingHTTPServer):
    """A registry with its token service, and a proxy that answers for either.

    It passes on to `beyond`, or sends `onward`.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[str] = []
        self.logins: list[str | None] = []
        self.beyond: int | None = None
        self.onward = ""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen.append(f"{self.command} {self.path.partition('?')[0]}")
        self.server.logins.append(self.headers["Proxy-Authorization"])
        body = b'{"token": "t"}' if self.command == "GET" else b""
        self.send_response(302 if self.server.onward else 200)
        self.send_header("Location", self.server.onward)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_CONNECT(self) -> None:
        self.server.seen.append(f"CONNECT {self.path}")
        self.server.logins.append(self.headers["Proxy-Authorization"])
        if self.server.beyond is None:
            return self.send_error(407)
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.beyond)) as far:
            back = threading.Thread(target=carry, args=(far, self.connection))
            back.start()
            carry(self.connection, far)
            back.join()
        return None

    def log_message(self, format: str, *args: Any) -> None:
        return


def carry(here: socket.socket, there: socket.socket) -> None:
    """Carry bytes over until there are no more."""
    try:
        while data := here.recv(1 << 16):
            there.sendall(data)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        return


def served(server: Server) -> Iterator[Server]:
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def proxy() -> Iterator[Server]:
    yield from served(Server())


@pytest.fixture
def far() -> Iterator[Server]:
    yield from served(Server())


def dockerd(folder: Path, **environment: str) -> None:
    """A process of that name."""
    process = folder / "proc" / "20"
    process.mkdir(parents=True)
    (process / "comm").write_text("dockerd\n")
    lines = [f"{name}={word}" for name, word in {"PATH": "/bin", **environment}.items()]
    (process / "environ").write_text("\0".join(lines) + "\0")


Ask = Callable[..., Any]


@pytest.fixture(params=programs.interpreters())
def ask(request: pytest.FixtureRequest, tmp_path: Path) -> Ask:
    """A program run on a host whose files lie in `tmp_path`."""

    def ask(program: str, payload: Any) -> Any:
        for old, new in (
            ('"/proc"', "proc"),
            ('"/etc/docker/daemon.json"', "daemon.json"),
            ('"/var/run/docker.sock"', "docker.sock"),
        ):
            assert program.count(old) == 1
            program = program.replace(old, repr(str(tmp_path / new)))
        return programs.run(request.param, program, payload)

    return ask


def about_account(scheme: str, host: str) -> dict[str, Any]:
    return {
        "account": "me",
        "pat": "p",
        "auth_url": f"{scheme}://{host}/token",
        "registry_url": f"{scheme}://{host}",
        "service": "s",
        "repository": "r",
        "tag": "t",
        "push_to": None,
    }


def test_a_proxy_of_dockerds_environment_alone_is_used(ask: Ask, proxy: Server, tmp_path: Path) -> None:
    dockerd(tmp_path, HTTP_PROXY=f"http://us%40er:{PASSWORD}@127.0.0.1:{proxy.server_port}/")
    answer = ask(HUB, about_account("http", "hub.invalid"))
    assert (answer["outcome"], answer["limits"]["status"]) == ("accepted", 200)
    assert proxy.seen == ["GET http://hub.invalid/token", "HEAD http://hub.invalid/v2/r/manifests/t"]
    login = base64.b64encode(f"us@er:{PASSWORD}".encode()).decode()
    assert set(proxy.logins) == {f"Basic {login}"}
    assert PASSWORD not in json.dumps(answer)


def test_https_goes_through_a_tunnel(
    ask: Ask, proxy: Server, far: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certified(tmp_path, "hub.invalid")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    far.socket = context.wrap_socket(far.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    proxy.beyond = far.server_port
    dockerd(tmp_path, HTTPS_PROXY=f"user:{PASSWORD}@127.0.0.1:{proxy.server_port}")
    answer = ask(HUB, about_account("https", "hub.invalid"))
    assert answer["outcome"] == "accepted"
    assert set(proxy.seen) == {"CONNECT hub.invalid:443"}
    assert far.seen == ["GET /token", "HEAD /v2/r/manifests/t"]
    assert None not in proxy.logins
    assert set(far.logins) == {None}, "a login at the proxy is nobody else's"


def certified(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate for `name` that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "crt", folder / "key"


ASKED = {
    "hub": (HUB, about_account("https", "reg.invalid")),
    "manifests": (
        MANIFESTS,
        {
            "docker_config": "/nowhere",
            "references": [{"registry": "reg.invalid", "repository": "r", "reference": "t"}],
        },
    ),
    "registry": (
        REGISTRY,
        {
            "config": "/nowhere",
            "agent": "a",
            "manifests": [{"registry": "reg.invalid", "repository": "r", "reference": "t"}],
        },
    ),
}


@pytest.mark.parametrize("program", ASKED)
def test_what_fails_at_the_proxy_says_so_without_its_login(
    ask: Ask, proxy: Server, tmp_path: Path, program: str
) -> None:
    dockerd(tmp_path, https_proxy=f"http://user:{PASSWORD}@127.0.0.1:{proxy.server_port}")
    said = json.dumps(ask(*ASKED[program]))
    assert set(proxy.seen) == {"CONNECT reg.invalid:443"}
    assert "through dockerd's proxy 127.0.0.1: Tunnel connection failed: 407" in said
    assert PASSWORD not in said
    assert "user" not in said


@pytest.mark.parametrize("no_proxy", [None, BY_NAME, "*"])
def test_what_no_proxy_names_is_asked_directly(
    ask: Ask, proxy: Server, far: Server, tmp_path: Path, no_proxy: str | None
) -> None:
    named = {} if no_proxy is None else {"NO_PROXY": f"other.example, {no_proxy}"}
    dockerd(tmp_path, HTTP_PROXY=f"http://127.0.0.1:{proxy.server_port}", **named)
    answer = ask(HUB, about_account("http", f"{BY_NAME}:{far.server_port}"))
    assert answer["outcome"] == "accepted"
    assert (len(proxy.seen), len(far.seen)) == ((2, 0) if no_proxy is None else (0, 2))


def test_who_is_redirected_past_the_proxy_takes_no_login_along(
    ask: Ask, proxy: Server, far: Server, tmp_path: Path
) -> None:
    proxy.onward = f"http://{BY_NAME}:{far.server_port}/"
    there = f"http://user:{PASSWORD}@127.0.0.1:{proxy.server_port}"
    dockerd(tmp_path, HTTP_PROXY=there, NO_PROXY=BY_NAME)
    ask(HUB, {**about_account("http", "hub.invalid"), "account": None})
    assert (len(proxy.seen), set(far.logins)) == (2, {None})


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_the_proxy_of_the_session_is_not_used(
    ask: Ask, proxy: Server, far: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.server_port}")
    dockerd(tmp_path)
    answer = ask(HUB, about_account("http", f"{BY_NAME}:{far.server_port}"))
    assert answer["outcome"] == "accepted"
    assert (proxy.seen, len(far.seen)) == ([], 2)


def test_the_exceptions_of_the_session_are_not_dockerds(
    ask: Ask, proxy: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    dockerd(tmp_path, HTTP_PROXY=f"127.0.0.1:{proxy.server_port}")
    assert ask(HUB, about_account("http", "hub.invalid"))["outcome"] == "accepted"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        (f"http://user:{PASSWORD}/@proxy:3128", "the address of dockerd's proxy cannot be read"),
        (f"socks5://user:{PASSWORD}@proxy:1080", "dockerd's proxy proxy is no http:// one"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_said(ask: Ask, tmp_path: Path, word: str, says: str) -> None:
    dockerd(tmp_path, HTTPS_PROXY=word)
    answer = ask(HUB, about_account("https", "hub.invalid"))
    assert answer["outcome"] == "trouble"
    assert says in answer["reason"]
    assert PASSWORD not in answer["reason"]


PLAIN, OTHER = "http://proxy:3128", "http://other:3128"
WITH_LOGIN, MASKED = f"http://user:{PASSWORD}@proxy:3128", "http://xxxxx:xxxxx@proxy:3128"


@pytest.mark.parametrize(
    ("info", "configured", "environment", "used"),
    [
        (None, None, {}, ""),
        (None, None, {"HTTPS_PROXY": PLAIN, "https_proxy": OTHER}, PLAIN),
        (None, None, {"https_proxy": PLAIN}, PLAIN),
        (None, OTHER, {"HTTPS_PROXY": PLAIN}, OTHER),
        ("", None, {}, ""),
        (PLAIN, None, {}, PLAIN),
        (OTHER, OTHER, {"HTTPS_PROXY": PLAIN}, OTHER),
        (PLAIN, PLAIN, {"HTTPS_PROXY": WITH_LOGIN}, PLAIN),
        (MASKED, None, {"HTTPS_PROXY": WITH_LOGIN}, WITH_LOGIN),
        (MASKED, WITH_LOGIN, {"HTTPS_PROXY": OTHER}, WITH_LOGIN),
        (MASKED, f"{WITH_LOGIN}/", {}, f"{WITH_LOGIN}/"),
        (MASKED, OTHER, {"HTTPS_PROXY": WITH_LOGIN}, WITH_LOGIN),
        (MASKED, None, {}, MASKED),
    ],
)
def test_the_proxy_that_dockerd_uses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    info: str | None,
    configured: str | None,
    environment: dict[str, str],
    used: str,
) -> None:
    dockerd(tmp_path, **environment)
    monkeypatch.setattr(proxy_remote, "PROC", tmp_path / "proc")
    monkeypatch.setattr(proxy_remote, "DAEMON_JSON", tmp_path / "daemon.json")
    monkeypatch.setattr(proxy_remote, "DOCKER_SOCKET", str(tmp_path / "s"))
    if configured is not None:
        (tmp_path / "daemon.json").write_text(json.dumps({"proxies": {"https-proxy": configured}}))
    told = json.dumps({"HttpProxy": "", "HttpsProxy": info, "NoProxy": "a"}).encode()
    answer = http_answer(told) if info is not None else http_answer(b"{}", "500 Internal Server Error")
    with daemon(tmp_path / "s", {"GET /info": answer}):
        uses = proxy_remote.dockerds_proxies.__wrapped__()
    assert uses == {"http_proxy": "", "https_proxy": used, "no_proxy": "" if info is None else "a"}


@pytest.mark.parametrize(
    ("host", "no_proxy", "directly"),
    [
        ("localhost", "", True),
        ("127.0.0.2", "", True),
        ("::1", "", True),
        ("reg.example", "", False),
        ("reg.example", "a, *", True),
        ("reg.example", "REG.example", True),
        ("a.reg.example", "reg.example", True),
        ("areg.example", "reg.example", False),
        ("a.reg.example", ".reg.example", True),
        ("a.reg.example", "*.reg.example", True),
        ("reg.example", ".reg.example", False),
        ("reg.example", "*.reg.example", False),
        ("reg.example", "reg.example:443", True),
        ("reg.example", "reg.example:5000", False),
        ("reg.example", ",:443, ,", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3", "10.1.0.0/16", True),
        ("10.2.2.3", "10.1.0.0/16,fe80::/10", False),
        ("fe80::1", "fe80::/10", True),
    ],
)
def test_exceptions_are_read_as_go_reads_them(host: str, no_proxy: str, directly: bool) -> None:
    assert proxy_remote.goes_directly(host, 443, no_proxy) is directly


@pytest.mark.parametrize("program", [HUB, MANIFESTS, REGISTRY], ids=["hub", "manifests", "registry"])
def test_what_is_sent_is_whole_and_no_name_in_it_means_two_things(program: str) -> None:
    assert Path(proxy_remote.__file__).read_text() in program
    assert "from ccci_host" not in program
    body = ast.parse(program).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    names += [ast.unparse(one) for node in body if isinstance(node, ast.Assign) for one in node.targets]
    assert len(names) == len(set(names))


def test_a_proxy_whose_certificate_is_not_trusted_is_said_to_be_just_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
    refused.verify_message = "self-signed certificate"

    def fail(*_: Any, **__: Any) -> Any:
        raise urllib.error.URLError(refused)

    monkeypatch.setattr(proxy_remote, "send_through_proxy", lambda _: "proxy.corp")
    monkeypatch.setattr(urllib.request.HTTPSHandler, "do_open", fail)
    with pytest.raises(urllib.error.URLError) as caught:
        proxy_remote.AsDockerd().do_open(None, urllib.request.Request("https://registry"))
    assert caught.value.reason == (
        "through dockerd's proxy proxy.corp: its certificate is not trusted here: self-signed certificate"
    )


LOGINS = [("Basic bWU6cA==", "/v2/r/blobs/d"), ("Bearer t", "/v2/r/blobs/d"), ("Bearer t", "/token?scope=s")]


@pytest.fixture
def here() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def there() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


def request_for(url: str, method: str, login: str) -> urllib.request.Request:
    headers = {"Authorization": login, "Range": "bytes=0-0"}
    return urllib.request.Request(url, method=method, headers=headers)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("login", "path"), LOGINS)
def test_who_is_sent_to_another_host_asks_the_same_there_without_the_login(
    here: Scripted, there: Scripted, method: str, status: int, login: str, path: str
) -> None:
    ranges = []
    here.script = lambda *_: (status, {"Location": f"http://{there.address}/at"}, b"")

    def answer(_what: str, headers: Any) -> Said:
        ranges.append(headers["Range"])
        return 200, {}, b""

    there.script = answer
    with proxy_remote.opener().open(request_for(f"http://{here.address}{path}", method, login), timeout=5):
        assert there.asked == [(f"{method} /at", "")]
    assert ranges == ["bytes=0-0"]


def test_who_is_sent_elsewhere_on_the_same_host_keeps_the_login(here: Scripted) -> None:
    here.script = lambda what, _: (200, {}, b"") if what == "HEAD /at" else (307, {"Location": "/at"}, b"")
    with proxy_remote.opener().open(request_for(f"http://{here.address}/", "HEAD", "Bearer t"), timeout=5):
        assert here.asked[1:] == [("HEAD /at", "Bearer t")]


def test_who_is_sent_away_and_back_has_lost_the_login(here: Scripted, there: Scripted) -> None:
    back = {"Location": f"http://{here.address}/at"}
    here.script = lambda what, _: (
        (200, {}, b"") if what == "HEAD /at" else (307, {"Location": f"http://{there.address}/"}, b"")
    )
    there.script = lambda *_: (307, back, b"")
    with proxy_remote.opener().open(request_for(f"http://{here.address}/", "HEAD", "Bearer t"), timeout=5):
        assert here.asked[1:] == [("HEAD /at", "")]


def test_a_circle_ends(here: Scripted) -> None:
    here.script = lambda *_: (302, {"Location": "/"}, b"")
    with pytest.raises(urllib.error.HTTPError) as caught:
        proxy_remote.opener().open(request_for(f"http://{here.address}/", "HEAD", "Bearer t"), timeout=5)
    assert caught.value.code == 302


def test_an_address_that_makes_no_sense_is_no_answer(here: Scripted) -> None:
    here.script = lambda *_: (302, {"Location": "http://cdn:pw@127.0.0.1/x"}, b"")
    with pytest.raises(urllib.error.URLError, match=r"no answer in HTTP \(InvalidURL\)"):
        proxy_remote.opener().open(request_for(f"http://{here.address}/", "HEAD", "Bearer t"), timeout=5)


def test_nobody_is_sent_from_https_to_anything_else() -> None:
    asked = request_for("https://reg.invalid/v2/r/blobs/d", "HEAD", "Bearer t")
    with pytest.raises(
        urllib.error.URLError, match=r"reg\.invalid sends on to cdn\.invalid, and not by https"
    ):
        proxy_remote.SentOn().redirect_request(asked, io.BytesIO(), 302, "", {}, "http://cdn.invalid/d")


def test_a_token_service_that_sends_an_account_on_tells_nothing_of_it(
    ask: Ask, here: Scripted, there: Scripted
) -> None:
    here.script = lambda *_: (302, {"Location": f"http://{there.address}/token"}, b"")
    answer = ask(HUB, about_account("http", here.address))
    assert answer["outcome"] == "trouble"
    assert f"sends a login on to {there.address}" in answer["reason"]
    assert there.asked == []


def test_who_logs_in_nowhere_is_sent_on_by_a_token_service(ask: Ask, here: Scripted, there: Scripted) -> None:
    here.script = lambda what, _: (
        (302, {"Location": f"http://{there.address}/token"}, b"") if "GET" in what else (200, {}, b"")
    )
    there.script = lambda *_: (200, {}, b'{"token": "t"}')
    answer = ask(HUB, {**about_account("http", here.address), "account": None})
    assert (answer["outcome"], answer["limits"]["status"]) == ("accepted", 200)


Found = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]
SECONDS = 2.0
"""What a request may take here."""


def found(where: Any, family: socket.AddressFamily = socket.AF_INET) -> Found:
    return family, socket.SOCK_STREAM, 0, "", where


@pytest.fixture
def dropped() -> Iterator[list[Found]]:
    """Three addresses that answer no packet, since nobody takes up who has connected there."""
    with contextlib.ExitStack() as open_ones:
        places = []
        for _ in range(3):
            full, waiting = socket.socket(), socket.socket()
            open_ones.enter_context(full)
            open_ones.enter_context(waiting)
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            waiting.connect(full.getsockname())
            places.append(found(full.getsockname()))
        yield places


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has every name mean the addresses given, with no proxy on the way and little patience."""
    monkeypatch.setattr(proxy_remote, "send_through_proxy", lambda _: "")
    monkeypatch.setattr(proxy_remote, "SHORT", 0.05)
    monkeypatch.setattr(proxy_remote.AsDockerd, "connecting", proxy_remote.Connecting())
    return lambda *places: monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: list(places))


def test_addresses_that_drop_packets_cost_little(
    resolve: Callable[..., None], dropped: list[Found], here: Scripted
) -> None:
    here.script = lambda *_: (200, {}, b"")
    resolve(*dropped, found(("127.0.0.1", here.server_port)))
    began = time.monotonic()
    with proxy_remote.opener().open("http://reg.invalid/", timeout=SECONDS) as answer:
        assert answer.status == 200
    assert time.monotonic() - began < SECONDS


def test_the_last_address_has_all_the_time(resolve: Callable[..., None], dropped: list[Found]) -> None:
    resolve(dropped[0])
    began = time.monotonic()
    with pytest.raises(urllib.error.URLError, match="timed out"):
        proxy_remote.opener().open("http://reg.invalid/", timeout=0.3)
    assert time.monotonic() - began >= 0.3


def test_the_family_that_answered_is_tried_first(
    resolve: Callable[..., None], here: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried, connected = [], proxy_remote.Connecting.connected

    def watched(connecting: Any, one: Found, *seconds: float) -> socket.socket:
        tried.append((one[0], *seconds))
        return connected(connecting, one, *seconds)

    monkeypatch.setattr(proxy_remote.Connecting, "connected", watched)
    closed = found(("::1", 1, 0, 0), socket.AF_INET6)
    resolve(closed, closed, found(("127.0.0.1", here.server_port)))
    connecting = proxy_remote.Connecting()
    for _ in range(2):
        with connecting.connect(("reg.invalid", 443), SECONDS) as made:
            assert made.gettimeout() == SECONDS
    no_more = [(socket.AF_INET6, 0.05, SECONDS)] * 2 + [(socket.AF_INET, SECONDS, SECONDS)]
    assert tried == [*no_more, (socket.AF_INET, 0.05, SECONDS)]


@pytest.mark.parametrize(("name", "trusted"), [("reg.invalid", True), ("other.invalid", False)])
def test_whose_certificate_it_is_is_looked_at_whatever_the_address(
    resolve: Callable[..., None],
    here: Scripted,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    trusted: bool,
) -> None:
    certificate, key = certified(tmp_path, "reg.invalid")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    here.socket = context.wrap_socket(here.socket, server_side=True)
    here.script = lambda *_: (200, {}, b"")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    resolve(found(("127.0.0.1", here.server_port)))
    asking = contextlib.nullcontext() if trusted else pytest.raises(urllib.error.URLError, match="mismatch")
    with asking:
        proxy_remote.opener.__wrapped__().open(f"https://{name}/", timeout=SECONDS).close()
    assert here.asked == ([("GET /", "")] if trusted else [])
