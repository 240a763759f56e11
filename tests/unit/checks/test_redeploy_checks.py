"""PC3 besides the layers: what was deployed, by which digest, and the controls."""

from collections.abc import Callable
from typing import Any

import pytest

from ccci_host.records import (
    CredentialSeen,
    Deployed,
    DeployedService,
    EvictionControl,
    History,
    HostSeen,
    InterfaceSeen,
    ManifestLayer,
    ManifestsSeen,
    PinControl,
    RequestsSeen,
    StoredLayer,
    StoreSeen,
    TagControl,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    ACCOUNT,
    APP,
    APP_LAYER,
    BLOBS,
    DB,
    DB_LAYER,
    IDS,
    SIZES,
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
from tests.unit.checks.spoilt import bare, image, services, tasks

TASK = "verify-pc3"


def judged(name: str, kind: Any, change: Any, **where: Any) -> tuple[Verdict | None, str]:
    found = finding(name, changed(good(TASK), kind, change, **where))
    return found.verdict, found.reason


def idle(service: DeployedService) -> DeployedService:
    return service.model_copy(update={"tasks": (), "replicas": 0})


def by_manifest(service: DeployedService) -> DeployedService:
    tasks = tuple(task.model_copy(update={"image_id": service.digest}) for task in service.tasks)
    return service.model_copy(update={"tasks": tasks})


@pytest.mark.parametrize("phase", ["deploy", "redeploy"])
def test_a_spec_that_kept_the_bare_tag_is_unknown(phase: str) -> None:
    verdict, reason = judged("specs-carry-digests", Deployed, bare, phase=phase)
    assert verdict is Verdict.UNKNOWN
    assert "ccci-small_db (ccci/db:2.0)" in reason


@pytest.mark.parametrize("phase", ["deploy", "redeploy"])
def test_a_service_without_a_task_is_unknown(phase: str) -> None:
    verdict, reason = judged("tasks-ran-the-image", Deployed, services(idle), phase=phase)
    assert verdict is Verdict.UNKNOWN
    assert f"ccci-small_db in the {phase}" in reason


@pytest.mark.parametrize("phase", ["deploy", "redeploy"])
def test_a_task_that_ran_another_image_fails(phase: str) -> None:
    verdict, reason = judged("tasks-ran-the-image", Deployed, tasks(image_id=digest("9")), phase=phase)
    assert verdict is Verdict.FAIL
    assert f"ccci-small_app in the {phase}" in reason


@pytest.mark.parametrize("phase", ["deploy", "redeploy"])
def test_a_bare_tag_names_no_image_that_a_task_could_have_run(phase: str) -> None:
    verdict, reason = judged("tasks-ran-the-image", Deployed, bare, phase=phase)
    assert verdict is Verdict.UNKNOWN
    assert f"ccci-small_app in the {phase}" in reason


def test_the_containerd_store_names_a_container_by_the_manifest() -> None:
    assert judged("tasks-ran-the-image", Deployed, services(by_manifest))[0] is Verdict.PASS


@pytest.mark.parametrize("state", ["preparing", "failed", "rejected", "shutdown"])
def test_a_task_that_never_ran_shows_nothing(state: str) -> None:
    assert judged("tasks-ran-the-image", Deployed, tasks(state=state))[0] is Verdict.UNKNOWN


def test_a_job_that_ended_did_run() -> None:
    assert judged("tasks-ran-the-image", Deployed, tasks(state="complete"))[0] is Verdict.PASS


@pytest.mark.parametrize("nodes", [0, 2, 3, None])
def test_a_swarm_of_other_than_one_node_is_unknown(nodes: int | None) -> None:
    assert judged("one-swarm-node", HostSeen, {"swarm_nodes": nodes})[0] is Verdict.UNKNOWN


def test_a_daemon_that_skips_pulls_fails() -> None:
    verdict, reason = judged("pull-path-is-real", HostSeen, {"pull_overrides": ("PREFER_OFFLINE=1",)})
    assert verdict is Verdict.FAIL
    assert "PREFER_OFFLINE=1" in reason


@pytest.mark.parametrize("change", [{"pull_overrides_problem": "no /proc"}, {"problem": "no answer"}])
def test_a_daemon_whose_settings_are_not_known_is_unknown(change: dict[str, str]) -> None:
    assert judged("pull-path-is-real", HostSeen, change)[0] is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"outcome": "ran"}, Verdict.FAIL),
        ({"outcome": "unclear"}, Verdict.UNKNOWN),
        ({"outcome": None}, Verdict.UNKNOWN),
        ({"ran": False}, Verdict.UNKNOWN),
        ({"started": ("t1 failed task: non-zero exit (1)",)}, Verdict.FAIL),
        ({"outcome": "unclear", "started": ("t1 running",)}, Verdict.FAIL),
        ({"started": None}, Verdict.UNKNOWN),
        ({"registry_status": 200}, Verdict.UNKNOWN),
        ({"registry_status": 503}, Verdict.UNKNOWN),
        ({"registry_status": None}, Verdict.UNKNOWN),
        ({"error": "network proxy is used by another"}, Verdict.UNKNOWN),
        ({"error": "No such image: ccci/db:2.0"}, Verdict.PASS),
        ({"error": "abra: not found"}, Verdict.UNKNOWN),
        ({"error": "No such image: a\npull: toomanyrequests: slow down"}, Verdict.UNKNOWN),
        ({"error": "No such image: a\npull: a not found: manifest unknown"}, Verdict.PASS),
        ({"error": "pull: a: manifest unknown\npull: a: server misbehaving"}, Verdict.UNKNOWN),
        (
            {"error": 'No such image: a\npull: failed to resolve reference "b/a": b/a: not found'},
            Verdict.PASS,
        ),
        (
            {"error": 'pull: failed to resolve reference "b/a": failed to do request: not found'},
            Verdict.UNKNOWN,
        ),
        ({"error": 'pull: failed to resolve reference "b/a": c/a: not found'}, Verdict.UNKNOWN),
    ],
)
def test_a_pin_that_does_not_resolve_must_fail(change: dict[str, Any], verdict: Verdict) -> None:
    assert judged("broken-pin-fails", PinControl, change)[0] is verdict


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"digest_ran": digest("7")}, Verdict.FAIL),
        ({"digest_ran": None}, Verdict.UNKNOWN),
        ({"digest_after": digest("7")}, Verdict.UNKNOWN),
        ({"ran": False, "problem": "the registry is read-only"}, Verdict.UNKNOWN),
    ],
)
def test_a_moved_tag_must_be_pulled(change: dict[str, Any], verdict: Verdict) -> None:
    assert judged("moved-tag-pulled", TagControl, change)[0] is verdict


