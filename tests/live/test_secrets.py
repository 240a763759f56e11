"""No secret is where others can read it: runs at their loudest, while each started program was recorded."""

import base64
import inspect
import json
import os
import re
import subprocess
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import quote

import pytest

from ccci_host.errors import CredentialError
from ccci_host.facts.hub_account import ask_hub
from ccci_host.lab import Lab
from ccci_host.secret import Secret
from ccci_host.transport.machine import Machine
from ccci_host.transport.opening import open_machine
from tests import secrets_remote
from tests.exec_recorder import Recording, recording
from tests.lab_hosts import own_instance

pytestmark = pytest.mark.live

NAME = "secrets"
REMOTE = f"{NAME}-remote"
LOGIN = "/root/.docker/config.json"
WRONG_PAT = "wrong-pat-that-nobody-ever-had"
PLANTED = ("planted-word", 'planted "words"\nwith odd signs', "x" * 20_000 + " planted-far-behind")
CLI = "from ccci_host.cli import main; main()"
DEFECTS = {
    "uncaught": "from ccci_host.facts import hub_account; hub_account.read_bucket = None",
    "program": "from ccci_host.facts import hub_account; "
    "hub_account.PROGRAM = 'import json, sys; json.load(sys.stdin)[0]'",
}
"""Ways in which provisioning can break while it holds the PAT: here, and in its program on the host."""
TOKENS = {
    "a bearer token": rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.",
    "a swarm's join token": rb"SWMTKN-1-\w+",
    "a private key": rb"PRIVATE KEY-----",
}
"""Secrets whose values are not known here, by their form."""


@dataclass
class Runs:
    """What came of the runs, to be searched."""

    recorded: Recording
    secrets: dict[str, str] = field(default_factory=dict)
    """By what it is: the values that must appear nowhere."""
    said: dict[str, str] = field(default_factory=dict)
    """Standard output and error of each run."""
    exit_codes: dict[str, int] = field(default_factory=dict)
    places: dict[str, bytes] = field(default_factory=dict)
    """Files, by their path, and the journal."""
    on_host: Mapping[str, str] = field(default_factory=dict)
    """Files on the host that hold a secret, with their mode and owner."""
    refusal: CredentialError | None = None
    """What asking with a wrong PAT raised."""


def found(secrets: Mapping[str, str], content: bytes) -> list[str]:
    """Which secrets are in `content`, as they are or in a form that programs give them."""
    known = [what for what, value in secrets.items() if any(form in content for form in forms(value))]
    return known + [what for what, form in TOKENS.items() if re.search(form, content)]


@cache
def forms(value: str) -> frozenset[bytes]:
    """A secret as it is, and as a URL, JSON or an HTTP header would carry it."""
    plain = value.encode()
    shapes = (quote(value, safe="").encode(), json.dumps(value)[1:-1].encode(), base64.b64encode(plain))
    return frozenset((plain, *shapes))


def lab_secrets() -> dict[str, str]:
    """The PATs and keys of the lab, and the logins made of them."""
    lab = Lab.default()
    secrets = {}
    for file in (lab.settings.hub / "pats").iterdir():
        account = file.name.partition(".")[0]
        pat = file.read_text().strip()
        secrets[f"the PAT {file.name}"] = pat
        secrets[f"the login with {file.name}"] = base64.b64encode(f"{account}:{pat}".encode()).decode()
    for file in (*lab.settings.hub.glob("*.key"), *lab.settings.keys.iterdir()):
        if "PRIVATE KEY" in (text := file.read_text()):
            secrets[f"the key {file.name}"] = text.splitlines()[-3]  # the first lines may be public
    return secrets


def files_below(*roots: Path) -> Iterator[Path]:
    """Every file in these folders, or these files themselves."""
    for root in roots:
        yield from (path for path in (root, *root.rglob("*")) if path.is_file())


