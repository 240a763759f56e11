"""The command line: invoke's tasks, with this project's exit codes and its way of telling an error.

A task's body returns what it has to say; `task` shows it and ends with its exit code. So it is under bare
`invoke` and under `ccci` alike, except that bare `invoke` itself uses 1 for a word that it does not know.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import Any

from invoke.context import Context
from invoke.exceptions import Exit, ParseError
from invoke.parser.argument import Argument
from invoke.program import Program
from invoke.tasks import Task
from invoke.tasks import task as invoke_task

from ccci_host import __version__, checkout
from ccci_host.errors import CcciError, UsageError
from ccci_host.progress import say
from ccci_host.verdict import COULD_NOT_RUN

VERBOSITY_VARIABLE = "CCCI_VERBOSE"
"""`1` logs each command run on a host, `2` also how much went in and out. The same as `-v` and `-vv`."""

_NO_NUMBER = re.compile(r"^invalid literal for int\(\) with base \d+: ")
"""How Python says it."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a task has to say: lines for a person, a value for `--json`, an exit code."""

    text: str
    exit_code: int = 0
    value: Any = None


GOES_ON = "What it began on the host may still go on. Run it again to see it to its end."
"""What to know of a task that was interrupted: a command on the host outlives its controller (fact 36)."""


class InsteadOf(Argument):
    """A flag that stands for a positional argument: with it the other is left out, and is empty."""

    def __init__(self, positional: Argument, flag: Argument) -> None:
        super().__init__(names=flag.names, kind=flag.kind, default=flag.default, help=flag.help)
        self._positional = positional

    def set_value(self, value: Any, cast: bool = True) -> None:
        """invoke's own, which then does not miss the other any more."""
        super().set_value(value, cast)
        self._positional.default = ""


class EitherTask(Task[Any]):
    """A task that may have one flag which stands for a positional argument."""

    instead: tuple[str, str] | None = None
    """The flag and the positional argument, by their names."""

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """invoke's own, but for that flag."""
        arguments = super().get_arguments(ignore_unknown_help)
        if self.instead is None:
            return arguments
        flag, positional = (next(one for one in arguments if one.name == name) for name in self.instead)
        return [InsteadOf(positional, flag) if one is flag else one for one in arguments]


def task(
    *, interrupted: str = GOES_ON, instead: tuple[str, str] | None = None, **options: Any
) -> Callable[[Callable[..., Said]], Task[Any]]:
    """Make an invoke task of a body that returns `Said`.

    `instead` names a flag, and the positional argument that is left out where the flag is given.
    A body with a parameter `json` shows its value instead of its text when that is asked for. A `CcciError`
    becomes one paragraph and exit code 3; so does an interrupt, with what is to be known of it then, and a
    defect of ours with its traceback.
    """

    def decorate(body: Callable[..., Said]) -> Task[Any]:
        @wraps(body)
        def run(*args: Any, **kwargs: Any) -> None:
            def shown() -> Said:
                set_up_logging(_verbosity())
                _refuse_dry(args[0])
                said = body(*args, **kwargs)
                _show(json.dumps(said.value, indent=2) if kwargs.get("json") else said.text)
                return said

            said = _ended(shown, interrupted)
            if said.exit_code:
                raise Exit(code=said.exit_code)

        # invoke's own short flags would go to whichever parameter comes first, another in each task
        decorated: EitherTask = invoke_task(klass=EitherTask, auto_shortflags=False, **options)(run)
        decorated.instead = instead
        return decorated

    return decorate


def _refuse_dry(context: Context) -> None:
    """invoke's `--dry` holds back only commands that invoke runs, and ours reach the host by other ways."""
    if context.config.run.dry:
        raise UsageError(
            "`--dry` would not keep a task from acting, so nothing was begun.",
            resolution="`invoke provision --check` and `invoke prune` look and change nothing.",
        )


def _ended(body: Callable[[], Said], interrupted: str) -> Said:
    try:
        return body()
    except CcciError as error:
        say(paragraph(error))
    except KeyboardInterrupt:
        say(f"Interrupted. {interrupted}")
    except (Exit, SystemExit):
        raise
    except Exception:
        # The outermost frame: whatever this is, it is no verdict.
        traceback.print_exc()
        say(
            "This is a defect of the suite, no verdict about the host. Please report it with the lines above."
        )
    raise Exit(code=COULD_NOT_RUN)


