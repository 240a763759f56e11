"""The operating system, its Python and its systemd."""

from dataclasses import dataclass

from ccci_host.facts.answers import Present
from ccci_host.facts.collector import Answers, Fact
from ccci_host.facts.probes import PythonVersion, ReadFile, RunCommand

RELEASE = ReadFile("/etc/os-release")
PYTHON = PythonVersion()
SYSTEMD = RunCommand(("systemctl", "--version"))
ROUTES = ReadFile("/proc/net/route")


@dataclass(frozen=True, slots=True)
class Host:
    """What the suite stands on."""

    os_id: str
    """`debian`, `nixos`, …; empty when the host does not say."""
    os_name: str
    python: tuple[int, ...]
    systemd: int | None
    """Major version; None when there is no systemd."""
    default_interface: str
    """The network interface that the default route leaves by; empty when there is none."""

    @property
    def keeps_etc_in_a_store(self) -> bool:
        """Whether `/etc` belongs to the system's configuration, so that no file can be put there."""
        return self.os_id == "nixos"


def parse_host(answers: Answers) -> Host:
    """Read what a host says of itself."""
    release = _assignments(_text(answers, RELEASE))
    version = _text(answers, SYSTEMD).split()
    return Host(
        os_id=release.get("ID", ""),
        os_name=release.get("PRETTY_NAME", release.get("ID", "an unknown system")),
        python=tuple(int(part) for part in _text(answers, PYTHON).strip().split(".") if part.isdigit()),
        systemd=int(version[1]) if len(version) > 1 and version[1].isdigit() else None,
        default_interface=_default_interface(_text(answers, ROUTES)),
    )


HOST = Fact("host", (RELEASE, PYTHON, SYSTEMD, ROUTES), parse_host)


def _text(answers: Answers, probe: PythonVersion | ReadFile | RunCommand) -> str:
    answer = answers[probe]
    return answer.text if isinstance(answer, Present) else ""


def _assignments(text: str) -> dict[str, str]:
    lines = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {name.strip(): value.strip().strip("\"'") for name, _, value in lines}


def _default_interface(table: str) -> str:
    routes = [line.split() for line in table.splitlines()[1:]]
    defaults = [fields for fields in routes if len(fields) > 7 and fields[1] == fields[7] == "00000000"]
    return min(defaults, key=lambda fields: int(fields[6]))[0] if defaults else ""
