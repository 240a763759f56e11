"""What happens in which night: which recipes run, which of them were released anew, which tags moved.

Everything is an eighth of a CI's: one image here stands for eight, and so does one request of the quota.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ccci_host.lab.hub import parse_reference
from ccci_host.lab.images import Filler, ImageSpec
from ccci_host.recipes import Recipe

PLAN = (
    "suite",
    "notes wiki chat shop",
    "suite notes+",
    "wiki+ chat~ shop",
    "notes wiki shop+",
    "suite chat~ notes+",
    "wiki+ shop chat",
    "suite+ notes wiki",
    "chat~ shop+ wiki",
    "suite notes+ chat",
)
"""The recipes of each night. `+`: there is a new version. `~`: the tag of one of its images was moved."""

SERVICES = {"suite": 6, "notes": 2, "wiki": 2, "chat": 2, "shop": 2}
RELEASED = {"suite": 2, "notes": 2, "wiki": 2, "shop": 2}
"""How many of a recipe's images a new version brings."""

SCALE = 8
QUOTA = 200 // SCALE
"""Manifests in a window of Docker Hub's. Nights are further apart than its six hours: each has a full one."""

IMAGE_BYTES = 13 * 1024 * 1024
"""What an image has to itself."""

CREATED = "2022-06-01T08:00:00+00:00"
"""Published images are years old."""

TIMEOUT = 300
"""Seconds that a recipe may take to converge: what is refused or full is known long before."""


@dataclass(frozen=True, slots=True)
class Run:
    """One recipe, deployed once."""

    recipe: str
    images: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Night:
    """The runs of a night, all at once, and the tags that were moved before it."""

    number: int
    """From 1."""
    runs: tuple[Run, ...]
    moves: tuple[tuple[str, str], ...] = ()
    """A reference, and the tag of the same repository that it means from now on."""


def churn(lane: str, nights: int = len(PLAN)) -> tuple[Night, ...]:
    """The first `nights` nights. Who plays at the same time as another has a `lane` of its own: tags move."""
    versions: Counter[str] = Counter()
    builds = 1
    played = []
    for number, line in enumerate(PLAN[:nights], 1):
        runs: list[Run] = []
        moves = [(_moving(lane), "build-1")] if number == 1 else []
        for word in line.split():
            recipe = word.rstrip("+~")
            versions[recipe] += word.endswith("+")
            if word.endswith("~"):
                builds += 1
                moves.append((_moving(lane), f"build-{builds}"))
            runs.append(Run(recipe, _images(recipe, 1 + versions[recipe], lane)))
        played.append(Night(number, tuple(runs), tuple(moves)))
    return tuple(played)


def specs(lane: str, nights: int = len(PLAN)) -> tuple[ImageSpec, ...]:
    """Every image that the runs of `churn` ask for, as it has to be published."""
    played = churn(lane, nights)
    moving = _moving(lane)
    asked = {image for night in played for run in night.runs for image in run.images} - {moving}
    first, *builds = [target for night in played for _, target in night.moves]
    repository = moving.partition(":")[0]
    return (
        *map(_spec, sorted(asked)),
        _spec(f"{repository}:{first}", aliases=("latest",)),
        *(_spec(f"{repository}:{build}") for build in builds),
    )


def write_recipe(run: Run, root: Path) -> Recipe:
    """The recipe of `run` as a folder below `root`, each time as its release of that night is."""
    folder = root / run.recipe
    folder.mkdir(parents=True, exist_ok=True)
    lines = ['version: "3.8"', "services:"]
    for number, image in enumerate(run.images):
        lines += [f"  service-{number}:", f"    image: {image}", "    stop_grace_period: 1s"]
        lines += ["    networks: [host]"]  # the images matter here; networks would be most of a night's time
        if number == 0:
            label = f"coop-cloud.${{STACK_NAME}}.timeout={TIMEOUT}"
            lines += ["    deploy:", "      labels:", f'        - "{label}"']
    lines += ["networks:", "  host:", "    external: true", ""]
    (folder / "compose.yml").write_text("\n".join(lines))
    (folder / ".env.sample").write_text(f"TYPE={run.recipe}\nDOMAIN={run.recipe}.example.com\n")
    return Recipe(run.recipe, folder, "released that night")


def _images(recipe: str, version: int, lane: str) -> tuple[str, ...]:
    """The newest images of a recipe first: a release brings some of them, the others stay as they were."""
    fresh = RELEASED.get(recipe, 0)
    images = [
        f"replay/{recipe}-{number}:{version if number <= fresh else 1}"
        for number in range(1, 1 + SERVICES[recipe])
    ]
    return (*images[:-1], _moving(lane)) if recipe == "chat" else tuple(images)


def _moving(lane: str) -> str:
    return f"replay-{lane}/chat-2:latest"


def _spec(reference: str, aliases: tuple[str, ...] = ()) -> ImageSpec:
    return ImageSpec(
        reference=parse_reference(reference),
        created=CREATED,
        layers=(Filler(f"replay-{reference}", IMAGE_BYTES),),
        aliases=aliases,
    )
