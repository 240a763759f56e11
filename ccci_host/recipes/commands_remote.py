"""Runs the commands of a harness that is not ours. Runs where they run: Python 3.9, standard library only.

Standard input: one JSON value, see `main`. Standard output: `{"ran": […]}`, or `{"trouble", "message"}`.
The recipe's files and the app's environment live in a folder of mode 0700 while the commands need them. On
SIGTERM they go, and the command that runs is killed.
Secrets are masked here, before anything of what the commands said goes elsewhere.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

MASK = "••••••••"
KEPT = 4000
"""Characters of a stream that are handed back: the end of it, where the cause usually is."""
SHORTEST_SECRET = 6
"""Characters. Anything shorter would mask half of what is said."""
DYING = 2.0
"""Seconds to wait for killed processes to be gone: until then they may write into folders that are to go."""
YOUNG = 60.0
"""Seconds within which a folder is locked by whoever made it."""
SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|KEY|CREDENTIAL|(?:^|_)PAT(?:$|_)", re.IGNORECASE)
HARMLESS_NAME = re.compile(r"_(?:VERSION|FILE|PATH|ID)$", re.IGNORECASE)
BY_SHAPE = (
    re.compile(r"dckr_[a-z]+_[A-Za-z0-9_-]+"),
    re.compile(r"(?<=[Bb]earer )\S+"),
    # What a harness generates and shows: `abra app secret generate` prints every value (read).
    re.compile(r"(?<![\w+/=-])(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*[0-9])[A-Za-z0-9+/=_-]{16,}"),
    re.compile(r"(?<!\w)(?<!sha256:)[0-9a-f]{32,}(?!\w)"),
)
"""Tokens, and words that look generated; a digest, `sha256:` before it, is none."""

Value = dict[str, Any]


class TroubleError(Exception):
    """Something to tell instead of an answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


# --- What must not be told


def known_secrets(payload: Value, environment: Mapping[str, str]) -> list[str]:
    """Secrets that the commands can know: logins, files, variables whose name says that they hold one."""
    found = [*payload["secrets"]]
    for path in payload["secret_files"]:
        with contextlib.suppress(OSError):  # what cannot be read here, the commands cannot tell either
            found.append(Path(path).read_text(errors="replace").strip())
    for path in payload["logins"]:
        found += of_logins(path)
    found += [
        value
        for name, value in environment.items()
        if SECRET_NAME.search(name) and not HARMLESS_NAME.search(name)
    ]
    return sorted({one for one in found if len(one) >= SHORTEST_SECRET}, key=len, reverse=True)


def of_logins(path: str) -> list[str]:
    """What is secret in a docker configuration: each entry as it stands, and its password."""
    try:
        entries = json.loads(Path(path).read_text()).get("auths") or {}
    except (OSError, ValueError, AttributeError):
        return []  # no such file, or none that Docker could read: then no login is in it
    found = []
    for entry in entries.values():
        for name in ("auth", "identitytoken", "registrytoken", "password"):
            found.append(str(entry.get(name) or ""))
        with contextlib.suppress(ValueError):
            plain = base64.b64decode(str(entry.get("auth") or ""), validate=True)
            found.append(plain.decode(errors="replace").partition(":")[2])
    return found


def masked(text: str, secrets: list[str]) -> str:
    """`text` without these secrets, and without what looks like one."""
    for secret in secrets:
        text = text.replace(secret, MASK)
    for shape in BY_SHAPE:
        text = shape.sub(MASK, text)
    return text


# --- Being told to stop


