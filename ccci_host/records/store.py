"""The layer store of the daemon under test, and the manifests of the images in question."""

from typing import Literal

from ccci_host.records.base import Moment, Record, StoreKind, digest_of


class StoredImage(Record):
    """An image in the store."""

    id: str
    references: tuple[str, ...]
    """Every name that the daemon lists for it: tags and digest references."""
    layers: tuple[str, ...]
    """Keys of its layers in `StoreSeen.layers`, the bottom one first."""
    size: int
    """Bytes as the daemon gives them; shared layers are in every image's figure."""

    @property
    def digests(self) -> tuple[str, ...]:
        """The manifest digests that its references carry."""
        return tuple(dict.fromkeys(filter(None, map(digest_of, self.references))))


class StoredLayer(Record):
    """A layer on disk.

    Its key is the chain id on the classic store, where a layer is a directory under `layerdb`; on the
    containerd store it is the digest of the compressed blob. Either way the key fixes the content.
    """

    key: str
    size: int
    """Bytes: unpacked on the classic store, compressed on the containerd store."""
    changed_at: float
    """Its ctime on the host, in epoch seconds: when it was downloaded (fact 9)."""
    blobs: tuple[str, ...] = ()
    """Digests of the compressed blobs that the daemon knows for it: what a registry's log calls it."""


class StoreSeen(Record):
    """The image store, read whole in one look."""

    kind: Literal["store"] = "store"
    moment: Moment
    cycle: int = 1
    host_clock: float = 0.0
    """The host's own time of the look, in epoch seconds; comparable with `changed_at`."""
    store: StoreKind | None = None
    images: tuple[StoredImage, ...] = ()
    layers: tuple[StoredLayer, ...] = ()
    problem: str | None = None

    def image_with(self, digest: str | None) -> StoredImage | None:
        """The image that carries the manifest digest, or whose id it is; None without one."""
        for image in self.images:
            if digest == image.id or digest in image.digests:
                return image
        return None

    def layer(self, key: str) -> StoredLayer | None:
        """The layer of that key, or None."""
        return next((layer for layer in self.layers if layer.key == key), None)


class ManifestLayer(Record):
    """A layer as a registry serves it."""

    digest: str
    size: int
    """Compressed bytes."""


class ImageManifest(Record):
    """The layers of one image of the recipe, for the host's platform."""

    reference: str
    """As the service's spec has it, with its digest."""
    digest: str
    """The digest that swarm pulls: of an index or of a manifest."""
    layers: tuple[ManifestLayer, ...] = ()
    source: str = ""
    """Where the sizes come from: `content store`, or `registry` (asked by `HEAD`, which costs no quota)."""
    problem: str | None = None

    @property
    def size(self) -> int:
        """Compressed bytes of all its layers."""
        return sum(layer.size for layer in self.layers)


class ManifestsSeen(Record):
    """What a download of images would weigh. Thresholds come from here."""

    kind: Literal["manifests"] = "manifests"
    of: Literal["recipe", "canary"] = "recipe"
    """Whose images: the recipe's, or the one that the operator lets a control remove."""
    cycle: int = 1
    images: tuple[ImageManifest, ...] = ()
    problem: str | None = None
