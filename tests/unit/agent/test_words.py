"""The agent's words on the command line, on recorded snapshots and under the oldest Python at hand."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ccci_host.agent import paths, words
from tests.unit.agent.fake_daemon import FakeDaemon, serving
from tests.unit.agent.hosts import DAY, PYTHON, START, FakeHost, by_digest


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[FakeHost, Path]:
    host = FakeHost()
    host.image("old", pulled=("org/old:1",))
    host.image("app", pulled=("org/app:1",))
    host.service("web", by_digest("org/app:1", "app"), asked="org/app:1")
    return host, host.write(tmp_path / "snapshot")


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    agent = [PYTHON, "-m", "ccci_host.agent"]
    return subprocess.run([*agent, *argv], capture_output=True, text=True, check=False, timeout=60)


def observe(folder: Path, now: float) -> None:
    ledger = str(folder.parent / "ledger.json")
    done = run("observe", "--from", str(folder), "--ledger", ledger, "--now", str(now))
    assert done.returncode == 0, done.stderr


def plan(folder: Path, now: float, *more: str, disk: float = 90) -> dict[str, Any]:
    ledger = str(folder.parent / "ledger.json")
    done = run(
        "plan", "--from", str(folder), "--ledger", ledger, "--now", str(now),
        "--disk-used-percent", str(disk), "--json", *more,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_observe_and_plan_on_a_recorded_snapshot(recorded: tuple[FakeHost, Path]) -> None:
    host, folder = recorded
    observe(folder, START)
    observe(folder, START + 31 * DAY)
    answer = plan(folder, START + 32 * DAY)
    assert set(answer) == {"victims", "kept", "gates", "unreadable"}
    (victim,) = answer["victims"]
    assert set(victim) == {"id", "refs", "class", "reason"}
    assert victim["id"] == host.id("old")
    assert victim["class"] == "idle"
    assert victim["reason"].startswith("idle: ")
    (kept,) = answer["kept"]
    assert set(kept) == {"id", "refs", "class", "reason", "until"}
    assert kept["reason"].startswith("service: web")
    assert answer["gates"] == {}
    assert answer["unreadable"] == []


def test_time_is_trusted_and_a_day_is_no_cap(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    observe(folder, START)
    assert plan(folder, START + 29 * DAY)["victims"] == []
    assert len(plan(folder, START + 31 * DAY)["victims"]) == 1


def test_plan_changes_nothing(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    observe(folder, START)
    ledger = folder.parent / "ledger.json"
    before = ledger.read_bytes()
    plan(folder, START + 31 * DAY)
    assert ledger.read_bytes() == before


def test_below_the_watermark(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    observe(folder, START)
    answer = plan(folder, START + 31 * DAY, disk=50)
    assert answer["victims"] == []
    assert list(answer["gates"]) == ["no-pressure"]
    (candidate,) = [kept for kept in answer["kept"] if kept["class"] == "idle"]
    assert candidate["reason"].startswith("idle: ")
    assert candidate["until"] is None


def test_a_young_image_says_until_when(recorded: tuple[FakeHost, Path]) -> None:
    host, folder = recorded
    host.image("leftover")
    host.write(folder)
    observe(folder, START)
    (young,) = [kept for kept in plan(folder, START + DAY)["kept"] if kept["class"] == "orphaned"]
    assert young["until"] == pytest.approx(START + 3 * DAY)


@pytest.mark.parametrize("name", ["images", "services", "tasks", "containers", "info", "version"])
def test_a_file_that_is_missing_or_broken(recorded: tuple[FakeHost, Path], name: str) -> None:
    _, folder = recorded
    observe(folder, START)
    for damage in ("{", None):
        path = folder / f"{name}.json"
        path.unlink() if damage is None else path.write_text(damage)
        answer = plan(folder, START + 31 * DAY)
        assert answer["victims"] == []
        assert "unreadable" in answer["gates"]
        assert any(said.startswith(f"{name}:") for said in answer["unreadable"])


def test_a_look_at_half_a_snapshot_is_refused(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    (folder / "services.json").unlink()
    ledger = folder.parent / "ledger.json"
    done = run("observe", "--from", str(folder), "--ledger", str(ledger), "--now", str(START))
    assert done.returncode == 1
    assert "services: there is no such file in the snapshot" in done.stderr
    assert not ledger.exists()


def test_a_policy_from_a_file(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    observe(folder, START)
    policy = folder.parent / "policy.json"
    policy.write_text('{"idle_after": "never"}')
    assert plan(folder, START + 300 * DAY, "--policy", str(policy))["victims"] == []
    policy.write_text('{"idle_after": "10s", "young": 5}')
    assert len(plan(folder, START + 11, "--policy", str(policy))["victims"]) == 1
    for broken in ("{", '{"idle_for": 3}'):
        policy.write_text(broken)
        answer = plan(folder, START + 300 * DAY, "--policy", str(policy))
        assert answer["victims"] == []
        assert "policy" in answer["gates"]["unreadable"]["reason"]


def test_a_lost_ledger_yields_no_victim(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    assert plan(folder, START)["victims"] == []
    observe(folder, START)
    (folder.parent / "ledger.json").write_bytes(b"\x00\x01")
    assert plan(folder, START + 300 * DAY)["victims"] == []


def test_what_is_missing_on_the_command_line_is_named(recorded: tuple[FakeHost, Path]) -> None:
    _, folder = recorded
    done = run("plan", "--from", str(folder), "--json")
    assert done.returncode == 2
    assert "--ledger, --now, --disk-used-percent" in done.stderr
    assert run("observe", "--from", str(folder)).returncode == 2
    done = run("lease", "--renew", "abc")
    assert done.returncode == 2
    assert "needs --hold SECONDS" in done.stderr
    assert run("prune").returncode == 2
    assert (
        run(
            "plan", "--from", "/no/such", "--ledger", "x", "--now", "1", "--disk-used-percent", "9"
        ).returncode
        == 1
    )


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options that lead to a daemon that serves one host, its disk nearly empty."""
    (tmp_path / "policy.json").write_text("{}")
    return [
        "--socket", str(tmp_path / "docker.sock"), "--state", str(tmp_path / "state"),
        "--run", str(tmp_path / "run"), "--policy", str(tmp_path / "policy.json"),
    ]  # fmt: skip


