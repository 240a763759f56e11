"""Exit codes and texts of the command line, under `ccci` and under bare invoke."""

import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import IO

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.program import Program

import tasks
from ccci_host import cli, keyboard
from ccci_host.checkout import ROOT as CHECKOUT
from ccci_host.cli import CcciProgram, Said
from ccci_host.errors import HostError, UsageError
from ccci_host.experiments.options import PAUSES
from ccci_host.lab.hub.budget import Budget, BudgetState
from ccci_host.lab.hub.control import Control
from ccci_host.records import Removal
from tests.command_line import CommandLine, configured


@pytest.fixture
def ccci(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    """The real tasks where nothing is configured and no lab is."""
    monkeypatch.delenv("CCCI_CONFIG", raising=False)
    monkeypatch.setenv("CCCI_LAB_DIR", str(tmp_path / "no-lab"))
    monkeypatch.chdir(tmp_path)
    return CommandLine(capsys)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("no-such-task", "'no-such-task'"),
        ("verify-pc3 --no-such-flag", "'--no-such-flag'"),
        ("--no-such-flag", "'--no-such-flag'"),
        ("--help no-such-task", "'no-such-task'"),
        ("deploy one two", "'two'"),
        ("deploy", "'recipe'"),
        ("teardown", "'recipe'"),
        ("teardown --stack", "'recipe'"),
        ("teardown shop --stack --domain shop.test", "belong to a recipe"),
        ("teardown --stack shop --deployer stack", "belong to a recipe"),
        ("provision --host", "host"),
        ("verify-pc3 --cycles many", "a whole number, and got 'many'"),
        ("reboot-and-redeploy --boot-timeout=long", "a whole number, and got 'long'"),
        ("verify-pc3 --pause-before lunch", "'lunch'.\nChoose from teardown, redeploy"),
        ("verify-pc3 --pause-before reboot", "'reboot'.\nChoose from teardown, redeploy"),
        ("reboot-and-redeploy --pause-before lunch", "'lunch'.\nChoose from teardown, reboot, redeploy"),
        ("lab.up --stores tape", "'tape'.\nThe stores are classic and containerd"),
        ("analyze nowhere", "no verdict at"),
        ("lab.limit", "How many pulls is the lab's account to have?"),
        ("lab.limit --pulls 1000", "stand-in does not answer"),
        ("--dry provision", "`--dry` would not keep a task from acting"),
        ("provision", "No host is configured, and there is no lab.\nWrite ccci.toml after"),
        ("verify --json", "No host is configured, and there is no lab."),
    ],
)
def test_what_cannot_be_run_is_told_in_a_paragraph(ccci: CommandLine, words: str, named: str) -> None:
    assert named in ccci(*words.split()).one_paragraph()


