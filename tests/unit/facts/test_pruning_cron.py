import hashlib
import subprocess
from pathlib import Path

import pytest

from ccci_host.facts.answers import Present, Unreadable
from ccci_host.facts.probes import FoundFiles
from ccci_host.facts.pruners import parse_pruners
from tests.unit.facts.host_answers import file, pruner_answers, unit

CRONTAB = "/var/spool/cron/crontabs/root"


def test_a_line_is_named_by_its_number() -> None:
    text = "SHELL=/bin/sh\n# docker system prune\n0 3 * * * docker image prune -f\n0 4 * * * true\n"
    answers = pruner_answers(tables=FoundFiles({CRONTAB: file(text)}, {CRONTAB: ()}))

    (pruner,) = parse_pruners(answers).active

    assert (pruner.kind, pruner.name) == ("cron", f"{CRONTAB} line 3")
    assert pruner.command == "docker image prune -f"
    (command,) = pruner.stop
    digest = hashlib.sha256(b"0 3 * * * docker image prune -f\n").hexdigest()
    assert command[-3:] == (CRONTAB, "3", digest)


@pytest.mark.parametrize("known", ["docker image prune -f", "systemctl start tidy.service"])
def test_what_else_stands_in_the_line_is_not_shown(known: str) -> None:
    line = f"0 3 * * * root docker login -u ci -p dckr_pat_X && {known} && curl -u ci:dckr_pat_X https://x\n"
    answers = pruner_answers(
        shown=[unit("tidy.service", "docker image prune -f")],
        tables=FoundFiles({CRONTAB: file(line)}, {CRONTAB: ()}),
    )

    (pruner,) = parse_pruners(answers).active

    assert pruner.command == known
    assert "dckr_pat_X" not in repr(pruner)


def stop_of(seen: bytes, table: Path) -> tuple[str, ...]:
    """The command that is planned for the one pruner in `table`, when `seen` is what it held."""
    answers = pruner_answers(tables=FoundFiles({str(table): Present(seen)}, {str(table): ()}))
    ((command,),) = (pruner.stop for pruner in parse_pruners(answers).active)
    return command


def stopped(text: str, folder: Path) -> str:
    """The table `text` after what was planned is done to it."""
    table = folder / "-table of 'x'"
    table.write_text(text, newline="")
    subprocess.run(stop_of(text.encode(), table), check=True)
    return table.read_bytes().decode()


@pytest.mark.parametrize("before", ["", "# a page\x0cbreak\n", "# a\x85line\u2028of\x1ctext\n", "# dos\r\n"])
@pytest.mark.parametrize(
    "line",
    [
        "0 3 * * * docker image prune -f",
        r"0 3 * * * echo a/b\c [x]^$ && docker rmi $(docker images)",
        "0 3 * * * echo '\"`false`\"' \\\\n %s täglich ;docker rmi x",
    ],
)
def test_that_line_is_commented_out_and_no_neighbour(before: str, line: str, tmp_path: Path) -> None:
    """Only a line feed ends a line, for cron and for sed."""
    text = f"{before}{line}\n0 4 * * * backup\n"
    assert stopped(text, tmp_path) == f"{before}# by ccci-host: {line}\n0 4 * * * backup\n"


def test_a_last_line_needs_no_line_feed(tmp_path: Path) -> None:
    text = "0 4 * * * backup\n0 3 * * * docker image prune -f"
    assert stopped(text, tmp_path) == "0 4 * * * backup\n# by ccci-host: 0 3 * * * docker image prune -f"


@pytest.mark.parametrize(
    "now",
    [
        b"0 4 * * * backup\n0 3 * * * docker image prune -f\n",
        b"0 3 * * * docker image prune -f # now wanted\n",
        b"0 3 * * * docker image prune -f",
        b"",
    ],
)
def test_a_table_that_has_changed_meanwhile_keeps_its_lines(now: bytes, tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.write_bytes(now)

    done = subprocess.run(
        stop_of(b"0 3 * * * docker image prune -f\n", table), capture_output=True, check=False
    )

    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == f"line 1 of {table} has changed meanwhile\n"
    assert table.read_bytes() == now


def test_a_byte_that_is_no_utf8_counts_as_it_is(tmp_path: Path) -> None:
    line, other = (b"0 3 * * * docker image prune -f # t%cglich\n" % byte for byte in (0xE4, 0xE5))
    table = tmp_path / "table"
    table.write_bytes(line + b"0 4 * * * backup\n")

    assert subprocess.run(stop_of(other, table), capture_output=True, check=False).returncode == 1
    subprocess.run(stop_of(line, table), check=True)
    assert table.read_bytes() == b"# by ccci-host: " + line + b"0 4 * * * backup\n"


def test_a_script_that_a_line_runs_is_read_and_one_in_a_comment_is_not() -> None:
    table = file("5 3 * * * root /opt/cleanup.sh >/dev/null\n#6 3 * * * root /opt/cleanup.sh\n")
    script = file("#!/bin/sh\ndocker rmi app\n", 0o755)
    found = FoundFiles(
        {"/etc/cron.d/x": table, "/opt/cleanup.sh": script}, {"/etc/cron.d/x": ("/opt/cleanup.sh",)}
    )

    pruners = parse_pruners(pruner_answers(tables=found)).active

    assert [pruner.command for pruner in pruners] == ["/opt/cleanup.sh: docker rmi"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (CRONTAB, "0 3 * * * docker image prune -f"),
        (CRONTAB, "@daily cd /srv && docker image prune -f"),
        ("/etc/crontabs/root", "0 3 * * * docker image prune -f"),
        ("/etc/crontab", "0 3 * * * root docker image prune -f"),
        ("/etc/cron.d/tidy", "@daily backup docker image prune -f"),
        ("/etc/anacrontab", "@monthly 5 tidy docker image prune -f"),
    ],
)
def test_a_line_that_does_nothing_else_is_commented_out(path: str, line: str) -> None:
    (pruner,) = parse_pruners(pruner_answers(tables=FoundFiles({path: file(line)}, {path: ()}))).active

    assert pruner.stop
    assert pruner.remedy == f"Comment out line 1 of {path}; ccci-prune frees the disk in its place."


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (CRONTAB, "0 3 * * * pg_dumpall -d ci:dckr_pat_X | gzip > x && docker image prune -f"),
        (CRONTAB, "0 3 * * * root docker image prune -f"),
        (CRONTAB, "TIDY='docker image prune -f'"),
        ("/etc/crontab", "0 3 * * * root restic backup /srv; docker image prune -f"),
        ("/etc/anacrontab", "1 5 tidy restic backup /srv; docker image prune -f"),
    ],
)
def test_a_line_that_may_do_other_work_too_is_left(path: str, line: str) -> None:
    (pruner,) = parse_pruners(pruner_answers(tables=FoundFiles({path: file(line)}, {path: ()}))).active

    assert pruner.stop == ()
    assert pruner.remedy == "The line may do other work too: take `docker image prune -f` out of it."


