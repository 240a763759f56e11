"""What the hub remembers over a restart besides accounts: budget, faults, private repositories."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from ccci_host.lab.hub.accounts import ACCOUNT
from ccci_host.lab.hub.budget import BudgetState
from ccci_host.lab.hub.certificates import write_atomically
from ccci_host.lab.hub.faults import FaultTable

PRIVATE_REPOSITORY = f"{ACCOUNT}/vault"
"""A repository that only the lab's own account may pull from."""


class LiveState(BaseModel):
    """Written after each change. Only the hub's process does that."""

    model_config = ConfigDict(extra="forbid")

    budget: BudgetState = Field(default_factory=BudgetState)
    faults: FaultTable = Field(default_factory=FaultTable)
    private: set[str] = Field(default_factory=lambda: {PRIVATE_REPOSITORY})
    _file: Path | None = PrivateAttr(default=None)

    @classmethod
    def load(cls, file: Path) -> "LiveState":
        """What `file` holds, or a fresh state when there is none."""
        state = cls.model_validate_json(file.read_bytes()) if file.exists() else cls()
        state._file = file
        return state

    def save(self) -> None:
        """Write the state whole or not at all."""
        if self._file is not None:
            write_atomically(self._file, self.model_dump_json(indent=1).encode(), 0o600)
