"""Which commands take images away.

A line of a unit, of a crontab, of a script, or a container's command is one text here: quotes, commas and
brackets count as spaces, so that `["docker", "image", "prune"]` reads like the command it is. Pruning of
what is no image (build cache, volumes, networks) is the operator's own business and is not meant.
"""

import re

_PUNCTUATION = re.compile(r"""["'`,()\[\]]+""")
_OPTIONS = r"(?:-{1,2}\S+\s+)*"

_REMOVAL = re.compile(
    rf"""
      (?<!podman\ )\b(?:system|images?)\s+{_OPTIONS}prune\b       # docker image prune, docker system prune
    | \bdocker\b[^\n;|&]*?\s(?:rmi|image\s+(?:rm|remove))\b         # docker rmi, docker image rm
    | \bdocker[- ]compose\b[^\n;|&]*?\s--rmi\b                        # docker compose down --rmi all
    | \$\{{?docker\w*\}}?\s[^\n;|&]*?(?:rmi|image\s+(?:rm|remove))\b  # the same through a variable
    | \b(?:crictl|nerdctl)\b[^\n;|&]*?\s(?:rmi|image\s+rm)\b
    | \bctr\b[^\n;|&]*?\s(?:images?|i)\s+(?:rm|remove|delete|del|prune)\b
    | /images/prune\b                                               # the API's own endpoint
    | \bimages\.(?:prune|remove)\b | \b(?:prune_images|remove_image)\b  # the Python SDK's
    """,
    re.VERBOSE | re.IGNORECASE,
)

_JANITOR = re.compile(
    r"(?:^|[/\s=])(?:\w+-)*(docuum|docker[-_]?gc[\w-]*|dcgc|docker-custodian|docker-clean(?:up|er)?[\w-]*"
    r"|docker-(?:images?-)?prune[\w-]*|docker-image-clean\w*|image-cleanup|docker-janitor|drone[/-]gc)"
    r"(?=[:@\s]|$)",
    re.IGNORECASE,
)
"""Programs and images made for nothing else."""

_PLAIN_FLAG = r"-[afqv]{1,4}|--(?:all|force|volumes|no-prune|quiet|remove-orphans|prune|sync|async)"
_PLAIN_WORD = re.compile(
    r"docker|docker-compose|compose|down|podman|crictl|nerdctl|ctr|system|images?|i|prune|rmi|rm|remove"
    rf"|delete|del|\$\{{?docker\w*\}}?|{_PLAIN_FLAG}",
    re.IGNORECASE,
)
"""What may stand in a removal and can be no secret."""
_FLAGS_BEHIND = re.compile(rf"(?:\s(?:{_PLAIN_FLAG})(?=[\s;|&>]|$))*")

HINT = (
    r"(?i:prune|\brmi\b|images?\W+(rm|remove)\b|\bremove_image\b|\bi\s+rm\b|\bctr\b|docuum|docker[-_]?gc|dcgc|custodian"
    r"|docker-clean|image-clean|janitor|drone[/-]gc|systemctl\s.*start)"
)
"""What the host searches its files for: wide, since the reading is done here."""


def removals(text: str, *, comment: str = "#") -> tuple[str, ...]:
    """The lines of `text` that remove images, as they stand; comments do not count."""
    joined = re.sub(r"\s*\\\n\s*", " ", text)
    lines = (line.strip() for line in joined.splitlines())
    return tuple(line for line in lines if not line.startswith(comment) and removes_images(line))


def removes_images(command: str) -> bool:
    """Whether this one line removes images, or runs a program made for that."""
    return bool(removal_words(command))


def removal_words(line: str) -> str:
    """What of this line removes images, with its plain flags; empty where nothing does.

    It is what may be shown of others' lines: the rest of one may hold a password.
    """
    plain = plain_words(line)
    removal = _REMOVAL.search(plain)
    found = removal or _JANITOR.search(plain)
    if found is None:
        return ""
    flags = _FLAGS_BEHIND.match(plain, found.end())
    behind = flags.group() if flags else ""
    if removal is None:
        return found.group().lstrip("/= ") + behind
    before = "docker " if re.search(r"(?<![\w$-])docker $", plain[: found.start()]) else ""
    *words, last = found.group().split()
    shown = " ".join([*(word if _PLAIN_WORD.fullmatch(word) else "…" for word in words), last])
    return before + re.sub(r"…(?: …)+", "…", shown) + behind


def plain_words(line: str) -> str:
    """The line as it is read here, one space between words."""
    return re.sub(r"\s+", " ", _PUNCTUATION.sub(" ", line))


def is_janitor_image(reference: str) -> bool:
    """Whether a container's image is of a program that does nothing but remove images."""
    return bool(_JANITOR.search(reference))
