"""Whether the account's pull window has room for the deploys of several cycles.

Docker Hub counts `GET`s of manifests, and every deploy takes one a service, warm as well as cold (fact 13).
When the window is used up half-way, tags stay unresolved, and a long run has shown nothing but that.
"""

from collections.abc import Sequence

from ccci_host.errors import RefusedError
from ccci_host.experiments.run import Run
from ccci_host.progress import say
from ccci_host.records import Bucket, Note
from ccci_host.witnesses.buckets import BucketsWitness
from ccci_host.witnesses.registries import split_reference

DEPLOYS_A_CYCLE = 2
COLD_PULL = 2
"""What an image costs besides when it is pulled: its index, and the manifest of its platform."""
CONTROLS = 10
"""What the controls may cost besides one more deploy of the recipe: images pulled cold, a pin tried."""


def make_sure(run: Run, images: Sequence[str]) -> None:
    """Refuse more cycles than the account can pay for; `images` are what the services ask for, one each.

    Where nobody knows what is left, the history says so and the run goes on. Raises `RefusedError`.
    """
    cycles = run.options.cycles
    counted = [image for image in images if split_reference(image)[0] == "docker.io"]
    if not counted:
        return
    seen = BucketsWitness().look(run.machine, "start", 0)
    bucket = next((one for one in seen.buckets if one.account is not None), None)
    if bucket is None or bucket.remaining is None:
        why = seen.problem or (bucket and bucket.problem) or "nothing was said of its bucket"
        note = f"Nobody knows whether the account has pulls enough for {cycles} cycles: {why}"
        say(note)
        run.write(Note(text=note))
    elif cost(counted, cycles) > bucket.remaining:
        raise _no_room(counted, cycles, bucket, bucket.remaining)


def cost(counted: Sequence[str], cycles: int) -> int:
    """The most manifests that so many cycles and the controls take, of images that are counted."""
    return DEPLOYS_A_CYCLE * cycles * len(counted) + _once(counted)


def _once(counted: Sequence[str]) -> int:
    """What comes on top of the cycles: the first deploy may be cold, and the controls deploy once more."""
    return len(counted) + COLD_PULL * len(set(counted)) + CONTROLS


def _no_room(counted: Sequence[str], cycles: int, bucket: Bucket, left: int) -> RefusedError:
    fitting = max(0, (left - _once(counted)) // (DEPLOYS_A_CYCLE * len(counted)))
    window = f" of {bucket.window_seconds / 3600:g} h" if bucket.window_seconds else ""
    room = f"room for {fitting} now (--cycles {fitting})" if fitting else "not even room for one now"
    return RefusedError(
        f"The account {bucket.account} has too few pulls left for {cycles} cycles.",
        details=f"They take up to {cost(counted, cycles)}: {DEPLOYS_A_CYCLE} deploys a cycle, each of "
        f"{len(counted)} services from docker.io, and {_once(counted)} for a cold start and the controls. "
        f"Docker Hub says that {left} of {bucket.limit or 'an unknown limit'} are left.",
        resolution=f"There is {room}. What was spent comes back within the window{window}.",
    )