def test_a_pause_without_standard_input_is_refused_before_anything_is_done(
    ccci: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    said = ccci("verify-pc3", "--pause-before", "redeploy").one_paragraph()
    assert said.startswith("A pause waits for Enter, and standard input is at its end.")


def test_every_problem_of_the_configuration_is_in_one_message(
    ccci: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "ccci.toml"
    path.write_text(
        'default_host = "other"\n[host.ci]\ncolour = "red"\n[host.ci.incus]\nendpoint = "ftp://x"\n'
        '[host.ci.hub]\naccount = "me"\npat = {}\n'
    )
    said = ccci("provision").one_paragraph()
    for problem in ("[host.other]", "host.ci.colour: unknown key", "instance: missing", "endpoint", "PAT"):
        assert problem in said
    path.write_text("[host.ci\n")
    assert "is not valid TOML" in ccci("provision").one_paragraph()
    configured(monkeypatch, tmp_path / "gone.toml")
    assert "There is no configuration file at" in ccci("provision").one_paragraph()


HOST = """
[host.{name}]
disposable = {disposable}
[host.{name}.incus]
endpoint = "/incus/unix.socket"
instance = "{name}"
[host.{name}.hub]
account = "me"
pat = {{ env = "CCCI_TEST_PAT" }}
"""


def test_faults_without_a_host_for_them_are_no_verdict(ccci: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "ccci.toml").write_text(HOST.format(name="prod", disposable="false"))
    assert "has `disposable = true`" in ccci("verify", "--faults").one_paragraph()


@pytest.mark.parametrize(
    ("words", "meant"), [("shop", "recipe"), ("--stack shop", "stack"), ("shop --stack", "stack")]
)
def test_a_teardown_takes_a_recipe_or_a_stack(
    words: str, meant: str, ccci: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    removal = Removal(stack="shop", removed=(), left=(), seconds=1.0)
    called: list[tuple[str, str]] = []
    for kind in ("recipe", "stack"):

        def tear_down(_: object, name: str, kind: str = kind, **__: object) -> Removal:
            called.append((kind, name))
            return removal

        monkeypatch.setattr(f"ccci_host.recipes.teardown_{kind}", tear_down)
    monkeypatch.setattr(tasks, "machine", lambda host: nullcontext())
    assert ccci("teardown", *words.split()).last == "shop is gone."
    assert called == [(meant, "shop")]


@pytest.mark.parametrize("more", [["--recipe", "small"], ["--deployer", "stack"]])
def test_faults_take_no_recipe_and_no_deployer(ccci: CommandLine, more: list[str]) -> None:
    assert "Each fault chooses its recipe" in ccci("verify", "--faults", *more).one_paragraph()


@pytest.mark.parametrize(
    "words",
    [
        ["--apply", "--explain", "nginx:1"],
        ["--apply", "--adopt", "nginx:1"],
        ["--explain", "nginx:1", "--adopt", "nginx:1"],
    ],
)
def test_prune_does_one_thing_at_a_time(ccci: CommandLine, words: list[str]) -> None:
    assert "ask for three different things" in ccci("prune", *words).one_paragraph()


def test_no_task_has_short_flags_of_chance() -> None:
    tasks_of = {name: tasks.namespace[name] for name in tasks.namespace.task_names}
    short = {
        name: [names for arg in task.get_arguments() if (names := arg.names[1:])]
        for name, task in tasks_of.items()
    }
    assert not {name: found for name, found in short.items() if found}


def test_faults_that_do_no_harm_on_the_hosts_store_are_no_verdict(
    ccci: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "ccci.toml").write_text(HOST.format(name="ci", disposable="true"))
    monkeypatch.setattr(tasks, "machine", lambda host: nullcontext())
    monkeypatch.setattr("ccci_host.verify_faults.try_faults", lambda *_, **__: ())
    said = ccci("verify", "--faults", "prune-f").one_paragraph()
    assert "the image store of ci" in said
    assert "prune-f: classic only" in said


def test_the_labs_account_gets_another_limit(ccci: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(BudgetState())
    budget.spend("account:ccci")
    monkeypatch.setattr(Control, "set_limit", lambda _, payer, limit: budget.set_limit(payer, limit))
    monkeypatch.setattr(
        Control,
        "buckets",
        lambda _: {payer: {"remaining": budget.remaining(payer)} for payer in ["account:ccci"]},
    )
    ended = ccci("lab.limit", "--pulls", "1000")
    assert (ended.code, ended.last) == (
        0,
        "The account ccci may pull 1000 manifests in six hours; 999 are left.",
    )
    assert (budget.limit("account:ccci"), budget.limit("account:stranger")) == (1000, 200)


# --- What a body says, and how it ends

Ending = Callable[[], Said]


def _raise(error: BaseException) -> Ending:
    def end() -> Said:
        raise error

    return end


FULL = HostError("The disk is full.", details="/dev/sda1\n\n0 bytes left", resolution="Make room.")
ENDINGS: dict[str, tuple[Ending, int]] = {
    "pass": (lambda: Said("a line\npc: PASS: all well.", 0, {"verdict": "PASS"}), 0),
    "fail": (lambda: Said("a line\npc: FAIL: an image is gone.", 1, {"verdict": "FAIL"}), 1),
    "unknown": (lambda: Said("pc: UNKNOWN: nobody saw.", 2, {"verdict": "UNKNOWN"}), 2),
    "error": (_raise(FULL), 3),
    "defect": (_raise(ZeroDivisionError("of ours")), 3),
    "exhausted": (_raise(MemoryError()), 3),
    "interrupt": (_raise(KeyboardInterrupt()), 3),
    "not-a-number": (_raise(ValueError("invalid literal for int() with base 10: 'x'")), 3),
    "not-json": (lambda: Said("text", 0, object()), 0),
}


def _collection(ending: Ending) -> Collection:
    @cli.task()
    def work(_: Context, json: bool = False) -> Said:
        """End as the test wants."""
        return ending()

    return Collection(work)


def _under_ccci(namespace: Collection, words: list[str]) -> int:
    return CcciProgram(name="ccci", binary="ccci", namespace=namespace).ended(["ccci", *words])


def _under_invoke(namespace: Collection, words: list[str]) -> int:
    try:
        Program(namespace=namespace).run(["invoke", *words])
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code
    return 0


@pytest.fixture(params=[_under_ccci, _under_invoke])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the task `work` with an ending; the exit code."""
    monkeypatch.setattr(cli, "set_up_logging", lambda verbosity: None)
    return lambda ending, *words: request.param(_collection(ENDINGS[ending][0]), ["work", *words])


@pytest.mark.parametrize("ending", ENDINGS)
def test_exit_codes(run: Callable[..., int], ending: str) -> None:
    assert run(ending) == ENDINGS[ending][1]


def test_an_error_is_one_paragraph(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    run("error", "--json")
    shown = capsys.readouterr()
    assert shown.err == "The disk is full.\n    /dev/sda1\n    0 bytes left\nMake room.\n"
    assert shown.out == "", "no JSON that could pass for an answer"


def test_a_defect_comes_with_its_traceback(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    run("defect")
    shown = capsys.readouterr()
    assert "Traceback" in shown.err
    assert "ZeroDivisionError: of ours" in shown.err
    assert "no verdict about the host" in shown.err
    assert shown.out == ""


def test_a_value_that_is_no_json_is_a_defect(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("not-json", "--json") == 3
    assert capsys.readouterr().out == ""


def test_an_interrupt_has_no_traceback(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    run("interrupt")
    shown = capsys.readouterr()
    assert f"Interrupted. {cli.GOES_ON}" in shown.err, "not that anything was removed"
    assert "Traceback" not in shown.err


@pytest.mark.parametrize("ending", ["pass", "fail", "unknown"])
def test_a_verdict_is_the_last_line_or_all_of_the_json(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    code = run(ending)
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"pc: {ending.upper()}: ")
    assert run(ending, "--json") == code
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"verdict": ending.upper()}
    assert shown.err == ""


def test_an_interrupt_between_the_tasks_is_no_verdict(
    ccci: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CcciProgram, "parse_tasks", lambda _: _raise(KeyboardInterrupt())())
    ended = ccci("provision")
    assert (ended.code, ended.out) == (3, "")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("words", "level"),
    [
        ("lab.status", logging.CRITICAL),
        ("-v lab.status", logging.INFO),
        ("lab.status -v", logging.INFO),
        ("-vv lab.status", logging.DEBUG),
        ("-v lab.status -v", logging.DEBUG),
        ("--verbose lab.status", logging.INFO),
    ],
)
def test_v_sets_the_verbosity(
    ccci: CommandLine, monkeypatch: pytest.MonkeyPatch, words: str, level: int
) -> None:
    monkeypatch.delenv(cli.VERBOSITY_VARIABLE, raising=False)
    seen: list[int] = []

    def lab_said(_: object) -> Said:
        seen.append(logging.getLogger().level)
        return Said("")

    monkeypatch.setattr(tasks, "lab_said", lab_said)
    assert ccci(*words.split()).code == 0
    assert seen == [level]


def test_a_verbosity_that_is_none_is_told(ccci: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cli.VERBOSITY_VARIABLE, "much")
    assert "CCCI_VERBOSE is 'much'" in ccci("lab.status").one_paragraph()


def test_a_result_that_nobody_takes_is_no_verdict(tmp_path: Path) -> None:
    """A real process: what Python does with its buffers as it ends counts as well."""
    program = "from ccci_host.cli import main; main()"
    environment = {**os.environ, "CCCI_LAB_DIR": str(tmp_path)}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", program, "lab.status"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            text=True,
            check=False,
        )
    assert done.returncode == 3
    assert "could not be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_invoke_itself_cannot_read_is_no_verdict(tmp_path: Path) -> None:
    """Python's own exit code of an exception is that of a FAIL."""
    (tmp_path / ".invoke.yaml").write_text("a: [")
    done = subprocess.run(
        [sys.executable, "-c", "from ccci_host.cli import main; main()", "--list"],
        capture_output=True,
        env={**os.environ, "HOME": str(tmp_path)},
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert ".invoke.yaml" in done.stderr
    assert done.stderr.endswith("Nothing was begun. Mend what the lines above name.\n")


def test_tasks_that_cannot_be_imported_are_no_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tasks", None)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 3
    assert "Nothing was begun." in capsys.readouterr().err


# --- What is written about it


def test_the_bash_script_is_one() -> None:
    script = CHECKOUT / "ccci"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


@pytest.mark.parametrize("under", [_under_ccci, _under_invoke], ids=["ccci", "invoke"])
def test_no_task_begins_under_dry(under: Callable[[Collection, list[str]], int]) -> None:
    begun: list[str] = []

    def begin() -> Said:
        begun.append("work")
        return Said("")

    assert under(_collection(begin), ["--dry", "work"]) == 3
    assert begun == []
    assert under(_collection(begin), ["work"]) == 0
    assert begun == ["work"]


def test_the_help_names_every_pause() -> None:
    for pause in PAUSES:
        assert pause in tasks.PAUSE_OR_REBOOT
        assert (pause in tasks.PAUSE) == (pause != "reboot")


def nothing() -> None:
    """Is all that must not lapse."""


def typed(text: str, monkeypatch: pytest.MonkeyPatch) -> IO[str]:
    """Standard input with `text` in it; whoever gets the other end may type more, or close it."""
    ours, theirs = os.pipe()
    monkeypatch.setattr("sys.stdin", os.fdopen(ours))
    typist = os.fdopen(theirs, "w", buffering=1)
    typist.write(text)
    typist.flush()
    return typist


def test_a_pause_without_a_person_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    typed("wait", monkeypatch).close()
    with pytest.raises(UsageError, match="standard input is at its end"):
        keyboard.wait_for_enter("Waiting", nothing)


def test_each_pause_takes_one_enter_and_says_why_apart_from_the_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with typed("\nall right\n", monkeypatch) as theirs:
        keyboard.wait_for_enter("Waiting", nothing)
        keyboard.wait_for_enter("Waiting again", nothing)
        theirs.close()
        with pytest.raises(UsageError):
            keyboard.wait_for_enter("Waiting in vain", nothing)
    assert capsys.readouterr().out == ""


def test_what_must_not_lapse_is_done_while_a_person_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyboard, "MEANWHILE_SECONDS", 0.01)
    with typed("", monkeypatch) as theirs:
        keyboard.wait_for_enter("Waiting", lambda: print(file=theirs))


NAMED = re.compile(r"(?:`|^ {4,}|\$ )(?:\./ccci|ccci|invoke)[ \t]+([a-z][\w.-]*)([^`\n#\"]*)", re.MULTILINE)
"""A command line of ours in backticks or an indented block: its task, and its arguments."""
WRITTEN = [
    CHECKOUT / "README.md",
    CHECKOUT / "DECISIONS.md",
    CHECKOUT / "tasks.py",
    *sorted((CHECKOUT / "docs").iterdir()),
    *sorted((CHECKOUT / "machine-docs").glob("*.md")),
    *sorted((CHECKOUT / "ccci_host").rglob("*.py")),
    *sorted((CHECKOUT / "ccci_host").rglob("*.j2")),
]


def _named() -> list[tuple[str, str, str]]:
    """Each command line that is written somewhere: the file, the task, the rest."""
    return [
        (str(path.relative_to(CHECKOUT)), task, rest)
        for path in WRITTEN
        for task, rest in NAMED.findall(path.read_text())
    ]


def test_only_tasks_and_flags_that_exist_are_written_about() -> None:
    known = {
        name: {flag for flag in context.flags if flag.startswith("--")}
        for context in tasks.namespace.to_contexts()
        for name in (context.name, *context.aliases)
    }
    wrong = [
        f"{path}: {task}{rest}"
        for path, task, rest in _named()
        if task not in known or not set(re.findall(r"--[a-z][a-z-]*", rest)) <= known[task]
    ]
    assert wrong == []


def test_that_test_sees_what_is_written() -> None:
    named = {task for path, task, _ in _named() if path == "README.md"}
    assert {"demo", "test", "lab.down", "provision", "verify", "reboot-and-redeploy", "analyze"} <= named