def test_a_line_is_left_where_its_script_does_other_work_too() -> None:
    script = file("#!/bin/sh\nrestic backup /srv\ndocker rmi app\n", 0o755)
    files = {CRONTAB: file("0 3 * * * /opt/nightly.sh"), "/opt/nightly.sh": script}

    (pruner,) = parse_pruners(
        pruner_answers(tables=FoundFiles(files, {CRONTAB: ("/opt/nightly.sh",)}))
    ).active

    assert pruner.stop == ()
    assert pruner.remedy == "/opt/nightly.sh may do other work too: take `docker rmi` out of it."


@pytest.mark.parametrize("line", ["9 3 * * * backup; {}", "9 3 * * * {} backup"])
def test_a_line_that_does_more_than_start_a_unit_which_prunes_is_left(line: str) -> None:
    answers = pruner_answers(
        shown=[unit("tidy.service", "docker image prune -f")],
        tables=FoundFiles({CRONTAB: file(line.format("systemctl start tidy"))}, {CRONTAB: ()}),
    )

    (pruner,) = parse_pruners(answers).active

    assert pruner.stop == ()
    assert pruner.remedy == "The line may do other work too: take `systemctl start tidy.service` out of it."


def test_a_line_that_starts_a_unit_which_prunes_makes_it_active() -> None:
    line = "9 3 * * * root systemctl start --no-block tidy"
    answers = pruner_answers(
        shown=[unit("tidy.service", "docker image prune -f")],
        tables=FoundFiles({"/etc/crontab": file(line)}, {"/etc/crontab": ()}),
    )

    (pruner,) = parse_pruners(answers).active

    assert pruner.command == "systemctl start tidy.service"
    assert pruner.stop


def test_a_line_that_starts_a_unit_is_found_beside_the_units_timer() -> None:
    """Else it is found only once that timer is disabled."""
    answers = pruner_answers(
        shown=[
            unit("tidy.service", "docker image prune -f"),
            unit("tidy.timer", UnitFileState="enabled", Triggers="tidy.service"),
        ],
        tables=FoundFiles({CRONTAB: file("9 3 * * * systemctl start tidy.service")}, {CRONTAB: ()}),
    )

    assert [pruner.command for pruner in parse_pruners(answers).active] == [
        "docker image prune -f",
        "systemctl start tidy.service",
    ]


@pytest.mark.parametrize("unit_name", ["docker.service", "app.service"])
def test_a_line_that_starts_a_unit_which_does_other_work_too_is_left(unit_name: str) -> None:
    post = "ExecStartPost={ path=/x ; argv[]=docker image prune -f ; ignore_errors=yes ; pid=0 }\n"
    line = f"9 3 * * * root systemctl restart {unit_name.removesuffix('.service')}"
    answers = pruner_answers(
        shown=[post + unit(unit_name, "/usr/bin/server")],
        tables=FoundFiles({"/etc/crontab": file(line)}, {"/etc/crontab": ()}),
    )

    (pruner,) = parse_pruners(answers).active

    assert pruner.stop == ()
    assert pruner.remedy == f"The line may stay once {unit_name} removes no images."


def test_a_daily_script_counts_while_it_can_be_run() -> None:
    path = "/etc/cron.daily/docker-tidy"
    script = "#!/bin/sh\ndocker image prune -f\n"
    runs = pruner_answers(cron_scripts=FoundFiles({path: file(script, 0o755)}, {path: ()}))
    rests = pruner_answers(cron_scripts=FoundFiles({path: file(script, 0o644)}, {path: ()}))

    assert [pruner.stop for pruner in parse_pruners(runs).active] == [(("chmod", "a-x", path),)]
    assert not parse_pruners(rests).active


def test_a_daily_script_that_may_do_other_work_too_is_left() -> None:
    path = "/etc/cron.daily/nightly"
    script = file("#!/bin/sh\nrestic -p dckr_pat_X backup /srv\ndocker image prune -f\n", 0o755)

    (pruner,) = parse_pruners(pruner_answers(cron_scripts=FoundFiles({path: script}, {path: ()}))).active

    assert pruner.stop == ()
    assert pruner.remedy == f"{path} may do other work too: take `docker image prune -f` out of it."


def test_a_crontab_that_cannot_be_read_is_said() -> None:
    found = FoundFiles({CRONTAB: Unreadable(f"{CRONTAB}: Input/output error")}, {CRONTAB: ()})

    assert parse_pruners(pruner_answers(tables=found)).unreadable == (f"{CRONTAB}: Input/output error",)
