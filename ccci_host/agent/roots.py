"""What holds an image: containers, services, rollbacks, tasks, pins. Held rows match by digest.

A tag stands for the digest that it last meant here, which the ledger knows, and for the image that has it in
the store; where the ledger knows nothing of it, for every image of its repository.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from fnmatch import translate

from . import references
from .host import ENDED, Host
from .ledger import Ledger

ROWS = ("container", "service", "rollback", "task", "pinned")
"""The rows of the page that say who holds an image."""

_WILD = re.compile(r"[*?\[]")
"""What makes a text a pattern."""

_HUB = ("", *(f"{name}/" for name in (references.DEFAULT_REGISTRY, *references.HUB_ALIASES)))
"""What people write before the path of a repository on Docker Hub."""

Holds = dict[str, dict[str, str]]
"""Image id → row → what holds it."""


class Index:
    """Finds the images that a text means."""

    def __init__(self, host: Host, ledger: Ledger) -> None:
        self._ledger = ledger
        self._ids = [image.id for image in host.images]
        self._by_key: dict[str, tuple[str, ...]] = {}
        self._by_tag: dict[str, tuple[str, ...]] = {}
        self._by_repository: dict[str, set[str]] = defaultdict(set)
        for image in host.images:
            for key in image.keys:
                self._by_key[key] = (*self._by_key.get(key, ()), image.id)
            for reference in image.named:
                self._by_repository[reference.repository].add(image.id)
                if reference.tag and not reference.digest:
                    self._by_tag[reference.tagged] = (*self._by_tag.get(reference.tagged, ()), image.id)
        for tag, marks in ledger.tags.items():
            repository = tag.rpartition(":")[0]
            for digest in marks:
                self._by_repository[repository].update(self._by_key.get(digest, ()))

    def with_key(self, key: str) -> tuple[str, ...]:
        """The images that a digest or a whole id means."""
        return self._by_key.get(key, ())

    def with_tag(self, tag: str) -> tuple[str, ...]:
        """The images that have `repository:tag` in the store now."""
        return self._by_tag.get(tag, ())

    def repositories(self, pattern: str) -> set[str]:
        """The repositories that match `pattern`, in whatever way people write them."""
        if not _WILD.search(pattern):
            return {references.full(pattern)}
        fits = re.compile(translate(pattern)).match
        # else `registry*`, which is an image, would be all of Docker Hub by one of its names
        hosts = _HUB if f"{references.DEFAULT_REGISTRY}/" in pattern else ("",)
        return {name for name in self._by_repository if any(map(fits, _spellings(name, hosts)))}

    def tags_in(self, repositories: set[str]) -> set[str]:
        """Every `repository:tag` of these repositories that the ledger or the store knows."""
        known = (*self._ledger.tags, *self._by_tag)
        return {tag for tag in known if tag.rpartition(":")[0] in repositories}

    def of_repository(self, pattern: str) -> set[str]:
        """The images of the repositories that match `pattern`."""
        return set().union(*(self._by_repository.get(name, ()) for name in self.repositories(pattern)))

    def known_by_tag(self, tag: str) -> set[str]:
        """The images that are known to be `repository:tag` now: by the store, or by the ledger."""
        meanings = self._ledger.meanings(tag)
        return set(self.with_tag(tag)).union(*(self.with_key(digest) for digest in meanings))

    def untagged(self, pattern: str) -> set[str]:
        """The images of the repositories that match `pattern` of which no tag is known."""
        tags = self.tags_in(self.repositories(pattern))
        return self.of_repository(pattern).difference(*(self.known_by_tag(tag) for tag in tags))

    def meant_by_tag(self, tag: str) -> set[str]:
        """The images that `repository:tag` stands for."""
        if not self._ledger.meanings(tag):
            return set(self._by_repository.get(tag.rpartition(":")[0], ()))
        return self.known_by_tag(tag)

    def with_id(self, text: str) -> set[str]:
        """The images whose id begins with `text`."""
        beginning = references.short_id(text)
        return {identity for identity in self._ids if beginning and identity.startswith(beginning)}

    def meant(self, text: str) -> set[str]:
        """The images that `text` stands for: a reference, an id, the beginning of an id."""
        digest = references.digest_of(text)
        if digest:
            return set(self.with_key(digest))
        found = self.with_id(text)
        reference = references.parse(text)
        return found if reference is None else found | self.meant_by_tag(reference.tagged)


def holds(host: Host, index: Index) -> Holds:
    """What holds each image, by row; an image that nothing holds is not in it."""
    found: Holds = {}

    def hold(images: Iterable[str], row: str, what: str) -> None:
        for image in images:
            found.setdefault(image, {}).setdefault(row, what)

    for container in host.containers:
        state = "running" if container.running else "stopped"
        own = index.with_key(references.digest_of(container.image_id)) or index.meant(container.image)
        hold(own, "container", f"{container.name}, {state}")
        for text in container.mounted:
            hold(index.meant(text), "container", f"{container.name} mounts it, {state}")
    for service in host.services:
        for text in (service.image, *service.mounted):
            hold(index.meant(text), "service", service.name)
        if service.previous:
            hold(index.meant(service.previous), "rollback", f"{service.name} would roll back to it")
    for task in host.tasks:
        if task.state not in ENDED and task.image:
            hold(index.meant(task.image), "task", f"{task.id}, {task.state}")
    for text, recipe in host.pins.images:
        hold(index.meant(text), "pinned", f"by {recipe}")
    for pattern, recipe in host.pins.repositories:
        hold(index.of_repository(pattern), "pinned", f"its repository, by {recipe}, which does not render")
    return found


class Keep:
    """The `keep` patterns of a policy."""

    def __init__(self, patterns: tuple[str, ...], index: Index) -> None:
        self.held: dict[str, str] = {}
        """Images that match a pattern, by their id, and the first that they match."""
        for pattern in sorted(patterns):
            for image in self._matching(pattern, index):
                self.held.setdefault(image, pattern)

    @staticmethod
    def _matching(pattern: str, index: Index) -> set[str]:
        digest = references.digest_of(pattern)
        if digest:
            return set(index.with_key(digest))
        repository, tag = split(pattern)
        if not tag:
            return index.of_repository(repository) | index.meant(pattern)
        if not _WILD.search(pattern):
            return index.meant_by_tag(f"{references.full(repository)}:{tag}")
        fits = re.compile(translate(tag)).match
        tags = index.tags_in(index.repositories(repository))
        fitting = (index.meant_by_tag(known) for known in tags if fits(known.rpartition(":")[2]))
        return index.untagged(repository).union(*fitting)


def _spellings(repository: str, hosts: Iterable[str]) -> set[str]:
    """The ways to write a full repository name, that itself among them; one of Docker Hub behind `hosts`."""
    registry, _, path = repository.partition("/")
    if registry != references.DEFAULT_REGISTRY:
        return {repository}
    short = (path, references.familiar(repository))
    return {repository, *(host + name for host in hosts for name in short)}


def split(pattern: str) -> tuple[str, str]:
    """A repository and the tag behind it, which is empty where there is none; both may be patterns."""
    colon = pattern.rfind(":")
    return (pattern[:colon], pattern[colon + 1 :]) if colon > pattern.rfind("/") else (pattern, "")