class Controller:
    """Runs the command line as a person at its loudest would, and keeps what it says."""

    def __init__(self, folder: Path, config: Path, runs: Runs) -> None:
        self._folder, self._config, self._runs = folder, config, runs

    def run(
        self, label: str, *words: str, before: str = "pass", env: Mapping[str, str] | None = None
    ) -> None:
        """`ccci -vv WORDS`, with a line of Python before it."""
        environment = {**os.environ, "CCCI_CONFIG": str(self._config), **(env or {})}
        done = subprocess.run(
            [sys.executable, "-c", f"{before}\n{CLI}", "-vv", *words],
            cwd=self._folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._runs.said[label] = done.stdout
        self._runs.exit_codes[label] = done.returncode

    def plant(self, machine: Machine) -> None:
        """Start programs with recognisable words, here and on the host, for the recorder to catch."""
        for number, word in enumerate(PLANTED):
            subprocess.run(["echo", f"{word} here {number}"], stdout=subprocess.DEVNULL, check=True)
            machine.executor.run(["echo", f"{word} on {machine.name} {number}"]).check()


def on_host(machine: Machine, word: str, **more: object) -> Mapping[str, str]:
    """The answer of `secrets_remote` on the host."""
    program = inspect.getsource(secrets_remote)
    answer: Mapping[str, str] = machine.run_python(program, {"word": word, **more}, timeout=120)
    return answer


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """A host of one's own: provisioned, with a recipe deployed and torn down, verified, and mistreated."""
    folder = tmp_path_factory.mktemp("secrets")
    lab = Lab.default()
    with own_instance(NAME) as config:
        wrong = folder / "wrong.toml"
        wrong.write_text(re.sub(r"(?m)^file = .*$", 'env = "WRONG_PAT"', lab.config_path.read_text()))
        with recording(folder / "execs") as recorded:
            runs = Runs(recorded, lab_secrets())
            controller = Controller(folder, lab.config_path, runs)
            with (
                open_machine(NAME, config.host[NAME]) as machine,
                open_machine(REMOTE, config.host[REMOTE]) as remote,
            ):
                controller.run("provision", "provision", "--diff", "--host", NAME)
                controller.plant(machine)
                controller.run("provision again", "provision", "--json", "--host", REMOTE)
                controller.run("deploy", "deploy", "small", "--host", REMOTE)
                runs.secrets |= on_host(machine, "mounted")
                controller.run("teardown", "teardown", "small", "--host", NAME)
                words = ("verify-pc2", "--evidence", str(folder / "evidence"), "--host", REMOTE)
                controller.run("verify-pc2", *words)
                mistreat(controller, folder, wrong, runs)
                runs.refusal = refused(machine)
                runs.on_host = on_host(machine, "holders", secrets=list(runs.secrets.values()))
                journal = ["journalctl", "--quiet", "--no-pager", "--output=cat", "--all"]
                runs.places["the host's journal"] = (
                    machine.run_repeatable(journal, timeout=120).check().stdout
                )
                controller.plant(remote)
        hub = lab.settings.hub
        logs = (hub / "hub.log", hub / "hub.out", *hub.glob("access.jsonl*"), lab.settings.logs)
        incus = lab.settings.incus / "logs"
        for path in files_below(*logs, incus, folder / "evidence"):
            runs.places[str(path)] = path.read_bytes()
        yield runs


def mistreat(controller: Controller, folder: Path, wrong: Path, runs: Runs) -> None:
    """Provision with a wrong PAT, and with defects that strike while the right one is at hand."""
    runs.secrets["the wrong PAT"] = WRONG_PAT
    wrong_controller = Controller(folder, wrong, runs)
    wrong_controller.run("wrong PAT", "provision", "--host", NAME, env={"WRONG_PAT": WRONG_PAT})
    for label, defect in DEFECTS.items():
        controller.run(label, "provision", "--host", NAME, before=defect)


def refused(machine: Machine) -> CredentialError:
    """The error that a wrong PAT raises."""
    with pytest.raises(CredentialError) as caught:
        ask_hub(machine, "ccci", Secret(WRONG_PAT))
    return caught.value


def leaks(runs: Runs, places: Iterable[tuple[str, bytes]]) -> list[tuple[str, list[str]]]:
    """Where a secret is, and which."""
    searched = [(where, found(runs.secrets, content)) for where, content in places]
    return [(where, what) for where, what in searched if what]


def test_the_runs_did_what_they_should(runs: Runs) -> None:
    expected = {"wrong PAT": 3, "uncaught": 3, "program": 3}
    assert runs.exit_codes == {label: expected.get(label, 0) for label in runs.said}, runs.said
    assert "Docker Hub refuses the PAT" in runs.said["wrong PAT"]
    assert "Traceback" in runs.said["uncaught"]
    assert "KeyError: 0" in runs.said["program"]
    assert len([what for what in runs.secrets if what.startswith("mounted")]) >= 2
    assert any(path.endswith("history.jsonl") for path in runs.places)
    for said in runs.said.values():
        assert " ccci_host.transport " in said, "commands are logged"
        assert " bytes in, " in said, "at the loudest"
        assert " urllib3." in said, "libraries are heard"


def test_no_started_program_had_a_secret_among_its_words(runs: Runs) -> None:
    if runs.recorded.absent:
        pytest.skip(f"not run: {runs.recorded.absent}")
    assert runs.recorded.problem == ""
    planted = {
        f"{word} {place} {number}": False
        for number, word in enumerate(PLANTED)
        for place in ("here", f"on {NAME}", f"on {REMOTE}")
    }
    leaked: list[str] = []
    count = 0
    for argv in runs.recorded.argvs():
        count += 1
        leaked += [f"{what}: {argv[:80]!r}" for what in found(runs.secrets, argv)]
        planted |= {word: True for word in found({word: word for word in planted}, argv) if word in planted}
    assert {word[-40:]: caught for word, caught in planted.items() if not caught} == {}, "recorder"
    assert count > 100
    assert leaked == []


def test_nothing_said_logged_or_kept_holds_a_secret(runs: Runs) -> None:
    places = [(label, said.encode()) for label, said in runs.said.items()]
    assert leaks(runs, [*places, *runs.places.items()]) == []


def test_on_the_host_the_login_alone_holds_one(runs: Runs) -> None:
    assert runs.on_host == {LOGIN: "0600 root"}


@pytest.mark.parametrize("frame", ["{}", '"auth": "{}"', "https://u:{}@example.org/"])
def test_a_planted_secret_is_found_in_a_log(frame: str, runs: Runs, tmp_path: Path) -> None:
    log = tmp_path / "planted.log"
    for what, value in runs.secrets.items():
        for form in forms(value):
            log.write_text(f"one line\n{frame.format(form.decode())}\nanother\n")
            [(where, seen)] = leaks(runs, [(str(log), log.read_bytes())])
            assert where == str(log)
            assert what in seen


def test_a_refusal_holds_no_pat(runs: Runs) -> None:
    error = runs.refusal
    assert error is not None
    shown = [str(error), repr(error), repr(vars(error)), *traceback.format_exception(error)]
    assert [text for text in shown if WRONG_PAT in text] == []
