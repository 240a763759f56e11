"""The Adversary's word: only a plain PASS of that very history is one, and the last word counts."""

import pytest

from ccci_host import review
from ccci_host.generated import part

RUN = "20260301T120000Z-verify-pc3"
SHA256 = "c" * 64


@pytest.mark.parametrize(
    "line",
    [
        f"{RUN}: PASS {SHA256}",
        f"{RUN}: PASS, I tried ({SHA256}).",
        f"- `{RUN}`: **PASS** `{SHA256}`. Two hours, no way in.",
        f"## {RUN} PASS {SHA256}",
        f"| {RUN} | PASS | `{SHA256}` | fresh clone |",
        f"[{RUN}](evidence/{RUN}/report.md): PASS {SHA256}",
        f"PASS: {RUN} {SHA256}",
        f"**PASS** {RUN} — from a fresh clone, history {SHA256}",
        f"{RUN} — PASS (history `{SHA256}`)",
        review.pass_line(RUN, SHA256),
    ],
)
def test_a_plain_pass(line: str) -> None:
    assert review.is_pass(line, RUN, SHA256)


@pytest.mark.parametrize(
    "line",
    [
        f"{RUN}: PASS",
        f"{RUN}: PASS, I tried.",
        f"PASS: {RUN}",
        f"{RUN}: PASS {'d' * 64}",
        f"{RUN}: PASS {'d' * 64} {SHA256}",
        f"{RUN}: PASS {SHA256[:12]}",
        f"{RUN}: PASS {SHA256}c",
    ],
)
def test_a_pass_of_no_history_or_of_another_binds_nothing(line: str) -> None:
    assert not review.is_pass(line, RUN, SHA256)


@pytest.mark.parametrize(
    "line",
    [
        f"{RUN}: FAIL",
        f"{RUN}: not PASS",
        f"{RUN}: PASS withheld until tomorrow",
        f"{RUN}: PASS?",
        f"{RUN}: PASSED it on",
        f"{RUN}: PASS-ish",
        f"{RUN} != PASS",
        f"No PASS: {RUN}",
        f"PASS withheld: {RUN}",
        f"~~{RUN}: PASS~~",
        f"{RUN}: PASS|FAIL",
        f"| {RUN} | PASS | UNKNOWN |",
        f"{RUN}: PASS. On a second look: FAIL.",
        f"{RUN}-2: PASS",
        f"PASS: {RUN}-2",
        f"{RUN}: pass",
        f"I say of {RUN}: PASS",
    ],
)
def test_anything_else_is_none(line: str) -> None:
    assert not review.says_pass(line, RUN)
    assert not review.is_pass(f"{line} {SHA256}", RUN, SHA256)


def test_the_last_line_that_names_the_run_counts() -> None:
    text = f"{RUN}: PASS\n\n  I take that back: see {RUN}.  \n{RUN}-2: PASS\n"
    assert review.last_word(text, RUN) == f"I take that back: see {RUN}."


def test_generated_words_are_nobodys() -> None:
    text = f"# Review\n{part('review', f'{RUN}: PASS')}\nNothing yet.\n"
    assert review.last_word(text, RUN) is None


