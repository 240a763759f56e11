"""How checks read a history: what must be there, and images by the names that people use."""

from collections.abc import Callable, Iterable, Sequence

from ccci_host.checks.finding import Answer, NoEvidenceError, unknown
from ccci_host.records import (
    CredentialSeen,
    Deployed,
    DeployedService,
    Deployment,
    History,
    HostSeen,
    Moment,
    Phase,
    PhaseBegan,
    RequestsSeen,
    StoredImage,
    StoreSeen,
)
from ccci_host.verdict import Verdict

DOCKER_HUB = "docker.io"
"""As references name it; what names no registry is there."""

MAY_GO = ("orphaned", "superseded", "idle")
"""Classes of images that a row lets go, now or at a time that the plan names (docs/prune-policy.md)."""


def name_of(image: str) -> str:
    """`repo:tag` of `repo:tag@sha256:…`: an image as its recipe calls it."""
    return image.partition("@")[0]


def registry_of(image: str) -> str:
    """The registry that a reference names, `docker.io` where it names none."""
    first, slash, _ = name_of(image).partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first if named and first != f"index.{DOCKER_HUB}" else DOCKER_HUB


def repository_of(image: str) -> str:
    """The repository of a reference as a registry's log spells it: `library/nginx` for `nginx:1`."""
    registry, path = registry_of(image), name_of(image)
    if path.partition("/")[0] in (registry, f"index.{registry}"):
        path = path.partition("/")[2]
    path = path.partition(":")[0]
    return f"library/{path}" if registry == DOCKER_HUB and "/" not in path else path


def listed(names: Iterable[str], limit: int = 12) -> str:
    """`a, b and c`; after `limit` names, how many more there are."""
    known = list(dict.fromkeys(names))
    if len(known) > limit:
        return f"{', '.join(known[:limit])} and {len(known) - limit} more"
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}" if known else "none"


def count(number: int, thing: str, things: str = "") -> str:
    """`1 image`, `12 images`."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def readable_size(size: float) -> str:
    """`size` in bytes for reading: `1.5 MB`, in the largest unit of thousands that fits."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(size) >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size:.0f} B"


def unheard_at(history: History, services: Iterable[DeployedService]) -> list[str]:
    """The images of `services` at whose registry the log never showed a request of the host, in any phase."""
    heard = {one.registry for look in history.of(RequestsSeen) if not look.problem for one in look.requests}
    return [name_of(service.image) for service in services if registry_of(service.image) not in heard]


def expected_account(history: History) -> str:
    """The account that should pay for pulls from Docker Hub; empty when the history does not name it."""
    seen = history.last(CredentialSeen)
    return seen.expected_account if seen else ""


def began(history: History, phase: Phase, cycle: int) -> bool:
    """Whether the phase was begun in that cycle."""
    return history.during(PhaseBegan, phase, cycle) is not None


def cycles(history: History) -> tuple[int, ...]:
    """The cycles of a run; `NoEvidenceError` when none was begun."""
    if not history.cycles:
        raise NoEvidenceError("The run ended before anything was deployed.")
    return history.cycles


def in_each_cycle(history: History, judge: Callable[[int], Answer]) -> Answer:
    """The worst answer of all cycles, with its number when there are several."""
    answers: list[tuple[int, Answer]] = []
    numbers = cycles(history)
    for cycle in numbers:
        try:
            answers.append((cycle, judge(cycle)))
        except NoEvidenceError as missing:
            answers.append((cycle, unknown(missing.reason, todo=missing.todo)))
    cycle, chosen = max(answers, key=lambda item: (RISING.index(item[1].verdict), -item[0]))
    if len(numbers) == 1:
        return chosen
    if chosen.verdict is Verdict.PASS:
        reason = f"{chosen.reason} So in each of {len(numbers)} cycles."
    else:
        reason = f"Cycle {cycle} of {len(numbers)}: {chosen.reason}"
    each = tuple(f"cycle {number}: {answer.reason}" for number, answer in answers)
    return chosen.model_copy(update={"reason": reason, "details": chosen.details + each})


RISING = (Verdict.PASS, None, Verdict.UNKNOWN, Verdict.FAIL)
"""Of several cycles the last of these speaks: what one could not be asked, not each of them has shown."""


def looks_at_host(history: History) -> tuple[HostSeen, ...]:
    """Every look at the host; `NoEvidenceError` without one, or without one since a reboot that was begun."""
    looks = history.of(HostSeen)
    if not looks:
        raise NoEvidenceError("The host was not described: it was not reached.")
    for cycle in history.cycles:
        if began(history, "reboot", cycle) and history.at(HostSeen, "redeployed", cycle) is None:
            raise NoEvidenceError(
                "The host was not looked at after the reboot and its redeploy, and settings may wait for it."
            )
    return looks


