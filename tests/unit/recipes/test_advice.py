"""What to do about what Docker says."""

import pytest

from ccci_host.recipes.watch import LOOK_THERE, advice


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("write /data/x: no space left on device", "disk is full"),
        ("toomanyrequests: You have reached your pull rate limit", "rate limit is used up"),
        ("manifest for a:1 not found: manifest unknown: manifest unknown", "registry has no such image"),
        ("port '80' is already in use by service 'web' (x) as an ingress port", "publishes that port"),
        ('network "none" is declared as external, but could not be found', LOOK_THERE),
        ("services.app.image must be a string", "Correct the recipe"),
    ],
)
def test_what_is_known_has_its_remedy(said: str, told: str) -> None:
    assert told in advice(said)


def test_what_is_not_known_has_the_callers() -> None:
    assert advice("odd", "Read it.") == "Read it."
