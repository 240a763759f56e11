"""The report: the verdict first, all that a reader needs, nothing that a page could be tricked with."""

import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser

import pytest

from ccci_host.checks import judge
from ccci_host.checks.registry import EVERY_TASK
from ccci_host.records import (
    BootSeen,
    Finished,
    History,
    InterfaceSeen,
    Note,
    PinControl,
    RebootDone,
    RequestsSeen,
    Started,
    StoreSeen,
    Tick,
    TicksSeen,
)
from ccci_host.report import as_html, as_markdown, words
from ccci_host.report.boots import boot_rows
from tests.histories import changed, cold, cut, good, of_events, store, ticks, without

Render = Callable[[History], str]


def html(history: History) -> str:
    return as_html(history, judge(history))


def markdown(history: History) -> str:
    return as_markdown(history, judge(history))


BOTH = pytest.mark.parametrize("render", [html, markdown], ids=["html", "markdown"])


def failing() -> History:
    history = changed(
        good("reboot-and-redeploy"), StoreSeen, lambda _: store("redeployed", fresh=400), moment="redeployed"
    )
    return changed(history, RequestsSeen, {"requests": cold(125)}, phase="redeploy")


@BOTH
@pytest.mark.parametrize("task", EVERY_TASK)
def test_every_task_has_its_report(render: Render, task: str) -> None:
    text = render(good(task))
    judgement = judge(good(task))
    assert str(judgement.verdict) in text
    for finding in judgement.findings:
        assert finding.check in text
    assert judgement.history_sha256 in text


@BOTH
@pytest.mark.parametrize("task", EVERY_TASK)
def test_a_history_cut_off_anywhere_has_a_report(render: Render, task: str) -> None:
    whole = good(task)
    for length in range(0, len(whole.entries), 3):
        assert "UNKNOWN" in render(cut(whole, length))


@BOTH
def test_the_verdict_and_why_come_first(render: Render) -> None:
    text = render(failing())
    body = text[text.find("<body>") :] if "<body>" in text else text
    assert 0 <= body.find("FAIL") < body.find("the host lost ccci/app:1.0") < body.find("What happened")
    assert "What to do" in body[: body.find("What happened")]


@BOTH
def test_each_image_says_what_was_there_and_what_came(render: Render) -> None:
    good_text, bad_text = render(good("reboot-and-redeploy")), render(failing())
    assert "0 of 2" in good_text
    assert "2 of 2" in bad_text
    assert "15.0 MB" in bad_text


@BOTH
def test_the_registrys_requests_stand_side_by_side(render: Render) -> None:
    text = render(good("verify-pc3"))
    assert "docker.io/ccci/db" in text
    assert "1 × GET manifest · ccci-ci" in text
    assert "1 × GET layer, 8.0 MB · ccci-ci" in text


@BOTH
def test_the_reboot_is_shown_witness_by_witness(render: Render) -> None:
    text = render(good("reboot-and-redeploy"))
    assert (
        "Graceful restart: seen down after 0.8 s (its first process was gone), ready again after 4.2 s"
        in text
    )
    assert "Incus: started at (outside)" in text
    assert "gone" in text


@pytest.mark.parametrize(
    ("change", "rows"),
    [
        ({}, {"PID 1": True, "token": True}),
        ({"init_started": None}, {"PID 1": None}),
        ({"init_started": 1_772_366_399.8 + 120}, {"PID 1": False}),
        ({"inside_problem": "no answer"}, {"token": None}),
        ({"token": "token-1"}, {"token": False}),
    ],
)
def test_the_rows_of_a_reboot_say_what_the_check_says(
    change: dict[str, object], rows: dict[str, bool | None]
) -> None:
    history = changed(good("reboot-and-redeploy"), BootSeen, change, moment="rebooted")
    said = {row.witness.partition(":")[0].partition(" in ")[0]: row.changed for row in boot_rows(history, 1)}
    assert {name: said[name] for name in rows} == rows


def test_a_token_that_was_never_seen_is_not_gone() -> None:
    history = changed(good("reboot-and-redeploy"), BootSeen, {"token": None}, moment="torn-down")
    assert boot_rows(history, 1)[-1].changed is None


@BOTH
def test_what_was_not_shown_is_said(render: Render) -> None:
    forced = changed(good("reboot-and-redeploy"), RebootDone, {"forced": True})
    assert "A power cut" in render(forced)
    assert "A power cut" not in render(good("reboot-and-redeploy"))
    blind = changed(
        good("verify-pc3"), InterfaceSeen, {"bytes": None, "problem": "no counters"}, phase="redeploy"
    )
    assert "Interface bytes during redeploy: no counters" in render(blind)


@BOTH
def test_what_no_witness_decided_is_not_shown(render: Render) -> None:
    blind = without(without(good("verify-pc3"), RequestsSeen), InterfaceSeen)
    text = render(blind)
    said = text[text.rfind("What was not shown") :]
    assert "It is not shown that the layers came from the local store" in said
    assert "every question" not in said.lower()
    assert "Every question of this task was put and answered" in render(good("verify-pc3"))


