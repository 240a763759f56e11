"""Counting: again means again, later means later, and a refusal is no manifest."""

from ccci_host.lab.replay.measuring import DiskWatch, Traffic, manifest_gets, refused, used_again
from ccci_host.records import RegistryRequest


def request(**changes: object) -> RegistryRequest:
    usual = {
        "at": "2026-01-01T00:00:00+00:00",
        "registry": "docker.io",
        "account": "ccci",
        "method": "GET",
        "what": "layer",
        "repository": "replay/notes-1",
        "digest": "sha256:a",
        "status": 200,
        "bytes": 1000,
    }
    return RegistryRequest.model_validate({**usual, **changes})


def test_bytes_count_from_the_second_time_on_and_over_nights() -> None:
    traffic = Traffic()
    assert traffic.again([request(), request(digest="sha256:b")]) == 0
    assert (
        traffic.again([request(), request(method="HEAD"), request(what="config", digest="sha256:c")]) == 1000
    )
    assert traffic.again([request(digest="sha256:b"), request(digest="sha256:c", status=404)]) == 1000


def test_manifests_and_refusals() -> None:
    requests = [
        request(what="manifest"),
        request(what="manifest", method="HEAD"),
        request(what="manifest", status=429),
        request(what="manifest", registry="ghcr.io"),
    ]
    assert manifest_gets(requests) == 1
    assert refused(requests) == 1


def test_an_eviction_counts_when_a_later_night_is_to_use_it() -> None:
    uses = {1: {"a", "b"}, 2: {"b"}, 3: {"a"}}
    assert used_again([(1, "a"), (1, "c"), (2, "b"), (3, "a")], uses) == ((1, "a"),)


def test_the_peak_is_that_of_the_time_since_it_was_asked(tmp_path: object) -> None:
    from pathlib import Path

    with DiskWatch(Path(str(tmp_path))) as watch:
        now = watch.used_percent()
        assert watch.take_peak() >= now > 0
        assert watch.take_peak() > 0
