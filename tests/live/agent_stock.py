"""What a host holds while its agent is interrupted: images that stay, each for a reason, and others."""

from tests.live.agent_host import AgentHost

STAYS = {
    "high_watermark": 0.2,
    "low_watermark": 0.1,
    "young": "0.2s",
    "idle_after": "0.2s",
    "keep": ["stays/kept"],
}
"""A policy under which what `bring_survivors` brings stays, and all else is soon to go."""

VICTIMS = 4


def bring_survivors(host: AgentHost, *, swarm: bool = True) -> None:
    """An image each: of a running service (or container), of a stopped container, kept, made here."""
    host.set_policy(**STAYS)
    for number, name in enumerate(("served", "stopped", "kept")):
        host.publish(f"stays/{name}:1", size=100_000 + number)
    if swarm:
        host.deploy("stays", {"served": "stays/served:1"}).check()
    else:
        host.docker("run", "--detach", "stays/served:1", "sleep", "100000")
    host.docker("pull", "stays/stopped:1")
    host.docker("create", "--name", "stopped", "stays/stopped:1", "true")
    host.docker("pull", f"stays/kept@{host.publish('stays/kept:1', size=100_002)}")
    host.sh("echo made > /tmp/made; tar -C /tmp -c made | docker import - stays/made-here:1")


def publish_victims(host: AgentHost) -> None:
    """Publish what `bring_victims` pulls."""
    for number, name in enumerate(("tagged", "twice", "by-digest")):
        host.publish(f"goes/{name}:1", size=200_000 + number)


def bring_victims(host: AgentHost) -> None:
    """Images that may go: with one name, with names in two repositories, with only a digest, with none.

    They have been looked at, and are old by the time this returns.
    """
    by_digest = host.publish("goes/by-digest:1", size=200_002)
    host.sh(
        "docker pull -q goes/tagged:1 & docker pull -q goes/twice:1 &"
        f"docker pull -q goes/by-digest@{by_digest} &"
        "date +%N > /tmp/leftover; tar -C /tmp -c leftover | docker import - & wait;"
        "docker tag goes/twice:1 elsewhere/twice:2"
    )
    host.age(0.3)
