import pytest

from ccci_host.prune_words import HINT, is_janitor_image, removal_words, removals, removes_images

REMOVES = [
    "docker image prune -f",
    "/usr/bin/docker image prune --force --filter until=24h",
    "docker --config /root/.docker image prune -af",
    "docker system prune -af --volumes",
    "docker system --debug prune",
    "docker images prune",
    "docker images -q --filter dangling=true | xargs -r docker rmi",
    "docker rmi $(docker images -q)",
    "docker compose down --rmi all",
    "docker-compose -f ci.yml down --rmi=local -v",
    "docker image rm registry/app:1",
    "docker image remove app",
    "sudo docker rmi -f app",
    "/bin/sh -c 'docker image prune -f'",
    "$DOCKER image prune -f",
    "${DOCKER_CMD} rmi app",
    'subprocess.run(["docker", "image", "prune", "-af"])',
    "nerdctl -n moby rmi app",
    "crictl rmi --prune",
    "ctr -n moby images rm docker.io/library/app:1",
    "curl --unix-socket /var/run/docker.sock -X POST http://localhost/v1.45/images/prune",
    "client.images.prune(filters={'dangling': True})",
    "client.images.remove(image.id, force=True)",
    "docker.APIClient().remove_image(name)",
    "/usr/local/bin/docuum --threshold 10GB",
    "/usr/bin/docker-gc",
    "docker run --rm -v /var/run/docker.sock:/var/run/docker.sock spotify/docker-gc",
    "0 3 * * * root docker system prune -f",
]
HARMLESS = [
    "docker builder prune -f",
    "docker buildx prune --all",
    "docker volume prune -f",
    "docker network prune -f",
    "docker container prune -f",
    "podman system prune -af",
    "docker run --rm busybox rm -rf /tmp/x",
    "docker rm -f app",
    "docker image ls",
    "docker image pull app",
    "docker images -q",
    "git remote prune origin",
    "git gc --prune=now",
    "restic forget --prune",
    "/usr/local/bin/ccci-prune sweep",
    "/usr/bin/apt-get clean",
]


@pytest.mark.parametrize("command", REMOVES)
def test_a_command_that_removes_images(command: str) -> None:
    assert removes_images(command)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("docker login -u ci -p dckr_pat_X && docker image prune -f", "docker image prune -f"),
        ("/usr/bin/docker image prune --force --all --filter label=x", "docker image prune --force --all"),
        ("/bin/sh -c 'docker image prune -af>/dev/null'", "docker image prune -af"),
        ("docker system prune -fdckr_pat_X", "docker system prune"),
        ("$DOCKER image prune -f", "image prune -f"),
        ("docker -H tcp://ci:dckr_pat_X@h --config x rmi -f app", "docker … rmi -f"),
        ("docker run -e TOKEN=dckr_pat_X img sh -c 'docker rmi app'", "docker … docker rmi"),
        ("${DOCKER_CMD} --host tcp://ci:dckr_pat_X@h image rm x", "${DOCKER_CMD} … image rm"),
        ("curl -u ci:dckr_pat_X http://ci:dckr_pat_X@h/v1.45/images/prune?x=y", "/images/prune"),
        ("TOKEN=dckr_pat_X /usr/local/bin/docuum --threshold 10GB", "docuum"),
        ("GC=spotify/docker-gc", "docker-gc"),
        ("docker builder prune -f", ""),
    ],
)
def test_a_line_is_shown_by_what_removes_images_alone(line: str, shown: str) -> None:
    assert removal_words(line) == shown


@pytest.mark.parametrize("command", HARMLESS)
def test_a_command_that_removes_none(command: str) -> None:
    assert not removes_images(command)


@pytest.mark.parametrize("command", REMOVES)
def test_the_hint_that_the_host_searches_with_finds_whatever_is_read_as_a_removal(command: str) -> None:
    import re

    assert re.search(HINT.encode(), command.encode())


def test_comments_do_not_count_and_continued_lines_are_one() -> None:
    script = "#!/bin/sh\n# docker image prune -af\ndocker \\\n  image \\\n  prune -f\necho done\n"

    assert removals(script) == ("docker image prune -f",)


@pytest.mark.parametrize(
    "reference",
    [
        "spotify/docker-gc",
        "stephanmisc/docuum:0.25",
        "meltwater/docker-cleanup:latest",
        "x/docker-prune@sha256:0",
        "f213/periodic-docker-prune",
        "imagenarium/dockergc:0.2",
    ],
)
def test_an_image_made_for_nothing_else(reference: str) -> None:
    assert is_janitor_image(reference)


@pytest.mark.parametrize("reference", ["traefik:v3", "docker:cli", "portainer/agent", "ghcr.io/coop/docuums"])
def test_an_image_that_is_no_janitor(reference: str) -> None:
    assert not is_janitor_image(reference)
