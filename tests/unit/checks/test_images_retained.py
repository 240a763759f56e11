"""An image that was there after the deploy must be there before the redeploy."""

from collections.abc import Callable

import pytest

from ccci_host.records import Deployed, History, Moment, StoreSeen
from ccci_host.verdict import Verdict
from tests.histories import APP, DB, DB_LAYER, changed, good, of_events, store, without
from tests.unit.checks.cases import finding

NAME = "images-retained"


def pruned(task: str, moment: Moment = "torn-down", lost: tuple[str, ...] = (APP, DB)) -> History:
    """A history in which images were gone at `moment` and after."""
    history = changed(good(task), StoreSeen, lambda _: store(moment, without=lost), moment=moment)
    if moment == "torn-down" and task == "reboot-and-redeploy":
        history = changed(history, StoreSeen, lambda _: store("rebooted", without=lost), moment="rebooted")
    return history


def test_names_what_a_teardown_lost() -> None:
    found = finding(NAME, pruned("verify-pc3", lost=(DB,)))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Lost with the teardown: ccci/db:2.0."
    assert "verify-pc1" in found.todo


def test_names_what_a_reboot_lost() -> None:
    found = finding(NAME, pruned("reboot-and-redeploy", "rebooted"))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Lost over the reboot: ccci/app:1.0 and ccci/db:2.0."


def test_names_what_was_lost_while_a_person_was_waited_for() -> None:
    whole = good("verify-pc3")
    events = []
    for entry in whole.entries:
        events.append(entry.event)
        if isinstance(entry.event, StoreSeen) and entry.event.moment == "torn-down":
            events.append(store("paused", without=(APP,)))
    found = finding(NAME, of_events(tuple(events)))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Lost between teardown and redeploy: ccci/app:1.0."


def test_an_image_that_lost_a_layer_is_lost() -> None:
    def without_layer(seen: StoreSeen) -> StoreSeen:
        kept = tuple(layer for layer in seen.layers if layer.key != DB_LAYER)
        return seen.model_copy(update={"layers": kept})

    found = finding(NAME, changed(good("verify-pc3"), StoreSeen, without_layer, moment="torn-down"))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Lost with the teardown: ccci/db:2.0."


def test_an_image_that_lost_the_name_that_swarm_asks_for_is_lost() -> None:
    """As where somebody's tag keeps the image, and the harness removed `app@sha256:…`: fact 5."""

    def renamed(seen: StoreSeen) -> StoreSeen:
        named = (one.model_copy(update={"references": ("other/base:1",)}) for one in seen.images)
        return seen.model_copy(update={"images": tuple(named)})

    found = finding(NAME, changed(good("verify-pc3"), StoreSeen, renamed, moment="torn-down"))
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Lost with the teardown: ccci/app:1.0 and ccci/db:2.0."


@pytest.mark.parametrize("moment", ["deployed", "torn-down", "rebooted"])
def test_a_store_that_could_not_be_read_is_unknown(moment: str) -> None:
    history = changed(
        good("reboot-and-redeploy"),
        StoreSeen,
        {"problem": "daemon down", "images": (), "layers": ()},
        moment=moment,
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert "daemon down" in found.reason


@pytest.mark.parametrize("moment", ["deployed", "torn-down", "rebooted"])
def test_a_store_that_nobody_looked_at_is_unknown(moment: str) -> None:
    found = finding(NAME, without(good("reboot-and-redeploy"), StoreSeen, moment=moment))
    assert found.verdict is Verdict.UNKNOWN


def test_a_deploy_that_never_converged_is_unknown() -> None:
    found = finding(NAME, without(good("verify-pc3"), Deployed, phase="deploy"))
    assert found.verdict is Verdict.UNKNOWN
    assert found.reason.startswith("The deploy never converged")


def test_an_image_that_the_store_never_showed_is_unknown() -> None:
    history = changed(
        good("verify-pc3"), StoreSeen, lambda _: store("deployed", without=(DB,)), moment="deployed"
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert "ccci/db:2.0" in found.reason


def unlisted(seen: StoreSeen) -> StoreSeen:
    """A store in which nobody finds a layer of the db."""
    return seen.model_copy(update={"layers": tuple(one for one in seen.layers if one.key != DB_LAYER)})


def nameless(seen: StoreSeen) -> StoreSeen:
    """A store that does not say which layers the db has."""
    app, db = seen.images
    return seen.model_copy(update={"images": (app, db.model_copy(update={"layers": ()}))})


@pytest.mark.parametrize("blind", [unlisted, nameless])
def test_an_image_whose_layers_were_never_seen_may_have_been_pulled_anew(
    blind: Callable[[StoreSeen], StoreSeen],
) -> None:
    history = good("verify-pc1")
    for moment in ("deployed", "torn-down"):
        history = changed(history, StoreSeen, blind, moment=moment)
    found = finding(NAME, history)
    assert found.verdict is Verdict.UNKNOWN
    assert "does not show the whole of ccci/db:2.0" in found.reason


def test_the_worst_cycle_speaks_and_is_named() -> None:
    history = changed(
        good("verify-pc3", cycles=3),
        StoreSeen,
        lambda _: store("torn-down", 2, without=(DB,)),
        moment="torn-down",
        cycle=2,
    )
    found = finding(NAME, history)
    assert found.verdict is Verdict.FAIL
    assert found.reason == "Cycle 2 of 3: Lost with the teardown: ccci/db:2.0."
