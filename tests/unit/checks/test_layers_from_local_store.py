"""Two witnesses that agree, one from outside; conviction by one; interface bytes only ever acquit."""

from typing import Any

import pytest

from ccci_host.records import (
    Deployed,
    History,
    InterfaceSeen,
    ManifestsSeen,
    NoiseSeen,
    RecipeChosen,
    RequestsSeen,
    StoreSeen,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    APP,
    APP_LAYER,
    BASE_LAYER,
    BLOBS,
    DB,
    DB_LAYER,
    IDS,
    changed,
    cold,
    digest,
    good,
    request,
    resolution,
    store,
    without,
)
from tests.unit.checks.cases import finding
from tests.unit.checks.spoilt import image, repointed

NAME = "layers-from-local-store"
TASK = "verify-pc3"


def blind_log(history: History) -> History:
    return changed(history, RequestsSeen, {"requests": (), "problem": "no such file"}, phase="redeploy")


def blind_interface(history: History) -> History:
    return changed(history, InterfaceSeen, {"bytes": None, "problem": "no counters"}, phase="redeploy")


def blind_store(history: History) -> History:
    gone = {"images": (), "layers": (), "problem": "daemon down"}
    return changed(history, StoreSeen, gone, moment="redeployed")


def interface(history: History, **changes: Any) -> History:
    return changed(history, InterfaceSeen, changes, phase="redeploy")


def log(history: History, *requests: Any, **changes: Any) -> History:
    return changed(history, RequestsSeen, {"requests": requests, **changes}, phase="redeploy")


def refetched(history: History, *keys: str) -> History:
    def anew(seen: StoreSeen) -> StoreSeen:
        layers = tuple(
            layer.model_copy(update={"changed_at": 777.0}) if layer.key in keys else layer
            for layer in seen.layers
        )
        return seen.model_copy(update={"layers": layers})

    return changed(history, StoreSeen, anew, moment="redeployed")


def test_three_witnesses_acquit() -> None:
    found = finding(NAME, good(TASK))
    assert found.verdict is Verdict.PASS
    assert found.reason == "2 images went through a redeploy without one layer being downloaded."
    assert len(found.details) == 3


def test_a_reboot_in_between_is_told() -> None:
    found = finding(NAME, good("reboot-and-redeploy"))
    assert "a reboot and a redeploy" in found.reason


@pytest.mark.parametrize("blind", [blind_log, blind_interface, blind_store], ids=lambda item: item.__name__)
def test_any_two_witnesses_are_enough_if_one_is_outside(blind: Any) -> None:
    found = finding(NAME, blind(good(TASK)))
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("blinds", "told"),
    [
        ((blind_log, blind_interface), "only the layer store could tell, and no witness outside the daemon"),
        ((blind_log, blind_store), "only the interface bytes could tell, and it takes two"),
        ((blind_store, blind_interface), "only the registry log could tell, and it takes two"),
        ((blind_store, blind_interface, blind_log), "no witness could tell"),
    ],
)
def test_one_witness_is_not_enough(blinds: tuple[Any, ...], told: str) -> None:
    history = good(TASK)
    for blind in blinds:
        history = blind(history)
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert told in found.reason
    assert found.todo


def test_counters_of_a_guest_are_not_outside() -> None:
    history = interface(blind_log(good(TASK)), source="guest")
    assert finding(NAME, history).verdict is Verdict.UNKNOWN


def test_a_layer_that_was_written_anew_convicts() -> None:
    found = finding(NAME, refetched(good(TASK), DB_LAYER))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "The redeploy downloaded ccci/db:2.0 again: 1 layer written to disk (layer store)."


def test_a_base_layer_convicts_every_image_that_stands_on_it() -> None:
    found = finding(NAME, refetched(good(TASK), BASE_LAYER))
    assert found.verdict is Verdict.FAIL
    assert "ccci/app:1.0 and ccci/db:2.0" in found.reason


def test_a_layer_that_was_not_there_before_convicts() -> None:
    history = changed(good(TASK), StoreSeen, lambda _: store("torn-down", without=(APP,)), moment="torn-down")
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("The redeploy downloaded ccci/app:1.0 again")


