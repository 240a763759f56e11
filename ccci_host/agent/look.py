"""A look at the host, recorded in the ledger: time passed, what was used, what tags came to mean.

Pure: a host and a ledger give a new ledger. Moves of tags are learnt from tags asked for without a digest: a
`docker pull` by tag, a stack label without `@`. `repo:tag@sha256:…` only says where a digest belongs, and a
rollback asks for nothing.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Optional

from . import references
from .clock import parse_moment
from .host import CLASSIC, Host, Image, Service, read_service
from .ledger import Entry, Ledger, Mark, last_asked
from .problem import UnreadableError
from .roots import Index, holds

STARTS = ("create", "start", "restart", "unpause")
"""Container events that ask for an image anew; every other one only shows that it is in use."""

PULLED = "a pull was seen"
DEPLOYED = "swarm deployed its digest"
ADOPTED = "adopted by the operator"


def look(ledger: Ledger, host: Host, now: float, *, trusted: bool = False) -> Ledger:
    """The ledger after a look at `host` at the moment `now` (epoch seconds; `trusted`: no cap of a day).

    Raises `UnreadableError` when a listing is missing: half a look would age what it did not see used.
    """
    if host.unreadable:
        raise UnreadableError("; ".join(host.unreadable))
    return _Look(ledger.copy(), host, now, trusted=trusted).record()


def uses(ledger: Ledger, host: Host, now: float, *, trusted: bool = False) -> Ledger:
    """The ledger with what the host's events show of use, and nothing else learnt.

    For a decision from a recorded snapshot: it can spare an image and never condemn one.
    """
    seeing = _Look(ledger.copy(), host, now, trusted=trusted)
    seeing.see_uses()
    return seeing.ledger


@dataclass(frozen=True)
class _Ask:
    """A tag that somebody asked for without a digest, and the digest that it gave."""

    at: float
    tag: str
    digest: str


class _Look:
    def __init__(self, ledger: Ledger, host: Host, now: float, *, trusted: bool) -> None:
        self.ledger = ledger
        self.host = host
        self.now = now
        self.clock = ledger.clock_at(now, trusted=trusted)
        self.before = self.clock if ledger.looked is None else ledger.clock
        self.since = ledger.looked
        self.events = _new_events(host.events, ledger.folded, now)
        self.new = [image for image in host.images if image.id not in ledger.images]
        self.index = Index(host, ledger)
        self.asks: list[_Ask] = []

    def record(self) -> Ledger:
        self._take_stock()
        self.see_events()
        self._see_services(self.host.services, self.clock)
        self._see_names()
        self._move_tags()
        self._see_roots()
        self._forget()
        if self.host.events:
            self.ledger.folded = _signature(self.host.events[-1])
        self.ledger.clock, self.ledger.looked, self.ledger.fresh = self.clock, self.now, ""
        return self.ledger

    def _at(self, moment: float) -> float:
        """The agent's clock at a moment since the last look."""
        return min(max(self.clock - (self.now - moment), self.before), self.clock)

    def _take_stock(self) -> None:
        """Enter new images, whose bottoms are in use; drop those that are gone."""
        for image in self.new:
            self.ledger.images[image.id] = Entry(self.clock, self.clock, self.clock, chain=chain_of(image))
        gone = set(self.ledger.images) - {image.id for image in self.host.images}
        for identity in gone:
            del self.ledger.images[identity]
        if not self.new:
            return
        by_chain: dict[str, list[str]] = defaultdict(list)
        for image in self.host.images:
            entry = self.ledger.images[image.id]
            entry.chain = entry.chain or chain_of(image)
            if entry.chain:
                by_chain[entry.chain].append(image.id)
        for image in self.new:
            for chain in chains(image.layers):
                self._use(by_chain.get(chain, ()), self.clock, wanted=True)

    def see_events(self) -> None:
        """What happened since the last look: pulls, containers, services that may be gone again."""
        mentioned: dict[str, float] = {}
        last_pull = {
            reference.tagged: number
            for number, (_, event) in enumerate(self.events)
            for reference in [references.parse(_pulled(event))]
            if _is_pull(event) and reference is not None and not reference.digest
        }
        for number, (moment, event) in enumerate(self.events):
            at = self._at(moment)
            if _is_pull(event):
                reference = references.parse(_pulled(event))
                if reference is not None:
                    overtaken = not reference.digest and last_pull[reference.tagged] != number
                    mentioned.update(
                        dict.fromkeys(self._see_pull(reference, moment, overtaken=overtaken), at)
                    )
            elif event.get("Type") == "service":
                mentioned.update(dict.fromkeys(self._see_service_event(event, at), at))
            elif event.get("Type") == "watch":
                if event.get("Action") == "gap":
                    self._use(self.ledger.images, at, wanted=True)
                    mentioned.clear()
            elif _container_image(event):
                meant = self.index.meant(_container_image(event))
                starts = str(event.get("Action")).split(":")[0] in STARTS
                self._use(meant, at, wanted=starts)
                mentioned.update(dict.fromkeys(meant if starts else (), at))
        for image in self.new:
            if image.id in mentioned:
                self.ledger.images[image.id].wanted = mentioned[image.id]

    def see_uses(self) -> None:
        """That something was used, however, and no more."""
        for moment, event in self.events:
            service = read_service(event.get("Service"))
            text = service.image if service else _container_image(event) or _pulled(event)
            self._use(self.index.meant(text) if text else (), self._at(moment), wanted=True)

    def _see_pull(self, reference: references.Reference, moment: float, *, overtaken: bool) -> set[str]:
        """The images that a pull gave. One `overtaken` by a later pull of its tag gave nobody knows what."""
        at = self._at(moment)
        if reference.digest:
            given = images = set(self.index.with_key(reference.digest))
            self._belongs(reference.tagged, reference.digest, at)
        else:
            images = set(() if overtaken else self.index.with_tag(reference.tagged))
            given = {one for one in images if self._came_by(reference, moment, self.host.by_id[one])}
            self._ask_for_what_is_there(reference, given, at)
        for identity in given:
            self._origin(identity, PULLED)
        self._use(images, at, wanted=True)
        return images

    def _came_by(self, reference: references.Reference, moment: float, image: Image) -> bool:
        """Whether a pull of a tag can have given the image that has the tag now: one may be built since."""
        nameless = _digest_in(image, reference.repository) == image.id
        return image.created <= moment and not (nameless and self.host.store == CLASSIC)

    def _ask_for_what_is_there(
        self, reference: references.Reference, images: Iterable[str], at: float
    ) -> None:
        for identity in sorted(images):
            digest = _digest_in(self.host.by_id[identity], reference.repository)
            self.asks.append(_Ask(at, reference.tagged, digest))

    def _see_service_event(self, event: dict[str, Any], at: float) -> set[str]:
        service = read_service(event.get("Service"))
        if service is None:
            return set()
        self._see_services([service], at)
        wanted = self.index.meant(service.image)
        self._use(wanted, at, wanted=True)
        return wanted

    def _see_services(self, services: Iterable[Service], at: float) -> None:
        """Where digests belong, and which tags were asked for, by the specs of services."""
        for service in services:
            moment = self._moment_of(service, at)
            for text in (service.image, service.previous):
                reference = references.parse(text)
                if reference is not None and reference.digest:
                    self._belongs(reference.tagged, reference.digest, moment)
                    for identity in self.index.with_key(reference.digest):
                        self._origin(identity, DEPLOYED)
            if service.rolled_back:
                self.ledger.asks.pop(service.id, None)
                continue
            asked, got = references.parse(service.asked), references.parse(service.image)
            if asked is None or asked.digest or got is None or not got.digest:
                continue
            ask = [asked.tagged, got.digest]
            same = asked.repository == got.repository and got.tag in ("", asked.tag)  # else the label is old
            if same and self.ledger.asks.get(service.id) != ask:
                self.ledger.asks[service.id] = ask
                self.asks.append(_Ask(moment, asked.tagged, got.digest))

    def _moment_of(self, service: Service, otherwise: float) -> float:
        """When a service was deployed, where its own word for that lies between the last look and this."""
        since = self.since
        if service.updated is None or since is None or not since < service.updated <= self.now:
            return otherwise
        return self._at(service.updated)

    def _see_names(self) -> None:
        """Where digests belong, by the names in the store and the images of tasks."""
        for image in self.host.images:
            for reference in image.named:
                if reference.tag:
                    digest = reference.digest or _digest_in(image, reference.repository)
                    self._belongs(reference.tagged, digest, self.clock)
        for task in self.host.tasks:
            named = references.parse(task.image)
            if named is not None and named.digest:
                self._belongs(named.tagged, named.digest, self.clock)

    def _move_tags(self) -> None:
        for ask in sorted(self.asks, key=lambda ask: (ask.at, ask.tag, ask.digest)):
            self._belongs(ask.tag, ask.digest, ask.at)
            mark = self.ledger.tags[ask.tag][ask.digest]
            mark.asked = max(ask.at, mark.asked or 0.0)

    def _see_roots(self) -> None:
        """What a root holds is used; what a root asks for, rather than merely still has, is wanted."""
        self.index = Index(self.host, self.ledger)
        for identity in holds(self.host, self.index):
            self._use([identity], self.clock)
        for container in self.host.containers:
            if container.running and not container.of_swarm:
                own = self.index.with_key(references.digest_of(container.image_id))
                self._use(own or self.index.meant(container.image), self.clock, wanted=True)
        asked = [text for service in self.host.services for text in (service.image, *service.mounted)]
        for text in (*asked, *(text for text, _ in self.host.pins.images)):
            self._use(self.index.meant(text), self.clock, wanted=True)

    def _forget(self) -> None:
        """Drop what is about images and services that are no more, but for what a tag was last asked for."""
        here = set().union(*(image.keys for image in self.host.images)) if self.host.images else set()
        remembered = {}
        for tag, marks in self.ledger.tags.items():
            if any(digest in here for digest in marks):
                asked = last_asked(marks)
                remembered[tag] = {
                    digest: mark for digest, mark in marks.items() if digest in here or digest == asked
                }
        self.ledger.tags = remembered
        services = {service.id for service in self.host.services}
        self.ledger.asks = {key: ask for key, ask in self.ledger.asks.items() if key in services}

    def _use(self, images: Iterable[str], at: float, *, wanted: bool = False) -> None:
        for identity in images:
            entry = self.ledger.images.get(identity)
            if entry is not None:
                entry.used = max(entry.used, at)
                if wanted:
                    entry.wanted = max(entry.wanted, at)

    def _belongs(self, tag: str, digest: str, at: float) -> None:
        if tag:
            self.ledger.tags.setdefault(tag, {}).setdefault(digest, Mark(at))

    def _origin(self, identity: str, how: str) -> None:
        entry = self.ledger.images.get(identity)
        if entry is not None and not entry.origin:
            entry.origin = how


