"""PC2: the PAT, and who paid."""

from typing import Any

import pytest

from ccci_host.records import (
    Bucket,
    BucketsSeen,
    ColdPullControl,
    CredentialSeen,
    Deployed,
    History,
    RecipeChosen,
    RegistryRequest,
    RequestsSeen,
    StoreSeen,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    ACCOUNT,
    APP,
    APP_LAYER,
    DB,
    DB_LAYER,
    buckets,
    changed,
    cold,
    digest,
    good,
    of_events,
    request,
    resolution,
    store,
    without,
)
from tests.unit.checks.cases import finding
from tests.unit.checks.spoilt import image

TASK = "verify-pc2"


def credential(name: str, **change: Any) -> tuple[Verdict | None, str]:
    found = finding(name, changed(good(TASK), CredentialSeen, change))
    return found.verdict, found.reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"state": "absent", "account": ""}, "has no entry for Docker Hub"),
        ({"mode": "0644"}, "Others can read"),
        ({"mode": "0640"}, "Others can read"),
        ({"owner": "bot"}, "belongs to bot, not to root, who deploys"),
        ({"account": "somebody"}, "names the account somebody, not ccci-ci"),
    ],
)
def test_an_entry_that_is_not_in_place(change: dict[str, Any], told: str) -> None:
    verdict, reason = credential("credential-in-place", **change)
    assert verdict is Verdict.FAIL
    assert told in reason


def test_a_history_that_does_not_say_whose_the_entry_is_to_be_is_read_all_the_same() -> None:
    assert credential("credential-in-place", owner="bot", expected_owner="")[0] is Verdict.PASS


@pytest.mark.parametrize("change", [{"state": "unreadable"}, {"state": None, "problem": "no answer"}])
def test_an_entry_that_cannot_be_read_is_unknown(change: dict[str, Any]) -> None:
    assert credential("credential-in-place", **change)[0] is Verdict.UNKNOWN


def test_an_entry_that_is_gone_after_the_reboot_fails() -> None:
    history = changed(
        good("reboot-and-redeploy"), CredentialSeen, {"state": "absent", "account": ""}, moment="rebooted"
    )
    found = finding("credential-in-place", history)
    assert found.verdict is Verdict.FAIL
    assert "(rebooted)" in found.reason


def test_a_refused_pat_fails() -> None:
    verdict, reason = credential(
        "credential-accepted", accepted=False, answer="incorrect username or password"
    )
    assert verdict is Verdict.FAIL
    assert reason == "Docker Hub refuses the PAT of ccci-ci: incorrect username or password."


def test_a_token_service_that_cannot_be_asked_is_unknown() -> None:
    assert credential("credential-accepted", accepted=None, problem="timed out")[0] is Verdict.UNKNOWN


def test_a_token_that_could_push_is_warned_of() -> None:
    found = finding("credential-accepted", changed(good(TASK), CredentialSeen, {"can_push": True}))
    assert found.verdict is Verdict.PASS
    assert "could also push" in found.details[0]


PULLS = "pulls-authenticated"


COLD = cold(only=(DB_LAYER,))
"""What the cold pull asks of the registry."""


def log(*requests: Any) -> History:
    return changed(good(TASK), RequestsSeen, {"requests": requests}, phase="cold-pull")


def blind() -> History:
    return changed(good(TASK), RequestsSeen, {"requests": (), "problem": "no such file"})


def test_an_anonymous_manifest_fails_and_names_the_repository() -> None:
    found = finding(PULLS, log(request(APP, "manifest"), request(DB, "manifest", account=None)))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Pulled without the PAT of ccci-ci: ccci/db by nobody (anonymous)."


@pytest.mark.parametrize(
    ("deployer", "remedy"), [("stack", "--with-registry-auth"), ("command", "set `lend_login`")]
)
def test_what_is_to_be_done_depends_on_who_deploys(deployer: str, remedy: str) -> None:
    history = changed(log(request(APP, "manifest", account=None)), RecipeChosen, {"deployer": deployer})
    assert remedy in finding(PULLS, history).todo


