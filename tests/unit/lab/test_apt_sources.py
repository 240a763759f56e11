"""Suites derived from the sources that a machine has, in both formats of sources.list(5)."""

from pathlib import Path

import pytest

from ccci_host.errors import HostError
from ccci_host.lab.apt_sources import Source, derive, parse_deb822, parse_one_line, read

DEB822 = """\
# a comment
Types: deb deb-src
URIs: mirror+file:/etc/apt/mirrors.list
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mQINBF
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
URIs: http://example.org/sources-only
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://example.org/switched-off
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://example.org/commented bookworm main
deb-src http://example.org/debian bookworm main
deb [arch=amd64,arm64 signed-by=/keys/a.gpg] http://example.org/debian bookworm main non-free # the archive
deb http://example.org/other stable extra
"""


def test_a_stanza_for_binary_packages_is_read_with_its_inline_key() -> None:
    (source,) = parse_deb822(DEB822)
    assert source.uris == ("mirror+file:/etc/apt/mirrors.list",)
    assert source.suites == ("bookworm", "bookworm-updates")
    assert source.components == ("main", "contrib")
    assert "-----END PGP PUBLIC KEY BLOCK-----" in source.options["Signed-By"]


def test_the_one_line_format_is_read_with_its_options() -> None:
    archive, other = parse_one_line(ONE_LINE)
    assert archive == Source(
        ("http://example.org/debian",),
        ("bookworm",),
        ("main", "non-free"),
        {"Architectures": "amd64 arm64", "Signed-By": "/keys/a.gpg"},
    )
    assert other.suites == ("stable",)


def test_a_suite_is_asked_of_the_place_that_has_the_neighbouring_one() -> None:
    derived = derive([*parse_one_line(ONE_LINE)], have="bookworm", want="bookworm-backports")
    assert derived.render() == (
        "Types: deb\n"
        "URIs: http://example.org/debian\n"
        "Suites: bookworm-backports\n"
        "Components: main\n"
        "Architectures: amd64 arm64\n"
        "Signed-By: /keys/a.gpg\n"
    )


def test_what_is_derived_can_be_read_again() -> None:
    derived = derive([*parse_deb822(DEB822)], have="bookworm", want="trixie")
    assert [*parse_deb822(derived.render())] == [derived]


def test_a_machine_without_that_suite_is_told_so() -> None:
    with pytest.raises(HostError, match="have no entry for bookworm/main, so trixie cannot be derived"):
        derive([Source(("http://example.org",), ("bookworm",), ("contrib",))], have="bookworm", want="trixie")


def test_all_files_that_apt_reads_are_read_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://example.org/1 one main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(
        "Types: deb\nURIs: http://example.org/3\nSuites: three\nComponents: main\n"
    )
    (tmp_path / "sources.list.d" / "a.list").write_text("deb http://example.org/2 two main\n")
    (tmp_path / "sources.list.d" / "c.list.disabled").write_text("deb http://example.org/4 four main\n")
    assert [source.suites for source in read(tmp_path)] == [("one",), ("two",), ("three",)]


def test_a_machine_without_any_file_has_no_sources(tmp_path: Path) -> None:
    assert read(tmp_path) == ()
