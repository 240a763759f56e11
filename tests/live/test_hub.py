"""The stand-in as a process of its own: real TLS, real `docker-registry`, on loopback."""

import json
import os
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ccci_host.errors import HostError, NotFoundError, UsageError
from ccci_host.lab.hub import ACCOUNT, READ_ONLY, READ_WRITE, REVOKED, Fault, Hub, parse_reference
from ccci_host.lab.images import ImageSpec, catalogue, publish, publish_specs
from ccci_host.waiting import wait_until

pytestmark = pytest.mark.live

GUESTBOOK = parse_reference("harbour/guestbook:1.0")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A hub with a few images, on a port that the kernel chose."""
    hub = Hub(tmp_path_factory.mktemp("hub"), ["127.0.0.1:0"], registries=("ghcr.io",))
    hub.ensure_running()
    publish_specs(hub, a_few())
    yield hub
    hub.stop()


@pytest.fixture(autouse=True)
def _as_new(hub: Hub) -> Iterator[None]:
    yield
    hub.ensure_running()
    hub.control.mend()


def a_few() -> list[ImageSpec]:
    wanted = {"harbour/guestbook", "harbour/relay", "ccci/vault"}
    return [spec for spec in catalogue() if spec.reference.repository in wanted]


def connect(hub: Hub) -> httpx.Client:
    """A client that reaches the hub by its port and trusts nothing but the lab's authority."""
    port = hub.control.health()["endpoints"][0][1]

    def redirected(request: httpx.Request) -> httpx.Response:
        request.headers["host"] = request.url.host
        request.extensions["sni_hostname"] = request.url.host
        request.url = request.url.copy_with(host="127.0.0.1", port=port)
        return transport.handle_request(request)

    context = ssl.create_default_context(cafile=str(hub.ca_certificate))
    transport = httpx.HTTPTransport(verify=context)
    return httpx.Client(transport=httpx.MockTransport(redirected), trust_env=False)


def pull(
    hub: Hub, path: str, *, pat: str | None = None, registry: str = "registry-1.docker.io"
) -> httpx.Response:
    """What a client gets for `REPOSITORY/manifests/…` or `REPOSITORY/blobs/…` with a token of its own."""
    repository = path.rpartition("/")[0].rpartition("/")[0]
    auth_host = "auth.docker.io" if registry.endswith("docker.io") else registry
    token_hub = hub.accounts.accounts[ACCOUNT].pats[pat].token.reveal() if pat else None
    with connect(hub) as client:
        answer = client.get(
            f"https://{auth_host}/token",
            params={"scope": f"repository:{repository}:pull,push"},
            auth=(ACCOUNT, token_hub) if token_hub else None,
        )
        if answer.status_code != 200:
            return answer
        headers = {
            "authorization": f"Bearer {answer.json()['token']}",
            "accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json",
        }
        return client.get(f"https://{registry}/v2/{path}", headers=headers)


def layer_of(hub: Hub) -> str:
    """The largest layer of the guestbook, for this machine's architecture."""
    index = pull(hub, "harbour/guestbook/manifests/1.0").json()
    manifest = pull(hub, f"harbour/guestbook/manifests/{index['manifests'][0]['digest']}").json()
    largest = max(manifest["layers"], key=lambda layer: layer["size"])
    return str(largest["digest"])


def log_of(hub: Hub) -> list[dict[str, Any]]:
    return [json.loads(line) for line in hub.access_log.read_text().splitlines()]


def pid_of(hub: Hub) -> int:
    return int(hub.paths.lock.read_text())


def test_running_is_a_state_and_not_an_event(hub: Hub) -> None:
    before = pid_of(hub)
    hub.ensure_running()
    Hub(hub.paths.state, hub.settings.listen, hub.settings.registries).ensure_running()
    assert pid_of(hub) == before


def test_an_image_comes_whole_over_tls(hub: Hub) -> None:
    digest = layer_of(hub)
    answer = pull(hub, f"harbour/guestbook/blobs/{digest}", pat=READ_ONLY)
    assert answer.status_code == 200
    line = log_of(hub)[-1]
    assert (line["kind"], line["digest"], line["account"]) == ("layer", digest, ACCOUNT)
    assert line["bytes"] == len(answer.content) > 1_000_000