def test_a_layer_that_was_served_convicts_though_the_store_acquits() -> None:
    found = finding(NAME, log(good(TASK), *cold(only=(DB_LAYER,))))
    assert found.verdict is Verdict.FAIL
    assert (
        found.reason == "The redeploy downloaded ccci/db:2.0 again: 1 layer of 8.0 MB served (registry log)."
    )


ANOTHERS = request(APP, "layer", key=APP_LAYER, digest=digest("9"), reference=digest("9"), bytes=900)
"""A layer of the app's repository, which is none of the app's image."""


def first_manifest(**changes: Any) -> Any:
    """What is known of the app's manifest, changed."""

    def change(seen: ManifestsSeen) -> ManifestsSeen:
        app, *others = seen.images
        return seen.model_copy(update={"images": (app.model_copy(update=changes), *others)})

    return change


@pytest.mark.parametrize(
    "change",
    [
        {"problem": "timed out"},
        first_manifest(problem="the registry does not know all of its layers"),
        first_manifest(layers=()),
        first_manifest(digest=digest("6")),
    ],
    ids=["none was read", "not all layers", "no layer", "of another image"],
)
def test_where_an_images_layers_are_not_known_its_repository_convicts(change: Any) -> None:
    found = finding(NAME, log(changed(good(TASK), ManifestsSeen, change), *resolution(), ANOTHERS))
    assert found.verdict is Verdict.FAIL
    assert found.reason == (
        "The redeploy downloaded ccci/app:1.0 again: 1 layer of 900 B served (registry log)."
    )
    assert (
        finding(NAME, log(without(good(TASK), ManifestsSeen), *resolution(), ANOTHERS)).verdict
        is Verdict.FAIL
    )


def test_another_image_of_the_repository_convicts_nobody_where_the_layers_are_known() -> None:
    """Somebody pulls `postgres:16` beside a recipe with `postgres:15`."""
    found = finding(NAME, log(good(TASK), *resolution(), ANOTHERS))
    assert found.verdict is Verdict.PASS
    told = "5 requests, none for a layer of the recipe; layers of what is no image of the recipe: ccci/app"
    assert f"registry log (outside) acquits: {told}" in found.details


def test_a_tag_that_moved_convicts_no_other_tag_of_its_repository() -> None:
    def siblings(deployed: Deployed) -> Deployed:
        return image(lambda name: name.replace(f"ccci/db:2.0@{digest('d')}", f"ccci/app:2.0@{digest('d')}"))(
            deployed
        )

    history = changed(good(TASK), Deployed, siblings)
    history = changed(
        history,
        Deployed,
        image(lambda name: name.replace(digest("a"), digest("5"))),
        phase="redeploy",
    )
    found = finding(NAME, log(history, *resolution(), ANOTHERS))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("Moved upstream between the deploys")


def test_a_name_that_a_stranger_brought_for_a_layer_convicts_nobody() -> None:
    """On the classic store a download teaches the daemon another digest of a layer that it has."""

    def taught(seen: StoreSeen) -> StoreSeen:
        base, *others = seen.layers
        both = base.model_copy(update={"blobs": (*base.blobs, digest("9"))})
        return seen.model_copy(update={"layers": (both, *others)})

    history = changed(good(TASK), StoreSeen, taught, moment="redeployed")
    assert finding(NAME, log(history, *resolution(), ANOTHERS)).verdict is Verdict.PASS


def test_a_strangers_layer_convicts_nobody() -> None:
    strange = request("wiki/wiki:1@sha256:x", "layer", digest=digest("9"), reference=digest("9"), bytes=900)
    found = finding(NAME, log(good(TASK), *resolution(), strange))
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_refused_layer_convicts_nobody(status: int) -> None:
    refused = request(APP, "layer", key=APP_LAYER, status=status)
    found = finding(NAME, log(good(TASK), *resolution(), refused))
    assert found.verdict is Verdict.PASS


def test_a_log_that_misses_a_resolution_is_silent() -> None:
    history = blind_interface(log(good(TASK), *resolution()[:2]))
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert "it shows no request at all for ccci/db:2.0" in found.reason


