"""Host program: removes references of one image, never by force and without its parents.

Runs on the CI host, Python ≥ 3.9, standard library only. Reads `{"socket": PATH, "references": [NAME, …]}` on
standard input and prints which were removed and which were not, with the daemon's reason.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import urllib.parse
from typing import Any

Value = dict[str, Any]


def remove(path: str, reference: str) -> str | None:
    """Delete one reference; None when it is gone, else the daemon's reason. Already gone is gone."""
    connection = http.client.HTTPConnection("docker", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(60)
    connection.sock.connect(path)
    connection.request("DELETE", f"/images/{urllib.parse.quote(reference, safe='/:@')}?noprune=1")
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status in (200, 404):
        return None
    return str(json.loads(body).get("message", body.decode(errors="replace")))


def main() -> None:
    """Remove the references one after the other."""
    wanted = json.load(sys.stdin)
    said: Value = {"removed": [], "left": {}}
    for reference in wanted["references"]:
        reason = remove(wanted["socket"], reference)
        if reason is None:
            said["removed"].append(reference)
        else:
            said["left"][reference] = reason
    print(json.dumps(said))


if __name__ == "__main__":
    main()