def test_publishing_again_does_nothing_and_mends_a_moved_tag(hub: Hub) -> None:
    assert publish_specs(hub, a_few()) == ()
    before = hub.move_tag(GUESTBOOK, "1.1")
    assert hub.digest(GUESTBOOK) != before
    assert pull(hub, "harbour/guestbook/manifests/1.0").headers["docker-content-digest"] != before
    assert publish_specs(hub, a_few()) == (str(GUESTBOOK),)
    assert hub.digest(GUESTBOOK) == before


def test_a_stand_in_is_published_under_any_name_that_is_played(hub: Hub) -> None:
    digest = publish(hub, "ghcr.io/someone/app:3", size=1000)
    answer = pull(hub, "someone/app/manifests/3", registry="ghcr.io")
    assert answer.headers["docker-content-digest"] == digest
    with pytest.raises(NotFoundError, match=r"no stand-in for the registry registry\.example\.com"):
        publish(hub, "registry.example.com/someone/app:3")


def test_a_revoked_pat_breaks_public_pulls_until_it_is_restored(hub: Hub) -> None:
    hub.control.revoke(ACCOUNT, READ_ONLY)
    assert pull(hub, "harbour/guestbook/manifests/1.0", pat=READ_ONLY).status_code == 401
    assert pull(hub, "harbour/guestbook/manifests/1.0").status_code == 200
    hub.control.restore(ACCOUNT, READ_ONLY)
    assert pull(hub, "harbour/guestbook/manifests/1.0", pat=READ_ONLY).status_code == 200


def test_a_rotated_pat_is_in_its_file(hub: Hub) -> None:
    old = hub.pat_file().read_text()
    hub.control.rotate(ACCOUNT, READ_ONLY)
    assert hub.pat_file().read_text() != old
    assert pull(hub, "harbour/guestbook/manifests/1.0", pat=READ_ONLY).status_code == 200


