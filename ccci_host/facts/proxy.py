"""Host programs that ask registries go out as dockerd does."""

import re
from importlib import resources

SHARED = (resources.files(__package__) / "proxy_remote.py").read_text()
IMPORT = re.compile(r"^from ccci_host\.facts\.proxy_remote import .+\n", re.MULTILINE)


def going_out(program: str) -> str:
    """The text of a host program, with `proxy_remote.py` in place of its import: one file, as it is sent."""
    return IMPORT.sub(lambda _: SHARED, program)
