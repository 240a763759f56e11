from pathlib import Path

import pytest

from ccci_host.lab.images import rootfs
from ccci_host.lab.images.programs import programs_of

COMPOSE = """\
services:
  app:
    image: org/app:1
    entrypoint: ["/app/start.sh", "--fast"]
    command: gunicorn ./bin/serve-it -b 0.0.0.0:80 app.wsgi
    healthcheck:
      test: ["CMD", "checker", "--url", "http://localhost/"]
    volumes:
      - data:/opt/data
  worker:
    command:
      - celery
      - worker
    healthcheck:
      test: "CMD-SHELL cat /run/secrets/key | grep . && nc -z localhost 80"
    environment:
      - unrelated
"""
SCRIPT = """\
#!/bin/bash
# setup nothing here
set -e
export KEY="$(cat /run/secrets/key)"
if ! migrate up; then
  exit 1
fi
warm-up && exec tini -- node index.js
"""


@pytest.fixture(autouse=True)
def applets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rootfs, "applets", lambda: frozenset({"cat", "grep", "nc", "sh", "wget"}))


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "compose.yml").write_text(COMPOSE)
    (tmp_path / "entrypoint.sh.tmpl").write_text(SCRIPT)
    (tmp_path / "abra.sh").write_text("deploy_tool() {\n  helper\n}\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "hook.sh").write_text("#!/bin/sh\nhook\n")
    return tmp_path


@pytest.mark.parametrize(
    "program",
    ["/app/start.sh", "gunicorn", "/bin/serve-it", "checker", "celery", "nc", "migrate", "warm-up", "tini"],
)
def test_what_a_recipe_starts_is_found(recipe: Path, program: str) -> None:
    assert program in programs_of(recipe)


@pytest.mark.parametrize(
    "word",
    [
        "cat",
        "grep",
        "bash",
        "/bin/bash",
        "exec",
        "CMD",
        "/run/secrets/key",
        "/opt/data",
        "unrelated",
        "setup",
    ],
)
def test_what_busybox_has_and_what_is_no_program_is_left_alone(recipe: Path, word: str) -> None:
    assert word not in programs_of(recipe)


def test_neither_abras_functions_nor_gits_hooks_run_in_a_container(recipe: Path) -> None:
    assert not {"helper", "hook", "deploy_tool"} & set(programs_of(recipe))
