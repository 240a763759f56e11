"""Changes of the source that nothing can tell from the original, and the changed modules to show it with.

They are what mutation testing leaves over: docs/retention.md says how it is run.
"""

import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Equal:
    """A change of a module that equals the original, and why."""

    module: str
    original: str
    """A text that stands once in the module's source."""
    changed: str
    why: str

    def load(self) -> ModuleType:
        """The changed module, beside the original."""
        spec = find_spec(self.module)
        assert spec is not None
        assert spec.origin is not None
        source = Path(spec.origin).read_text(encoding="utf-8")
        assert source.count(self.original) == 1, f"{self.original!r} does not stand once in {self.module}"
        made = ModuleType(f"{self.module}_changed")
        made.__package__ = spec.parent
        sys.modules[made.__name__] = made  # where its dataclasses look themselves up
        exec(compile(source.replace(self.original, self.changed), spec.origin, "exec"), vars(made))
        return made
