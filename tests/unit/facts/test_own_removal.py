import pytest

from ccci_host.facts.answers import Answer, Unreadable
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
        "while true; do docker system prune -af; sleep 3600; done",
        "/bin/sh -c while true; do docker image prune -f; sleep 1d; done",
        "docker images | awk '/none/ {print $3}' | xargs -I {} docker rmi {} >>/srv/tidied 2>&1 || true",
        'if [ "$(docker images -q | wc -l)" -gt 50 ]; then DOCKER_HOST=x docker rmi $(docker images -q); fi',
        'echo "$(date): tidy; (all)" >> "$LOG" && docker image prune -f # it\'s enough',
        "set -e; docker ps --format '{{.Image}}'; docker system df >> /var/log/df.log; docker rmi app; exit",
        "sh -c '$DOCKER rmi app'",
        "docker images >/dev/null 2>&1; docker -H tcp://ci:2375 rmi app; echo done >> ${LOG_FILE}",
        "ctr -n moby images rm app",
        "exec 1>> /var/log/tidy.log 2>&1; docker rmi app",
        """docker r'm'"i" app""",
        "crictl --timeout 5s rmi --prune",
        "/usr/local/bin/docuum --threshold 10GB",
        "docker run --rm -v /var/run/docker.sock:/var/run/docker.sock spotify/docker-gc",
        "docker run -dit --restart always -v/run/docker.sock:/var/run/docker.sock --name=gc docker-gc:2 -x",
        "docker run -ti -- spotify/docker-gc",
        "docker container run --init --rm -p 80:80 stephanmisc/docuum --threshold 10GB",
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
        "docker run --rm -v docker-gc:/data restic backup /data",
        "docker run --name docker-gc restic backup /data",
        "docker run -e 'NEXT=x docker-gc' restic backup /data",
        "docker run restic backup --tag docker-gc",
        "docker run --name docker-gc",
        "docker 'container run' --rm docker-gc",
        "env 'docker run' x",
        "echo docker rmi app",
        "sh -c '$SERVER --each-night \"docker image prune -f\"'",
    ],
)
def test_a_command_that_is_only_told_of_one(command: str) -> None:
    assert not is_removal(command)


@pytest.mark.parametrize(
    "command",
    [
        "pg_dumpall | gzip > x && docker image prune -f",
        "/bin/sh -c 'restic backup /srv; docker image prune -f'",
        "/bin/sh -c restic backup /srv; docker image prune -f",
        "docker image prune -f && docker builder prune -f",
        "docker compose down --rmi all",
        "docker image prune -f & restic backup /srv",
        "docker image prune -f\nrestic backup /srv",
        "(docker rmi app; restic backup /srv)",
        "if restic backup /srv; then docker rmi app; fi",
        'docker rmi app; echo "$(date) $(restic backup /srv)"',
        "docker rmi `restic backup /srv`",
        "docker rmi $(docker images -q $(restic backup /srv))",
        "docker rmi app; $(echo restic backup /srv)",
        "docker rmi app; echo restic backup /srv | sh",
        "docker rmi app; docker images -q | xargs -r restic backup",
        "docker rmi app; sh -c 'X=1; restic backup /srv'",
        "docker rmi app; awk 'BEGIN {system(\"restic backup\")}'",
        "docker rmi app; docker images > /srv/list",
        ": > /var/log/app.log; docker system prune -f",
        "cat /dev/null > /var/log/app.log && docker image prune -f",
        "cat /srv/db.sql > $LOGICAL_BACKUP; docker image prune -f",
        "cat /srv/db.sql >> ${LOG_OF_SALES}; docker image prune -f",
        "docker rmi app; docker build --build-arg CMD='docker system prune -f' -t x .",
        "docker rmi app; docker stop web rmi",
        "docker rmi app; docker volume rm data rmi",
        "docker rmi app; docker push docker/image prune",
        "echo 3 > /proc/sys/vm/drop_caches; docker rmi app",
        "docker rmi app # it's\nrestic backup /srv # it's",
        "docker rmi app # \\\nrestic backup /srv",
        "docker rmi app; echo $'a\\'b'; restic backup /srv; echo \\'",
        "docker rmi app <<end\nend",
        "docker rmi app; sudo -i",
        "docker rmi `app",
        "docker rmi $(docker images",
        "docker rmi app; echo 'open",
        "curl https://x -d 'docker image prune is done'",
        "docker image prune -f && systemctl start backup.service",
    ],
)
def test_a_removal_beside_other_work(command: str) -> None:
    assert not is_removal(command)


def test_to_start_a_unit_that_only_removes_images_is_one() -> None:
    units = {"tidy", "tidy.service"}

    assert is_removal("/bin/systemctl --quiet restart --no-block tidy", units=units)
    assert not is_removal("systemctl start tidy backup", units=units)
    assert not is_removal("systemctl stop tidy", units=units)


def test_a_script_is_one_where_it_is_run_and_removes_images() -> None:
    scripts = {"/opt/tidy": file("docker rmi app\n"), "/opt/server": file("# docker rmi app\nserve\n")}

    runs = ["/opt/tidy --all", "/bin/bash -e /opt/tidy", "sh /opt/tidy", "sh -c 'sleep 5 && exec /opt/tidy'"]
    others = [
        "/opt/server",
        "/opt/server --each-night /opt/tidy",
        "sh -c '/opt/server --each-night /opt/tidy'",
    ]

    assert [is_removal(command, scripts) for command in runs] == [True] * 4
    assert [is_removal(command, scripts) for command in others] == [False] * 3


@pytest.mark.parametrize(
    ("text", "does_nothing_else"),
    [
        ("#!/bin/bash -e\n\n# It's enough (see\ncd /srv\ndocker image \\\n  prune -f\nexit 0\n", True),
        ("#!/usr/bin/env bash\ntidy() {\n  docker rmi app\n}\nwhile sleep 1d\ndo tidy\ndone\n", True),
        ("docker rmi app\nrestic backup /srv\n", False),
        ("tidy() {\n  docker rmi app\n  restic backup /srv\n}\ntidy\n", False),
        ('run() {\n  "$@"\n}\nrun restic backup /srv\ndocker rmi app\n', False),
        ("docker rmi app\n/opt/backup\n", False),
        ("docker rmi app\n/opt/tidy\n", False),
        ("#!/usr/bin/perl\nsystem 'docker rmi app';\n", False),
        ("echo docker rmi app\n", False),
    ],
)
def test_a_script_that_does_other_work_too_is_none(text: str, does_nothing_else: bool) -> None:
    scripts: dict[str, Answer] = {
        "/opt/tidy": file(text),
        "/opt/backup": Unreadable("/opt/backup: too large"),
    }

    assert is_removal("/opt/tidy", scripts) == does_nothing_else