def log(*requests: Any, task: str = TASK) -> History:
    return changed(good(task), RequestsSeen, {"requests": requests}, phase="redeploy")


COSTS = "redeploy-costs"


def test_a_warm_redeploy_costs_a_manifest_a_service() -> None:
    found = finding(COSTS, good(TASK))
    assert found.verdict is Verdict.PASS
    assert found.reason == "The redeploy cost 2 manifest requests for 2 services, paid by ccci-ci."


def test_a_redeploy_of_pinned_images_costs_nobody_anything() -> None:
    history = changed(good("verify-pc3"), RequestsSeen, {"requests": ()}, phase="redeploy")
    assert finding(COSTS, history).reason == "The redeploy cost 0 manifest requests for 2 services."


def test_an_anonymous_manifest_of_the_redeploy_fails() -> None:
    found = finding(COSTS, log(request(APP, "manifest", account=None), request(DB, "manifest")))
    assert found.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("status", "verdict"), [(299, Verdict.FAIL), (300, Verdict.PASS), (401, Verdict.PASS)]
)
def test_only_an_anonymous_manifest_that_was_served_fails(status: int, verdict: Verdict) -> None:
    asked = request(APP, "manifest", account=None, status=status)
    assert finding(COSTS, log(asked, request(DB, "manifest"))).verdict is verdict


