"""Per image and layer of a cycle: what lay in the store before, what the redeploy wrote."""

from collections.abc import Sequence

from ccci_host.checks.reading import before_redeploy, name_of, new_layers, repository_of
from ccci_host.checks.weights import manifests
from ccci_host.records import History, RequestsSeen, StoreSeen
from ccci_host.report import words
from ccci_host.report.model import ImageRow, LayerRow


def image_rows(history: History, cycle: int) -> tuple[ImageRow, ...]:
    """A row for each image of the recipe, empty when nothing was deployed."""
    deployed = history.deployment("redeploy", cycle) or history.deployment("deploy", cycle)
    if deployed is None:
        return ()
    redeployed = history.deployment("redeploy", cycle) is not None
    first = {item.name: item.image for item in (history.deployment("deploy", cycle) or deployed).services}
    store = {moment: _readable(history.at(StoreSeen, moment, cycle)) for moment in ("deployed", "redeployed")}
    start = _readable(
        history.at(StoreSeen, "start", 0)
        if cycle == history.cycles[0]
        else history.at(StoreSeen, "finally-torn-down", cycle - 1)
    )
    before = _readable(history.at(StoreSeen, before_redeploy(history, cycle), cycle))
    after = store["redeployed"] if redeployed else store["deployed"]
    weights = _weights(history, cycle)
    served = _served(history, cycle)
    rows: dict[str, ImageRow] = {}
    services: dict[str, list[str]] = {}
    for service in deployed.services:
        services.setdefault(service.image, []).append(service.name)
    for image, names in services.items():
        digest = image.partition("@")[2]
        stored = after.image_with(digest) if after and digest else None
        keys = tuple(dict.fromkeys(stored.layers)) if stored else ()
        layers = tuple(_layer(key, before, after if redeployed else None, after) for key in keys)
        held = sum(layer.before is True for layer in layers)
        new = sum(layer.downloaded is True for layer in layers)
        was = first.get(names[0], image)
        rows[image] = ImageRow(
            name=name_of(image),
            digest=digest,
            service=", ".join(names),
            moved=was.partition("@")[2] if was != image else "",
            weight=words.size(weights.get(digest)),
            layers=layers,
            present_before=f"{held} of {len(layers)}" if layers and before else "–",
            downloaded_first=_count_new(keys, start, store["deployed"]),
            downloaded=f"{new} of {len(layers)}" if layers and before and redeployed else "–",
            served=words.size(served.get(repository_of(image), 0)) if served is not None else "–",
            state="unknown" if not layers or not before or not redeployed else "new" if new else "kept",
        )
    return tuple(rows.values())


def _readable(seen: StoreSeen | None) -> StoreSeen | None:
    return None if seen is None or seen.problem else seen


def _layer(key: str, before: StoreSeen | None, after: StoreSeen | None, shown: StoreSeen | None) -> LayerRow:
    was = before.layer(key) if before else None
    now = after.layer(key) if after else None
    known = shown.layer(key) if shown else None
    downloaded = None if before is None or after is None or now is None else key in new_layers(before, after)
    return LayerRow(
        key=key,
        size=words.size(known.size if known else None),
        changed=words.stamp(known.changed_at if known else None),
        before=None if before is None else was is not None,
        downloaded=downloaded,
    )


def _count_new(keys: Sequence[str], before: StoreSeen | None, after: StoreSeen | None) -> str:
    if before is None or after is None or not keys:
        return "–"
    return f"{len(new_layers(before, after).intersection(keys))} of {len(keys)}"


def _weights(history: History, cycle: int) -> dict[str, int]:
    seen = manifests(history, cycle)
    return {image.digest: image.size for image in (seen.images if seen else ()) if image.layers}


def _served(history: History, cycle: int) -> dict[str, int] | None:
    asked = history.during(RequestsSeen, "redeploy", cycle)
    if asked is None or asked.problem:
        return None
    served: dict[str, int] = {}
    for request in asked.requests:
        if request.is_layer_download:
            served[request.repository] = served.get(request.repository, 0) + request.bytes
    return served
