"""Host program: overwrites a file in the layers of an image store, tells whether it is so, or puts it back.

Runs on the CI host, Python ≥ 3.9, standard library only. Reads `{"do": WORD, "file": PATH}` on standard
input, WORD being harm, look or mend, and PATH the file's in its layer; prints how many copies are overwritten
then.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

LAYERS = (
    ("/var/lib/docker/overlay2", "*/diff"),
    ("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots", "*/fs"),
)
ASIDE = Path("/run/ccci-fault-layers")
"""What the files held, by their paths."""


def copies(file: str) -> list[Path]:
    """The file in every layer that holds it."""
    return [
        path for root, each in LAYERS for path in sorted(Path(root).glob(f"{each}/{file}")) if path.is_file()
    ]


def main() -> None:
    """Do what is asked."""
    wanted = json.load(sys.stdin)
    found = copies(wanted["file"])
    for path in found:
        kept = ASIDE / str(path).replace("/", "%")
        if wanted["do"] == "harm":
            ASIDE.mkdir(exist_ok=True)
            kept.write_bytes(path.read_bytes())
            path.write_bytes(b"\0" * path.stat().st_size)
        elif wanted["do"] == "mend" and kept.exists():
            path.write_bytes(kept.read_bytes())
            kept.unlink()
    print(json.dumps(sum(not path.read_bytes().strip(b"\0") for path in found)))


if __name__ == "__main__":
    main()
