"""A harness that deploys by tag what is pinned by digest: a stale tag hides the broken pin."""

from ccci_host.faults.bug import Bug


class StaleTag(Bug):
    """The deployer drops the digest of a pin, so that whatever its tag means runs in its stead."""

    name = "stale-tag"
    task = "verify-pc3"
    check = "broken-pin-fails"
    changes = (
        (
            'path.write_bytes(base64.b64decode(file["content"]))',
            'path.write_bytes(__import__("re").sub(rb"@sha256:[0-9a-f]{64}", b"", '
            'base64.b64decode(file["content"])))',
        ),
    )


FAULT = StaleTag()
