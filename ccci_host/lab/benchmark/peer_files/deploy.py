"""For pyinfra: the state that `invoke provision` brings about. `wanted` is the file that peers.py wrote."""

import json
from pathlib import Path

from pyinfra import host
from pyinfra.facts.docker import DockerSystemInfo
from pyinfra.operations import files, server, systemd
from pyinfra.operations.util import any_changed

wanted = json.loads(Path(host.data.wanted).read_text())

# pyinfra hands the line to grep's basic regular expressions, where a key's "+" means itself only unescaped.
files.line(name="The key opens the host", path="/root/.ssh/authorized_keys", line=wanted["key"])

for file in wanted["files"]:
    files.put(
        name=f"{file['path']} is there",
        src=f"{wanted['folder']}{file['path']}",
        dest=file["path"],
        user="root",
        group="root",
        mode=file["mode"],
    )

units = [
    files.put(
        name=f"{unit['path']} is there",
        src=f"{wanted['folder']}{unit['path']}",
        dest=unit["path"],
        user="root",
        group="root",
        mode=unit["mode"],
    )
    for unit in wanted["units"]
]

systemd.daemon_reload(name="systemd knows the units", _if=any_changed(*units))

for name in wanted["running"]:
    systemd.service(name=f"{name} runs", service=name, running=True, enabled=True)
    systemd.service(name=f"{name} runs anew", service=name, restarted=True, _if=any_changed(*units))

if host.get_fact(DockerSystemInfo)["Swarm"]["LocalNodeState"] != "active":
    server.shell(name="There is a swarm", commands=["docker swarm init"])
