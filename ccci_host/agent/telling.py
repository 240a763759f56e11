"""How the agent tells a person what it decided and what it knows."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Optional

from . import __version__, policy, sightings, usage
from .clock import show
from .daemon import Daemon
from .decide import Plan
from .pressure import disk_json
from .scene import Places, Scene


def plan_lines(decision: Plan, notes: Iterable[str]) -> list[str]:
    """A plan, one line an image: gates, then what goes, then what stays."""
    lines = [f"gate {gate.name} is closed: {gate.reason}" for gate in decision.gates]
    lines += [f"unreadable: {problem}" for problem in decision.unreadable]
    lines += [f"note: {note}" for note in notes]
    for fate, rulings in (("goes", decision.victims), ("stays", decision.kept)):
        for ruling in rulings:
            name = ", ".join(ruling.image.refs) or "(no name)"
            until = f"; may go from {show(ruling.until)}" if ruling.until else ""
            lines.append(f"{fate:5}  {ruling.image.id[7:19]}  {name}  {ruling.reason}{until}")
    return lines


def status_json(places: Places, daemon: Daemon, scene: Scene) -> dict[str, Any]:
    """All that `status` knows. Times are ISO 8601, sizes bytes."""
    decision = scene.plan()
    return {
        "version": __version__,
        "now": show(scene.around.now),
        "store": scene.host.store,
        "policy": {"path": places.policy, "sha256": policy.sha256(places.policy)},
        "gates": decision.to_json()["gates"],
        "unreadable": list(decision.unreadable),
        "notes": scene.notes,
        "images": len(scene.host.images),
        "candidates": decision.candidates,
        "leases": [
            {
                "id": held.id,
                "owner": held.owner,
                "since": show(held.since),
                "until": _shown(held.until),
            }
            for held in scene.around.leases
        ],
        "watched": sightings.somebody_watches(places.run),
        "disk": disk_json(scene.disk),
        "usage": usage.explain(daemon, scene.host),
        "above_since": _shown(scene.ledger.above_since),
        "sweep_unfinished_since": _shown(scene.ledger.sweep_since),
        "unknown_origin_bytes": sum(
            ruling.image.size for ruling in decision.kept if ruling.row == "unknown origin"
        ),
        "last": _last(places),
    }


def status_lines(report: dict[str, Any]) -> list[str]:
    """What `status_json` gave, for a person."""
    lines = [f"{report['now']}: {report['images']} images on the {report['store']} store"]
    lines += [
        f"disk: {disk['path']} at {disk['blocks_percent']} % (inodes {disk['inodes_percent']} %)"
        for disk in report["disk"]
    ]
    filled = [
        f"{key.replace('_', ' ')} {value / 1e6:.1f} MB"
        for key, value in report["usage"].items()
        if key != "problems" and value
    ]
    lines.append(f"filled by: {', '.join(filled) or 'not known'}")
    lines += [f"not known of what fills it: {problem}" for problem in report["usage"]["problems"]]
    if report["above_since"]:
        lines.append(f"above the high watermark since {report['above_since']}")
    lines += [f"gate {name} is closed: {gate['reason']}" for name, gate in report["gates"].items()]
    lines += [
        f"lease {held['id']}: {held['owner']}, since {held['since']}, until {held['until'] or 'it ends'}"
        for held in report["leases"]
    ]
    lines += [f"unreadable: {problem}" for problem in report["unreadable"]]
    lines += [f"note: {note}" for note in report["notes"]]
    last = report["last"]
    if last is None:
        return [*lines, "no tick yet"]
    if "problem" in last:
        return [*lines, f"the last tick's record cannot be read: {last['problem']}"]
    gone = last.get("removed", ())
    lines.append(f"last tick {last.get('at')}: removed {len(gone)}, exit code {last.get('exit_code')}")
    lines += [f"  removed {removed['id']}: {removed['reason']}" for removed in gone]
    lines += [f"  failed: {failure}" for failure in last.get("failures", ())]
    lines += [f"  gate {name} was closed: {gate['reason']}" for name, gate in last.get("gates", {}).items()]
    lines += [f"  left alone {image}: {why}" for image, why in last.get("conflicts", {}).items()]
    lines += [f"  unreadable: {problem}" for problem in last.get("unreadable", ())]
    lines += [f"  note: {note}" for note in last.get("notes", ())]
    return lines


def _last(places: Places) -> Any:
    try:
        return json.loads(places.last.read())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return {"problem": str(error)}


def _shown(moment: Optional[float]) -> Optional[str]:
    return None if moment is None else show(moment)