def test_an_empty_log_is_silent() -> None:
    found = finding(NAME, blind_interface(log(good(TASK))))
    assert found.verdict is Verdict.UNKNOWN


def test_bytes_below_the_lightest_image_acquit() -> None:
    found = finding(NAME, interface(blind_log(good(TASK)), bytes=5_004_999))
    assert found.verdict is Verdict.PASS  # noise is 1 kB/s over 5 s, the lightest image weighs 5 MB


def test_bytes_of_the_lightest_image_acquit_nobody() -> None:
    found = finding(NAME, interface(blind_log(good(TASK)), bytes=5_005_000))
    assert found.verdict is Verdict.UNKNOWN


def test_many_bytes_never_convict() -> None:
    found = finding(NAME, interface(good(TASK), bytes=900_000_000))
    assert found.verdict is Verdict.UNKNOWN
    assert "as much as the recipe weighs, and no registry accounts for it" in found.reason


def test_many_bytes_that_a_registry_accounts_for_are_no_suspicion() -> None:
    strange = request(
        "wiki/wiki:1@sha256:x", "layer", reference=digest("9"), digest=digest("9"), bytes=20_000_000
    )
    history = log(interface(good(TASK), bytes=20_100_000), *resolution(), strange)
    assert finding(NAME, history).verdict is Verdict.PASS


@pytest.mark.parametrize("bytes_", [0, -5])
def test_a_counter_that_stands_still_is_silent(bytes_: int) -> None:
    found = finding(NAME, interface(blind_log(good(TASK)), bytes=bytes_))
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(("heard", "verdict"), [(14_999_999, Verdict.PASS), (15_000_000, Verdict.UNKNOWN)])
def test_a_loud_moment_before_does_not_explain_a_whole_recipe(heard: int, verdict: Verdict) -> None:
    """10 MB/s, while it was listened to for two seconds, need not have gone on; the recipe weighs 15 MB."""
    loud = changed(blind_log(good(TASK)), NoiseSeen, {"bytes": 20_000_000, "seconds": 2.0})
    found = finding(NAME, interface(loud, bytes=heard))
    assert found.verdict is verdict
    if verdict is Verdict.UNKNOWN:
        assert (
            "15.0 MB came in, as much as the recipe weighs, and it may not all be noise" in found.details[2]
        )


def test_without_a_noise_floor_the_interface_is_silent() -> None:
    assert finding(NAME, without(blind_log(good(TASK)), NoiseSeen)).verdict is Verdict.UNKNOWN


def test_without_manifests_the_interface_is_silent() -> None:
    assert finding(NAME, without(blind_log(good(TASK)), ManifestsSeen)).verdict is Verdict.UNKNOWN


def test_one_unknown_weight_makes_the_interface_silent() -> None:
    def first_unknown(seen: ManifestsSeen) -> ManifestsSeen:
        image = seen.images[0].model_copy(update={"layers": (), "problem": "gone"})
        return seen.model_copy(update={"images": (image, *seen.images[1:])})

    history = changed(blind_log(good(TASK)), ManifestsSeen, first_unknown)
    assert finding(NAME, history).verdict is Verdict.UNKNOWN


def test_a_tag_that_moved_upstream_is_unknown_with_both_digests() -> None:
    history = changed(good(TASK), Deployed, repointed, phase="redeploy")
    history = log(history, *cold(only=(DB_LAYER,)))
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("Moved upstream between the deploys")
    assert digest("d") in found.reason
    assert digest("5") in found.reason


def test_a_moved_tag_does_not_excuse_another_image() -> None:
    history = changed(good(TASK), Deployed, repointed, phase="redeploy")
    found = finding(NAME, refetched(history, APP_LAYER))
    assert found.verdict is Verdict.FAIL
    assert "ccci/app:1.0" in found.reason


NOT_SHOWN = "it does not show ccci/db:2.0 after the redeploy"


def layerless(seen: StoreSeen) -> StoreSeen:
    """The database's own layer is not on disk."""
    return seen.model_copy(update={"layers": tuple(one for one in seen.layers if one.key != DB_LAYER)})


def hollow(seen: StoreSeen) -> StoreSeen:
    """The database's image is said to have no layer."""
    app, db = seen.images
    return seen.model_copy(update={"images": (app, db.model_copy(update={"layers": ()}))})


