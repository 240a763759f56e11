"""Whether commands do nothing else than remove images.

What does other work too is not ours to stop. Shell code is read part by part, and so are scripts; what is not
understood here is other work.
"""

import re
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import dropwhile

from ccci_host.facts.answers import Answer, Present
from ccci_host.prune_words import is_janitor_image

_SHELL = re.compile(r"(?:\S*/)?(?:ba|da|a|z|k)?sh")
_SHELLS_OPTION = re.compile(r"[-+]\S*|pipefail")
_OTHER_INTERPRETER = re.compile(rf"#!(?!\s*(?:\S*/env\s+(?:-\S+\s+)*)?{_SHELL.pattern}(?:\s|$))")
_SYNTAX = re.compile(
    r"if|then|elif|else|fi|while|until|do|done|!|\{|\}|time|exec|\w+\+?=.*",
    re.DOTALL,
)
_RUNS_ANOTHER = re.compile(
    r"""
      (?:\S*/)?(?:env|nice|ionice|timeout|setsid|sudo|xargs|busybox|tini|dumb-init)
    | (?:\S*/)?[\w.-]*entrypoint[\w.-]*
    | -\S* | \d+[smhd]? | \{\}            # what these are given
    """,
    re.VERBOSE,
)
_DOCKER = r"(?:(?:\S*/)?(?:docker|docker-compose|nerdctl|crictl|ctr)|\$\{?(?i:docker)\w*\}?)"
_OPTIONS = r"(?:-\S+(?:\s+[^-\s]\S*)??\s+)*"
_REMOVAL = re.compile(  # `docker` may be the entrypoint of an image
    rf"""
      (?:{_DOCKER}\s+{_OPTIONS})?
        (?: (?:system|images?|i)\s+{_OPTIONS}(?:prune|rm|remove|delete|del) | rmi )\s
    | (?:\S*/)?curl\s.*/images/prune\b
    """,
    re.VERBOSE,
)
_RUN = re.compile(rf"{_DOCKER}\s+{_OPTIONS}(?:container\s+)?run\s")
_FLAG_OF_RUN = re.compile(
    r"""
      -[ditPq]+ | -\S+=.* | -[acehlmpuvw]\S+            # alone, or with the value at hand
    | --(?:detach|disable-content-trust|help|init|interactive|no-healthcheck|oom-kill-disable|privileged
        |publish-all|quiet|read-only|rm|sig-proxy|tty|use-api-socket)?
    """,
    re.VERBOSE | re.DOTALL,
)
"""Words of `docker run` before the image's that have no value behind them."""
_HARMLESS = re.compile(
    rf"""
      (?:\S*/)?(?: cd|pwd|sleep|wait|true|false|:|test|\[\[?|\]\]?|echo|printf|logger|date|df|du
        | for|read|set|shopt|umask|export|local|declare|readonly|unset|shift|return|break|continue|exit
        | type|which|hash|command\s+-v|dirname|basename|cat|e?grep|cut|head|tail|tr|wc
        | sort(?!.*\s--?\w*o) | awk(?!.*(?:\bsystem\b|[|>]|\s--?\w*f)) )\s
    | {_DOCKER}\s+(?:-\S+\s+)*
        (?:images|ps|info|version|inspect|images?\s+(?:ls|list|inspect)|container\s+(?:ls|list)|system\s+df)\s
    """,
    re.VERBOSE | re.DOTALL,
)
_STARTS_UNITS = re.compile(r"(?:\S*/)?systemctl\s+(?:-\S+\s+)*(?:re)?start\s(.*)", re.DOTALL)

_FUNCTION = re.compile(r"^[ \t]*(?:function[ \t]+)?([\w-]+)[ \t]*\([ \t]*\)(?=\s*\{)", re.MULTILINE)
_SUBSTITUTION = re.compile(r"\$\(([^()`]*)\)|`([^()`]*)`")
_TOKEN = re.compile(
    r"""
      (?:[ \t\r] | \#[^\n]* | \\\n)+
    | (?P<operator>[();<>|&\n]+)
    | (?P<word>(?:[^\s();<>|&'"\\] | \\. | '[^']*' | "(?:[^"\\]|\\.)*")+)
    """,
    re.VERBOSE | re.DOTALL,
)
_SEPARATOR = re.compile(r"[();|&\n]+")
_REDIRECTION = re.compile(r"[<>]|>>|&>>?|[<>]&|>\|")
_TOLD = re.compile(
    r"""
      .*>.*\ (?:-|\d|/dev/(?:null|stdout|stderr))
    | .*>>\ (?:/var/log/\S+ | \S+\.log | \$\{?(?i:log(?:_?(?:file|path))?)\}?)
    """,
    re.VERBOSE,
)
"""Output that goes to nobody's file, or to the end of a log."""


class _Work(IntEnum):
    """What something does; of several, the greatest is what they do together."""

    NONE = 0
    REMOVAL = 1
    OTHER = 2


def is_removal(
    command: str, scripts: Mapping[str, Answer] | None = None, units: Collection[str] = ()
) -> bool:
    """Whether `command` removes images and does nothing else.

    A program may be one of `scripts`; to start one of `units` counts as a removal.
    """
    return are_removals([command], scripts, units)


