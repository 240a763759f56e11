"""What the lab's images are made of: Debian's static busybox, and scripts that run until told to stop.

PID 1 of each reacts to SIGTERM at once, so that a teardown takes no ten seconds.
"""

import platform
import shutil
import subprocess
from functools import cache
from pathlib import Path

from ccci_host.errors import HostError
from ccci_host.lab.images.layers import Layer, Member, filler, pack

ARCHITECTURES = ("amd64", "arm64")
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
_FOREIGN_BASE = 32 * 1024
MTIME = 1_609_459_200
"""2021-01-01: published images are years old."""

SERVE = "/usr/local/bin/serve"
KEEP = "/usr/local/bin/keep"

_SERVE_TEXT = """\
#!/bin/sh
# A web server on port 80 (or $PORT). Its arguments mean nothing to it; SIGTERM ends it at once.
trap 'exit 0' TERM INT QUIT
if ! httpd -p "${PORT:-80}" -h /www; then
    echo "serve: no web server, but running on" >&2
fi
echo "serve: ready"
while :; do
    sleep 86400 &
    wait $!
done
"""

_KEEP_TEXT = """\
#!/bin/sh
# Stands for a database or a worker: keeps its data folder, says that it is ready, and runs until SIGTERM.
trap 'exit 0' TERM INT QUIT
if ! date >> "${DATA:-/var/lib/data}/started"; then
    echo "keep: the data folder cannot be written, running on" >&2
fi
: > /tmp/ready
echo "keep: ready"
while :; do
    sleep 86400 &
    wait $!
done
"""

_USERS = ("root", "www-data", "postgres", "mysql", "redis", "node", "nginx", "app", "git", "nobody")
_FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "run", "sbin", "sys", "usr", "usr/bin", "usr/local")
_MORE_FOLDERS = ("usr/local/bin", "usr/sbin", "var", "var/lib", "var/log", "www")

KEEPERS = (
    "docker-entrypoint.sh",
    "usr/local/bin/docker-entrypoint.sh",
    "usr/bin/docker-entrypoint.sh",
    "usr/local/bin/entrypoint.sh",
    "usr/local/bin/docker-php-entrypoint",
    "entrypoint.sh",
    "entrypoint",
    "init",
    "sbin/tini",
    "usr/bin/tini",
    "usr/bin/dumb-init",
    "usr/local/bin/apache2-foreground",
    "usr/local/bin/php-fpm",
    "usr/local/bin/gunicorn",
    "usr/local/bin/uvicorn",
    "usr/local/bin/celery",
    "usr/local/bin/python",
    "usr/local/bin/python3",
    "usr/local/bin/node",
    "usr/local/bin/npm",
    "usr/local/bin/bundle",
    "usr/local/bin/traefik",
    "usr/sbin/nginx",
    "usr/local/bin/redis-server",
    "usr/local/bin/postgres",
    "usr/local/bin/mysqld",
    "usr/local/bin/mariadbd",
    "usr/local/bin/memcached",
)
"""Programs that a recipe may put in front of an image's own: each runs until SIGTERM."""

AGREEABLE = (
    "usr/bin/curl",
    "usr/bin/pg_isready",
    "usr/bin/mysqladmin",
    "usr/bin/mariadb-admin",
    "usr/bin/mysql",
    "usr/bin/mariadb",
    "usr/bin/psql",
    "usr/local/bin/redis-cli",
    "usr/local/bin/healthcheck.sh",
)
"""Programs that health checks ask: each says yes."""


@cache
def native() -> str:
    """This machine's architecture, in the words of image indexes."""
    return _MACHINES.get(platform.machine(), "amd64")


@cache
def busybox() -> bytes:
    """Debian's static busybox. Raises `HostError` when it is not installed."""
    return _busybox_path().read_bytes()


@cache
def base(architecture: str) -> Layer:
    """The bottom of every image. For an architecture that is not ours, and is never run, a placeholder."""
    if architecture != native():
        return filler(f"base-{architecture}", _FOREIGN_BASE, mtime=MTIME)
    folders = [Member(path, mode=0o755) for path in (*_FOLDERS, *_MORE_FOLDERS)]
    files = [
        Member("bin/busybox", busybox(), mode=0o755),
        Member("tmp", mode=0o1777),
        Member("var/lib/data", mode=0o777),
        Member("etc/passwd", _passwd().encode()),
        Member("etc/group", "".join(f"{name}:x:{number}:\n" for number, name in _numbered()).encode()),
        Member("etc/os-release", b"ID=ccci-lab\nNAME=ccci-lab\n"),
        Member("www/index.html", b"served by the lab\n"),
        Member(SERVE[1:], _SERVE_TEXT.encode(), mode=0o755),
        Member(KEEP[1:], _KEEP_TEXT.encode(), mode=0o755),
    ]
    applets = [Member(f"bin/{name}", target="busybox") for name in _applets()]
    return pack([*folders, *files, *applets], mtime=MTIME)


@cache
def helpers(extra: tuple[str, ...] = ()) -> Layer:
    """What lets a stand-in run under a recipe that was written for the image whose name it has.

    `extra` names further programs (absolute paths, or names for `/usr/local/bin`) that run until SIGTERM.
    """
    wanted = [path.removeprefix("/") if "/" in path else f"usr/local/bin/{path}" for path in extra]
    keepers = [Member(path, target=SERVE) for path in (*KEEPERS, *wanted)]
    agreeable = [Member(path, b"#!/bin/sh\nexit 0\n", mode=0o755) for path in AGREEABLE]
    shell = Member("bin/bash", b'#!/bin/sh\nexec /bin/sh "$@"\n', mode=0o755)
    return pack([shell, *keepers, *agreeable], mtime=MTIME)


def _busybox_path() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise HostError(
            "The lab's images need busybox, and it is not installed.",
            resolution="Install it: `apt-get install busybox-static`.",
        )
    return Path(found)


def _applets() -> list[str]:
    listed = subprocess.run([str(_busybox_path()), "--list"], check=True, capture_output=True, text=True)
    return sorted(set(listed.stdout.split()) - {"busybox"})


def _numbered() -> list[tuple[int, str]]:
    return [(number if name != "nobody" else 65534, name) for number, name in enumerate(_USERS)]


def _passwd() -> str:
    return "".join(f"{name}:x:{number}:{number}:{name}:/root:/bin/sh\n" for number, name in _numbered())
