"""Host program: gives Docker Hub's entry in a docker configuration another value, or looks for that value.

Runs on the CI host, Python ≥ 3.9, standard library only. Reads `{"path": PATH, "key": KEY, "auth": WORDS or
None, "look": BOOL}` on standard input, and prints whether the entry is that one then.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path


def main() -> None:
    """Alter it, unless only asked to look."""
    wanted = json.load(sys.stdin)
    path = Path(wanted["path"])
    config = json.loads(path.read_text()) if path.exists() else {}
    auths = config.setdefault("auths", {})
    words = wanted["auth"]
    entry = {"auth": base64.b64encode(words.encode()).decode()} if words else None
    if not wanted["look"]:
        auths.pop(wanted["key"], None)
        if entry:
            auths[wanted["key"]] = entry
        path.write_text(json.dumps(config))
    print(json.dumps(auths.get(wanted["key"]) == entry))


if __name__ == "__main__":
    main()