def stop(number: int, frame: Any) -> None:  # noqa: ARG001 - a signal handler's shape
    """SIGTERM as an exception, so that everything is put in order; a second one does not come in between."""
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Within it SIGTERM waits for the end: a process begun has to be known, a folder to be gone whole."""
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if asked:
            os.kill(os.getpid(), signal.SIGTERM)


# --- Where they run


def run_folder() -> Path:
    """Where files live that a reboot may take away: in memory, where there is such a place."""
    run = Path("/run")
    return run if run.is_dir() and os.access(run, os.W_OK) else Path(tempfile.gettempdir())


def lock_folder() -> Path:
    """Where each stack has a file to be locked: root's is that of `stack_remote`, anybody else has an own."""
    user = os.geteuid()
    if user == 0:
        return run_folder() / "ccci-stacks"
    return Path(tempfile.gettempdir(), f"ccci-stacks-{user}")


def opened(stack: str) -> int:
    """The open file of `stack` in the lock folder; raises `TroubleError` where that is not ours alone.

    In the temporary folder somebody else may have made it, or laid a link to a file of ours.
    """
    folder = lock_folder()
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        status = folder.lstat()
        private = stat.S_ISDIR(status.st_mode) and status.st_mode & 0o777 == 0o700
        if not private or status.st_uid != os.geteuid():
            raise TroubleError("lock", f"{folder} is no folder of mode 0700 that belongs to you.")
        return os.open(folder / stack, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise TroubleError("lock", f"The stack {stack} cannot be locked: {error}") from None


@contextlib.contextmanager
def locked(stack: str) -> Iterator[None]:
    """Nobody else on this machine deploys or removes `stack` meanwhile.

    On the CI host it is the lock of `stack_remote`; on the controller it keeps only a user's own harnesses
    apart.
    """
    handle = opened(stack)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TroubleError(
                "busy", f"Somebody else is deploying or removing the stack {stack} right now."
            ) from None
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def own_folder(prefix: str) -> Iterator[str]:
    """A new folder that nobody else can read, locked as long as it is there; what was left of others goes."""
    for left in run_folder().glob(f"{prefix}*"):
        remove_if_left(left)
    place = tempfile.mkdtemp(prefix=prefix, dir=run_folder())
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield place
    finally:
        with held_back():
            shutil.rmtree(place, ignore_errors=True)
        os.close(handle)


def remove_if_left(folder: Path) -> None:
    """Remove a folder whose program was killed: nobody holds its lock. A young one may have none yet."""
    with contextlib.suppress(OSError):  # somebody else's, or gone by now
        if time.time() - folder.lstat().st_mtime < YOUNG:
            return
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)


@contextlib.contextmanager
def unpacked(payload: Value) -> Iterator[dict[str, str]]:
    """The fields that name folders: `folder` holds the recipe's files, `env_file` the app's environment."""
    with own_folder("ccci-harness-") as place:
        folder, env_file = Path(place, "recipe"), Path(place, "app.env")
        folder.mkdir()
        for file in payload["files"]:
            path = folder / file["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(file["content"]))
            path.chmod(file["mode"])
        env_file.touch(mode=0o600)
        env_file.write_text(payload["env_file"])
        yield {"folder": str(folder), "env_file": str(env_file)}


@contextlib.contextmanager
def lent_login(lending: Value | None) -> Iterator[dict[str, str]]:
    """The variables by which a harness finds a way to the daemon that lends it the login; or none."""
    if lending is None:
        yield {}
        return
    with own_folder("ccci-lending-") as folder:
        path = str(Path(folder, "docker.sock"))
        argv = tied([sys.executable, "-I", "-c", lending["program"], path, lending["docker_config"]])
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as relay:
            try:
                if relay.stdout is None or relay.stdout.readline() != b"ready\n":
                    raise TroubleError("lending", "The way to the daemon that lends the login did not open.")
                yield {"DOCKER_HOST": "unix://" + path}
            finally:
                relay.kill()


# --- Running them


def living(session: int) -> list[int]:
    """The processes of a session that have not ended, by /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            state, _, _, of = entry.read_text(errors="replace").rpartition(")")[2].split()[:4]
            if of == str(session) and state not in "ZX":
                found.append(int(entry.parent.name))
    return found


def kill_session(leader: int) -> None:
    """Kill all of the session that `leader` began, and wait at most `DYING` seconds until it is gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)  # where there is no /proc, this is all
    until = time.monotonic() + DYING
    left = living(leader)
    while left and time.monotonic() < until:
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)  # who is killed is no child of ours to wait for; bounded by DYING
        left = living(leader)