def deployment(history: History, phase: Phase, cycle: int) -> Deployment:
    """What converged in that phase; `NoEvidenceError` when nothing did."""
    found = history.deployment(phase, cycle)
    if found is None:
        what = "redeploy" if phase == "redeploy" else "deploy"
        raise NoEvidenceError(
            f"The {what} never converged, so there is nothing to compare.",
            todo="Read the phase's own error in the report; mend the recipe or the host, and run again.",
        )
    if not found.services:
        raise NoEvidenceError(f"The stack {found.stack} has no service, so it says nothing about images.")
    return found


def store_at(history: History, moment: Moment, cycle: int) -> StoreSeen:
    """The image store at that moment; `NoEvidenceError` when it was not, or could not be, read."""
    seen = history.at(StoreSeen, moment, cycle)
    if seen is None:
        raise NoEvidenceError(f"The image store was not looked at after {AFTER[moment]}.")
    if seen.problem:
        raise NoEvidenceError(
            f"The image store could not be read after {AFTER[moment]}: {seen.problem}",
            todo="Make the daemon and its data directory readable to root on the host, and run again.",
        )
    return seen


def before_redeploy(history: History, cycle: int) -> Moment:
    """The last moment before the redeploy of that cycle at which the store had to be looked at."""
    return moments_between(history, cycle)[-1]


def moments_between(history: History, cycle: int) -> tuple[Moment, ...]:
    """The moments from the teardown to the redeploy of that cycle, in order."""
    moments: list[Moment] = ["torn-down"]
    if began(history, "reboot", cycle):
        moments.append("rebooted")
    if history.at(StoreSeen, "paused", cycle) is not None:
        moments.append("paused")
    return tuple(moments)


AFTER: dict[Moment, str] = {
    "start": "the start",
    "deployed": "the deploy",
    "torn-down": "the teardown",
    "rebooted": "the reboot",
    "paused": "the pause",
    "redeployed": "the redeploy",
    "finally-torn-down": "the last teardown",
    "evicted": "the eviction",
    "control-redeployed": "the redeploy after the eviction",
    "cold-pulled": "the cold pull",
    "end": "the end",
}
"""What a moment comes after, in words."""


def images_of(services: Sequence[DeployedService], store: StoreSeen) -> dict[str, StoredImage | None]:
    """The stored image of each service's digest, by the image of its spec; None where there is none."""
    return {
        service.image: store.image_with(service.digest) for service in services if service.digest is not None
    }


def is_whole(store: StoreSeen, image: StoredImage) -> bool:
    """Whether the store shows each layer of the image, so that a loss of one would be seen."""
    return bool(image.layers) and all(store.layer(key) is not None for key in image.layers)


def called(history: History, image: StoredImage) -> str:
    """A stored image as a recipe of the run calls it, else as the store does."""
    names = {
        service.digest: name_of(service.image)
        for deployed in history.of(Deployed)
        for service in deployed.deployment.services
    }
    known = [names[digest] for digest in (image.id, *image.digests) if digest in names]
    return known[0] if known else name_of(image.references[0]) if image.references else image.id[:19]


def moved(history: History, cycle: int) -> dict[str, tuple[str, str]]:
    """Services whose tag meant another digest at the redeploy: name to (image then, image now)."""
    before = {service.name: service for service in deployment(history, "deploy", cycle).services}
    changed = {}
    for service in deployment(history, "redeploy", cycle).services:
        was = before.get(service.name)
        if was is not None and was.digest and service.digest and was.digest != service.digest:
            changed[service.name] = (was.image, service.image)
    return changed


def in_one_deploy(history: History, cycle: int) -> tuple[str, ...]:
    """Services that only the deploy had, or only the redeploy."""
    first, second = deployment(history, "deploy", cycle), deployment(history, "redeploy", cycle)
    return tuple(sorted({one.name for one in first.services} ^ {one.name for one in second.services}))


def keeps(after: StoreSeen, image: StoredImage, before: StoreSeen) -> bool:
    """Whether `after` still has the image of `before`, and every layer of it, not written anew meanwhile.

    A layer that `before` did not show cannot be missed: the containerd store lists images of which it holds
    not all content. Where a loss has to be seen, ask whether the image `is_whole` in `before`.
    """
    if all(other.id != image.id for other in after.images):
        return False
    return all(
        was is None or (now is not None and now.changed_at == was.changed_at)
        for was, now in ((before.layer(key), after.layer(key)) for key in image.layers)
    )


def new_layers(before: StoreSeen, after: StoreSeen) -> frozenset[str]:
    """Keys of the layers that were downloaded between two looks: new ones, and ones written anew (fact 9)."""
    was = {layer.key: layer.changed_at for layer in before.layers}
    return frozenset(layer.key for layer in after.layers if was.get(layer.key) != layer.changed_at)