def test_another_accounts_manifest_fails() -> None:
    assert finding(PULLS, log(request(APP, "manifest", account="other"))).verdict is Verdict.FAIL


def neighbours(account: str | None, repository: str = "wiki/app") -> RegistryRequest:
    """A manifest that is none of the recipe's."""
    return request(f"{repository}:1@{digest('7')}", "manifest", account=account)


@pytest.mark.parametrize("phase", ["deploy", "cold-pull"])
def test_what_another_account_pulled_for_itself_is_told_and_convicts_nobody(phase: str) -> None:
    def beside(seen: RequestsSeen) -> RequestsSeen:
        return seen.model_copy(update={"requests": (*seen.requests, neighbours("wiki-bot"))})

    found = finding(PULLS, changed(good(TASK), RequestsSeen, beside, phase=phase))
    assert found.verdict is Verdict.PASS
    assert found.reason == finding(PULLS, good(TASK)).reason
    assert found.details == ("No image of the run: wiki/app by wiki-bot.",)


def test_what_a_neighbour_pulled_anonymously_nobody_can_tell_from_the_run() -> None:
    found = finding(PULLS, log(*COLD, neighbours("wiki-bot"), neighbours(None)))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Pulled without the PAT of ccci-ci: wiki/app by nobody (anonymous)."


@pytest.mark.parametrize(
    ("kind", "change", "repository"),
    [
        (RecipeChosen, {"images": ("extra:1",)}, "library/extra"),
        (Deployed, image(lambda name: name.replace("ccci/app", "ccci/built")), "ccci/built"),
        (ColdPullControl, {"reference": "canary/one:1"}, "canary/one"),
    ],
)
def test_another_accounts_pull_of_an_image_of_the_run_fails(kind: Any, change: Any, repository: str) -> None:
    history = log(*COLD, neighbours("old-bot", repository))
    assert finding(PULLS, history).verdict is Verdict.PASS
    found = finding(PULLS, changed(history, kind, change))
    assert found.verdict is Verdict.FAIL
    assert found.reason == f"Pulled without the PAT of ccci-ci: {repository} by old-bot."


def test_an_anonymous_pull_that_hit_the_limit_fails() -> None:
    assert finding(PULLS, log(request(APP, "manifest", account=None, status=429))).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "harmless",
    [
        request(APP, "manifest", "HEAD", account=None),
        request(APP, "manifest", account=None, status=300),
        request(APP, "manifest", account=None, status=401),
        request(APP, "token", account=None),
        request(APP, "manifest", account=None, registry="ghcr.io"),
    ],
)
def test_what_costs_no_quota_convicts_nobody(harmless: Any) -> None:
    assert finding(PULLS, log(*COLD, harmless)).verdict is Verdict.PASS


def test_the_nodes_own_pull_must_be_in_the_log() -> None:
    found = finding(PULLS, log(*resolution()))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == (
        "Who pays for pulls is not known: the registry served no layer of ccci/db:2.0, "
        "so its pull was not cold."
    )
    elsewhere = request(DB, "layer", key=DB_LAYER, registry="ghcr.io")
    others = request(APP, "layer", key=APP_LAYER)
    assert finding(PULLS, log(*resolution(), elsewhere, others)).verdict is Verdict.UNKNOWN


def test_a_layer_that_went_to_another_fails() -> None:
    found = finding(PULLS, log(*COLD, request(DB, "layer", key=DB_LAYER, account=None)))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Layers went to others than ccci-ci: ccci/db by nobody (anonymous)."


def test_an_anonymous_manifest_before_the_cold_pull_fails_too() -> None:
    history = changed(
        good(TASK), RequestsSeen, {"requests": (request(APP, "manifest", account=None),)}, phase="deploy"
    )
    assert finding(PULLS, history).verdict is Verdict.FAIL