def are_removals(
    commands: Iterable[str], scripts: Mapping[str, Answer] | None = None, units: Collection[str] = ()
) -> bool:
    """The same of several commands together."""
    reader = _Reader(scripts or {}, units)
    return max(map(reader.code, commands), default=_Work.NONE) is _Work.REMOVAL


@dataclass(frozen=True, slots=True)
class _Reader:
    scripts: Mapping[str, Answer]
    units: Collection[str]

    def code(self, text: str) -> _Work:
        """What shell code does."""
        functions = frozenset(_FUNCTION.findall(text))  # their bodies are read where they stand
        try:
            parts = list(_parts(_FUNCTION.sub("", text)))
        except ValueError:
            return _Work.OTHER
        return max((self._part(part, functions) for part in parts), default=_Work.NONE)

    def _part(self, part: "_Part", functions: Collection[str]) -> _Work:
        work = self._command(part.words, functions)
        writes = not all(map(_TOLD.fullmatch, part.written))
        return _Work.OTHER if work is _Work.NONE and writes else work

    def _command(self, words: Sequence[str], functions: Collection[str]) -> _Work:
        for at, word in enumerate(words):
            if _SHELL.fullmatch(word):
                code = [*dropwhile(_SHELLS_OPTION.fullmatch, words[at + 1 :])]
                return self.code(" ".join(code)) if code else _Work.OTHER
            if not (_SYNTAX.fullmatch(word) or _RUNS_ANOTHER.fullmatch(word)):
                return self._program(words[at:], functions)
        return _Work.NONE if all(map(_SYNTAX.fullmatch, words)) else _Work.OTHER

    def _program(self, words: Sequence[str], functions: Collection[str]) -> _Work:
        program, command = words[0], " ".join(words)
        if program in functions:
            return _Work.NONE
        if program in self.scripts:
            return self._script(program)
        if is_janitor_image(program) or self._starts_units(command) or _removes(words):
            return _Work.REMOVAL
        return _Work.NONE if _HARMLESS.match(f"{command} ") else _Work.OTHER

    def _script(self, path: str) -> _Work:
        script = self.scripts[path]
        if not isinstance(script, Present) or _OTHER_INTERPRETER.match(script.text):
            return _Work.OTHER
        others = {other: answer for other, answer in self.scripts.items() if other != path}
        return _Reader(others, self.units).code(script.text)

    def _starts_units(self, command: str) -> bool:
        started = _STARTS_UNITS.fullmatch(command)
        names = [word for word in started.group(1).split() if not word.startswith("-")] if started else []
        return bool(names) and all(name in self.units for name in names)


def _removes(words: Sequence[str]) -> bool:
    command = " ".join(words)
    if _RUN.match(command):
        return is_janitor_image(_image(words))
    return bool(_REMOVAL.match(f"{command} "))


def _image(words: Sequence[str]) -> str:
    """The image of a `docker run`: options come before it, and a value behind most of them."""
    at = words.index("run") + 1 if "run" in words else len(words)
    while at < len(words) and words[at].startswith("-"):
        at += 1 if _FLAG_OF_RUN.fullmatch(words[at]) else 2
    return words[at] if at < len(words) else ""


@dataclass(frozen=True, slots=True)
class _Part:
    """A simple command of shell code."""

    words: tuple[str, ...]
    written: tuple[str, ...]
    """Where its output goes: `> FILE`, `>> FILE`, `>& 1`."""


def _parts(code: str) -> Iterator[_Part]:
    """The simple commands of `code`, and those in its substitutions.

    Raises `ValueError` where that cannot be told.
    """
    while found := _SUBSTITUTION.search(code):
        yield from _parts(found.group(1) or found.group(2) or "")
        code = f"{code[: found.start()]}$_{code[found.end() :]}"
    if any(sign in code for sign in ("`", "$(", "$'")):
        raise ValueError("a substitution, or a quote, that is not understood")
    words: list[str] = []
    written: list[str] = []
    redirection = ""
    for operator, word in _tokens(code):
        if ">" in redirection:
            written.append(f"{redirection} {word}")
        elif word and not redirection:
            words.append(word)
        redirection = ""
        if _REDIRECTION.fullmatch(operator):
            redirection = operator
            if words[-1:] in (["1"], ["2"]):
                words.pop()
        elif _SEPARATOR.fullmatch(operator):
            yield _Part(tuple(words), tuple(written))
            words, written = [], []
        elif operator:
            raise ValueError(f"{operator} is not understood")
    yield _Part(tuple(words), tuple(written))


def _tokens(code: str) -> Iterator[tuple[str, str]]:
    """Each operator and each word without its quotes, as a pair of which one is empty."""
    at = 0
    while at < len(code):
        token = _TOKEN.match(code, at)
        if token is None:
            raise ValueError("a quote that is not closed")
        at = token.end()
        if token["operator"]:
            yield token["operator"], ""
        elif token["word"]:
            yield "", "".join(shlex.split(token["word"]))