def test_a_redeploy_that_costs_more_fails() -> None:
    found = finding(COSTS, log(*resolution(), request(DB, "manifest")))
    assert found.verdict is Verdict.FAIL
    assert "took 3 counted requests" in found.reason


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize(
    ("image", "status", "verdict"),
    [
        (DB, 503, Verdict.PASS),
        (DB, 402, Verdict.PASS),
        (DB, 401, Verdict.FAIL),
        (APP, 503, Verdict.FAIL),
    ],
    ids=["failed", "refused", "a token was asked for", "of another image"],
)
def test_what_the_registry_failed_may_be_asked_once_more(
    method: str, image: str, status: int, verdict: Verdict
) -> None:
    failed = request(image, "manifest", method, status=status, bytes=0)
    assert finding(COSTS, log(*resolution(), failed, request(DB, "manifest"))).verdict is verdict
    twice = (request(DB, "manifest"), request(DB, "manifest"))
    assert finding(COSTS, log(*resolution(), failed, *twice)).verdict is Verdict.FAIL


def test_what_another_service_did_not_ask_for_is_no_allowance() -> None:
    found = finding(COSTS, log(request(DB, "manifest"), request(DB, "manifest")))
    assert found.verdict is Verdict.FAIL


def test_a_layer_that_failed_is_no_allowance() -> None:
    broken = request(DB, "layer", key=DB_LAYER, status=503)
    assert finding(COSTS, log(*resolution(), broken, request(DB, "manifest"))).verdict is Verdict.FAIL


OTHER = f"ccci/db:3.0@{digest('7')}"
"""What a neighbour pulls."""


@pytest.mark.parametrize("account", [ACCOUNT, "old-bot", None])
@pytest.mark.parametrize("reference", ["3.0", digest("7")])
def test_a_neighbours_pull_of_another_tag_is_not_the_redeploys(account: str | None, reference: str) -> None:
    asked = request(OTHER, "manifest", "HEAD", account=account)
    index = request(OTHER, "manifest", account=account, reference=reference)
    platform = request(OTHER, "manifest", account=account, reference=digest("6"), digest=digest("6"))
    found = finding(COSTS, log(*resolution(), asked, index, platform))
    assert found.verdict is Verdict.PASS
    assert found.reason == "The redeploy cost 2 manifest requests for 2 services, paid by ccci-ci."


@pytest.mark.parametrize("reference", ["2.0", digest("d")])
def test_beside_a_neighbours_pull_the_redeploys_own_requests_count(reference: str) -> None:
    more = request(DB, "manifest", reference=reference)
    assert finding(COSTS, log(*resolution(), request(OTHER, "manifest"), more)).verdict is Verdict.FAIL


@pytest.mark.parametrize("reference", [digest("6"), ""])
def test_what_no_tag_of_a_neighbours_explains_counts(reference: str) -> None:
    platform = request(DB, "manifest", reference=reference, digest=digest("6"))
    elsewhere = request(APP, "manifest", "HEAD", reference="3.0")
    assert finding(COSTS, log(*resolution(), elsewhere, platform)).verdict is Verdict.FAIL


@pytest.mark.parametrize(("reference", "verdict"), [("latest", Verdict.FAIL), ("2.0", Verdict.PASS)])
def test_an_image_without_a_tag_is_asked_for_as_latest(reference: str, verdict: Verdict) -> None:
    untagged = image(lambda name: name.replace("ccci/db:2.0", "ccci/db"))
    asked = (request(DB, "manifest", reference="latest"), request(DB, "manifest", reference=reference))
    history = changed(log(request(APP, "manifest"), *asked), Deployed, untagged)
    assert finding(COSTS, history).verdict is verdict


def test_an_image_of_one_word_has_a_tag_too() -> None:
    short = image(lambda name: name.replace("ccci/db:2.0", "db:2.0"))
    twice = [request(DB, "manifest", repository="library/db")] * 2
    elsewhere = request(OTHER, "manifest", repository="library/db")
    assert finding(COSTS, changed(log(*twice, elsewhere), Deployed, short)).verdict is Verdict.FAIL


