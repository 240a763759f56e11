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

_BE_TEXT = """\
#!/bin/sh
# Stands for a program of the image whose name this one has. As what the container runs it serves until
# SIGTERM; asked by a health check or by an entrypoint script it says yes.
main=no
if [ $$ -eq 1 ]; then main=yes; fi
if [ "$PPID" -eq 1 ]; then
    # started by an init, by `sh -c`, or without `exec` by the script that wraps an image's own entrypoint
    case "$(cat /proc/1/comm) $(tr '\\0' ' ' < /proc/1/cmdline) $0" in
        *init\\ *|tini\\ *|*sh\\ *sh\\ -*c\\ *|*entrypoint*\\ *entrypoint*) main=yes ;;
    esac
fi
if [ "$main" = yes ]; then exec /usr/local/bin/serve; fi
if [ "${0##*/}" = redis-cli ]; then echo PONG; fi
exit 0
"""

USUAL_PROGRAMS = (
    "/docker-entrypoint.sh",
    "/entrypoint",
    "/entrypoint.sh",
    "/init",
    "/sbin/tini",
    "/usr/bin/docker-entrypoint.sh",
    "/usr/bin/dumb-init",
    "/usr/bin/tini",
    "/usr/local/bin/docker-entrypoint.sh",
    "/usr/local/bin/entrypoint.sh",
    "/usr/sbin/nginx",
    "apache2-foreground",
    "bundle",
    "caddy",
    "celery",
    "curl",
    "docker-php-entrypoint",
    "gosu",
    "gunicorn",
    "healthcheck.sh",
    "mariadb",
    "mariadb-admin",
    "mariadbd",
    "mc",
    "memcached",
    "minio",
    "mysql",
    "mysqladmin",
    "mysqld",
    "nc",
    "nginx",
    "node",
    "npm",
    "pg_isready",
    "php",
    "php-fpm",
    "postgres",
    "psql",
    "python",
    "python3",
    "redis-cli",
    "redis-server",
    "su-exec",
    "traefik",
    "uvicorn",
    "wget",
)
"""Programs that recipes start in public images, or ask in health checks; every stand-in has them."""


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
    links = [Member(f"bin/{name}", target="busybox") for name in sorted(applets() - {"busybox"})]
    return pack([*folders, *files, *links], mtime=MTIME)


@cache
def helpers(extra: tuple[str, ...] = ()) -> Layer:
    """What lets a stand-in run under a recipe that was written for the image whose name it has.

    `extra` names further programs: absolute paths, or names that a `PATH` finds. Each is a file of its own,
    because a recipe may mount a configuration over it.
    """
    paths = {path if path.startswith("/") else f"/usr/local/bin/{path}" for path in (*USUAL_PROGRAMS, *extra)}
    programs = [Member(path[1:], _BE_TEXT.encode(), mode=0o755) for path in sorted(paths)]
    shell = Member("bin/bash", b'#!/bin/sh\nexec /bin/sh "$@"\n', mode=0o755)
    return pack([shell, Member("usr/bin/env", target="/bin/busybox"), *programs], mtime=MTIME)


@cache
def applets() -> frozenset[str]:
    """The programs that busybox itself is."""
    listed = subprocess.run([str(_busybox_path()), "--list"], check=True, capture_output=True, text=True)
    return frozenset(listed.stdout.split())


def _busybox_path() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise HostError(
            "The lab's images need busybox, and it is not installed.",
            resolution="Install it: `apt-get install busybox-static`.",
        )
    return Path(found)


def _numbered() -> list[tuple[int, str]]:
    return [(number if name != "nobody" else 65534, name) for number, name in enumerate(_USERS)]


def _passwd() -> str:
    return "".join(f"{name}:x:{number}:{number}:{name}:/root:/bin/sh\n" for number, name in _numbered())
