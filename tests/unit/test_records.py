"""What the records answer about themselves."""

from ccci_host.records import (
    Deployed,
    Deployment,
    Entry,
    Event,
    Finished,
    History,
    InterfaceSeen,
    PhaseBegan,
    RegistryRequest,
    StoredImage,
    StoredLayer,
    StoreSeen,
    UnitSeen,
)


def image(name: str, *layers: str, refs: tuple[str, ...] = ()) -> StoredImage:
    return StoredImage(id=name, references=refs, layers=layers, size=1)


def history(*events: Event) -> History:
    return History(
        entries=tuple(
            Entry(seq=seq, at="2026-01-01T00:00:00Z", event=event) for seq, event in enumerate(events, 1)
        )
    )


def test_an_image_is_found_by_its_id_and_by_the_digest_of_a_reference() -> None:
    store = StoreSeen(moment="start", images=(image("sha256:i", refs=("app:1", "app@sha256:d")),))
    assert store.image_with("sha256:d") == store.images[0]
    assert store.image_with("sha256:i") == store.images[0]
    assert store.image_with("sha256:x") is None
    assert store.images[0].digests == ("sha256:d",)


def test_a_layer_is_found_by_its_key() -> None:
    layer = StoredLayer(key="k", size=1, changed_at=0.0)
    store = StoreSeen(moment="start", layers=(layer,))
    assert store.layer("k") == layer
    assert store.layer("l") is None


def request(**fields: object) -> RegistryRequest:
    usual: dict[str, object] = {
        "at": "t",
        "registry": "docker.io",
        "account": "me",
        "method": "GET",
        "what": "manifest",
        "repository": "r",
        "status": 200,
        "bytes": 1,
    }
    return RegistryRequest.model_validate({**usual, **fields})


def test_docker_hub_counts_the_get_of_a_manifest_and_nothing_else() -> None:
    assert request().costs_quota
    assert not request(method="HEAD").costs_quota
    assert not request(what="config").costs_quota
    assert not request(registry="ghcr.io").costs_quota


def test_a_layer_is_downloaded_when_its_bytes_were_served() -> None:
    assert request(what="layer").is_layer_download
    assert request(what="layer", status=206).is_layer_download
    assert not request(what="layer", method="HEAD").is_layer_download
    assert not request(what="layer", status=404).is_layer_download
    assert not request().is_layer_download


def test_the_last_look_of_a_moment_counts() -> None:
    first, second = (StoreSeen(moment="paused", cycle=2, host_clock=clock) for clock in (1.0, 2.0))
    seen = history(StoreSeen(moment="torn-down", cycle=2), first, second)
    assert seen.at(StoreSeen, "paused", 2) == second
    assert seen.at(StoreSeen, "paused", 1) is None


def test_a_count_is_found_by_its_phase_and_cycle() -> None:
    seen = history(InterfaceSeen(phase="deploy", bytes=1), InterfaceSeen(phase="redeploy", cycle=2, bytes=2))
    found = seen.during(InterfaceSeen, "redeploy", 2)
    assert found is not None
    assert found.bytes == 2
    assert seen.during(InterfaceSeen, "redeploy", 1) is None


def test_a_deployment_is_that_of_its_phase() -> None:
    deployment = Deployment(
        recipe="r",
        recipe_version="1",
        deployer="stack",
        stack="s",
        domain="d",
        services=(),
        seconds_to_deploy=1,
        seconds_to_converge=1,
    )
    seen = history(Deployed(phase="deploy", deployment=deployment))
    assert seen.deployment("deploy", 1) == deployment
    assert seen.deployment("redeploy", 1) is None


def test_cycle_zero_is_none_of_the_cycles() -> None:
    seen = history(
        PhaseBegan(phase="preflight", cycle=0),
        PhaseBegan(phase="deploy", cycle=2),
        PhaseBegan(phase="deploy"),
    )
    assert seen.cycles == (1, 2)


def test_a_history_is_complete_with_its_last_record_and_a_whole_file() -> None:
    whole = history(PhaseBegan(phase="deploy"), Finished(outcome="failed"))
    assert whole.complete
    assert not whole.model_copy(update={"problems": ("line 2 is no record",)}).complete
    assert not history(Finished(outcome="done"), PhaseBegan(phase="deploy")).complete


def test_a_unit_of_an_older_history_is_read_without_the_exit_code_it_carries() -> None:
    unit = UnitSeen(name="a.service", load="loaded", active="active", enabled="static")
    assert "exit_code" not in unit.model_dump()
    assert UnitSeen.model_validate({**unit.model_dump(), "exit_code": 0}) == unit
    assert UnitSeen.model_validate_json('{"exit_code":null,' + unit.model_dump_json()[1:]) == unit
