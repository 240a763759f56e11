"""Which images the stand-ins offer: those of the lab's recipes, in several versions, and a few for the proof.

The names are the lab's own, so that nobody takes one for a real image. Tens of megabytes in all, of which
the images share the base and most of the runtimes.
"""

from ccci_host.lab.hub import PRIVATE_REPOSITORY, parse_reference
from ccci_host.lab.images.spec import Filler, Form, ImageSpec, Role

_KB = 1024
_MB = 1024 * _KB

WEB_RUNTIME = Filler("runtime-web", 3 * _MB)
DATA_RUNTIME = Filler("runtime-data", 2 * _MB)

CANARY = "harbour/canary:1.0"
"""An image that no recipe uses: an eviction control may remove it."""

CANARIES = (CANARY, "harbour/canary:1.1")
"""Two images of one repository, between which the control of the moved tag moves a tag of its own."""

RATE_LIMIT_PREVIEW = "ratelimitpreview/test:latest"
"""Where Docker's documentation says to ask for the rate limit."""

TWELVE = (
    "front",
    "api",
    "worker",
    "scheduler",
    "mailer",
    "search",
    "media",
    "metrics",
    "push",
    "queue",
    "cache",
    "store",
)
"""The services of the recipe `twelve`; each has an image `harbour/suite-NAME`."""

_KEEPERS_OF_TWELVE = ("search", "queue", "cache", "store")


def catalogue() -> tuple[ImageSpec, ...]:
    """Every image that is always there."""
    return (
        *_versions("harbour/guestbook", ("1.0", "1.1"), "2021-03-04", latest=True),
        *_versions("tidedb", ("15.3", "16.1"), "2021-11-19", role="keeper", form="docker-list", latest=True),
        *_versions("webfront", ("1.25.3",), "2022-02-01", form="docker-list", latest=True),
        *_versions("quickcache", ("7.2",), "2022-05-30", role="keeper"),
        *_versions("harbour/social", ("1.0-social", "1.1-social", "1.0-forum"), "2022-08-08"),
        *_versions("ferryman", ("v3.1",), "2021-06-17", form="docker-single"),
        *_versions("ghcr.io/harbour/relay", ("2.3", "2.4"), "2022-09-12"),
        *_versions("harbour/notes", ("latest",), "2020-12-24", form="docker-single"),
        *_versions(CANARY.partition(":")[0], ("1.0", "1.1"), "2021-01-15"),
        *_versions(PRIVATE_REPOSITORY, ("1.0",), "2022-04-02"),
        *_versions(RATE_LIMIT_PREVIEW.partition(":")[0], ("latest",), "2020-11-02", form="docker-single"),
        *(spec for name in TWELVE for spec in _of_twelve(name)),
    )


def stand_in(
    reference: str, *, size: int = 1 * _MB, form: Form = "oci-index", programs: tuple[str, ...] = ()
) -> ImageSpec:
    """An image under a name that a public recipe asks for. It runs until it is told to stop.

    `size` is that of its own layer, in bytes; `programs` are further ones that the recipe starts.
    """
    parsed = parse_reference(reference)
    return ImageSpec(
        reference=parsed,
        created="2022-06-01T08:00:00+00:00",
        layers=(Filler(f"stand-in-{parsed}", size),),
        form=form,
        role="stand-in",
        programs=programs,
    )


def _versions(
    repository: str,
    tags: tuple[str, ...],
    day: str,
    *,
    role: Role = "server",
    form: Form = "oci-index",
    latest: bool = False,
) -> list[ImageSpec]:
    """One image a tag: they share base, runtime and a layer of their own, and differ in the topmost."""
    runtime = DATA_RUNTIME if role == "keeper" else WEB_RUNTIME
    name = repository.replace("/", "-")
    specs = []
    for number, tag in enumerate(tags):
        is_last = number == len(tags) - 1
        specs.append(
            ImageSpec(
                reference=parse_reference(f"{repository}:{tag}"),
                created=f"{day}T08:{number:02}:00+00:00",
                layers=(
                    runtime,
                    Filler(f"{name}-app", 1 * _MB),
                    Filler(f"{name}-{tag}", 512 * _KB),
                ),
                form=form,
                role=role,
                aliases=("latest",) if latest and is_last else (),
            )
        )
    return specs


def _of_twelve(name: str) -> list[ImageSpec]:
    role: Role = "keeper" if name in _KEEPERS_OF_TWELVE else "server"
    return _versions(f"harbour/suite-{name}", ("2.0",), "2022-07-20", role=role)