def test_a_log_that_never_heard_the_host_shows_no_cost() -> None:
    deaf = changed(good("verify-pc3"), RequestsSeen, {"requests": (), "others": 3})
    seen = finding(COSTS, deaf)
    assert seen.verdict is None
    assert seen.reason == (
        "What the redeploy cost was not shown: the registry log never had a request at the registry of "
        "ccci/app:1.0 and ccci/db:2.0."
    )


def test_a_port_is_no_tag() -> None:
    elsewhere = image(lambda name: name.replace("ccci/db:2.0", "ccci.test:5000/ccci/db:2.0"))
    twice = (request(DB, "manifest"), request(DB, "manifest"))
    assert finding(COSTS, changed(log(*twice), Deployed, elsewhere)).verdict is Verdict.FAIL


def test_what_another_account_paid_is_not_the_accounts() -> None:
    other = request(DB, "manifest", account="old-bot")
    found = finding(COSTS, log(request(APP, "manifest"), other))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == "The redeploy was paid by ccci-ci and old-bot, and ccci-ci is to pay."
    assert found.todo == "Log the deploying user in as that account: `invoke provision` does."
    assert finding(COSTS, log(*resolution(), other)).verdict is Verdict.UNKNOWN
    assert finding(COSTS, log(*resolution(), request(DB, "manifest"), other)).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "unknown",
    [
        lambda seen: without(seen, CredentialSeen),
        lambda seen: changed(seen, CredentialSeen, {"expected_account": ""}),
    ],
    ids=["nobody looked", "none is named"],
)
def test_where_no_account_is_named_the_answer_says_who_paid(unknown: Callable[[History], History]) -> None:
    paid = log(request(APP, "manifest", account="old-bot"), request(DB, "manifest", account="old-bot"))
    found = finding(COSTS, unknown(paid))
    assert found.verdict is Verdict.PASS
    assert found.reason == "The redeploy cost 2 manifest requests for 2 services, paid by old-bot."


def test_strangers_requests_are_not_the_redeploys() -> None:
    found = finding(COSTS, log(*resolution(), request("wiki/wiki:1", "manifest", account=None)))
    assert found.verdict is Verdict.PASS


def test_without_a_log_the_cost_is_not_shown() -> None:
    history = changed(good(TASK), RequestsSeen, {"requests": (), "problem": "gone"}, phase="redeploy")
    assert finding(COSTS, history).verdict is None


SEEN = "eviction-seen"


def control(history: History, kind: Any, change: Any, **where: Any) -> tuple[Verdict | None, str]:
    found = finding(SEEN, changed(history, kind, change, **where))
    return found.verdict, found.reason


def test_three_witnesses_see_exactly_the_evicted_layers() -> None:
    found = finding(SEEN, good(TASK))
    assert found.verdict is Verdict.PASS
    assert "layer store reported exactly its 1 layer" in found.reason
    assert "registry log showed exactly its 1 layer" in found.reason
    assert "interface carried 8.2 MB for layers of 8.0 MB" in found.reason


def test_a_control_that_did_not_run_leaves_the_run_blind() -> None:
    verdict, reason = control(good(TASK), EvictionControl, {"ran": False, "problem": "no canary is named"})
    assert verdict is Verdict.UNKNOWN
    assert reason.startswith("Blind: ")
    assert "no canary is named" in reason


def test_an_image_without_layers_of_its_own_shows_nothing() -> None:
    verdict, reason = control(good(TASK), EvictionControl, {"layers": (), "blobs": ()})
    assert verdict is Verdict.UNKNOWN
    assert "other images hold all its layers" in reason


def test_a_store_that_misses_the_download_is_blind() -> None:
    unchanged = store("control-redeployed", 0)
    assert (
        control(
            changed(good(TASK), StoreSeen, lambda _: store("evicted", 0), moment="evicted"),
            StoreSeen,
            lambda _: unchanged,
            moment="control-redeployed",
        )[0]
        is Verdict.UNKNOWN
    )