def test_a_snapshot_decides_as_the_daemon_does(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    host = FakeHost()
    host.image("app", pulled=("org/app:1",))
    host.service("web", by_digest("org/app:1", "app"))
    host.services[0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] = ["PASSWORD=hunter2"]
    folder = tmp_path / "taken"
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        assert words.main(["snapshot", *live, str(folder)]) == 0
        assert words.main(["snapshot", *live, str(folder)]) == 1
    assert "exists already" in capsys.readouterr().err
    assert {path.name for path in folder.iterdir()} == {
        "containers.json", "events.jsonl", "image_inspect.json", "images.json", "info.json",
        "pins.json", "services.json", "tasks.json", "version.json",
    }  # fmt: skip
    assert "hunter2" not in "".join(path.read_text() for path in folder.iterdir())
    assert folder.stat().st_mode & 0o077 == 0
    (kept,) = plan(folder, START)["kept"]
    assert kept["reason"] == "service: web"


def test_adopt(live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = FakeHost()
    host.image("built", tags=("mine:dev",), built=True)
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        words.main(["plan", *live])
        assert "unknown origin" in capsys.readouterr().out
        assert words.main(["adopt", *live, "mine:dev"]) == 0
        words.main(["plan", *live, "mine:dev"])
        assert "cached: last used" in capsys.readouterr().out
        assert words.main(["adopt", *live, "other:dev"]) == 1


def test_a_tag_that_is_not_known_adopts_nothing(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its repository's images may be of another origin."""
    host = FakeHost()
    host.image("built", tags=("mine:dev",), built=True)
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        assert words.main(["adopt", *live, "mine:other"]) == 1
        words.main(["plan", *live, "mine:dev"])
    told = capsys.readouterr()
    assert told.err == "ccci-prune: mine:other is no image of this host.\n"
    assert "unknown origin" in told.out


def test_what_is_only_guessed_is_named_and_not_adopted(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`plan` shows it under that name."""
    host = FakeHost()
    host.image("app", pulled=("nginx:1.25",))
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        assert words.main(["adopt", *live, "nginx:1.26"]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert f"nginx:1.26 may mean {host.id('app')}; name it by its id: nothing here is known to be" in told.err


def test_a_plan_of_one_image_as_json(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Swarm pulled it by digest, and the store knows no tag of it."""
    host = FakeHost()
    host.image("app", pulled=("nginx:1.25",))
    host.image("other", pulled=("org/other:1",))
    host.service("web", by_digest("nginx:1.25", "app"))
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        assert words.main(["plan", *live, "nginx:1.25", "--json"]) == 0
        told = capsys.readouterr()
        answer = json.loads(told.out)
        assert set(answer) == {"of", "note", "victims", "kept", "gates", "unreadable"}
        assert (answer["of"], answer["note"]) == ("nginx:1.25", None)
        assert [(kept["id"], kept["reason"]) for kept in answer["kept"]] == [(host.id("app"), "service: web")]
        assert told.err == ""
        host.tear_down()
        assert words.main(["plan", *live, "nginx:1.25", "--json"]) == 0
        told = capsys.readouterr()
        answer = json.loads(told.out)
        assert [kept["id"] for kept in answer["kept"]] == [host.id("app")]
        assert told.err == f"ccci-prune: {answer['note']}\n"
        assert told.err.startswith("ccci-prune: nothing here is known to be nginx:1.25;")
        assert words.main(["plan", *live, "nginx:1.25"]) == 0
        assert "nothing here is known to be nginx:1.25;" in capsys.readouterr().err


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_a_plan_of_an_image_that_is_not_there(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], how: list[str]
) -> None:
    host = FakeHost()
    host.image("other", pulled=("org/other:1",))
    daemon = FakeDaemon(host)
    with serving(daemon, tmp_path / "docker.sock"):
        assert words.main(["plan", *live, "org/app:1", *how]) == 1
        told = capsys.readouterr()
        assert told.err == "ccci-prune: org/app:1 is no image of this host.\n"
        assert "org/other" not in told.out
        if how:
            answer = json.loads(told.out)
            assert (answer["of"], answer["note"], answer["kept"]) == ("org/app:1", None, [])
        daemon.broken["/images/json"] = 500
        assert words.main(["plan", *live, "org/app:1", *how]) == 1
        told = capsys.readouterr()
        assert "Whether org/app:1 is an image of this host is not known: images: " in told.err
        assert told.out == ""


def test_a_recorded_plan_of_one_image(recorded: tuple[FakeHost, Path]) -> None:
    host, folder = recorded
    observe(folder, START)
    answer = plan(folder, START + 31 * DAY, "org/old:1")
    assert [victim["id"] for victim in answer["victims"]] == [host.id("old")]
    assert answer["kept"] == []


def test_plan_explains_one_image(live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = FakeHost()
    host.image("one", pulled=("org/one:1",))
    host.image("two", pulled=("org/two:1",))
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        assert words.main(["plan", *live, by_digest("org/one", "one")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("stays")]
    assert len(lines) == 1
    assert "org/one@" in lines[0]


def test_the_end_of_a_lease_that_is_not_there_is_told_and_no_error(
    live: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words.main(["lease", *live, "--hold", "60"])
    lease = capsys.readouterr().out.strip()
    for told in (lease, f"there is no lease {lease}"):
        assert words.main(["lease", *live, "--release", lease]) == 0
        assert capsys.readouterr().out == f"{told}\n"


def test_a_last_tick_that_cannot_be_read_is_said_and_is_no_empty_one(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = Path(live[live.index("--state") + 1])
    state.mkdir(exist_ok=True)
    (state / paths.LAST_FILE).write_text('{"at": ')
    with serving(FakeDaemon(FakeHost()), tmp_path / "docker.sock"):
        assert words.main(["status", *live]) == 0
    text = capsys.readouterr().out
    assert "the last tick's record cannot be read: " in text
    assert "last tick None" not in text


def test_status(live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    host = FakeHost()
    host.image("built", tags=("mine:dev",), built=True, size=4711)
    with serving(FakeDaemon(host), tmp_path / "docker.sock"):
        assert words.main(["lease", *live, "--hold", "60", "--owner", "a run"]) == 0
        capsys.readouterr()
        assert words.main(["status", *live, "--json"]) == 0
        report = json.loads(capsys.readouterr().out)
        assert report["leases"][0]["owner"] == "a run"
        assert report["unknown_origin_bytes"] == 4711
        assert report["last"] is None
        assert len(report["policy"]["sha256"]) == 64
        host.root = str(tmp_path)
        words.main(["sweep", *live])
        capsys.readouterr()
        words.main(["status", *live])
        text = capsys.readouterr().out
        assert "gate lease is closed: held by a run" in text
        assert "last tick" in text
        assert "  gate lease was closed: held by a run" in text
        assert "  note: there was no ledger" in text


def test_status_says_what_the_last_tick_left_alone(
    live: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = Path(live[live.index("--state") + 1])
    state.mkdir(exist_ok=True)
    last = {"at": "then", "exit_code": 0, "removed": [], "conflicts": {"sha256:a": "in use"}}
    (state / paths.LAST_FILE).write_text(json.dumps(last))
    assert words.main(["status", *live]) == 0
    text = capsys.readouterr().out
    assert "  left alone sha256:a: in use" in text
    assert "filled by: not known\nnot known of what fills it: " in text
