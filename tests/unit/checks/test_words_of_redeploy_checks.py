"""What a person reads of PC3's checks: their answers, word for word."""

import pytest

from ccci_host.records import (
    Deployed,
    EvictionControl,
    History,
    HostSeen,
    InterfaceSeen,
    ManifestsSeen,
    NoiseSeen,
    PhaseBegan,
    PinControl,
    RequestsSeen,
    Started,
    StoreSeen,
    TagControl,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    APP,
    APP_LAYER,
    BASE_LAYER,
    DB,
    DB_LAYER,
    changed,
    cold,
    digest,
    request,
    resolution,
    store,
    without,
)
from tests.unit.checks.cases import ASKED, said
from tests.unit.checks.spoilt import (
    AGAIN,
    PC3,
    bare,
    both_repointed,
    empty,
    repointed,
    tasks,
)

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL

ANOTHER_RUN = "Run the task again; the report says which witness is missing."
READABLE = "Make the registry log or the interface counters readable, and run again."
BLIND_TODO = "A witness that misses a known download proves nothing; see the report's controls."
SECOND = (
    "Make a second witness readable: the registry's access log ([host.NAME.registry] in "
    "ccci.toml) or the instance's interface counters in Incus."
)
UNLISTED = (
    "Run the task again. If it stays so, docs/retention.md tells of images that Docker does not list: "
    "how they come to be, and how to have them listed again."
)
WHO_REMOVED = (
    "Find what removed them: `invoke verify-pc1` names competing pruners, `journalctl -u "
    "ccci-prune` on the host says what the agent did."
)
WHO_REMOVED_IMAGES = (
    "Find what removed these images: `invoke verify-pc1` names competing pruners, "
    "`journalctl -u ccci-prune` on the host says what the agent did."
)
UNSEEN_AFTER_REBOOT = (
    "The host was not looked at after the reboot and its redeploy, and settings may wait for it."
)
RESOLVE = "Make the registry resolve these tags while deploying; the deploy warns when it cannot."
ANSWERS = "Find what answers for the registry: dockerd's mirrors, prefer-offline, a proxy."
READ_ERROR = "Read the phase's own error in the report; mend the recipe or the host, and run again."
STORE_ACQUITS = (
    "layer store (on the host) acquits: all 3 layers were on disk before the redeploy, untouched by it"
)
LOG_ACQUITS = "registry log (outside) acquits: 4 requests, none for a layer of the recipe"
INTERFACE_ACQUITS = (
    "interface bytes (outside) acquits: 55.0 kB came in above the noise; the lightest "
    "image alone would bring 5.0 MB"
)
NO_STORE = "layer store (on the host) silent: The image store was not looked at after the redeploy"


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "The 2 images of the recipe outlived the teardown.", "", ()),
        (AGAIN, PASS, "The 2 images of the recipe outlived teardown and reboot.", "", ()),
        (
            changed(PC3, StoreSeen, lambda _: store("torn-down", without=(DB,)), moment="torn-down"),
            FAIL,
            "Lost with the teardown: ccci/db:2.0.",
            WHO_REMOVED,
            (f"{DB} (image {digest('e')}) is gone by that name, or was pulled anew",),
        ),
        (
            changed(PC3, StoreSeen, lambda _: store("deployed", without=(DB,)), moment="deployed"),
            UNKNOWN,
            "After the deploy the store does not show the whole of ccci/db:2.0, which its service runs.",
            UNLISTED,
            (),
        ),
        (
            changed(PC3, Deployed, bare),
            UNKNOWN,
            "No service's spec carried a digest, so no image can be followed by it.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, Deployed, empty),
            UNKNOWN,
            "The stack ccci-small has no service, so it says nothing about images.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC3, Deployed, phase="deploy"),
            UNKNOWN,
            "The deploy never converged, so there is nothing to compare.",
            READ_ERROR,
            (),
        ),
        (without(PC3, PhaseBegan), UNKNOWN, "The run ended before anything was deployed.", ANOTHER_RUN, ()),
        (
            changed(PC3, StoreSeen, {"problem": "daemon down"}, moment="deployed"),
            UNKNOWN,
            "The image store could not be read after the deploy: daemon down.",
            "Make the daemon and its data directory readable to root on the host, and run again.",
            (),
        ),
        (
            without(PC3, StoreSeen, moment="deployed"),
            UNKNOWN,
            "The image store was not looked at after the deploy.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_images_retained(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("images-retained", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC3,
            PASS,
            "2 images went through a redeploy without one layer being downloaded.",
            "",
            (
                STORE_ACQUITS,
                LOG_ACQUITS,
                INTERFACE_ACQUITS,
            ),
        ),
        (
            AGAIN,
            PASS,
            "2 images went through a reboot and a redeploy without one layer being downloaded.",
            "",
            (
                STORE_ACQUITS,
                LOG_ACQUITS,
                INTERFACE_ACQUITS,
            ),
        ),
        (
            changed(PC3, RequestsSeen, {"requests": cold(only=(APP_LAYER, DB_LAYER))}, phase="redeploy"),
            FAIL,
            (
                "The redeploy downloaded ccci/app:1.0 and ccci/db:2.0 again: 2 layers of 13.0 MB "
                "served (registry log)."
            ),
            WHO_REMOVED_IMAGES,
            (
                STORE_ACQUITS,
                "registry log (outside) convicts: 2 layers of 13.0 MB served",
                INTERFACE_ACQUITS,
            ),
        ),
        (
            changed(PC3, StoreSeen, lambda _: store("redeployed", fresh=9.0), moment="redeployed"),
            FAIL,
            (
                "The redeploy downloaded ccci/app:1.0 and ccci/db:2.0 again: 3 layers written to disk"
                " (layer store)."
            ),
            WHO_REMOVED_IMAGES,
            (
                "layer store (on the host) convicts: 3 layers written to disk",
                LOG_ACQUITS,
                INTERFACE_ACQUITS,
            ),
        ),
        (
            changed(
                changed(PC3, StoreSeen, lambda _: store("redeployed", fresh=9.0), moment="redeployed"),
                RequestsSeen,
                {"requests": cold(only=(DB_LAYER,))},
                phase="redeploy",
            ),
            FAIL,
            (
                "The redeploy downloaded ccci/app:1.0 and ccci/db:2.0 again: 3 layers written to disk"
                " (layer store); 1 layer of 8.0 MB served (registry log)."
            ),
            WHO_REMOVED_IMAGES,
            (
                "layer store (on the host) convicts: 3 layers written to disk",
                "registry log (outside) convicts: 1 layer of 8.0 MB served",
                INTERFACE_ACQUITS,
            ),
        ),
        (
            changed(PC3, InterfaceSeen, {"source": "guest"}, phase="redeploy"),
            PASS,
            "2 images went through a redeploy without one layer being downloaded.",
            "",
            (
                STORE_ACQUITS,
                LOG_ACQUITS,
                (
                    "interface bytes (on the host) acquits: 55.0 kB came in above the noise; the lightest"
                    " image alone would bring 5.0 MB"
                ),
            ),
        ),
        (
            changed(PC3, Deployed, repointed, phase="redeploy"),
            UNKNOWN,
            (
                "Moved upstream between the deploys, so the redeploy had to download: ccci-small_db: "
                f"{DB} then, ccci/db:2.0@{digest('5')} now."
            ),
            "Run again: both deploys must mean the same images.",
            (
                (
                    "layer store (on the host) acquits: all 2 layers were on disk before the redeploy, "
                    "untouched by it"
                ),
                LOG_ACQUITS,
                INTERFACE_ACQUITS,
            ),
        ),
        (
            changed(PC3, Deployed, both_repointed, phase="redeploy"),
            UNKNOWN,
            (
                "Moved upstream between the deploys, so the redeploy had to download: ccci-small_app:"
                f" {APP} then, ccci/app:1.0@{digest('6')} now; ccci-small_db: {DB} then, "
                f"ccci/db:2.0@{digest('5')} now."
            ),
            "Run again: both deploys must mean the same images.",
            (
                "layer store (on the host) silent: no service has an image with a digest",
                LOG_ACQUITS,
                INTERFACE_ACQUITS,
            ),
        ),
        (
            without(PC3, Deployed, phase="redeploy"),
            UNKNOWN,
            "The redeploy never converged, so there is nothing to compare.",
            READ_ERROR,
            (),
        ),
        (
            changed(PC3, InterfaceSeen, {"bytes": 900_000_000}, phase="redeploy"),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: 900.0 MB came in above "
                "the noise, as much as the recipe weighs, and no registry accounts for it."
            ),
            "Run again while nothing else downloads on the host.",
            (
                STORE_ACQUITS,
                LOG_ACQUITS,
                (
                    "interface bytes (outside) suspects: 900.0 MB came in above the noise, as much as the"
                    " recipe weighs, and no registry accounts for it"
                ),
            ),
        ),
        (
            changed(
                changed(PC3, InterfaceSeen, {"problem": "no counters"}, phase="redeploy"),
                RequestsSeen,
                {"problem": "no log"},
                phase="redeploy",
            ),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the layer store "
                "could tell, and no witness outside the daemon (registry log: no log; interface "
                "bytes: no counters)."
            ),
            SECOND,
            (
                STORE_ACQUITS,
                "registry log (outside) silent: no log",
                "interface bytes (outside) silent: no counters",
            ),
        ),
        (
            without(without(PC3, InterfaceSeen, phase="redeploy"), RequestsSeen, phase="redeploy"),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the layer store "
                "could tell, and no witness outside the daemon (registry log: not read; interface "
                "bytes: not read)."
            ),
            SECOND,
            (
                STORE_ACQUITS,
                "registry log (outside) silent: not read",
                "interface bytes (outside) silent: not read",
            ),
        ),
        (
            changed(
                without(PC3, StoreSeen, moment="redeployed"),
                RequestsSeen,
                {"requests": resolution()[:2]},
                phase="redeploy",
            ),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the interface bytes "
                "could tell, and it takes two (layer store: The image store was not looked at after "
                "the redeploy; registry log: it shows no request at all for ccci/db:2.0, so it missed"
                " some)."
            ),
            SECOND,
            (
                NO_STORE,
                (
                    "registry log (outside) silent: it shows no request at all for ccci/db:2.0, so it "
                    "missed some"
                ),
                INTERFACE_ACQUITS,
            ),
        ),
        (
            without(without(PC3, NoiseSeen), StoreSeen, moment="redeployed"),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the registry log "
                "could tell, and it takes two (layer store: The image store was not looked at after "
                "the redeploy; interface bytes: its counter stood still, or the noise on it was not "
                "measured)."
            ),
            SECOND,
            (
                NO_STORE,
                LOG_ACQUITS,
                (
                    "interface bytes (outside) silent: its counter stood still, or the noise on it was "
                    "not measured"
                ),
            ),
        ),
        (
            without(without(PC3, ManifestsSeen), StoreSeen, moment="redeployed"),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the registry log "
                "could tell, and it takes two (layer store: The image store was not looked at after "
                "the redeploy; interface bytes: what a download would weigh is not known from the "
                "manifests)."
            ),
            SECOND,
            (
                NO_STORE,
                LOG_ACQUITS,
                (
                    "interface bytes (outside) silent: what a download would weigh is not known from the "
                    "manifests"
                ),
            ),
        ),
        (
            changed(without(PC3, RequestsSeen), InterfaceSeen, {"bytes": 5_005_000}, phase="redeploy"),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the layer store "
                "could tell, and no witness outside the daemon (registry log: not read; interface "
                "bytes: 5.0 MB came in above the noise: enough for an image of 5.0 MB)."
            ),
            SECOND,
            (
                STORE_ACQUITS,
                "registry log (outside) silent: not read",
                (
                    "interface bytes (outside) silent: 5.0 MB came in above the noise: enough for an "
                    "image of 5.0 MB"
                ),
            ),
        ),
        (
            changed(
                without(without(PC3, RequestsSeen), StoreSeen, moment="redeployed"),
                InterfaceSeen,
                {"problem": "no counters"},
                phase="redeploy",
            ),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: no witness could tell "
                "(layer store: The image store was not looked at after the redeploy; registry log: "
                "not read; interface bytes: no counters)."
            ),
            SECOND,
            (
                NO_STORE,
                "registry log (outside) silent: not read",
                "interface bytes (outside) silent: no counters",
            ),
        ),
        (
            without(
                changed(PC3, StoreSeen, lambda _: store("redeployed", without=(DB,)), moment="redeployed"),
                RequestsSeen,
            ),
            UNKNOWN,
            (
                "It is not shown that the layers came from the local store: only the interface bytes "
                "could tell, and it takes two (layer store: it does not show ccci/db:2.0 after the "
                "redeploy; registry log: not read)."
            ),
            SECOND,
            (
                "layer store (on the host) silent: it does not show ccci/db:2.0 after the redeploy",
                "registry log (outside) silent: not read",
                INTERFACE_ACQUITS,
            ),
        ),
        (
            changed(PC3, Deployed, bare),
            PASS,
            "2 images went through a redeploy without one layer being downloaded.",
            "",
            (
                "layer store (on the host) silent: no service has an image with a digest",
                LOG_ACQUITS,
                INTERFACE_ACQUITS,
            ),
        ),
    ],
)
def test_layers_from_local_store(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("layers-from-local-store", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC3,
            PASS,
            (
                "With ccci/db:2.0 evicted, the layer store reported exactly its 1 layer, the registry"
                " log showed exactly its 1 layer and the interface carried 8.2 MB for layers of 8.0 "
                "MB."
            ),
            "",
            (),
        ),
        (
            changed(PC3, EvictionControl, {"ran": False, "problem": "no canary is named"}),
            UNKNOWN,
            (
                "Blind: no image was evicted on purpose, so nobody knows whether the witnesses can "
                "see (no canary is named)."
            ),
            "Name an image that the control may remove: `canary` of the host in ccci.toml.",
            (),
        ),
        (
            without(PC3, EvictionControl),
            UNKNOWN,
            (
                "Blind: no image was evicted on purpose, so nobody knows whether the witnesses can "
                "see (the control was not reached)."
            ),
            "Name an image that the control may remove: `canary` of the host in ccci.toml.",
            (),
        ),
        (
            changed(PC3, EvictionControl, {"layers": ()}),
            UNKNOWN,
            "Blind: ccci/db:2.0 was evicted, but other images hold all its layers.",
            "Name a canary with layers of its own.",
            (),
        ),
        (
            changed(PC3, InterfaceSeen, {"bytes": 90_000}, phase="control-redeploy"),
            UNKNOWN,
            (
                "Blind: ccci/db:2.0 was evicted and pulled again, and the interface carried 85.0 kB "
                "for layers of 8.0 MB."
            ),
            BLIND_TODO,
            (
                "the layer store reported exactly its 1 layer",
                "the registry log showed exactly its 1 layer",
            ),
        ),
        (
            changed(
                PC3, RequestsSeen, {"requests": cold(only=(BASE_LAYER, DB_LAYER))}, phase="control-redeploy"
            ),
            PASS,
            (
                "With ccci/db:2.0 evicted, the layer store reported exactly its 1 layer, the registry"
                " log showed exactly its 1 layer and the interface carried 8.2 MB for layers of 8.0 "
                "MB."
            ),
            "",
            (),
        ),
        (
            changed(PC3, RequestsSeen, {"requests": resolution()}, phase="control-redeploy"),
            UNKNOWN,
            ("Blind: ccci/db:2.0 was evicted and pulled again, and the registry log showed 0 of 1 layer."),
            BLIND_TODO,
            (
                "the layer store reported exactly its 1 layer",
                "the interface carried 8.2 MB for layers of 8.0 MB",
            ),
        ),
        (
            changed(
                PC3,
                RequestsSeen,
                {
                    "requests": (
                        request(DB, "layer", key=DB_LAYER),
                        request(DB, "layer", key=APP_LAYER),
                        request(DB, "layer", key=BASE_LAYER),
                    )
                },
                phase="control-redeploy",
            ),
            UNKNOWN,
            (
                "Blind: ccci/db:2.0 was evicted and pulled again, and the registry log showed 1 of 1 "
                "layer, and 2 of other images."
            ),
            BLIND_TODO,
            (
                "the layer store reported exactly its 1 layer",
                "the interface carried 8.2 MB for layers of 8.0 MB",
            ),
        ),
        (
            changed(
                PC3,
                StoreSeen,
                lambda _: store("control-redeployed", 0, fresh=9.0),
                moment="control-redeployed",
            ),
            UNKNOWN,
            ("Blind: ccci/db:2.0 was evicted and pulled again, and the layer store reported 2 of 1 layer."),
            BLIND_TODO,
            (
                "the registry log showed exactly its 1 layer",
                "the interface carried 8.2 MB for layers of 8.0 MB",
            ),
        ),
        (
            changed(PC3, EvictionControl, {"blobs": ()}),
            UNKNOWN,
            (
                "Blind: after the eviction of ccci/db:2.0 only this was seen: the layer store "
                "reported exactly its 1 layer (the registry log: what it calls the evicted layers is "
                "not known; the interface: the noise on it or the weight of the layers is not known)."
            ),
            READABLE,
            (
                "the registry log: what it calls the evicted layers is not known",
                "the interface: the noise on it or the weight of the layers is not known",
            ),
        ),
        (
            changed(
                changed(PC3, RequestsSeen, {"problem": "gone"}, phase="control-redeploy"),
                InterfaceSeen,
                {"source": "guest"},
                phase="control-redeploy",
            ),
            UNKNOWN,
            (
                "Blind: after the eviction of ccci/db:2.0 only this was seen: the layer store "
                "reported exactly its 1 layer and the interface carried 8.2 MB for layers of 8.0 MB "
                "(counted inside the guest) (the registry log: gone)."
            ),
            READABLE,
            ("the registry log: gone",),
        ),
        (
            without(
                without(PC3, RequestsSeen, phase="control-redeploy"), InterfaceSeen, phase="control-redeploy"
            ),
            UNKNOWN,
            (
                "Blind: after the eviction of ccci/db:2.0 only this was seen: the layer store "
                "reported exactly its 1 layer (the registry log: not read; the interface: not read)."
            ),
            READABLE,
            (
                "the registry log: not read",
                "the interface: not read",
            ),
        ),
        (
            changed(
                changed(PC3, RequestsSeen, {"problem": "gone"}, phase="control-redeploy"),
                InterfaceSeen,
                {"problem": "no counters"},
                phase="control-redeploy",
            ),
            UNKNOWN,
            (
                "Blind: after the eviction of ccci/db:2.0 only this was seen: the layer store "
                "reported exactly its 1 layer (the registry log: gone; the interface: no counters)."
            ),
            READABLE,
            (
                "the registry log: gone",
                "the interface: no counters",
            ),
        ),
        (
            changed(PC3, RequestsSeen, {"problem": "gone"}, phase="control-redeploy"),
            PASS,
            (
                "With ccci/db:2.0 evicted, the layer store reported exactly its 1 layer and the "
                "interface carried 8.2 MB for layers of 8.0 MB."
            ),
            "",
            ("not readable: the registry log: gone",),
        ),
        (
            without(PC3, NoiseSeen),
            PASS,
            (
                "With ccci/db:2.0 evicted, the layer store reported exactly its 1 layer and the "
                "registry log showed exactly its 1 layer."
            ),
            "",
            (("not readable: the interface: the noise on it or the weight of the layers is not known"),),
        ),
        (
            without(PC3, ManifestsSeen),
            PASS,
            (
                "With ccci/db:2.0 evicted, the layer store reported exactly its 1 layer and the "
                "registry log showed exactly its 1 layer."
            ),
            "",
            (("not readable: the interface: the noise on it or the weight of the layers is not known"),),
        ),
        (
            changed(
                changed(
                    changed(PC3, InterfaceSeen, {"bytes": 90_000}, phase="control-redeploy"),
                    RequestsSeen,
                    {"requests": resolution()},
                    phase="control-redeploy",
                ),
                StoreSeen,
                {"problem": "denied"},
                moment="control-redeployed",
            ),
            UNKNOWN,
            (
                "Blind: ccci/db:2.0 was evicted and pulled again, and the registry log showed 0 "
                "of 1 layer; the interface carried 85.0 kB for layers of 8.0 MB."
            ),
            BLIND_TODO,
            ("The image store could not be read after the redeploy after the eviction: denied",),
        ),
    ],
)
def test_eviction_seen(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("eviction-seen", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "2 services deployed by digest, both times.", "", ()),
        (
            changed(PC3, Deployed, bare, phase="redeploy"),
            UNKNOWN,
            (
                "Deployed without a digest: ccci-small_app (ccci/app:1.0) and ccci-small_db "
                "(ccci/db:2.0). Each start of a task may mean another image."
            ),
            RESOLVE,
            (),
        ),
    ],
)
def test_specs_carry_digests(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("specs-carry-digests", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "4 tasks ran the very images of the specs, over both deploys.", "", ()),
        (
            changed(PC3, Deployed, tasks(image_id=digest("9")), phase="redeploy"),
            FAIL,
            (
                "Ran another image than the spec names: ccci-small_app in the redeploy and "
                "ccci-small_db in the redeploy."
            ),
            ("Compare the service's spec with its container: `docker service ps --no-trunc SERVICE`."),
            (),
        ),
        (
            changed(PC3, Deployed, tasks(state="failed"), phase="deploy"),
            UNKNOWN,
            (
                "No task was seen running: ccci-small_app in the deploy and ccci-small_db in the "
                "deploy. Its image is not shown to work from the store."
            ),
            "Give the service at least one replica, and see that its task keeps running.",
            (),
        ),
        (
            changed(PC3, Deployed, bare, phase="deploy"),
            UNKNOWN,
            (
                "By a bare tag, which may mean any image: ccci-small_app in the deploy and "
                "ccci-small_db in the deploy."
            ),
            RESOLVE,
            (),
        ),
    ],
)
def test_tasks_ran_the_image(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("tasks-ran-the-image", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "The swarm has one node.", "", ()),
        (
            changed(PC3, HostSeen, {"swarm_nodes": 3}),
            UNKNOWN,
            "The swarm has 3 nodes, and only one of them was watched.",
            "Prove retention on a swarm of one node.",
            (),
        ),
        (
            changed(PC3, HostSeen, {"swarm_nodes": 2}, moment="end"),
            UNKNOWN,
            "The swarm has 2 nodes, and only one of them was watched.",
            "Prove retention on a swarm of one node.",
            (),
        ),
        (
            changed(PC3, HostSeen, {"swarm_nodes": None}, moment="redeployed"),
            UNKNOWN,
            "Nobody knows how many nodes the swarm has.",
            "Run on a host that is a swarm manager.",
            (),
        ),
        (without(PC3, HostSeen), UNKNOWN, "The host was not described: it was not reached.", ANOTHER_RUN, ()),
        (
            without(AGAIN, HostSeen, moment="redeployed"),
            UNKNOWN,
            UNSEEN_AFTER_REBOOT,
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_one_swarm_node(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("one-swarm-node", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "dockerd pulls from where the reference says, and never skips a pull.", "", ()),
        (
            changed(PC3, HostSeen, {"pull_overrides": ("PREFER_OFFLINE=1", "mirror")}),
            FAIL,
            "dockerd skips or redirects pulls: PREFER_OFFLINE=1 and mirror.",
            "Remove the setting from dockerd's unit or daemon.json, or the file, and restart dockerd.",
            (
                "after the start: PREFER_OFFLINE=1, mirror",
                "after the redeploy: PREFER_OFFLINE=1, mirror",
                "after the end: PREFER_OFFLINE=1, mirror",
            ),
        ),
        (
            changed(
                changed(AGAIN, HostSeen, {"pull_overrides": ("mirror",)}, moment="redeployed"),
                HostSeen,
                {"problem": "no answer"},
                moment="end",
            ),
            FAIL,
            "dockerd skips or redirects pulls: mirror.",
            "Remove the setting from dockerd's unit or daemon.json, or the file, and restart dockerd.",
            ("after the redeploy: mirror",),
        ),
        (
            changed(PC3, HostSeen, {"problem": "no answer"}, moment="end"),
            UNKNOWN,
            "The host was not described: no answer.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(AGAIN, HostSeen, moment="redeployed"),
            UNKNOWN,
            UNSEEN_AFTER_REBOOT,
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, HostSeen, {"pull_overrides_problem": "no /proc"}),
            UNKNOWN,
            "dockerd's settings could not be read: no /proc.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, HostSeen, {"problem": "no answer"}),
            UNKNOWN,
            "The host was not described: no answer.",
            ANOTHER_RUN,
            (),
        ),
        (without(PC3, HostSeen), UNKNOWN, "The host was not described: it was not reached.", ANOTHER_RUN, ()),
    ],
)
def test_pull_path_is_real(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("pull-path-is-real", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC3,
            PASS,
            "A pin that does not resolve was refused, though ccci/db:2.0 is cached.",
            "",
            ("manifest unknown",),
        ),
        (
            changed(PC3, PinControl, {"outcome": "ran"}),
            FAIL,
            "ccci/db:2.0 cannot resolve, and a task ran all the same.",
            ANSWERS,
            (f"in the store all the while: {DB}",),
        ),
        (
            changed(PC3, PinControl, {"started": ("t1 failed task: non-zero exit (1)",)}),
            FAIL,
            "ccci/db:2.0 cannot resolve, and a task ran all the same.",
            ANSWERS,
            ("it got a container: t1 failed task: non-zero exit (1)", f"in the store all the while: {DB}"),
        ),
        (
            changed(PC3, PinControl, {"registry_status": None}),
            UNKNOWN,
            "It is not shown that a pin that does not resolve fails: the registry answers nothing for it, "
            "where it should answer 404.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, PinControl, {"registry_status": 503}),
            UNKNOWN,
            "It is not shown that a pin that does not resolve fails: the registry answers 503 for it, "
            "where it should answer 404.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, PinControl, {"error": "the network is gone"}),
            UNKNOWN,
            "It is not shown that a pin that does not resolve fails: the deploy failed, but not for it.",
            "Read the error of the control in the report, and mend what it names.",
            (),
        ),
        (
            changed(PC3, PinControl, {"outcome": "unclear", "error": "timed out"}),
            UNKNOWN,
            "It is not shown that a pin that does not resolve fails (timed out).",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, PinControl, {"outcome": None, "error": ""}),
            UNKNOWN,
            "It is not shown that a pin that does not resolve fails (unclear).",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, PinControl, {"ran": False, "problem": "no registry"}),
            UNKNOWN,
            "It is not shown that a pin that does not resolve fails (no registry).",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC3, PinControl),
            UNKNOWN,
            ("It is not shown that a pin that does not resolve fails (the control was not reached)."),
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_broken_pin_fails(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("broken-pin-fails", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "ccci/moving:1 moved upstream, and the redeploy ran its new digest.", "", ()),
        (
            changed(PC3, TagControl, {"digest_ran": digest("7")}),
            FAIL,
            f"ccci/moving:1 moved to {digest('8')}, and the redeploy ran {digest('7')}.",
            ANSWERS,
            (),
        ),
        (
            changed(PC3, TagControl, {"digest_after": digest("7")}),
            UNKNOWN,
            "ccci/moving:1 did not move, so the control shows nothing.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, TagControl, {"digest_ran": None}),
            UNKNOWN,
            "It is not shown that a moved tag is pulled (no task ran).",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC3, TagControl, {"ran": False, "problem": "no registry"}),
            UNKNOWN,
            "It is not shown that a moved tag is pulled (no registry).",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC3, TagControl),
            UNKNOWN,
            "It is not shown that a moved tag is pulled (the control was not reached).",
            ANOTHER_RUN,
            (),
        ),
        (
            without(changed(PC3, Started, {"registry_push": False}), TagControl),
            None,
            "That a moved tag is pulled was not shown: the registry is not ours to move one in.",
            "",
            (),
        ),
    ],
)
def test_moved_tag_pulled(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("moved-tag-pulled", history) == (verdict, reason, todo, details)
