"""What a person reads of PC2's checks: their answers, word for word."""

import pytest

from ccci_host.records import (
    BucketsSeen,
    ColdPullControl,
    CredentialSeen,
    Deployed,
    History,
    RecipeChosen,
    RequestsSeen,
    StoreSeen,
)
from ccci_host.verdict import Verdict
from tests.histories import (
    APP,
    DB,
    buckets,
    changed,
    request,
    resolution,
    store,
    without,
)
from tests.unit.checks.cases import ASKED, said
from tests.unit.checks.spoilt import (
    BLIND,
    PC2,
    PC3,
    only_own,
    repointed,
    without_figures,
)

PASS, UNKNOWN, FAIL = Verdict.PASS, Verdict.UNKNOWN, Verdict.FAIL

ANOTHER_RUN = "Run the task again; the report says which witness is missing."
PROVISION = "Run `invoke provision`: it writes the entry again."
NEW_PAT = "Make a new PAT (read-only, public repositories) and run `invoke provision`."
WITH_AUTH = (
    "Deploy with registry auth (`docker stack deploy --with-registry-auth`), as the user that is logged in."
)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC2,
            PASS,
            "/root/.docker/config.json holds the entry of ccci-ci, mode 0600, at each of 2 looks.",
            "",
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"state": "absent", "account": ""}, moment="cold-pulled"),
            FAIL,
            "/root/.docker/config.json has no entry for Docker Hub (cold-pulled).",
            PROVISION,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"mode": "0640"}, moment="cold-pulled"),
            FAIL,
            "Others can read /root/.docker/config.json: its mode is 0640 (cold-pulled).",
            PROVISION,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"owner": "bot"}, moment="cold-pulled"),
            FAIL,
            "/root/.docker/config.json belongs to bot, not to root, who deploys (cold-pulled).",
            PROVISION,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"state": "unreadable", "owner": ""}),
            UNKNOWN,
            "Whether the PAT is in place is not known: /root/.docker/config.json cannot be read.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"account": "somebody"}),
            FAIL,
            "/root/.docker/config.json names the account somebody, not ccci-ci (start).",
            PROVISION,
            (),
        ),
        (
            changed(without(PC2, CredentialSeen, moment="cold-pulled"), CredentialSeen, {"account": ""}),
            FAIL,
            "/root/.docker/config.json names the account none, not ccci-ci.",
            PROVISION,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"state": "unreadable"}),
            UNKNOWN,
            "Whether the PAT is in place is not known: /root/.docker/config.json cannot be read.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"state": None, "problem": "no answer"}),
            UNKNOWN,
            "Whether the PAT is in place is not known: no answer.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(
                changed(PC2, CredentialSeen, {"state": None, "problem": "no answer"}, moment="start"),
                CredentialSeen,
                {"state": "unreadable"},
                moment="cold-pulled",
            ),
            UNKNOWN,
            "Whether the PAT is in place is not known: no answer.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC2, CredentialSeen),
            UNKNOWN,
            "Whether the PAT is in place is not known: nobody looked.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_credential_in_place(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("credential-in-place", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC2, PASS, "Docker Hub gives ccci-ci a token.", "", ()),
        (
            changed(PC2, CredentialSeen, {"can_push": True}, moment="start"),
            PASS,
            "Docker Hub gives ccci-ci a token.",
            "",
            ("Warning: this token could also push. A read-only one is enough.",),
        ),
        (
            changed(PC2, CredentialSeen, {"accepted": False, "answer": "expired"}, moment="cold-pulled"),
            FAIL,
            "Docker Hub refuses the PAT of ccci-ci: expired.",
            NEW_PAT,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"accepted": False, "account": ""}),
            FAIL,
            "Docker Hub refuses the PAT of ccci-ci: no reason given.",
            NEW_PAT,
            (),
        ),
        (
            changed(PC2, CredentialSeen, {"accepted": None, "problem": "timed out"}),
            UNKNOWN,
            "Whether Docker Hub accepts the PAT is not known: timed out.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC2, CredentialSeen),
            UNKNOWN,
            "Whether Docker Hub accepts the PAT is not known: nobody asked.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_credential_accepted(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("credential-accepted", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (
            PC2,
            PASS,
            "The node pulled ccci/db:2.0 as ccci-ci: 1 layer and 3 manifests; nothing was asked anonymously.",
            "",
            (),
        ),
        (
            changed(PC2, ColdPullControl, {"private": True}),
            PASS,
            "The node pulled ccci/db:2.0 as ccci-ci: 1 layer and 3 manifests; nothing was asked anonymously.",
            "",
            ("The swarm pulled ccci/db:2.0, which is private.",),
        ),
        (
            changed(
                PC2,
                RequestsSeen,
                {
                    "requests": (
                        request(APP, "manifest", account=None),
                        request(DB, "manifest", account="other"),
                    )
                },
            ),
            FAIL,
            ("Pulled without the PAT of ccci-ci: ccci/app by nobody (anonymous) and ccci/db by other."),
            WITH_AUTH,
            (),
        ),
        (
            changed(
                changed(PC2, RequestsSeen, {"requests": (request(APP, "manifest", account=None),)}),
                RecipeChosen,
                {"deployer": "command"},
            ),
            FAIL,
            "Pulled without the PAT of ccci-ci: ccci/app by nobody (anonymous).",
            (
                "The harness sends no login with what it asks of Docker, whoever is logged in: set "
                "`lend_login` under [host.….command] in ccci.toml, or have the harness send its own."
            ),
            (),
        ),
        (
            without(PC2, CredentialSeen),
            UNKNOWN,
            "Which account should pay is not in the history.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(PC2, RequestsSeen),
            PASS,
            "The bucket of ccci-ci paid 3 for the cold pull, and the anonymous one none.",
            "",
            (),
        ),
        (
            changed(
                BLIND,
                BucketsSeen,
                lambda _: buckets("cold-pulled", account=190, anonymous=97),
                moment="cold-pulled",
            ),
            FAIL,
            "The anonymous bucket paid 3 for the cold pull.",
            WITH_AUTH,
            (),
        ),
        (
            changed(BLIND, ColdPullControl, {"private": True}),
            PASS,
            "The swarm pulled ccci/db:2.0, which is private: its pull was authenticated.",
            "",
            (),
        ),
        (
            changed(BLIND, ColdPullControl, {"ran": False, "problem": "no quota left"}),
            UNKNOWN,
            "Who pays for pulls is not known: no cold pull was seen (no quota left).",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(PC2, ColdPullControl, {"reference": "ghcr.io/ccci/db:2.0"}),
            UNKNOWN,
            "Who pays for pulls from Docker Hub is not known: ghcr.io/ccci/db:2.0 is not from there.",
            "Name a canary on Docker Hub: `canary` of the host in ccci.toml.",
            (),
        ),
        (
            changed(PC2, RequestsSeen, {"requests": resolution()}, phase="cold-pull"),
            UNKNOWN,
            "Who pays for pulls is not known: the registry served no layer of ccci/db:2.0, so its pull was "
            "not cold.",
            "Find what answers for the registry: dockerd's mirrors, prefer-offline, a proxy.",
            (),
        ),
        (
            changed(BLIND, StoreSeen, lambda _: store("evicted", 0), moment="evicted"),
            UNKNOWN,
            "Who pays for pulls is not known: no layer of ccci/db:2.0 came into the store.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(BLIND, ColdPullControl),
            UNKNOWN,
            "Who pays for pulls is not known: no cold pull was seen (it was not reached).",
            ANOTHER_RUN,
            (),
        ),
        (
            without(BLIND, BucketsSeen, moment="torn-down"),
            UNKNOWN,
            "Who pays for pulls is not known: neither registry log nor buckets were read.",
            ANOTHER_RUN,
            (),
        ),
        (
            without(BLIND, BucketsSeen, moment="cold-pulled"),
            UNKNOWN,
            "Who pays for pulls is not known: neither registry log nor buckets were read.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(BLIND, BucketsSeen, {"problem": "timed out"}, moment="torn-down"),
            UNKNOWN,
            "Who pays for pulls is not known: neither registry log nor buckets were read.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(BLIND, BucketsSeen, {"problem": "timed out"}, moment="cold-pulled"),
            UNKNOWN,
            "Who pays for pulls is not known: neither registry log nor buckets were read.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(
                BLIND, BucketsSeen, lambda _: buckets("start", account=195, anonymous=101), moment="start"
            ),
            UNKNOWN,
            "Somebody at this address pulled anonymously during the run, before the cold pull; who, the "
            "buckets do not say.",
            "Run again while nobody else at this address pulls, or name the registry's access log.",
            (),
        ),
        (
            changed(PC2, RequestsSeen, {"requests": (), "problem": "replaced"}, phase="deploy"),
            PASS,
            "The node pulled ccci/db:2.0 as ccci-ci: 1 layer and 3 manifests; before that the anonymous "
            "bucket paid none.",
            "",
            (),
        ),
        (
            without(without(PC2, RequestsSeen, phase="deploy"), BucketsSeen),
            UNKNOWN,
            "Who paid for the deploy's pulls is not known: the registry's log does not tell of it, nor does "
            "the anonymous bucket.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(BLIND, BucketsSeen, only_own),
            UNKNOWN,
            "Who pays for pulls is not known: the rate-limit headers do not say.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(BLIND, BucketsSeen, without_figures, moment="cold-pulled"),
            UNKNOWN,
            "Who pays for pulls is not known: the rate-limit headers do not say.",
            ANOTHER_RUN,
            (),
        ),
        (
            changed(BLIND, BucketsSeen, lambda _: buckets("cold-pulled", account=190), moment="cold-pulled"),
            UNKNOWN,
            "Who pays for pulls is not known: the rate-limit headers do not say.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_pulls_authenticated(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("pulls-authenticated", history) == (verdict, reason, todo, details)


@pytest.mark.parametrize(
    ASKED,
    [
        (PC3, PASS, "The redeploy cost 2 manifest requests for 2 services, paid by ccci-ci.", "", ()),
        (
            changed(
                PC3,
                RequestsSeen,
                {
                    "requests": (
                        request(APP, "manifest", account=None),
                        request(APP, "manifest", account=None),
                        request(DB, "manifest"),
                    )
                },
                phase="redeploy",
            ),
            FAIL,
            "The redeploy asked Docker Hub for 2 manifests anonymously.",
            "Deploy with registry auth, logged in as the deploying user.",
            ("ccci/app",),
        ),
        (
            changed(PC3, RequestsSeen, {"requests": (*resolution(), *resolution())}, phase="redeploy"),
            FAIL,
            "The redeploy of 2 services took 4 counted requests.",
            ("Look at the registry's requests in the report: a warm deploy costs one manifest a service."),
            (),
        ),
        (
            changed(PC3, RequestsSeen, {"problem": "gone"}, phase="redeploy"),
            None,
            "What the redeploy cost at Docker Hub was not shown: the registry log was not read.",
            "",
            (),
        ),
        (
            changed(PC3, Deployed, repointed, phase="redeploy"),
            UNKNOWN,
            "A tag moved upstream, so the redeploy was no repeat of the deploy.",
            ANOTHER_RUN,
            (),
        ),
    ],
)
def test_redeploy_costs(
    history: History, verdict: Verdict | None, reason: str, todo: str, details: tuple[str, ...]
) -> None:
    assert said("redeploy-costs", history) == (verdict, reason, todo, details)
