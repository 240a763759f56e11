import pytest

from ccci_host.facts.updaters import removing_setting


@pytest.mark.parametrize(
    ("image", "arguments", "environment", "setting"),
    [
        ("containrrr/watchtower:1.7", ["--cleanup"], [], "--cleanup"),
        ("containrrr/watchtower", [], ["WATCHTOWER_CLEANUP=True"], "WATCHTOWER_CLEANUP=True"),
        ("ghcr.io/nicholas-fedor/watchtower@sha256:0", [], ["WATCHTOWER_CLEANUP=1"], "WATCHTOWER_CLEANUP=1"),
        ("containrrr/shepherd", [], ["IMAGE_AUTOCLEAN_LIMIT=3"], "IMAGE_AUTOCLEAN_LIMIT=3"),
        ("shizunge/gantry", [], [], "its default"),
        ("shizunge/gantry", [], ["GANTRY_CLEANUP_IMAGES=true"], "GANTRY_CLEANUP_IMAGES=true"),
    ],
)
def test_an_updater_that_removes_what_it_replaced(
    image: str, arguments: list[str], environment: list[str], setting: str
) -> None:
    assert removing_setting(image, arguments, environment) == setting


@pytest.mark.parametrize(
    ("image", "environment"),
    [
        ("containrrr/watchtower", []),
        ("containrrr/watchtower", ["WATCHTOWER_CLEANUP=false"]),
        ("containrrr/shepherd", []),
        ("shizunge/gantry", ["GANTRY_CLEANUP_IMAGES=false"]),
        ("my/app", ["CLEANUP=true", "WATCHTOWER_CLEANUP=true"]),
    ],
)
def test_one_that_does_not(image: str, environment: list[str]) -> None:
    assert removing_setting(image, [], environment) is None
