"""Programs that update containers, and may remove the images that they replaced.

Each by the last part of its image's name, with the settings that make it do so, as its project describes
them.
"""

import re
from collections.abc import Iterable

_TRUE = r"(?:1|t|true|yes|on)"

_REMOVES = {
    "watchtower": (rf"WATCHTOWER_CLEANUP={_TRUE}", r"--cleanup(?:=true)?"),
    "wud": (rf"WUD_TRIGGER_DOCKER_\w+_PRUNE={_TRUE}",),
    "shepherd": (r"IMAGE_AUTOCLEAN_LIMIT=\d+",),
    "gantry": (rf"GANTRY_CLEANUP_IMAGES={_TRUE}",),
}
_REMOVES_UNLESS = {"gantry": r"GANTRY_CLEANUP_IMAGES="}
"""Those that remove images until told not to."""

UPDATERS = "|".join(_REMOVES)
"""A regular expression for their names."""


def removing_setting(image: str, arguments: Iterable[str], environment: Iterable[str]) -> str | None:
    """The setting by which the updater `image` removes images; None when it is none, or does not."""
    name = re.split(r"[:@]", image.rsplit("/", 1)[-1])[0].lower()
    settings = [*arguments, *environment]
    for setting in settings:
        if any(re.fullmatch(pattern, setting, re.IGNORECASE) for pattern in _REMOVES.get(name, ())):
            return setting
    unless = _REMOVES_UNLESS.get(name)
    if unless and not any(re.match(unless, setting, re.IGNORECASE) for setting in settings):
        return "its default"
    return None