def tied(argv: list[str]) -> list[str]:
    """`argv` so that it ends with this program, should somebody kill that; it takes `setpriv`."""
    setpriv = shutil.which("setpriv")
    if setpriv is None or Path(setpriv).resolve().name.startswith("busybox"):  # which knows no --pdeathsig
        return argv
    return [setpriv, "--pdeathsig", "KILL", "--", *argv]


def run(argv: list[str], environment: dict[str, str], folder: str, timeout: float) -> tuple[int, str, str]:
    """Exit code and both streams. Raises `TroubleError` when it takes longer.

    However this ends early, the command is killed with its session, which its children are in.
    """
    whole = tied(argv)
    # Files and no pipes: a child that outlives its parent would keep those open.
    process = None
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            with held_back():
                process = subprocess.Popen(
                    whole,
                    cwd=folder,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            code = process.wait(timeout)
        except OSError as error:
            return 127, "", str(error)
        except subprocess.TimeoutExpired:
            raise TroubleError("slow", said_by(err) or said_by(out)) from None
        finally:
            if process is not None and process.returncode is None:
                with held_back():
                    kill_session(process.pid)
                process.wait()
        return (code if code >= 0 else 128 - code), said_by(out), said_by(err)


def said_by(stream: Any) -> str:
    """All that was written to it."""
    stream.seek(0)
    return str(stream.read().decode(errors="replace"))


def run_all(payload: Value) -> Value:
    """Run the commands in their order; the first that fails is the last, unless all of them are wanted."""
    environment = {**os.environ, **payload["environment"]}
    secrets = known_secrets(payload, {**environment, **payload["app"]})
    until = time.monotonic() + payload["timeout"]
    ran: list[Value] = []
    with locked(payload["stack"]), unpacked(payload) as places, lent_login(payload["lending"]) as way:
        for template in payload["commands"]:
            argv = [word.format_map({**payload["fields"], **places}) for word in template]
            shown = [
                word.format_map({**payload["fields"], **{name: f"{{{name}}}" for name in places}})
                for word in template
            ]
            began = time.monotonic()
            try:
                code, out, err = run(
                    argv, {**environment, **way}, places["folder"], max(0.1, until - time.monotonic())
                )
            except TroubleError as trouble:
                told = f"`{' '.join(shown)}` did not end within {payload['timeout']:.0f} s.\n{trouble}"
                raise TroubleError(trouble.kind, masked(told, secrets)[-KEPT:]) from None
            ran.append(
                {
                    "argv": [masked(word, secrets) for word in shown],
                    "exit_code": code,
                    "stdout": told_of(out, places, secrets),
                    "stderr": told_of(err, places, secrets),
                    "seconds": round(time.monotonic() - began, 3),
                }
            )
            if code != 0 and not payload["all"]:
                break
    return {"ran": ran}


def told_of(text: str, places: Mapping[str, str], secrets: list[str]) -> str:
    """The end of what a command said, with secrets masked and without the names of folders of the moment."""
    for name, path in places.items():
        text = text.replace(path, f"{{{name}}}")
    return masked(text, secrets).strip()[-KEPT:]


def main() -> None:
    """One JSON value in, one out. The keys of the former:

    `stack`, `commands` (templates), `all` (go on after a failure), `fields`, `files`, `env_file`,
    `environment`, `timeout` in seconds for all together, `lending` (or null); and for masking `app` (the
    app's environment), `secrets`, `secret_files`, `logins` (paths of docker configurations).
    """
    signal.signal(signal.SIGTERM, stop)
    payload = json.load(sys.stdin)
    try:
        answer = run_all(payload)
    except TroubleError as trouble:
        answer = {"trouble": trouble.kind, "message": str(trouble)}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