@BOTH
def test_a_record_of_less_than_a_day_is_told(render: Render) -> None:
    seen = ticks()
    young = {"ticks": (Tick(at=seen.host_clock - 720, done=True, percent=50.0),)}
    said = "A day of the agent's ticks: the record of this disposable host covers 0.2 hours."
    assert said in unescape(render(changed(good("verify-pc1"), TicksSeen, young)))
    assert "A day of the agent" not in render(good("verify-pc1"))


@BOTH
def test_pc1_has_its_numbers_and_compares_with_no_redeploy(render: Render) -> None:
    text = render(good("verify-pc1"))
    for label in (
        "other active pruners",
        "images that a full disk would cost",
        "images removed under its lease",
        "disk in use",
        "ticks of the agent",
    ):
        assert label in text
    assert "of 3 in the store, at a pretended 95 %" in text
    assert "18 earlier ones, then" in text
    assert "redeploy" not in text
    assert "present after the teardown" in text


@BOTH
def test_each_cycle_is_shown(render: Render) -> None:
    text = render(good("reboot-and-redeploy", cycles=3))
    for number in (1, 2, 3):
        assert f"ycle {number}" in text


@BOTH
def test_an_empty_history_has_a_report(render: Render) -> None:
    assert "The history does not begin with the start of a run." in render(History())


class Page(HTMLParser):
    """Collects what a browser would fetch, and checks that every element is closed."""

    VOID = ("meta", "link", "br", "img", "hr", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")
        ]
        self.fetched += [tag] if tag in ("script", "link", "iframe", "img", "object") else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [tag] if tag in ("script", "link", "iframe", "img", "object") else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("history", [good("reboot-and-redeploy", cycles=2), failing(), History()])
def test_the_page_is_whole_and_needs_nothing_else(history: History) -> None:
    page = Page()
    page.feed(html(history))
    page.close()
    assert page.open == []
    assert page.fetched == []
    assert not re.search(r"@import|url\((?!#)", html(history))


def test_what_is_quoted_has_no_line_of_markdown_of_its_own() -> None:
    forged = "No such image\n\n# PASS: all is well\n- **PASS** `run-complete`\n<!-- <div hidden>"
    history = changed(good("verify-pc3"), PinControl, {"error": forged, "outcome": "unclear"})
    history = changed(history, Started, {"label": forged, "argv": ("ccci", forged)})
    history = changed(history, Finished, {"outcome": "failed", "problem": forged})
    text = markdown(history)
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("# ")] == [lines[0]]
    assert lines[0].startswith("# UNKNOWN")
    assert not any(line.startswith("- **PASS** `run-complete`") for line in lines)
    assert not re.search(r"(?<!\\)<(!--|div)", text)
    assert "No such image # PASS: all is well" in text


def test_what_a_host_says_cannot_become_part_of_the_page() -> None:
    evil = "<script>alert(1)</script> `<b>code</b>`"
    history = good("verify-pc3")
    events = tuple(entry.event for entry in history.entries)
    history = of_events((*events[:-1], Note(text=evil), events[-1]))
    history = changed(history, RequestsSeen, {"problem": evil, "requests": ()}, phase="redeploy")
    history = changed(history, InterfaceSeen, {"problem": evil, "bytes": None}, phase="redeploy")
    text = html(history)
    assert "<script" not in text
    assert "<b>" not in text.replace("<b>What to do:</b>", "").replace("<b>PC3", "")


@BOTH
def test_what_a_terminal_would_obey_is_shown(render: Render) -> None:
    text = render(changed(good("verify-pc3"), Started, {"label": "\x1b[2K \u202eSSAP \ud800"}))
    assert "\\x1b[2K \\x202eSSAP \\xd800" in text
    assert text == text.encode().decode()


def test_the_timeline_draws_every_request_within_its_phase() -> None:
    from ccci_host.report.timeline import WIDTH, timeline

    line = timeline(good("reboot-and-redeploy"), 1)
    assert [block.phase for block in line.blocks] == [
        "deploy",
        "teardown",
        "reboot",
        "redeploy",
        "final-teardown",
    ]
    assert sum(tick.what == "layer" for tick in line.ticks) == 3
    for first, second in zip(line.blocks, line.blocks[1:], strict=False):
        assert first.x + first.width == pytest.approx(second.x)
    assert all(0 < tick.x < WIDTH for tick in line.ticks)
    assert line.blocks[-1].x + line.blocks[-1].width <= WIDTH


def test_a_table_of_markdown_survives_a_bar() -> None:
    history = changed(
        good("verify-pc3"), InterfaceSeen, {"problem": "a | b", "bytes": None}, phase="redeploy"
    )
    assert "a \\| b" in markdown(history)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (None, "–"),
        (0.04, "0.0 s"),
        (99.9, "99.9 s"),
        (100.0, "1 min 40 s"),
        (119.7, "2 min 0 s"),
        (154.3, "2 min 34 s"),
        (347.8, "5 min 48 s"),
        (411.0, "6 min 51 s"),
    ],
)
def test_minutes_are_those_that_have_passed(number: float | None, told: str) -> None:
    assert words.seconds(number) == told


@pytest.mark.parametrize("epoch", [None, 0.0, 1e15, 1e18, 1e300, -1e18])
def test_a_time_of_no_year_is_a_dash(epoch: float | None) -> None:
    assert words.stamp(epoch) == "–"
    assert words.stamp(1_772_366_400.0) == "2026-03-01 12:00:00"