def test_a_store_that_reports_more_is_blind() -> None:
    def all_new(seen: StoreSeen) -> StoreSeen:
        layers = tuple(layer.model_copy(update={"changed_at": 901.0}) for layer in seen.layers)
        return seen.model_copy(update={"layers": layers})

    verdict, reason = control(good(TASK), StoreSeen, all_new, moment="control-redeployed")
    assert verdict is Verdict.UNKNOWN
    assert "the layer store reported 2 of 1 layer" in reason


@pytest.mark.parametrize(
    "requests", [resolution(), cold(), (*cold(only=(DB_LAYER,)), request(DB, "layer", key=APP_LAYER))]
)
def test_a_log_that_shows_other_layers_is_blind(requests: Any) -> None:
    verdict, reason = control(good(TASK), RequestsSeen, {"requests": requests}, phase="control-redeploy")
    if requests == cold():
        assert (
            verdict is Verdict.PASS
        )  # the app's own layers are another repository's, a stranger's for all we know
    else:
        assert verdict is Verdict.UNKNOWN
        assert "registry log showed" in reason


SECOND = digest("5")
"""Another digest under which a registry may serve the database's layer."""


def known_twice(history: History) -> History:
    """The daemon knows two compressed digests for the evicted layer, by each look that has it."""

    def taught(seen: StoreSeen) -> StoreSeen:
        layers = tuple(
            layer.model_copy(update={"blobs": (*layer.blobs, SECOND)}) if layer.key == DB_LAYER else layer
            for layer in seen.layers
        )
        return seen.model_copy(update={"layers": layers})

    blobs = {"blobs": (BLOBS[DB_LAYER], SECOND)}
    return changed(changed(history, StoreSeen, taught), EvictionControl, blobs)


@pytest.mark.parametrize(
    "served", [(BLOBS[DB_LAYER],), (SECOND,), (BLOBS[DB_LAYER], SECOND)], ids=["one", "the other", "both"]
)
def test_a_layer_that_is_known_under_two_digests_is_one_layer(served: tuple[str, ...]) -> None:
    requests = tuple(request(DB, "layer", key=DB_LAYER, digest=blob) for blob in served)
    history = changed(known_twice(good(TASK)), RequestsSeen, {"requests": requests}, phase="control-redeploy")
    found = finding(SEEN, history)
    assert found.verdict is Verdict.PASS
    assert "the registry log showed exactly its 1 layer and" in found.reason
    assert "the interface carried 8.2 MB for layers of 8.0 MB" in found.reason


def test_of_two_sizes_of_a_layer_the_interface_must_carry_the_smaller() -> None:
    def sized(seen: ManifestsSeen) -> ManifestsSeen:
        app, db = seen.images
        both = (*db.layers, ManifestLayer(digest=SECOND, size=9 * SIZES[DB_LAYER]))
        return seen.model_copy(update={"images": (app, db.model_copy(update={"layers": both}))})

    found = finding(SEEN, changed(known_twice(good(TASK)), ManifestsSeen, sized))
    assert found.verdict is Verdict.PASS
    assert "the interface carried 8.2 MB for layers of 8.0 MB" in found.reason


def both_evicted(**changes: Any) -> History:
    """The app's own layer was evicted too."""
    both = {
        "layers": (APP_LAYER, DB_LAYER),
        "blobs": (BLOBS[APP_LAYER], BLOBS[DB_LAYER], SECOND),
        **changes,
    }
    return changed(known_twice(good(TASK)), EvictionControl, both)


def test_every_evicted_layer_must_be_served() -> None:
    twice = (request(DB, "layer", key=DB_LAYER), request(DB, "layer", key=DB_LAYER, digest=SECOND))
    history = changed(both_evicted(), RequestsSeen, {"requests": twice}, phase="control-redeploy")
    found = finding(SEEN, history)
    assert found.verdict is Verdict.UNKNOWN
    assert "the registry log showed 1 of 2 layers;" in found.reason
    assert "for layers of 13.0 MB" in found.reason


def test_a_layer_without_a_name_at_the_registry_makes_its_log_silent() -> None:
    found = finding(SEEN, both_evicted(blobs=(BLOBS[DB_LAYER],)))
    assert found.verdict is Verdict.UNKNOWN
    assert "the registry log: what it calls the evicted layers is not known" in found.details
    assert "the interface: the noise on it or the weight of the layers is not known" in found.details


