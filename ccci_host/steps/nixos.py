"""For a host whose `/etc` is made by NixOS: our files as a piece of its configuration."""

from collections.abc import Mapping
from pathlib import PurePosixPath

UNIT_FOLDER = PurePosixPath("/etc/systemd/system")
STORE = "/nix/store/"
_STARTS_WITH = {".timer": "timers.target", ".service": "multi-user.target"}


def module_for(texts: Mapping[str, str], started: tuple[str, ...]) -> str:
    """A NixOS module that puts `texts` (by path under `/etc`) there, and starts the units named `started`.

    The units find Python, and the Docker CLI, among the system's packages: their own PATH names these.
    """
    lines = [
        "{ pkgs, ... }: {",
        "  virtualisation.docker.autoPrune.enable = false;",
        "  environment.systemPackages = [ pkgs.python3 ];",
    ]
    for path, text in texts.items():
        place = PurePosixPath(path)
        if place.parent == UNIT_FOLDER:
            lines += [f'  systemd.units."{place.name}" = {{', f"    text = {_quoted(text)};"]
            if place.name in started:
                lines.append(f'    wantedBy = [ "{_STARTS_WITH[place.suffix]}" ];')
            lines.append("  };")
        else:
            lines.append(f'  environment.etc."{place.relative_to("/etc")}".text = {_quoted(text)};')
    return "\n".join([*lines, "}"])


def _quoted(text: str) -> str:
    """`text` as a Nix string: between double quotes, so that no indentation is stripped."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'
