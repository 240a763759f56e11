"""A server counts as ours by its pinned certificate alone, whatever the environment says."""

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ccci_host.config import IncusTable
from ccci_host.errors import ConfigError, UnreachableError
from ccci_host.transport.incus_api import IncusApi
from ccci_host.transport.incus_session import open_session
from tests.unit.transport.certificates import self_signed
from tests.unit.transport.incus_stub import incus

ANSWER = b'{"type": "sync", "metadata": {"auth": "%s", "api_extensions": ["projects"]}}'


class Incus(BaseHTTPRequestHandler):
    """Enough of Incus to greet a client."""

    auth = b"trusted"
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        body = ANSWER % self.auth
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[IncusTable]:
    """The table of a real TLS server, certified under another name and long ago."""
    server_cert, server_key = self_signed(tmp_path, "incus")
    client_cert, client_key = self_signed(tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server_cert, server_key)
    monkeypatch.setattr(Incus, "asked", 0)
    monkeypatch.setattr(Incus, "auth", b"trusted")
    with HTTPServer(("127.0.0.1", 0), Incus) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield IncusTable(
            endpoint=f"https://127.0.0.1:{server.server_port}",
            instance="ci",
            server_cert=server_cert,
            client_cert=client_cert,
            client_key=client_key,
        )
        server.shutdown()


def changed(table: IncusTable, **changes: object) -> IncusTable:
    return table.model_copy(update=changes)


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "HTTPS_PROXY", "https_proxy"])
def test_the_environment_does_not_reach_a_session(
    table: IncusTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    other, _ = self_signed(tmp_path, "other")
    monkeypatch.setenv(variable, "http://127.0.0.1:1" if "proxy" in variable.lower() else str(other))
    IncusApi(table).close()
    assert Incus.asked == 1


def test_another_certificate_is_refused_before_anything_is_said(table: IncusTable, tmp_path: Path) -> None:
    other, _ = self_signed(tmp_path, "other")
    with pytest.raises(UnreachableError, match="shows another certificate than the pinned one") as caught:
        IncusApi(changed(table, server_cert=other))
    assert "server_cert" in caught.value.resolution
    assert Incus.asked == 0


def test_a_pin_holds_for_every_address_that_the_session_may_be_sent_to(
    table: IncusTable, tmp_path: Path
) -> None:
    other, _ = self_signed(tmp_path, "other")
    session = open_session(changed(table, server_cert=other))
    assert set(session.adapters) == {"https://"}
    assert session.trust_env is False


def test_a_client_that_the_server_does_not_trust_is_told_what_to_do(
    table: IncusTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Incus, "auth", b"untrusted")
    with pytest.raises(UnreachableError, match="does not trust the client certificate") as caught:
        IncusApi(table)
    assert "incus config trust add-certificate" in caught.value.resolution


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("server_cert", None, "cannot be read"),
        ("server_cert", "nothing", "holds no PEM certificate"),
        (
            "server_cert",
            "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----",
            "holds no PEM certificate",
        ),
        ("client_cert", None, "client certificate cannot be used"),
        ("client_key", None, "client certificate cannot be used"),
        ("client_key", "nothing", "client certificate cannot be used"),
    ],
)
def test_an_unfit_file_is_named(
    table: IncusTable, tmp_path: Path, key: str, content: str | None, message: str
) -> None:
    path = tmp_path / "unfit"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        open_session(changed(table, **{key: path}))
    assert str(path) in str(caught.value)


def test_text_around_the_pinned_certificate_does_not_matter(table: IncusTable) -> None:
    assert table.server_cert is not None
    table.server_cert.write_text(f"Certificate:\n    Data\n{table.server_cert.read_text()}\n")
    IncusApi(table).close()


def test_a_server_that_is_not_there_is_said(table: IncusTable) -> None:
    with pytest.raises(UnreachableError, match=r"Incus at https://127.0.0.1:1 does not answer") as caught:
        IncusApi(changed(table, endpoint="https://127.0.0.1:1"))
    assert "refused" in caught.value.details


def test_a_server_that_is_not_incus_is_said(table: IncusTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.unit.transport.test_incus_session.ANSWER", b"<html>%s</html>")
    with pytest.raises(UnreachableError, match="answers, but not as Incus does"):
        IncusApi(table)


def socket_table(path: Path) -> IncusTable:
    return IncusTable(endpoint=str(path), instance="ci")


def test_a_missing_socket_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="There is no Incus socket at"):
        open_session(socket_table(tmp_path / "unix.socket"))


def test_a_deserted_socket_is_said(tmp_path: Path) -> None:
    with incus(tmp_path, {}):
        pass  # its file stays behind
    with pytest.raises(UnreachableError, match="Nothing answers on the Incus socket"):
        open_session(socket_table(tmp_path / "unix.socket"))


def test_a_socket_that_is_closed_to_us_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("socket.socket.connect", denied)
    with pytest.raises(UnreachableError, match="is closed to this user") as caught:
        open_session(socket_table(tmp_path / "unix.socket"))
    assert "incus-admin" in caught.value.resolution
