"""Several witnesses of one question, and what they say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ccci_host.checks.finding import Answer, failed, passed, unknown

Place = Literal["outside", "on the host"]


@dataclass(frozen=True, slots=True)
class Stance:
    """What one witness says about "no layer was downloaded"."""

    witness: str
    place: Place
    """Whether it watches from outside the daemon under test."""
    says: Literal["acquits", "convicts", "suspects", "silent"]
    why: str
    images: tuple[str, ...] = ()
    """The images that a convicting witness names."""

    def __str__(self) -> str:
        return f"{self.witness} ({self.place}) {self.says}: {self.why}"


def together(stances: Sequence[Stance], *, acquitted: str, convicted: str, images: str) -> Answer:
    """Two acquittals, one from outside the daemon: PASS. One conviction: FAIL. Anything else: UNKNOWN.

    `acquitted` and `convicted` are the sentences for PASS and FAIL; `images` says what is in question.
    """
    details = tuple(str(stance) for stance in stances)
    by = {word: [stance for stance in stances if stance.says == word] for word in ("convicts", "suspects")}
    acquitting = [stance for stance in stances if stance.says == "acquits"]
    if by["convicts"]:
        because = "; ".join(f"{stance.why} ({stance.witness})" for stance in by["convicts"])
        return failed(
            f"{convicted}: {because}.",
            *details,
            todo="Find what removed these images: `invoke verify-pc1` names competing pruners, "
            "`journalctl -u ccci-prune` on the host says what the agent did.",
        )
    if by["suspects"]:
        return unknown(
            f"It is not shown that {images} came from the local store: {by['suspects'][0].why}.",
            *details,
            todo="Run again while nothing else downloads on the host.",
        )
    outside = [stance for stance in acquitting if stance.place == "outside"]
    if len(acquitting) >= 2 and outside:
        return passed(acquitted, *details)
    silent = "; ".join(f"{stance.witness}: {stance.why}" for stance in stances if stance.says == "silent")
    if not acquitting:
        have = "no witness could tell"
    elif not outside:
        have = f"only the {acquitting[0].witness} could tell, and no witness outside the daemon"
    else:
        have = f"only the {acquitting[0].witness} could tell, and it takes two"
    return unknown(
        f"It is not shown that {images} came from the local store: {have}{f' ({silent})' if silent else ''}.",
        *details,
        todo="Make a second witness readable: the registry's access log ([host.NAME.registry] in ccci.toml) "
        "or the instance's interface counters in Incus.",
    )
