"""How a line of the agent's log shows what may hold blanks."""

from __future__ import annotations

import json


def quoted(text: str) -> str:
    """`text` in double quotes, as JSON; what UTF-8 cannot say (a file's name may be any bytes) is escaped."""
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
