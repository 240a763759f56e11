"""Whether the agent, its units and its policy on the host are what this checkout installs."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import count, listed
from ccci_host.checks.registry import check
from ccci_host.records import AgentSeen, History, UnitSeen

REMOVE = "Remove what alters its units, `systemctl daemon-reload`, and run `invoke provision`."


@check(
    pc="PC1",
    sentence="the agent, its units and its policy are the ones that this page describes",
    witnesses=("installed files", "systemd"),
    tasks=("verify-pc1",),
    order=16,
)
def agent_as_built(history: History) -> Answer:
    """By content: one byte that differs is a FAIL, as is a drop-in; a file that cannot be read is UNKNOWN."""
    looks = history.of(AgentSeen)
    files = {file.path: file for seen in looks for file in seen.files if file.state != "as-built"}
    wrong = [file for file in files.values() if file.state in ("altered", "absent")]
    units = [said for seen in looks for unit in seen.units for said in _altered(unit)]
    if wrong or units:
        named = [*(f"{file.path} ({file.state})" for file in wrong), *units]
        return failed(
            f"Not as this checkout installs it: {listed(named)}.",
            *(f"{file.path}: {file.detail}" for file in wrong if file.detail),
            todo=REMOVE if units else "Run `invoke provision`: it installs the agent again.",
        )
    problems = [seen.problem for seen in looks if seen.problem]
    problems += [f"{file.path} cannot be read: {file.detail}" for file in files.values()]
    if problems or not looks or not looks[-1].files or not looks[-1].units:
        raise NoEvidenceError(
            f"Whether the agent is ours is not known: {problems[0] if problems else 'nobody looked'}."
        )
    return passed(
        f"The {count(len(looks[-1].files), 'file')} of the agent are as this checkout installs them."
    )


def _altered(unit: UnitSeen) -> list[str]:
    """What makes a unit another than its file says."""
    found = [f"{path} (alters {unit.name})" for path in unit.drop_ins]
    return [*found, f"{unit.name} (changed since systemd read it)"] if unit.needs_reload else found
