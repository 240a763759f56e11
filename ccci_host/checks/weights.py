"""What downloads weigh, by the images' own manifests, and what an interface hears anyway."""

from ccci_host.records import History, InterfaceSeen, ManifestsSeen, NoiseSeen


def manifests(history: History, cycle: int) -> ManifestsSeen | None:
    """The manifests of the recipe's images, as last read in `cycle` or before it."""
    fitting = [seen for seen in history.of(ManifestsSeen) if seen.of == "recipe" and seen.cycle <= cycle]
    return fitting[-1] if fitting else None


def lightest_loss(history: History, cycle: int) -> int | None:
    """Compressed bytes that would come in again if as little as possible had been lost.

    A layer goes with the last image that holds it: mostly one, and several that are the same image by other
    names. None when the manifest of one is unknown.
    """
    seen = manifests(history, cycle)
    if seen is None or seen.problem or any(image.problem or not image.layers for image in seen.images):
        return None
    sizes = {layer.digest: layer.size for image in seen.images for layer in image.layers}
    holders = {
        digest: {image.digest for image in seen.images if digest in {layer.digest for layer in image.layers}}
        for digest in sizes
    }
    losses = (sum(size for key, size in sizes.items() if holders[key] <= lost) for lost in holders.values())
    return min(filter(None, losses), default=None)


def recipe_weight(history: History, cycle: int) -> int:
    """Compressed bytes of the recipe's layers, each counted once."""
    seen = manifests(history, cycle)
    layers = {layer.digest: layer.size for image in (seen.images if seen else ()) for layer in image.layers}
    return sum(layers.values())


def above_noise(history: History, seen: InterfaceSeen) -> float | None:
    """Bytes beyond the noise floor; None when a figure is missing or the counter stood still."""
    noise = history.last(NoiseSeen)
    if seen.bytes is None or seen.bytes <= 0 or seen.problem:
        return None
    if noise is None or noise.problem or noise.bytes is None or noise.seconds <= 0:
        return None
    return max(0.0, seen.bytes - noise.bytes / noise.seconds * seen.seconds)
