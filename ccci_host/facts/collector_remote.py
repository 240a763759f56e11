"""Answers probes on the host. Runs there: Python 3.9, standard library only, changes nothing.

Standard input: `{"probes": [{"kind": …, …}, …]}`. Standard output: a list with one answer a probe, in their
order.
"""

from __future__ import annotations

import base64
import glob
import hashlib
import hmac
import http.client
import json
import os
import pwd
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

DOCKER_SOCKET = "/var/run/docker.sock"
DOCKER_TIMEOUT = 20.0
MOST_BYTES = 1 << 20
"""A larger file than this is nothing that a probe was written for."""
SCRIPTS = (".sh", ".bash", ".py", ".pl", ".rb")
ABSOLUTE_PATH = re.compile(rb"/[A-Za-z0-9_@%+=:.,/-]+")

Value = dict[str, Any]


def present(content: bytes, **more: Any) -> Value:
    """It is there."""
    return {"is": "present", "content": base64.b64encode(content).decode(), **more}


def absent() -> Value:
    """It is not there."""
    return {"is": "absent"}


def unreadable(reason: str) -> Value:
    """Nobody can tell."""
    return {"is": "unreadable", "reason": reason}


def about(path: str, status: os.stat_result) -> Value:
    """Mode, owner and real place of a file."""
    return {
        "mode": stat.S_IMODE(status.st_mode),
        "owner": user(status.st_uid),
        "path": str(Path(path).resolve()),
    }


def user(uid: int) -> str:
    """A user's name, or the number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def opened(path: str) -> BinaryIO:
    """The file at `path`, opened without waiting: what a unit names may be a pipe or a device."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")


def with_file(path: str, use: Callable[[bytes], bytes], most: int | None = MOST_BYTES) -> Value:
    """What `use` makes of the content of the regular file at `path`, of at most `most` bytes."""
    try:
        with opened(path) as file:
            status = os.fstat(file.fileno())
            if str(Path(path).resolve()) == os.devnull:
                return present(b"", **about(path, status))  # a masked unit
            if not stat.S_ISREG(status.st_mode):
                return unreadable(f"{path} is no regular file")
            if most is not None and status.st_size > most:
                return unreadable(f"{path} is larger than {most} bytes")
            return present(use(file.read()), **about(path, status))
    except (FileNotFoundError, NotADirectoryError):
        return absent()
    except OSError as error:
        return unreadable(f"{path}: {error.strerror}")


def read_file(probe: Value) -> Value:
    """Answer `ReadFile`."""
    return with_file(probe["path"], lambda content: content)


def hash_file(probe: Value) -> Value:
    """Answer `HashFile`."""
    return with_file(probe["path"], lambda content: hashlib.sha256(content).hexdigest().encode(), most=None)


def list_files(probe: Value) -> list[str]:
    """Answer `ListFiles`."""
    return sorted({path for pattern in probe["globs"] for path in glob.glob(pattern)})  # noqa: PTH207 - absolute


def search_files(probe: Value) -> Value:
    """Answer `SearchFiles`. A file that has two names is looked at once."""
    pattern = re.compile(probe["matching"].encode())
    files: dict[str, Value] = {}
    scripts: dict[str, list[str]] = {}
    known: dict[str, bool] = dict.fromkeys(probe.get("apart_from", ()), False)
    seen: set[tuple[int, int]] = set()
    for path in list_files(probe):
        try:
            content = content_unless_in(seen, path)
        except FileNotFoundError:
            continue  # a link to nowhere
        except OSError as error:
            files[path], scripts[path] = unreadable(f"{path}: {error.strerror}"), []
            continue
        named = []
        for found in sorted(set(ABSOLUTE_PATH.findall(content))):
            name = os.fsdecode(found)
            if name not in known:
                known[name] = is_script_with(name, pattern)
            if known[name]:
                named.append(name)
        if named or pattern.search(content):
            scripts[path] = named
            for name in (path, *named):
                files.setdefault(name, read_file({"path": name}))
    return {"files": files, "scripts": scripts}


