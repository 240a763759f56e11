"""The report in a real browser: the verdict in the first screen, nothing cut off, dark, and on paper."""

import json
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any

import pytest

from ccci_host.checks import judge
from ccci_host.report import as_html
from tests.histories import good
from tests.unit.report.test_report import failing

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="NOT RUN: no chromium on this machine")

DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")

PAGE = """<!doctype html><meta charset="utf-8">
{frames}
<pre id="seen"></pre>
<script>
addEventListener("load", () => {{
  const seen = [...document.querySelectorAll("iframe")].map(frame => {{
    const page = frame.contentDocument, root = page.documentElement;
    const end = name => page.querySelector(name)?.getBoundingClientRect().bottom ?? null;
    return {{
      width: frame.clientWidth, height: frame.clientHeight, overflow: root.scrollWidth - root.clientWidth,
      reason: end(".reason"), todo: end(".todo"), figures: end(".figures"),
      paper: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
      clipped: [...page.querySelectorAll("p, li, dd, td, th")].filter(
        one => one.scrollWidth > one.clientWidth + 1).map(one => one.textContent.slice(0, 60)),
    }};
  }});
  document.getElementById("seen").textContent = JSON.stringify(seen);
}});
</script>
"""


def chromium(folder: Path, *words: str) -> str:
    """What a headless chromium prints; its profile is thrown away with `folder`."""
    argv = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={folder / 'profile'}",
    ]
    done = subprocess.run([*argv, *words], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


def seen(folder: Path, report: str, *flags: str) -> list[dict[str, Any]]:
    """The report on a desktop and on a phone, measured."""
    frames = "".join(
        f'<iframe width="{width}" height="{height}" style="border:0" srcdoc="{escape(report)}"></iframe>'
        for width, height in ((1280, 800), (390, 844))
    )
    page = folder / "page.html"
    page.write_text(PAGE.format(frames=frames))
    said = chromium(folder, *flags, "--dump-dom", page.as_uri())
    found = re.search(r'<pre id="seen">(.*?)</pre>', said, re.DOTALL)
    assert found, said[-2000:]
    views: list[dict[str, Any]] = json.loads(unescape(found[1]))
    return views


def test_the_first_screen_holds_the_verdict_and_why(tmp_path: Path) -> None:
    desktop, phone = seen(tmp_path, as_html(failing(), judge(failing())))
    for view in (desktop, phone):
        assert view["overflow"] == 0, "the page itself never scrolls sideways"
        assert view["clipped"] == []
        assert 0 < view["reason"] < view["todo"] < view["height"]
    assert desktop["figures"] < desktop["height"]
    assert desktop["paper"] == "rgb(250, 249, 246)"


def test_a_reader_of_the_dark_gets_it_dark(tmp_path: Path) -> None:
    history = good("reboot-and-redeploy")
    for view in seen(tmp_path, as_html(history, judge(history)), *DARK):
        assert view["paper"] == "rgb(20, 22, 26)"


def test_it_can_be_printed(tmp_path: Path) -> None:
    page, paper = tmp_path / "report.html", tmp_path / "report.pdf"
    page.write_text(as_html(failing(), judge(failing())))
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}", page.as_uri())
    assert paper.read_bytes().startswith(b"%PDF-")
