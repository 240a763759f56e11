"""Host program: the Docker daemon's events between two points of its own clock.

Runs on the CI host, Python ≥ 3.9, standard library only. Reads `{"socket": PATH, "since": SECONDS or null}`
on standard input. Prints the host's clock and, with `since`, the events up to now.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from typing import Any

Value = dict[str, Any]


def events(path: str, since: float, until: float) -> list[Value]:
    """What the daemon still has of the events of that stretch."""
    connection = http.client.HTTPConnection("docker", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(30)
    connection.sock.connect(path)
    connection.request("GET", f"/events?since={since:.9f}&until={until:.9f}")
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != 200:
        raise OSError(f"GET /events answered {answer.status}")
    return [reduced(json.loads(line)) for line in body.splitlines() if line.strip()]


def reduced(event: Value) -> Value:
    """Of an event what a history keeps."""
    actor = event.get("Actor") or {}
    about = actor.get("Attributes") or {}
    return {
        "at": event.get("timeNano", 0) / 1e9,
        "type": event.get("Type", ""),
        "action": event.get("Action", ""),
        "id": actor.get("ID", ""),
        "name": about.get("name", ""),
        "exit_code": int(about["exitCode"]) if "exitCode" in about else None,
    }


def main() -> None:
    """Print the clock, and the events when they are asked for."""
    wanted = json.load(sys.stdin)
    clock = time.time()
    said: Value = {"clock": clock}
    if wanted["since"] is not None:
        try:
            said["events"] = events(wanted["socket"], wanted["since"], clock)
        except (OSError, http.client.HTTPException, ValueError) as error:
            said["problem"] = f"{type(error).__name__}: {error}"
    print(json.dumps(said))


if __name__ == "__main__":
    main()