def content_unless_in(seen: set[tuple[int, int]], path: str) -> bytes:
    """The beginning of the file at `path`; nothing of no regular file, or of one in `seen`."""
    if Path(path).is_dir():
        return b""
    with opened(path) as file:
        status = os.fstat(file.fileno())
        identity = (status.st_dev, status.st_ino)
        if identity in seen or not stat.S_ISREG(status.st_mode):
            return b""
        seen.add(identity)
        return file.read(MOST_BYTES)


def search_units(probe: Value) -> Value:
    """Answer `SearchUnits`."""
    services = ["*.service", "*.service.d/*.conf"]
    found = search_files(
        {
            "globs": [f"{folder}/{name}" for folder in probe["folders"] for name in services],
            "matching": probe["matching"],
            "apart_from": probe["apart_from"],
        }
    )
    others = ["*.timer", "*.path", "*.wants/*@*", "*.requires/*@*"]
    globs = [f"{folder}/{name}" for folder in probe["folders"] for name in others]
    names = {unit_name(path) for path in found["scripts"]}
    names.update(Path(path).name for path in list_files({"globs": globs}))
    # A template has no state of its own; its instances do, be they loaded or only enabled.
    asked = sorted(name.replace("@.", "@*.") for name in names)
    argv = ["systemctl", "show", "--property=" + ",".join(probe["properties"]), "--", *asked]
    return {
        "shown": run_command({"argv": argv, "timeout": 20.0, "accept": [0]}) if asked else present(b""),
        "scripts": {name: found["files"][name] for named in found["scripts"].values() for name in named},
    }


def unit_name(path: str) -> str:
    """The unit that a fragment or a drop-in belongs to."""
    file = Path(path)
    return file.parent.name[: -len(".d")] if file.suffix == ".conf" else file.name


def is_script_with(path: str, pattern: re.Pattern[bytes]) -> bool:
    """Whether `path` is a script in which `pattern` is found: one handed to an interpreter needs no `#!`."""
    try:
        with opened(path) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return False
            if file.read(2) != b"#!" and not path.endswith(SCRIPTS):
                return False
            file.seek(0)
            content = file.read(MOST_BYTES)
    except OSError:
        return False  # a path that a unit names need not exist, and may be a folder
    return pattern.search(content) is not None


def run_command(probe: Value) -> Value:
    """Answer `RunCommand`."""
    argv = probe["argv"]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=probe["timeout"], check=False
        )
    except FileNotFoundError:
        return absent()
    except (OSError, subprocess.TimeoutExpired) as error:
        return unreadable(f"{argv[0]}: {error}")
    if done.returncode not in probe["accept"]:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()[-500:]
        return unreadable(f"{argv[0]} ended with exit code {done.returncode}: {said}")
    return present(done.stdout)


class DockerConnection(http.client.HTTPConnection):
    """HTTP to the daemon's socket."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=DOCKER_TIMEOUT)

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(DOCKER_SOCKET)


class Docker:
    """One connection for all questions; the API's own errors are answers."""

    def __init__(self) -> None:
        self.connection: DockerConnection | None = None

    def get(self, path: str) -> Value:
        """The answer to a `GET` of `path`."""
        if not Path(DOCKER_SOCKET).exists():
            return absent()
        try:
            if self.connection is None:
                self.connection = DockerConnection()
            self.connection.request("GET", path)
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection = None
            return unreadable(f"the Docker daemon does not answer: {error or type(error).__name__}")
        if response.status == 404:
            return absent()
        if response.status != 200:
            said = body.decode(errors="replace").strip()[-500:]
            return unreadable(f"the Docker daemon answered {response.status}: {said}")
        return present(body)


docker = Docker()


def docker_get(probe: Value) -> Value:
    """Answer `DockerGet`."""
    return docker.get(probe["path"])


def docker_get_each(probe: Value) -> Value:
    """Answer `DockerGetEach`."""
    listing = docker.get(probe["path"])
    if listing["is"] != "present":
        return listing
    details = []
    for item in json.loads(base64.b64decode(listing["content"])):
        if not re.search(probe["matching"], json.dumps(item)):
            continue
        detail = docker.get(probe["each"].replace("{}", item[probe["key"]]))
        if detail["is"] == "unreadable":
            return detail
        if detail["is"] == "present":  # else it ended between listing and asking
            details.append(json.loads(base64.b64decode(detail["content"])))
    return present(json.dumps(details).encode())