@pytest.mark.parametrize("spoil", [layerless, hollow])
def test_an_image_whose_layers_the_store_does_not_show_makes_it_silent(spoil: Any) -> None:
    found = finding(NAME, changed(good(TASK), StoreSeen, spoil, moment="redeployed"))
    assert found.verdict is Verdict.PASS  # by the log and the interface
    assert f"layer store (on the host) silent: {NOT_SHOWN}" in found.details


def test_an_image_that_is_not_shown_does_not_excuse_another() -> None:
    history = changed(
        refetched(good(TASK), DB_LAYER),
        StoreSeen,
        lambda seen: seen.model_copy(
            update={"images": tuple(one for one in seen.images if one.id == IDS[DB])}
        ),
        moment="redeployed",
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("The redeploy downloaded ccci/db:2.0 again")


def test_what_was_gone_after_the_reboot_and_is_back_was_downloaded() -> None:
    history = changed(
        good("reboot-and-redeploy"), StoreSeen, lambda _: store("rebooted", without=(DB,)), moment="rebooted"
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("The redeploy downloaded ccci/db:2.0 again")


@pytest.mark.parametrize("digest_", [BLOBS[DB_LAYER], None], ids=["by its digest", "by what was asked for"])
@pytest.mark.parametrize("unknown_to", [None, ManifestsSeen, StoreSeen], ids=["nobody", "manifests", "store"])
def test_a_layer_from_another_repository_convicts_by_its_digest(digest_: str | None, unknown_to: Any) -> None:
    """The daemon may fetch a layer from wherever it knows it to be."""
    history = good(TASK)
    if unknown_to is ManifestsSeen:
        history = without(history, ManifestsSeen)
    elif unknown_to is StoreSeen:
        history = without(history, StoreSeen, moment="deployed")
    mounted = request("ccci/other:1", "layer", key=DB_LAYER, digest=digest_, bytes=900)
    found = finding(NAME, log(history, *resolution(), mounted))
    assert found.verdict is Verdict.FAIL
    assert (
        found.reason == "The redeploy downloaded ccci/db:2.0 again: 1 layer of 900 B served (registry log)."
    )


def test_each_cycle_knows_layers_by_its_own_look() -> None:
    history = without(good(TASK, cycles=2), ManifestsSeen)
    history = without(history, StoreSeen, moment="deployed", cycle=1)
    mounted = request("ccci/other:1", "layer", key=DB_LAYER, bytes=900)
    served = {"requests": (*resolution(), mounted)}
    found = finding(NAME, changed(history, RequestsSeen, served, phase="redeploy", cycle=2))
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("Cycle 2 of 2: The redeploy downloaded ccci/db:2.0 again")


def pinned(history: History) -> History:
    """The recipe names digests, so that no tag is resolved."""
    return changed(history, RecipeChosen, {"images": (APP, DB)})


def test_a_log_with_no_request_acquits_where_nothing_had_to_be_asked() -> None:
    found = finding(NAME, log(pinned(good(TASK))))
    assert "registry log (outside) acquits: 0 requests, none for a layer of the recipe" in found.details
    found = finding(NAME, log(without(good(TASK), RecipeChosen)))
    assert "registry log (outside) acquits: 0 requests, none for a layer of the recipe" in found.details


def test_an_image_that_the_store_did_not_show_after_the_deploy_is_known_by_its_manifest() -> None:
    history = changed(good(TASK), StoreSeen, lambda _: store("deployed", without=(APP,)), moment="deployed")
    found = finding(NAME, log(history, *resolution(), request(APP, "layer", key=APP_LAYER)))
    assert any("registry log (outside) convicts" in told for told in found.details), found


def test_a_log_that_never_showed_a_request_is_silent() -> None:
    found = finding(NAME, changed(pinned(good(TASK)), RequestsSeen, {"requests": ()}))
    told = "silent: it never showed a request at the registry of ccci/app:1.0 and ccci/db:2.0"
    assert f"registry log (outside) {told}" in found.details


def test_a_log_is_deaf_to_a_registry_that_it_never_showed_a_request_at() -> None:
    """A log of Docker Hub alone tells nothing of an image from elsewhere, though it tells of others."""
    elsewhere = APP.replace("ccci/app", "ghcr.io/ccci/app")

    def moved(deployed: Deployed) -> Deployed:
        first, *rest = deployed.deployment.services
        services = (first.model_copy(update={"image": elsewhere}), *rest)
        return deployed.model_copy(
            update={"deployment": deployed.deployment.model_copy(update={"services": services})}
        )

    history = changed(changed(pinned(good(TASK)), Deployed, moved), RecipeChosen, {"images": (elsewhere, DB)})
    found = finding(NAME, log(history, *resolution()))
    told = "registry log (outside) silent: it never showed a request at the registry of ghcr.io/ccci/app:1.0"
    assert told in found.details


@pytest.mark.parametrize(("bytes_", "told"), [(15_007_400, "suspects"), (15_007_399, "silent")])
def test_bytes_suspect_from_the_recipes_weight_beyond_what_was_logged(bytes_: int, told: str) -> None:
    """15 MB of layers, 2.4 kB that the registry served, and 5 kB of noise."""
    found = finding(NAME, interface(good(TASK), bytes=bytes_))
    assert f"interface bytes (outside) {told}: 15.0 MB came in above the noise" in found.details[2]


@pytest.mark.parametrize(("bytes_", "told"), [(15_005_000, "suspects"), (15_004_999, "silent")])
def test_without_a_log_no_byte_is_accounted_for(bytes_: int, told: str) -> None:
    found = finding(NAME, interface(blind_log(good(TASK)), bytes=bytes_))
    assert f"interface bytes (outside) {told}: 15.0 MB came in above the noise" in found.details[2]


def test_an_image_that_the_store_does_not_show_makes_it_silent() -> None:
    history = changed(
        good(TASK), StoreSeen, lambda _: store("redeployed", without=(DB,)), moment="redeployed"
    )
    found = finding(NAME, blind_log(history))
    assert found.verdict is Verdict.UNKNOWN


def test_no_redeploy_is_unknown() -> None:
    found = finding(NAME, without(good(TASK), Deployed, phase="redeploy"))
    assert found.verdict is Verdict.UNKNOWN


def test_the_worst_of_three_cycles_decides() -> None:
    def served(seen: RequestsSeen) -> RequestsSeen:
        return seen.model_copy(update={"requests": cold(only=(APP_LAYER,))})

    history = changed(good(TASK, cycles=3), RequestsSeen, served, phase="redeploy", cycle=3)
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason.startswith("Cycle 3 of 3: The redeploy downloaded ccci/app:1.0 again")


def test_the_database_is_named_once() -> None:
    history = refetched(log(good(TASK), *cold(only=(DB_LAYER,))), DB_LAYER)
    found = finding(NAME, history)
    assert found.reason.count("ccci/db:2.0") == 1
    assert DB not in found.reason


def only_app(seen: Deployed) -> Deployed:
    services = tuple(one for one in seen.deployment.services if one.name == "ccci-small_app")
    return seen.model_copy(update={"deployment": seen.deployment.model_copy(update={"services": services})})


@pytest.mark.parametrize("phase", ["deploy", "redeploy"])
def test_a_redeploy_of_other_services_is_no_repeat(phase: str) -> None:
    found = finding(NAME, changed(good(TASK), Deployed, only_app, phase=phase))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == (
        "Not the same services were deployed twice: ccci-small_db only once, so the redeploy is no repeat of "
        "the deploy."
    )
    assert found.todo == (
        "Find why the deploys differ, the recipe's files or what deploys it; then run again."
    )
    assert len(found.details) == 3


def test_what_both_deploys_had_convicts_all_the_same() -> None:
    history = changed(refetched(good(TASK), APP_LAYER), Deployed, only_app, phase="redeploy")
    assert finding(NAME, history).verdict is Verdict.FAIL


def test_what_only_the_redeploy_had_convicts_nobody() -> None:
    history = changed(refetched(good(TASK), DB_LAYER), Deployed, only_app, phase="deploy")
    assert finding(NAME, history).verdict is Verdict.UNKNOWN
