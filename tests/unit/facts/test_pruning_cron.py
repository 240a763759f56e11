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
    assert pruner.command == "0 3 * * * docker image prune -f"
    (command,) = pruner.stop
    assert (command[:2], command[-1]) == (("sed", "-i"), CRONTAB)


def stopped(text: str, now: str, folder: Path) -> str:
    """The table `now` after sed has done what was planned when it was `text`."""
    table = folder / "table"
    table.write_text(now, newline="")
    answers = pruner_answers(tables=FoundFiles({str(table): file(text)}, {str(table): ()}))
    for pruner in parse_pruners(answers).active:
        for command in pruner.stop:
            subprocess.run(command, check=True)
    return table.read_bytes().decode()


@pytest.mark.parametrize("before", ["", "# a page\x0cbreak\n", "# a\x85line\u2028of\x1ctext\n", "# dos\r\n"])
@pytest.mark.parametrize(
    "line", ["0 3 * * * docker image prune -f", r"0 3 * * * a/b\c [x]^$ && docker rmi $(x)"]
)
def test_that_line_is_commented_out_and_no_neighbour(before: str, line: str, tmp_path: Path) -> None:
    """Only a line feed ends a line, for cron and for sed."""
    text = f"{before}{line}\n0 4 * * * backup\n"
    assert stopped(text, text, tmp_path) == f"{before}# by ccci-host: {line}\n0 4 * * * backup\n"


def test_a_table_that_has_changed_meanwhile_keeps_its_lines(tmp_path: Path) -> None:
    text = "0 3 * * * docker image prune -f\n"
    now = f"0 4 * * * backup\n{text}"
    assert stopped(text, now, tmp_path) == now


def test_a_line_with_a_byte_that_is_no_utf8_is_known_by_what_comes_before(tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.write_bytes(b"0 3 * * * docker image prune -f # t\xe4glich\n0 4 * * * backup\n")
    seen = Present(table.read_bytes())
    (pruner,) = parse_pruners(pruner_answers(tables=FoundFiles({str(table): seen}, {str(table): ()}))).active
    (command,) = pruner.stop
    subprocess.run(command, check=True)
    assert table.read_bytes() == (
        b"# by ccci-host: 0 3 * * * docker image prune -f # t\xe4glich\n0 4 * * * backup\n"
    )


def test_a_script_that_a_line_runs_is_read_and_one_in_a_comment_is_not() -> None:
    table = file("5 3 * * * root /opt/cleanup.sh >/dev/null\n#6 3 * * * root /opt/cleanup.sh\n")
    script = file("#!/bin/sh\ndocker rmi app\n", 0o755)
    found = FoundFiles(
        {"/etc/cron.d/x": table, "/opt/cleanup.sh": script}, {"/etc/cron.d/x": ("/opt/cleanup.sh",)}
    )

    pruners = parse_pruners(pruner_answers(tables=found)).active

    assert [pruner.command for pruner in pruners] == ["/opt/cleanup.sh: docker rmi app"]


def test_a_line_that_starts_a_unit_which_prunes_makes_it_active() -> None:
    line = "9 3 * * * root systemctl start tidy"
    answers = pruner_answers(
        shown=[unit("tidy.service", "docker image prune -f")],
        tables=FoundFiles({"/etc/crontab": file(line)}, {"/etc/crontab": ()}),
    )

    assert [pruner.command for pruner in parse_pruners(answers).active] == [line]


def test_a_daily_script_counts_while_it_can_be_run() -> None:
    path = "/etc/cron.daily/docker-tidy"
    script = "#!/bin/sh\ndocker image prune -f\n"
    runs = pruner_answers(cron_scripts=FoundFiles({path: file(script, 0o755)}, {path: ()}))
    rests = pruner_answers(cron_scripts=FoundFiles({path: file(script, 0o644)}, {path: ()}))

    assert [pruner.stop for pruner in parse_pruners(runs).active] == [(("chmod", "a-x", path),)]
    assert not parse_pruners(rests).active


def test_a_crontab_that_cannot_be_read_is_said() -> None:
    found = FoundFiles({CRONTAB: Unreadable(f"{CRONTAB}: Input/output error")}, {CRONTAB: ()})

    assert parse_pruners(pruner_answers(tables=found)).unreadable == (f"{CRONTAB}: Input/output error",)