@pytest.mark.parametrize(
    "aside",
    [
        "<!--\n{}\n-->",
        "<!-- {} -->",
        "I would write\n\n```\n{}\n```\n\nif it were so.",
        "~~~text\n$ ccci\n```\n{}\n~~~",
        "```\n{}",
        "````\n```\nls\n```\n{}\n````",
        "- I would write:\n    ```\n    {}\n    ```",
        "> ```\n> {}\n> ```",
        "    {}",
        "\t{}",
        "  \t{}",
        "Quoted:\n\n    $ ccci\n    {}",
        "-     {}",
        "- \t\t{}",
        ">     {}",
        "<pre>\n{}\n</pre>",
        "<pre><code>\n\n{}\n</code></pre>",
        "<PRE class='x'>\n{}",
        "<code>{}</code>",
        "<code>\n{}\n</code>",
        "<del>{}</del>",
        "I no longer say: <del>\n{}\n</del>",
        "<s>{}</s>",
        "<strike>\n{}\n</strike>",
        "<del>\n```\n</s>\n{}",
        "~~~ `a`\n{}\n~~~",
        "~~~ `a`\n{}",
        "```sh\n{}\n```",
        "   ```\n   {}\n   ```",
        "-\t```\n\t{}\n\t```",
        "- see\n\n\t~~~\n\t{}\n\t~~~",
        "1.\tsee\n\t```\n\tls\n\t{}",
        "<del>\n\n{}\n\n</del>",
        "I no longer say <del>that\n\n{}",
        "See <!-- {} --> there.",
        "<!--\n\n{}",
        "```\n    ```\n{}\n```",
        "```\n```sh\n{}\n```",
        "```\n```~\n{}\n```",
        "```\n> ```\n{}\n```",
        "- ```\n  ls\n```\n{}\n```",
        "- ```\n  ls\nthen\n  ```\n{}\n  ```",
        "- ```\n> ls\n  ```\n{}",
    ],
)
def test_what_is_hidden_or_code_is_no_pass_and_takes_one_back(aside: str) -> None:
    line = review.pass_line(RUN, SHA256)
    for before in ("", f"{line}\n\n"):
        word = review.last_word(before + aside.format(line), RUN)
        assert word is not None
        assert not review.is_pass(word, RUN, SHA256)
    assert review.last_word(f"<!-- once -->\n```\nls\n```\n{line}\n", RUN) == line


@pytest.mark.parametrize(
    "before",
    [
        "The marker `<!-- generated: review -->` stands, `<!--` too.",
        "- ```\n  ls\n  ```",
        "1. ~~~\n   ls\n   ~~~",
        "````\n```\n````",
        "```ls``` lists.",
        "~~~ `a`\n~~~",
        "```sh\nls\n```",
        "```\nls\n   ```",
        "```\n\n> ls\n````",
        "   ```\n   ls\n   ```",
        "-\t```\n\tls\n\t```",
        "- see\n\n\t```\n\tls\n\n\t```",
        "> ```\n> ls\n>\n> ```",
        "    $ ccci",
        "<pre>\n```\n</pre>",
        "<!--\n<del>\n-->",
        "```\n<!-- <pre>\n```",
        "<del>this</del>, <S>that</S> and <code>ls</code>",
        "`<pre>`, ``<s> ` <del>`` and <section> or <summary>",
    ],
)
def test_what_ended_before_hides_no_pass(before: str) -> None:
    line = review.pass_line(RUN, SHA256)
    assert review.last_word(f"{before}\n\n{line}\n", RUN) == line


@pytest.mark.parametrize(
    "line", ["{}", "   {}", "- {}", "  - {}", "> {}", "-\t{}", "|    {}    |", "{}\r", "> - **{}**"]
)
def test_a_plain_line_counts_in_the_first_columns(line: str) -> None:
    text = line.format(review.pass_line(RUN, SHA256))
    for before in ("", f"{RUN}: FAIL\n", f"    {RUN}: FAIL\n\n"):
        word = review.last_word(before + text, RUN)
        assert word is not None
        assert review.is_pass(word, RUN, SHA256)


def test_a_remark_may_have_code_in_it() -> None:
    word = review.last_word(
        f"{review.pass_line(RUN, SHA256)}, by <code>ls</code> and `ls` <!-- twice -->", RUN
    )
    assert word is not None
    assert review.is_pass(word, RUN, SHA256)


@pytest.mark.parametrize("hidden", ["<del>{}</del>", "<!-- {} -->", "<s>{}"])
def test_a_history_that_is_struck_or_hidden_is_not_named(hidden: str) -> None:
    word = review.last_word(f"{RUN}: PASS {hidden.format(SHA256)}", RUN)
    assert word is not None
    assert not review.is_pass(word, RUN, SHA256)
