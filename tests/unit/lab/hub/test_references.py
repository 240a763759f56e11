import pytest

from ccci_host.errors import UsageError
from ccci_host.lab.hub.references import parse_reference


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("mariadb", "docker.io/library/mariadb:latest"),
        ("mariadb:11", "docker.io/library/mariadb:11"),
        ("org/app:1.0-fpm", "docker.io/org/app:1.0-fpm"),
        ("docker.io/mariadb:11", "docker.io/library/mariadb:11"),
        ("index.docker.io/org/app", "docker.io/org/app:latest"),
        ("ghcr.io/org/team/app:v2", "ghcr.io/org/team/app:v2"),
        ("localhost/app", "localhost/app:latest"),
    ],
)
def test_dockers_defaults_are_filled_in(text: str, whole: str) -> None:
    assert str(parse_reference(text)) == whole


def test_the_real_registry_has_it_under_the_registrys_name() -> None:
    assert parse_reference("webfront:1").backend_repository == "docker.io/library/webfront"


@pytest.mark.parametrize("text", ["", ":tag", "ghcr.io/", "app@sha256:" + 64 * "0"])
def test_what_cannot_be_published_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_reference(text)
