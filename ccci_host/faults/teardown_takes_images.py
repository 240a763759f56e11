"""A teardown that also removes images, as scripts do that want to leave a host clean."""

from ccci_host.faults.bug import Bug

_END = """
        ]
    return doomed
"""
_IMAGES = """
        ]
        doomed += [
            ("image", reference, "/images/" + urllib.parse.quote(reference, safe="/:@"))
            for one in daemon.get("/images/json")
            for reference in one.get("RepoDigests") or ()
        ]
    return doomed
"""


class TeardownTakesImages(Bug):
    """The teardown removes every image that no container holds any more."""

    name = "teardown-removes-images"
    task = "verify-pc1"
    check = "teardown-is-clean"
    changes = ((_END, _IMAGES),)


FAULT = TeardownTakesImages()
