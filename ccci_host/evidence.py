"""The folder of a run: history, verdict, reports. Written once, read by anybody, years later."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from ccci_host.checks import Judgement, judge
from ccci_host.errors import CcciError, NotFoundError, RefusedError
from ccci_host.generated import replace_file
from ccci_host.journal import read_history
from ccci_host.report import as_html, as_markdown

HISTORY = "history.jsonl"
VERDICT = "verdict.json"
MARKDOWN = "report.md"
HTML = "report.html"

_NAME = re.compile(r"\d{8}T\d{6}Z-(.+?)(?:-\d+)?")


def new_folder(root: Path, task: str, now: datetime | None = None) -> Path:
    """Make the folder `<UTC>-<task>` in `root`, with a number behind where two runs begin in one second.

    Raises `CcciError` when it cannot be made.
    """
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            folder = root / (f"{stamp}-{task}" if number == 1 else f"{stamp}-{task}-{number}")
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise CcciError(
            f"No evidence can be kept in {root}.",
            details=str(error),
            resolution="Name another folder with --evidence.",
        ) from None
    raise CcciError(f"{root} has a thousand runs of this very second.")


def task_of(name: str) -> str | None:
    """The task in a name that `new_folder` has given; None in any other name."""
    found = _NAME.fullmatch(name)
    return found[1] if found else None


def conclude(folder: Path) -> Judgement:
    """Judge the history in `folder`; write the verdict beside it, then the reports that tell of it."""
    history = read_history(folder / HISTORY)
    judgement = judge(history)
    replace_file(folder / VERDICT, judgement.model_dump_json(indent=2) + "\n")
    replace_file(folder / MARKDOWN, as_markdown(history, judgement))
    replace_file(folder / HTML, as_html(history, judgement))
    return judgement


def recorded(folder: Path) -> Judgement:
    """The judgement that `verdict.json` holds. Raises `NotFoundError`, or `CcciError` when it is none."""
    path = folder / VERDICT
    try:
        return Judgement.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        resolution = f"Name the folder of a run: it holds {HISTORY} and {VERDICT}."
        if (folder / HISTORY).exists():
            resolution = "The run was killed, or is still under way. Killed, it is not judged: run it again."
        raise NotFoundError(f"There is no verdict at {path}.", resolution=resolution) from None
    except (OSError, ValidationError) as error:
        raise CcciError(f"{path} is no verdict.", details=str(error)) from None


def confirm(folder: Path) -> tuple[Judgement, Judgement]:
    """The judgement on file, and the one that its history gives now.

    Raises `RefusedError` when the history is not the one that was judged.
    """
    on_file = recorded(folder)
    history = read_history(folder / HISTORY)
    if history.sha256 != on_file.history_sha256:
        raise RefusedError(
            f"{folder / HISTORY} is not the history that was judged.",
            details=f"Its SHA-256 is {history.sha256}; {VERDICT} was computed from {on_file.history_sha256}.",
            resolution="Fetch the original file. A history is written once and never edited.",
        )
    return on_file, judge(history)


def as_value(judgement: Judgement, folder: Path) -> dict[str, object]:
    """What `--json` prints: the content of `verdict.json`, and where it is."""
    value: dict[str, object] = json.loads(judgement.model_dump_json())
    return {**value, "folder": str(folder)}