def known_origin(image: Image, entry: Entry, store: str) -> str:
    """What shows that `image` can be had again; empty when nothing does."""
    if entry.origin:
        return entry.origin
    if store == CLASSIC:
        return "it has a digest of a registry" if image.digests else ""
    for reference in image.named:
        if reference.tag and reference.digest:
            return "it has a name with a digest"
    return ""


def chains(layers: tuple[str, ...]) -> Iterator[str]:
    """The identity of every bottom of `layers`, the whole last."""
    digest = hashlib.sha256()
    for layer in layers:
        digest.update(layer.encode() + b"\n")
        yield digest.copy().hexdigest()[:32]


def chain_of(image: Image) -> str:
    """The identity of all layers of `image`; empty when it has none, or they are not known."""
    chain = ""
    for chain in chains(image.layers):  # noqa: B007 - the last one
        pass
    return chain


def _digest_in(image: Image, repository: str) -> str:
    """The digest that `image` has in `repository`; its id when it has none there."""
    digests = sorted(
        reference.digest
        for reference in image.named
        if reference.repository == repository and reference.digest
    )
    return digests[-1] if digests else image.id


def _new_events(events: tuple[Any, ...], folded: str, now: float) -> list[tuple[float, dict[str, Any]]]:
    """The events after the one that was folded last, each with its moment; `now` where it has none."""
    signatures = [_signature(event) for event in events]
    first = len(signatures) - signatures[::-1].index(folded) if folded in signatures else 0
    moments = [(moment_of(event), event) for event in events[first:]]
    return [(now if moment is None else moment, event) for moment, event in moments]


