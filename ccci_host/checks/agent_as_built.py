"""Whether the agent, its units and its policy on the host are what this checkout installs."""

from ccci_host.checks.finding import Answer, NoEvidenceError, failed, passed
from ccci_host.checks.reading import count, listed
from ccci_host.checks.registry import check
from ccci_host.records import AgentSeen, History


@check(
    pc="PC1",
    sentence="the agent, its units and its policy are the ones that this page describes",
    witnesses=("installed files",),
    tasks=("verify-pc1",),
    order=16,
)
def agent_as_built(history: History) -> Answer:
    """By content: one byte that differs is a FAIL, a file that cannot be read UNKNOWN."""
    looks = history.of(AgentSeen)
    files = {file.path: file for seen in looks for file in seen.files if file.state != "as-built"}
    wrong = [file for file in files.values() if file.state in ("altered", "absent")]
    if wrong:
        return failed(
            f"Not as this checkout installs it: {listed(f'{file.path} ({file.state})' for file in wrong)}.",
            *(f"{file.path}: {file.detail}" for file in wrong if file.detail),
            todo="Run `invoke provision`: it installs the agent again.",
        )
    problems = [seen.problem for seen in looks if seen.problem]
    problems += [f"{file.path} cannot be read: {file.detail}" for file in files.values()]
    if problems or not looks or not looks[-1].files:
        raise NoEvidenceError(
            f"Whether the agent is ours is not known: {problems[0] if problems else 'nobody looked'}."
        )
    return passed(
        f"The {count(len(looks[-1].files), 'file')} of the agent are as this checkout installs them."
    )