def test_what_the_deploys_log_says_is_no_word_on_the_cold_pull() -> None:
    history = changed(good(TASK), RequestsSeen, {"requests": (), "problem": "cut"}, phase="cold-pull")
    assert finding(PULLS, without(history, BucketsSeen)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("reference", ["ghcr.io/ccci/db:2.0", "localhost/ccci/db:2.0"])
def test_a_cold_pull_from_elsewhere_is_no_word_on_docker_hub(reference: str) -> None:
    found = finding(PULLS, changed(good(TASK), ColdPullControl, {"reference": reference}))
    assert found.verdict is Verdict.UNKNOWN
    assert "is not from there" in found.reason


@pytest.mark.parametrize(
    ("moment", "seen"),
    [
        ("evicted", store("evicted", 0)),
        ("evicted", store("evicted", 0, without=(APP,))),
        ("evicted", store("evicted", 0).model_copy(update={"images": ()})),
        ("cold-pulled", store("cold-pulled", 0, without=(DB,))),
        ("evicted", store("evicted", 0).model_copy(update={"problem": "no answer"})),
        ("cold-pulled", store("cold-pulled", 0).model_copy(update={"problem": "no answer"})),
    ],
    ids=[
        "it was there",
        "another came",
        "its layers were there",
        "none came",
        "not seen before",
        "nor after",
    ],
)
@pytest.mark.parametrize("private", [True, False])
def test_without_the_log_a_pull_that_was_not_seen_to_be_cold_tells_nothing(
    moment: str, seen: StoreSeen, *, private: bool
) -> None:
    history = changed(blind(), ColdPullControl, {"private": private})
    found = finding(PULLS, changed(history, StoreSeen, lambda _: seen, moment=moment))
    assert found.verdict is Verdict.UNKNOWN


def test_without_the_log_the_buckets_tell_who_paid() -> None:
    found = finding(PULLS, blind())
    assert found.verdict is Verdict.PASS
    assert found.reason == "The bucket of ccci-ci paid 3 for the cold pull, and the anonymous one none."


def test_without_the_log_an_anonymous_bucket_that_paid_fails() -> None:
    history = changed(
        blind(),
        BucketsSeen,
        lambda _: buckets("cold-pulled", account=190, anonymous=97),
        moment="cold-pulled",
    )
    found = finding(PULLS, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "The anonymous bucket paid 3 for the cold pull."


@pytest.mark.parametrize(
    ("account", "verdict"), [(190, Verdict.FAIL), (189, Verdict.FAIL), (188, Verdict.UNKNOWN)]
)
def test_of_two_buckets_that_paid_the_anonymous_one_may_be_a_neighbours(
    account: int, verdict: Verdict
) -> None:
    """The account paid for more than the resolution of the tag: by its pull, or by another's."""
    paid = buckets("cold-pulled", account=account, anonymous=97)
    found = finding(PULLS, changed(blind(), BucketsSeen, lambda _: paid, moment="cold-pulled"))
    assert found.verdict is verdict
    if verdict is Verdict.UNKNOWN:
        assert found.reason == (
            "Both buckets paid while the cold pull went on, that of ccci-ci 2 and the anonymous one 3; who "
            "else pulled then, they do not say."
        )
        assert found.todo.startswith("Run again while nobody else at this address pulls")


def test_buckets_that_did_not_move_tell_nothing() -> None:
    history = changed(
        blind(), BucketsSeen, lambda _: buckets("cold-pulled", account=190), moment="cold-pulled"
    )
    assert finding(PULLS, history).verdict is Verdict.UNKNOWN


def test_headers_that_are_absent_are_unknown_and_not_zero() -> None:
    empty = (Bucket(account=ACCOUNT, limit=None, remaining=None), Bucket(account=None, remaining=None))
    history = changed(blind(), BucketsSeen, {"buckets": empty})
    assert finding(PULLS, history).verdict is Verdict.UNKNOWN


def test_a_bucket_that_was_refused_tells_nothing_whatever_figure_came_along() -> None:
    def refused(seen: BucketsSeen) -> BucketsSeen:
        own, anonymous = seen.buckets
        problem = {"problem": "the registry answered 503", "remaining": 97}
        return seen.model_copy(update={"buckets": (own, anonymous.model_copy(update=problem))})

    history = changed(blind(), BucketsSeen, refused, moment="cold-pulled")
    assert finding(PULLS, history).verdict is Verdict.UNKNOWN


def test_only_what_the_account_paid_during_the_cold_pull_counts() -> None:
    history = changed(
        blind(), BucketsSeen, lambda _: buckets("torn-down", account=187, cycle=1), moment="torn-down"
    )
    assert finding(PULLS, history).verdict is Verdict.UNKNOWN


def test_who_at_this_address_pulled_anonymously_before_the_cold_pull_nobody_knows() -> None:
    history = changed(
        blind(), BucketsSeen, lambda _: buckets("start", account=195, anonymous=101), moment="start"
    )
    found = finding(PULLS, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("Somebody at this address pulled anonymously")


def test_the_price_of_a_resolution_shows_nothing_of_the_nodes_pull() -> None:
    def paid(pulls: int) -> Verdict | None:
        after = buckets("cold-pulled", account=190 - pulls)
        return finding(PULLS, changed(blind(), BucketsSeen, lambda _: after, moment="cold-pulled")).verdict

    assert [paid(pulls) for pulls in (0, 1, 2)] == [Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.PASS]


def anonymous(history: History, start: int, torn_down: int, cold_pulled: int) -> History:
    """The anonymous bucket at each look."""
    looks = (
        buckets("start", account=195, anonymous=start),
        buckets("torn-down", account=190, anonymous=torn_down, cycle=1),
        buckets("cold-pulled", account=187, anonymous=cold_pulled),
    )
    for look in looks:
        history = changed(history, BucketsSeen, look.model_dump(), moment=look.moment)
    return history


@pytest.mark.parametrize("figures", [(10, 100, 100), (100, 60, 98)], ids=["before", "amid the cold pull"])
def test_of_a_window_that_was_renewed_nobody_knows_what_it_lost(figures: tuple[int, int, int]) -> None:
    assert finding(PULLS, anonymous(blind(), *figures)).verdict is Verdict.UNKNOWN
    assert finding(PULLS, anonymous(blind(), 100, 100, 100)).verdict is Verdict.PASS


def test_an_account_whose_window_was_renewed_did_not_pay_for_all_we_know() -> None:
    after = buckets("cold-pulled", account=200)
    history = changed(blind(), BucketsSeen, lambda _: after, moment="cold-pulled")
    assert finding(PULLS, history).verdict is Verdict.UNKNOWN


def deploy_unread(history: History) -> History:
    """The registry's log was replaced while the recipe was deployed."""
    return changed(history, RequestsSeen, {"requests": (), "problem": "replaced"}, phase="deploy")


def amid(history: History, *looks: BucketsSeen) -> History:
    """`history` with looks at the buckets right after its first one."""
    events = [entry.event for entry in history.entries]
    place = next(number for number, event in enumerate(events, start=1) if isinstance(event, BucketsSeen))
    return of_events((*events[:place], *looks, *events[place:]))


DEPLOYED = buckets("deployed", account=190, cycle=1)


@pytest.mark.parametrize(
    ("history", "verdict"),
    [
        (good(TASK), Verdict.PASS),
        (anonymous(good(TASK), 100, 88, 88), Verdict.UNKNOWN),
        (anonymous(good(TASK), 88, 100, 100), Verdict.UNKNOWN),
        (anonymous(good(TASK), 100, 100, 88), Verdict.PASS),
        (amid(good(TASK), DEPLOYED), Verdict.PASS),
        (amid(good(TASK), buckets("deployed", account=190, anonymous=88, cycle=1)), Verdict.UNKNOWN),
        (amid(anonymous(good(TASK), 100, 88, 88), DEPLOYED), Verdict.UNKNOWN),
        (amid(anonymous(good(TASK), 101, 100, 100), DEPLOYED), Verdict.UNKNOWN),
        (amid(good(TASK), DEPLOYED.model_copy(update={"problem": "timed out"})), Verdict.PASS),
        (amid(good(TASK), DEPLOYED.model_copy(update={"buckets": DEPLOYED.buckets[:1]})), Verdict.UNKNOWN),
        (changed(good(TASK), BucketsSeen, {"problem": "timed out"}, moment="start"), Verdict.UNKNOWN),
        (changed(good(TASK), BucketsSeen, {"problem": "timed out"}, moment="torn-down"), Verdict.UNKNOWN),
        (without(good(TASK), BucketsSeen, moment="start"), Verdict.UNKNOWN),
        (without(good(TASK), BucketsSeen, moment="torn-down"), Verdict.UNKNOWN),
    ],
    ids=[
        "it stood still",
        "it fell",
        "it rose",
        "it fell where the log was read",
        "it stood still at each look",
        "it fell and rose",
        "it fell after the deploy",
        "it fell in the deploy",
        "a look failed in between",
        "a look did not tell",
        "the first failed",
        "the last failed",
        "no first look",
        "no last look",
    ],
)
def test_where_the_log_does_not_tell_of_the_deploy_the_anonymous_bucket_must(
    history: History, verdict: Verdict
) -> None:
    assert finding(PULLS, history).verdict is Verdict.PASS  # as long as the log was read
    for unread in (deploy_unread(history), without(history, RequestsSeen, phase="deploy")):
        found = finding(PULLS, unread)
        assert found.verdict is verdict
        assert "nothing was asked anonymously" not in found.reason


def test_a_private_image_does_not_outweigh_an_anonymous_bucket_that_fell() -> None:
    history = changed(anonymous(blind(), 100, 88, 88), ColdPullControl, {"private": True})
    found = finding(PULLS, history)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("Somebody at this address pulled anonymously")


def test_a_private_image_that_a_task_pulled_was_pulled_with_the_pat() -> None:
    found = finding(PULLS, without(changed(blind(), ColdPullControl, {"private": True}), BucketsSeen))
    assert found.verdict is Verdict.PASS
    assert "ccci/db:2.0, which is private" in found.reason


def test_a_private_image_that_cost_the_account_nothing_was_had_by_another_login() -> None:
    history = changed(blind(), ColdPullControl, {"private": True})
    idle = changed(history, BucketsSeen, lambda seen: buckets(seen.moment, account=190, cycle=seen.cycle))
    found = finding(PULLS, idle)
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason == (
        "The cold pull of a private image cost ccci-ci nothing, so another login or another source served it."
    )
    assert found.todo == (
        "See which login the harness deploys with, and what stands between the host and Docker Hub."
    )


def test_looks_at_two_buckets_are_no_difference() -> None:
    def elsewhere(seen: BucketsSeen) -> BucketsSeen:
        moved = (one.model_copy(update={"source": "10.77.0.99"}) for one in seen.buckets)
        return seen.model_copy(update={"buckets": tuple(moved)})

    found = finding(PULLS, changed(blind(), BucketsSeen, elsewhere, moment="cold-pulled"))
    assert found.verdict is Verdict.UNKNOWN


def test_an_image_that_is_no_server_was_pulled_all_the_same() -> None:
    history = changed(blind(), ColdPullControl, {"task_image_id": "", "problem": "did not converge"})
    assert finding(PULLS, history).verdict is Verdict.PASS


@pytest.mark.parametrize("history", [good(TASK), blind()])
def test_without_a_cold_pull_nobody_knows(history: History) -> None:
    change = {"ran": False, "problem": "no quota left"}
    assert finding(PULLS, changed(history, ColdPullControl, change)).verdict is Verdict.UNKNOWN


def test_no_evidence_at_all_is_unknown() -> None:
    assert finding(PULLS, without(blind(), BucketsSeen)).verdict is Verdict.UNKNOWN
    assert finding(PULLS, without(good(TASK), CredentialSeen)).verdict is Verdict.UNKNOWN
