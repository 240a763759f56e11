"""`python -m ccci_host.lab.hub.tag STATE SOURCE TARGET`: lets a tag of the stand-in mean another image.

SOURCE and TARGET are references of one repository; what TARGET meant before is of no importance.
"""

import sys
from pathlib import Path

from ccci_host.errors import UsageError
from ccci_host.lab.hub.backend import Backend
from ccci_host.lab.hub.references import parse_reference
from ccci_host.lab.hub.settings import Paths


def copy_tag(registry: Backend, source: str, target: str) -> None:
    """Let `target` mean what `source` means. Raises `UsageError` for two repositories, `NotFoundError`."""
    meant, tagged = parse_reference(source), parse_reference(target)
    if meant.backend_repository != tagged.backend_repository:
        raise UsageError(f"{source} and {target} are of two repositories: a tag moves within one.")
    content, media_type, _ = registry.get_manifest(meant.backend_repository, meant.tag)
    registry.put_manifest(tagged.backend_repository, tagged.tag, content, media_type)


if __name__ == "__main__":
    with Backend(Paths(Path(sys.argv[1])).backend_socket) as backend:
        copy_tag(backend, sys.argv[2], sys.argv[3])
