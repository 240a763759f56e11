"""Runs on the host: how far it has come up, as one JSON object.

Standard library only, Python ≥ 3.9; its source is shipped as it is.
"""

import json
import socket
import subprocess
from typing import Any

SOCKET = "/var/run/docker.sock"


def system_state() -> str:
    """What systemd says of the whole system; empty while its bus is not up, or where there is no systemd."""
    try:
        done = subprocess.run(
            ["systemctl", "is-system-running"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return ""
    return done.stdout.decode().strip()


def ask(path: str, word: str) -> Any:
    """The daemon's answer to `GET word`, or None while it has none.

    In HTTP/1.0, whose answer ends where the daemon hangs up: importing `http.client` costs more than all
    the rest.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as daemon:
        daemon.settimeout(5)
        try:
            daemon.connect(path)
            daemon.sendall(f"GET {word} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            head, _, body = b"".join(iter(lambda: daemon.recv(1 << 16), b"")).partition(b"\r\n\r\n")
            return json.loads(body) if head.split(b" ")[1:2] == [b"200"] else None
        except (OSError, ValueError):
            return None


def look(path: str) -> "dict[str, Any]":
    """The state of system, engine and swarm.

    `info` calls a node a manager before the swarm has a leader; only the list of nodes shows one at work.
    """
    info = ask(path, "/info")
    swarm = (info or {}).get("Swarm") or {}
    nodes = (ask(path, "/nodes") or []) if swarm.get("ControlAvailable") else []
    ready = [node["ID"] for node in nodes if node["Status"]["State"] == "ready"]
    return {
        "system": system_state(),
        "engine": info is not None,
        "swarm": swarm.get("LocalNodeState") or "",
        "manager": swarm.get("NodeID") in ready,
    }


if __name__ == "__main__":
    print(json.dumps(look(SOCKET)))
