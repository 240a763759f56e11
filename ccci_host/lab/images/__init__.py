"""The images that the lab's registries offer, made from nothing but Debian's busybox and a seed."""

from ccci_host.lab.images.catalogue import CANARY, RATE_LIMIT_PREVIEW, TWELVE, catalogue
from ccci_host.lab.images.publish import publish, publish_all, publish_for_recipe, publish_specs
from ccci_host.lab.images.spec import Filler, ImageSpec

__all__ = [
    "CANARY",
    "RATE_LIMIT_PREVIEW",
    "TWELVE",
    "Filler",
    "ImageSpec",
    "catalogue",
    "publish",
    "publish_all",
    "publish_for_recipe",
    "publish_specs",
]