def registry_logins(probe: Value) -> Value:
    """Answer `RegistryLogins`."""
    answer = read_file(probe)
    if answer["is"] != "present":
        return answer
    try:
        config = json.loads(base64.b64decode(answer["content"]))
    except ValueError as error:
        return unreadable(f"{probe['path']} is no JSON: {error}")
    if not isinstance(config, dict):
        return unreadable(f"{probe['path']} is no docker configuration")
    said = {name: value for name, value in config.items() if value is not None}  # docker reads null as absent
    auths, helpers = said.get("auths", {}), said.get("credHelpers", {})
    if not isinstance(auths, dict) or not isinstance(helpers, dict):
        return unreadable(f"{probe['path']} is no docker configuration")

    def veiled(secret: Any) -> str:
        text = secret if isinstance(secret, str) else json.dumps(secret, sort_keys=True)
        return hmac.new(probe["nonce"].encode(), text.encode(), hashlib.sha256).hexdigest()

    logins = {}
    for registry, entry in auths.items():
        fields = entry if isinstance(entry, dict) else {}
        try:
            account = base64.b64decode(str(fields.get("auth") or "")).decode().partition(":")[0]
        except ValueError:
            account = ""
        logins[registry] = {
            "account": account or str(fields.get("username", "")),
            "fields": {name: veiled(value) for name, value in fields.items()},
        }
    seen = {
        "logins": logins,
        "credsStore": said.get("credsStore", ""),
        "credHelpers": helpers,
        "folder_owner": user(Path(answer["path"]).parent.stat().st_uid),
    }
    veil = {name: answer[name] for name in ("mode", "owner", "path")}
    return present(json.dumps(seen).encode(), **veil)


def file_system(probe: Value) -> Value:
    """Answer `FileSystem`."""
    try:
        status = os.statvfs(probe["path"])
    except FileNotFoundError:
        return absent()
    except OSError as error:
        return unreadable(f"{probe['path']}: {error.strerror}")
    sizes = {
        "bytes": status.f_blocks * status.f_frsize,
        "bytes_available": status.f_bavail * status.f_frsize,
        "bytes_free": status.f_bfree * status.f_frsize,
        "inodes": status.f_files,
        "inodes_free": status.f_ffree,
    }
    return present(json.dumps(sizes).encode())


def python_version(_: Value) -> Value:
    """Answer `PythonVersion`."""
    return present(".".join(str(part) for part in sys.version_info[:3]).encode())


KINDS: dict[str, Callable[[Value], Any]] = {
    "ReadFile": read_file,
    "HashFile": hash_file,
    "ListFiles": list_files,
    "SearchFiles": search_files,
    "SearchUnits": search_units,
    "RunCommand": run_command,
    "DockerGet": docker_get,
    "DockerGetEach": docker_get_each,
    "RegistryLogins": registry_logins,
    "FileSystem": file_system,
    "PythonVersion": python_version,
}


def lane(number: int, kind: str) -> str:
    """What a probe has to wait for: its own command, the daemon's one connection, or the files."""
    if kind == "RunCommand":
        return f"command {number}"
    return "daemon" if kind.startswith("Docker") else "files"


def main() -> None:
    """Read the probes, write the answers; what waits for different things waits at the same time."""
    probes = json.load(sys.stdin)["probes"]
    answers: list[Any] = [None] * len(probes)
    lanes: dict[str, list[int]] = {}
    for number, probe in enumerate(probes):
        lanes.setdefault(lane(number, probe["kind"]), []).append(number)

    def fill(numbers: list[int]) -> None:
        for number in numbers:
            answers[number] = KINDS[probes[number]["kind"]](probes[number])

    with ThreadPoolExecutor(max_workers=len(lanes) or 1) as pool:
        list(pool.map(fill, lanes.values()))
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