def _not_begun() -> int:
    """Show what kept anything from being begun, such as a configuration of invoke's own that is no YAML."""
    traceback.print_exc()
    say("Nothing was begun. Mend what the lines above name.")
    return COULD_NOT_RUN


def _show(result: str) -> None:
    """Print to standard output. Raises `CcciError` where nobody takes it, which must not look like a FAIL."""
    try:
        print(result, flush=True)
    except OSError as error:
        # What is still in the buffer would fail again when Python ends, with an exit code of Python's own.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CcciError(
            "The result could not be written to standard output.",
            details=str(error),
            resolution="Read it in the run's folder where there is one, or run this again.",
        ) from None


def paragraph(error: CcciError) -> str:
    """An error for a person: what happened, what was seen (indented), what to do."""
    details = "".join(f"\n    {line}" for line in error.details.splitlines() if line.strip())
    resolution = f"\n{error.resolution}" if error.resolution else ""
    return f"{error.brief}{details}{resolution}"


def _verbosity() -> int:
    said = os.environ.get(VERBOSITY_VARIABLE) or "0"
    if not said.isdecimal():
        raise UsageError(f"{VERBOSITY_VARIABLE} is {said!r}.", resolution="Set it to 0, 1 or 2, or unset it.")
    return int(said)


def set_up_logging(verbosity: int) -> None:
    """Log to standard error: nothing at 0, commands at 1, what the libraries say as well at 2."""
    level = {0: logging.CRITICAL, 1: logging.INFO}.get(verbosity, logging.DEBUG)
    logging.basicConfig(level=level, format="%(asctime)s %(name)s %(message)s", force=True)


class CcciProgram(Program):
    """invoke's program with exit code 3 for all that is no verdict, and `-v`."""

    def core_args(self) -> list[Argument]:
        """invoke's own core arguments and `--verbose`."""
        verbose = Argument(
            names=("verbose", "v"),
            kind=int,
            default=0,
            incrementable=True,
            help="Log commands (-v), and what the libraries say (-vv).",
        )
        return [*super().core_args(), verbose]

    def parse_core(self, argv: list[str] | None) -> None:
        """invoke's own, and remember `-v` before the task: parsing the rest sets it back."""
        super().parse_core(argv)
        self._verbose_before = int(self.args.verbose.value)

    def update_config(self, merge: bool = True) -> None:
        """Pass `-v` on to the tasks, which may also run without this program."""
        verbosity = self._verbose_before + int(self.args.verbose.value)
        if verbosity:
            os.environ[VERBOSITY_VARIABLE] = str(verbosity)
        super().update_config(merge)

    def ended(self, argv: Sequence[str]) -> int:
        """Run the words of `argv` (program name first) and return the exit code."""
        try:
            self.create_config()
            self.parse_core(list(argv))
            self.parse_collection()
            self.parse_tasks()
            self.parse_cleanup()
            self.update_config()
            self.execute()
        except Exit as end:
            if end.message:  # invoke's own complaint; ours were shown where they arose
                say(end.message)
                return COULD_NOT_RUN
            return int(end.code)
        except (ParseError, ValueError) as error:  # ValueError: a word where a flag wants a number
            wrong = _NO_NUMBER.sub("A flag wants a whole number, and got ", str(error))
            say(f"{wrong}\n`{argv[0]} --list` names the tasks, `{argv[0]} --help TASK` a task's arguments.")
            return COULD_NOT_RUN
        except KeyboardInterrupt:
            say("Interrupted before anything was begun.")
            return COULD_NOT_RUN
        except Exception:  # Python's own exit code for it would be that of a FAIL
            return _not_begun()
        return 0


def main() -> None:
    """Entry point of `ccci`."""
    sys.path.insert(0, str(checkout.ROOT))
    try:
        namespace = import_module("tasks").namespace
    except Exception:
        sys.exit(_not_begun())
    program = CcciProgram(name="ccci", binary="ccci", version=__version__, namespace=namespace)
    words = sys.argv[1:] or ["--list"]
    sys.exit(program.ended([os.environ.get("CCCI_PROGRAM", "ccci"), *words]))
