"""Host programs that ask registries go out as dockerd does."""

from importlib import resources

SHARED = (resources.files(__package__) / "proxy_remote.py").read_text()
IMPORT = "from ccci_host.facts.proxy_remote import opener\n"


def going_out(program: str) -> str:
    """The text of a host program, with `proxy_remote.py` in place of its import: one file, as it is sent."""
    return program.replace(IMPORT, SHARED)
