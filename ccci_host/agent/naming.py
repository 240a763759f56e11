"""The images that a person means by a name, however swarm or a pull left them called.

Roots hold more than they name: what is not known is held. A person who asks gets what is known to have the
name, and where nothing is, what may have it, with a word that it was guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from . import references
from .decide import Plan
from .host import Host
from .ledger import Ledger
from .problem import UnreadableError
from .roots import Index, split


@dataclass(frozen=True)
class Found:
    """Images that a name means, by their ids; and a note where it was guessed that it means them."""

    images: frozenset[str]
    note: str = ""


def find(text: str, host: Host, ledger: Ledger) -> Found:
    """The images that are known as `text`; else those that may well be meant, and a note that says so.

    Raises `UnreadableError` where there are none, and not all of the host could be read.
    """
    index = Index(host, ledger)
    found = Found(frozenset(known(text, host, index)))
    if not found.images:
        found = _guess(text, index)
    if not found.images and host.unreadable:
        reason = "; ".join(host.unreadable)
        raise UnreadableError(f"Whether {text} is an image of this host is not known: {reason}")
    return found


def known(text: str, host: Host, index: Index) -> set[str]:
    """The images that `text` is known to mean: a reference, an id, the beginning of an id.

    A tag is known from the store's names, from the ledger, and from a `repo:tag@digest` that something is of.
    """
    reference = references.parse(text)
    if reference is None or reference.digest:
        return index.meant(text)
    named = [one for image in host.images for one in image.named]
    named += [one for one in map(references.parse, _asked_for(host)) if one is not None]
    digests = {one.digest for one in named if one.digest and one.tagged == reference.tagged}
    found = index.with_id(text) | index.known_by_tag(reference.tagged)
    return found.union(*(index.with_key(digest) for digest in digests))


def only(plan: Plan, images: Collection[str]) -> Plan:
    """What `plan` says of `images`."""
    return replace(
        plan,
        victims=tuple(ruling for ruling in plan.victims if ruling.image.id in images),
        kept=tuple(ruling for ruling in plan.kept if ruling.image.id in images),
    )


def _guess(text: str, index: Index) -> Found:
    """What `text` may mean that nothing is known to be called."""
    reference = references.parse(text)
    if reference is None or reference.digest:
        return Found(frozenset())
    repository, tag = split(text)
    if tag:
        images = index.untagged(repository)
        note = f"nothing here is known to be {text}; of its repository these have no tag that is known"
    else:
        images = index.of_repository(repository)
        note = f"nothing here is known to be {text}:latest; this is all of its repository"
    return Found(frozenset(images), note if images else "")


def _asked_for(host: Host) -> Iterator[str]:
    """The images of containers, services, tasks and pins, as they are written there."""
    yield from (container.image for container in host.containers)
    for service in host.services:
        yield from (service.image, service.previous)
    yield from (task.image for task in host.tasks)
    yield from (text for text, _ in host.pins.images)