def _signature(event: dict[str, Any]) -> str:
    actor = event.get("Actor")
    about = actor.get("ID") if isinstance(actor, dict) else event.get("id")
    return f"{event.get('timeNano') or event.get('time')} {event.get('Action')} {about}"


def moment_of(event: dict[str, Any]) -> Optional[float]:
    """The moment of a daemon's event, epoch seconds; None when it has none."""
    nano = event.get("timeNano")
    if isinstance(nano, (int, float)) and nano > 0:
        return nano / 1e9
    moment = event.get("time")
    return float(moment) if isinstance(moment, (int, float)) else parse_moment(moment)


def _attributes(event: dict[str, Any]) -> dict[str, Any]:
    actor = event.get("Actor")
    attributes = actor.get("Attributes") if isinstance(actor, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _is_pull(event: dict[str, Any]) -> bool:
    return event.get("Type") == "image" and event.get("Action") == "pull"


def _container_image(event: dict[str, Any]) -> str:
    if event.get("Type") != "container":
        return ""
    return str(_attributes(event).get("image") or event.get("from") or "")


def _pulled(event: dict[str, Any]) -> str:
    actor = event.get("Actor")
    text = actor.get("ID") if isinstance(actor, dict) else None
    return str(text or event.get("id") or _attributes(event).get("name") or "")