def test_the_budget_is_set_and_seen_from_outside(hub: Hub) -> None:
    hub.control.set_remaining(f"account:{ACCOUNT}", 1)
    answers = [pull(hub, "harbour/guestbook/manifests/1.0", pat=READ_ONLY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert hub.control.buckets()[f"account:{ACCOUNT}"] == {"limit": 200, "remaining": 0}
    hub.control.header_mode("absent")
    assert "ratelimit-limit" not in pull(hub, "harbour/guestbook/manifests/1.0").headers
    with pytest.raises(UsageError, match="header_mode"):
        hub.control._call("header_mode", mode="odd")


def test_a_layer_breaks_off_half_way_and_the_log_says_so(hub: Hub) -> None:
    digest = layer_of(hub)
    number = hub.control.inject(Fault(effect="cut", kind="layer", times=1))
    with pytest.raises(httpx.RemoteProtocolError):
        pull(hub, f"harbour/guestbook/blobs/{digest}")
    assert hub.control.withdraw(number) == 1
    whole = len(pull(hub, f"harbour/guestbook/blobs/{digest}").content)
    broken = [line for line in log_of(hub) if line["digest"] == digest][-2]
    assert 0 < broken["bytes"] < whole


def test_a_hub_that_is_down_refuses_connections(hub: Hub) -> None:
    client = connect(hub)
    hub.control.close_doors()
    with pytest.raises(httpx.ConnectError):
        client.get("https://registry-1.docker.io/v2/")
    hub.control.open_doors()
    assert client.get("https://registry-1.docker.io/v2/").status_code == 401


def test_mending_takes_back_what_a_cut_off_experiment_left(hub: Hub) -> None:
    hub.control.revoke(ACCOUNT, READ_ONLY)
    hub.control.inject(Fault(effect="status", status=500))
    hub.control.set_remaining(f"account:{ACCOUNT}", 0)
    hub.control.set_limits(account=5, anonymous=5)
    hub.control.close_doors()
    hub.control.mend()
    answer = pull(hub, "harbour/guestbook/manifests/1.0", pat=READ_ONLY)
    assert answer.status_code == 200
    assert answer.headers["ratelimit-remaining"] == "199;w=21600"
    assert pull(hub, "harbour/guestbook/manifests/1.0", pat=REVOKED).status_code == 401


def test_the_powerful_pat_pushes_an_image(hub: Hub) -> None:
    digest, repository = layer_of(hub), f"{ACCOUNT}/pushed"
    with connect(hub) as client:
        answer = client.get(
            "https://auth.docker.io/token",
            params={"scope": f"repository:{repository}:pull,push repository:harbour/guestbook:pull"},
            auth=(ACCOUNT, hub.accounts.accounts[ACCOUNT].pats[READ_WRITE].token.reveal()),
        )
        headers = {"authorization": f"Bearer {answer.json()['token']}"}
        uploads = f"https://registry-1.docker.io/v2/{repository}/blobs/uploads/"
        mounted = client.post(uploads, headers=headers, params={"mount": digest, "from": "harbour/guestbook"})
        assert mounted.status_code == 201
        begun = client.post(uploads, headers=headers)
        where = httpx.URL(begun.headers["location"]).copy_merge_params(
            {"digest": "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}
        )
        put = client.put(f"https://registry-1.docker.io{where}", headers=headers, content=b"abc")
        assert put.status_code == 201


def test_it_survives_sigkill(hub: Hub) -> None:
    before = pid_of(hub)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: None if hub.is_running else True, what="the hub to be dead", timeout=10)
    hub.ensure_running()
    assert pid_of(hub) != before
    assert pull(hub, "harbour/guestbook/manifests/1.0").status_code == 200


def test_other_settings_make_another_process(hub: Hub) -> None:
    before = pid_of(hub)
    Hub(hub.paths.state, ["127.0.0.1:0", "127.0.0.2:0"], registries=("ghcr.io",)).ensure_running()
    assert pid_of(hub) != before
    assert len(hub.control.health()["endpoints"]) == 2


def test_a_registry_can_be_added(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ["127.0.0.1:0"], registries=("ghcr.io",))
    hub.ensure_running()
    try:
        assert not hub.add_registries({"docker.io", "ghcr.io"})
        assert hub.add_registries({"ghcr.io", "registry.example.com"})
        assert "registry.example.com" in Hub(tmp_path, ["127.0.0.1:0"], registries=("ghcr.io",)).names
        hub.ensure_running()
        publish(hub, "registry.example.com/someone/app:3")
        assert pull(hub, "someone/app/manifests/3", registry="registry.example.com").status_code == 200
    finally:
        hub.stop()


def test_a_lock_file_of_a_stranger_harms_nobody(tmp_path: Path) -> None:
    hub = Hub(tmp_path, ["127.0.0.1:0"])
    hub.prepare()
    hub.paths.lock.write_text(f"{os.getpid()}\n")
    assert not hub.is_running
    hub.stop()
    hub.ensure_running()
    hub.stop()
    assert not hub.is_running


def test_a_port_that_is_taken_is_named(hub: Hub, tmp_path: Path) -> None:
    port = hub.control.health()["endpoints"][0][1]
    other = Hub(tmp_path, [f"127.0.0.1:{port}"])
    with pytest.raises(HostError, match="ended at once") as caught:
        other.ensure_running()
    assert f"cannot listen on 127.0.0.1:{port}" in caught.value.details


def test_a_hub_whose_folder_is_removed_ends(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub", ["127.0.0.1:0"])
    hub.ensure_running()
    process = pid_of(hub)
    (tmp_path / "hub").rename(tmp_path / "gone")
    wait_until(lambda: os.waitpid(process, os.WNOHANG)[0] or None, what="the orphan to end", timeout=10)


def test_without_a_hub_its_switches_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="does not answer") as caught:
        Hub(tmp_path, ["127.0.0.1:0"]).control.refill()
    assert "invoke lab.up" in caught.value.resolution
