import pytest

from ccci_host.facts.own_removal import is_removal
from tests.unit.facts.host_answers import file


@pytest.mark.parametrize(
    "command",
    [
        "docker image prune -f",
        "/usr/bin/docker --config /root/.docker image prune -af",
        "image prune -f",
        "docker-entrypoint.sh docker system prune -f",
        "/sbin/tini -- docker rmi app",
        "/usr/bin/env DOCKER_HOST=x nice -n 19 timeout 30m docker system prune -f",
        "/bin/sh -c 'while true; do docker image prune -f; sleep 86400; done'",
        "bash -lc 'cd /srv && docker images -q | xargs -r docker rmi'",
        "sh -c '$DOCKER rmi app'",
        "/usr/local/bin/docuum --threshold 10GB",
        "docker run --rm -v /var/run/docker.sock:/var/run/docker.sock spotify/docker-gc",
        "curl --unix-socket /var/run/docker.sock -X POST http://localhost/v1.45/images/prune",
    ],
)
def test_a_command_that_is_a_removal(command: str) -> None:
    assert is_removal(command)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "docker image ls",
        "ci-server --each-night 'docker image prune -f'",
        "ci-server --each-night 'true; docker image prune -f'",
        "/bin/sh -c 'exec ci-server --each-night \"docker image prune -f\"'",
        "docker run --env EACH_NIGHT='docker image prune -f' ci-server",
        "ci-server --image spotify/docker-gc",
        "echo docker rmi app",
        "sh -c '$SERVER --each-night \"docker image prune -f\"'",
    ],
)
def test_a_command_that_is_only_told_of_one(command: str) -> None:
    assert not is_removal(command)


def test_a_script_is_one_where_it_is_run_and_removes_images() -> None:
    scripts = {"/opt/tidy": file("docker rmi app\n"), "/opt/server": file("# docker rmi app\nserve\n")}

    runs = ["/opt/tidy --all", "/bin/bash -e /opt/tidy", "sh -c 'sleep 5 && exec /opt/tidy'"]
    others = [
        "/opt/server",
        "/opt/server --each-night /opt/tidy",
        "sh -c '/opt/server --each-night /opt/tidy'",
    ]

    assert [is_removal(command, scripts) for command in runs] == [True] * 3
    assert [is_removal(command, scripts) for command in others] == [False] * 3