def test_an_interface_that_carried_less_is_blind() -> None:
    verdict, reason = control(good(TASK), InterfaceSeen, {"bytes": 90_000}, phase="control-redeploy")
    assert verdict is Verdict.UNKNOWN
    assert "the interface carried" in reason


def no_log(history: History) -> History:
    return changed(history, RequestsSeen, {"requests": (), "problem": "gone"}, phase="control-redeploy")


def no_interface(history: History) -> History:
    return changed(history, InterfaceSeen, {"bytes": None, "problem": "gone"}, phase="control-redeploy")


def no_store(history: History) -> History:
    gone = {"images": (), "layers": (), "problem": "gone"}
    return changed(history, StoreSeen, gone, moment="control-redeployed")


@pytest.mark.parametrize("blind", [no_log, no_interface, no_store])
def test_two_witnesses_of_the_control_are_enough(blind: Callable[[History], History]) -> None:
    assert finding(SEEN, blind(good(TASK))).verdict is Verdict.PASS


@pytest.mark.parametrize("pair", [(no_log, no_interface), (no_log, no_store), (no_store, no_interface)])
def test_one_witness_of_the_control_is_not(pair: tuple[Callable[[History], History], ...]) -> None:
    history = good(TASK)
    for blind in pair:
        history = blind(history)
    assert finding(SEEN, history).verdict is Verdict.UNKNOWN


def test_a_guests_counters_are_no_outside_witness_of_the_control() -> None:
    history = changed(no_log(good(TASK)), InterfaceSeen, {"source": "guest"}, phase="control-redeploy")
    assert finding(SEEN, history).verdict is Verdict.UNKNOWN


def a_strangers_layer(seen: StoreSeen) -> StoreSeen:
    strange = StoredLayer(key="sha256:strange", size=900, changed_at=901.0)
    return seen.model_copy(update={"layers": (*seen.layers, strange)})


@pytest.mark.parametrize(
    "known_as",
    [
        {"image_id": IDS[DB], "reference": "ccci/db:2.0"},
        {"image_id": digest("d"), "reference": "ccci/db:2.0"},
        {"image_id": digest("9")},
    ],
    ids=["by its id on the classic store", "by its id on the containerd store", "by its reference"],
)
def test_a_layer_that_a_stranger_pulled_meanwhile_is_not_the_evicted_images(known_as: dict[str, str]) -> None:
    history = changed(good(TASK), StoreSeen, a_strangers_layer, moment="control-redeployed")
    assert finding(SEEN, changed(history, EvictionControl, known_as)).verdict is Verdict.PASS


def test_layers_are_not_told_apart_where_the_evicted_image_is_not_back() -> None:
    history = changed(good(TASK), StoreSeen, a_strangers_layer, moment="control-redeployed")
    known_as = {"image_id": digest("9"), "reference": "ccci/db:2.0"}
    found = finding(SEEN, changed(history, EvictionControl, known_as))
    assert found.verdict is Verdict.UNKNOWN
    assert "the layer store reported 2 of 1 layer" in found.reason


def test_a_served_layer_without_a_digest_is_known_by_what_was_asked_for() -> None:
    served = request(DB, "layer", key=DB_LAYER, digest=None)
    assert (
        control(good(TASK), RequestsSeen, {"requests": (served,)}, phase="control-redeploy")[0]
        is Verdict.PASS
    )


@pytest.mark.parametrize(("bytes_", "verdict"), [(8_005_000, Verdict.PASS), (8_004_999, Verdict.UNKNOWN)])
def test_the_interface_must_carry_all_that_the_layers_weigh(bytes_: int, verdict: Verdict) -> None:
    """The noise is 1 kB/s over 5 s."""
    assert control(good(TASK), InterfaceSeen, {"bytes": bytes_}, phase="control-redeploy")[0] is verdict


def test_no_control_at_all_is_blind() -> None:
    assert finding(SEEN, without(good(TASK), EvictionControl)).verdict is Verdict.UNKNOWN
