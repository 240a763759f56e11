"""The dialect of `.env.sample`, and the exports of `abra.sh`."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccci_host.errors import ConfigError
from ccci_host.recipes.env_file import parse_env, parse_exports, written


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A=", ""),
        ("A= # only a comment", ""),
        ("A=x # a comment", "x"),
        ("A=x#no-comment", "x#no-comment"),
        ("A=#x", ""),
        ("A=a b  c ", "a b  c"),
        ("  export A=x", "x"),
        ("export\tA = x", "x"),
        ("A: yaml style", "yaml style"),
        ("A='single $B \\n'", "single $B \\n"),
        ('A="double $B # inside"', "double b # inside"),
        ('A="tab\\tand\\"quote\\""', 'tab\tand"quote"'),
        ("A=', `www.shop.example.com`'", ", `www.shop.example.com`"),
        ("A=${B}/x", "b/x"),
        ("A=$B:more", "b:more"),
        ('A="$B":more', "b:more"),
        ("A=$UNSET.", "."),
        ("A=\\$B", "$B"),
        ('A="\\$B"', "$B"),
        ("A=admin:$2y$05$abcDEF", "admin:$2y$05$abcDEF"),
        ("A=pa$word", "pa$word"),
        ("A=$(rm -rf /)", "$(rm -rf /)"),
        ("A=https://x.example.com/?a=b", "https://x.example.com/?a=b"),
        ('A="two\nlines"', "two\nlines"),
        ("A=ünï", "ünï"),
    ],
)
def test_a_value(line: str, value: str) -> None:
    assert parse_env(f"B=b\n{line}\nC=c\n").values == {"B": "b", "A": value, "C": "c"}


def test_windows_line_ends_a_byte_order_mark_and_a_last_line_without_end() -> None:
    assert parse_env("\ufeffA=1\r\nB='2'\r\nC=3").values == {"A": "1", "B": "2", "C": "3"}


def test_a_variable_builds_on_its_own_earlier_line() -> None:
    lines = ['"compose.yml"', '"$COMPOSE_FILE:db/compose.db.yml"']
    text = "".join(f"COMPOSE_FILE={line}\n" for line in lines) + '#COMPOSE_FILE="$COMPOSE_FILE:no.yml"\n'
    assert parse_env(text).values == {"COMPOSE_FILE": "compose.yml:db/compose.db.yml"}


def test_comments_carry_meaning_behind_bare_and_quoted_values() -> None:
    env = parse_env(
        "SECRET_A_VERSION=v1  # length=32 charset=alnum\n"
        'SECRET_B_VERSION="v2" # generate=false\n'
        "SECRET_C_VERSION=v1 # just words\n"
        "#SECRET_D_VERSION=v1 # length=9\n"
    )
    assert env.modifiers == {
        "SECRET_A_VERSION": {"length": "32", "charset": "alnum"},
        "SECRET_B_VERSION": {"generate": "false"},
    }
    assert env.values == {"SECRET_A_VERSION": "v1", "SECRET_B_VERSION": "v2", "SECRET_C_VERSION": "v1"}


@pytest.mark.parametrize(
    ("comment", "modifiers"),
    [
        ("generate=false, given by the mail provider", {"generate": "false"}),
        ("length=16, charset=hex.", {"length": "16", "charset": "hex"}),
        ("length=16,charset=alpha,numeric; asked for", {"length": "16", "charset": "alpha,numeric"}),
        ("charset=lower,upper,", {"charset": "lower,upper"}),
        ("length=8...", {"length": "8"}),
        ("length=, as ever", {}),
        ("host=mail.example.org.", {"host": "mail.example.org"}),
    ],
)
def test_what_ends_a_clause_is_no_part_of_a_modifier(comment: str, modifiers: dict[str, str]) -> None:
    """With its comma `generate=false,` meant nothing, and a mail account's password was made up."""
    assert parse_env(f"A=v1 # {comment}\n").modifiers.get("A", {}) == modifiers


def test_a_fixed_variable_keeps_its_value_and_is_known_to_every_line() -> None:
    env = parse_env("URL=https://$DOMAIN/\nDOMAIN=shop.example.com\nHOST=$DOMAIN", fixed={"DOMAIN": "x.test"})
    assert env.values == {"DOMAIN": "x.test", "URL": "https://x.test/", "HOST": "x.test"}


def test_a_line_that_is_no_assignment_is_named_without_its_value() -> None:
    env = parse_env("A=1\n\n---\nsome words\n1X=secret\nB=2\n")
    assert env.values == {"A": "1", "B": "2"}
    assert env.not_understood == ("line 4", "line 5")


@pytest.mark.parametrize("quote", ["'", '"'])
def test_an_open_quote_is_an_error_that_names_file_and_line(quote: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_env(f"A=1\nB={quote}open\n", name="shop.env")
    assert "shop.env" in caught.value.brief
    assert caught.value.details == "line 2"


@given(st.text(alphabet=string.ascii_letters + string.digits + " #$`{}()=:/.-'\\ü\t"))
def test_double_quotes_hold_whatever_is_escaped(value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    if "$" not in value:
        assert parse_env(f'A="{escaped}"').values == {"A": value}
    if "'" not in value:
        assert parse_env(f"A='{value}'").values == {"A": value}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_env(text)
    except ConfigError as error:
        assert "quote" in error.brief
    parse_exports(text)


def test_exports_of_plain_text_count_and_functions_do_not() -> None:
    text = """#!/bin/bash
export APP_ENTRYPOINT_VERSION=v4
export PG_BACKUP_VERSION='v6' NGINX_VERSION="v2" # both
export A=1;export IGNORED=2
export B=v1 \\
  C=v2
NOT_EXPORTED=v1
export COMPUTED=$(date) ALSO=`date` REFERS=$B
set_password() {
  export INSIDE=1
  if [ -n "${X}" ]; then
    cat <<END
}}}
END
  fi
}
function other
{
  export INSIDE_TOO=1
}
one_line () { export NEITHER=1; }
export LAST=v9
"""
    assert parse_exports(text) == {
        "APP_ENTRYPOINT_VERSION": "v4",
        "PG_BACKUP_VERSION": "v6",
        "NGINX_VERSION": "v2",
        "A": "1",
        "B": "v1",
        "C": "v2",
        "LAST": "v9",
    }


@given(
    st.dictionaries(st.from_regex(r"[A-Z][A-Z0-9_]{0,9}", fullmatch=True), st.text("a'\"$ {}#\\\n\r\tB`n"))
)
def test_what_is_written_reads_as_just_that(values: dict[str, str]) -> None:
    assert parse_env(written(values)).values == values
