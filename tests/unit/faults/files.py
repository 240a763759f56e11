"""A host that has files and the few commands that faults change them with."""

from collections.abc import Callable

from ccci_host.faults.aside import ASIDE, NONE, PART
from ccci_host.transport.executor import Completed
from tests.fakes import FakeExecutor, completed


class Files:
    """Answers `cat`, `test`, `cp`, `mv`, `install` and `rm`; is cut off before command `cut_at`."""

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = dict(content)
        self.cut_at: int | None = None
        self._count = 0
        commands: dict[str, Callable[[tuple[str, ...], bytes], Completed]] = {
            "cat": self._cat,
            "test -e": lambda argv, _: completed(exit_code=0 if argv[-1] in self.content else 1),
            "cp --archive": self._cp,
            "mv --force": self._mv,
            "install": self._install,
            "rm --force": self._rm,
            "find": lambda *_: completed("\n".join(sorted(self.aside))),
        }
        self.executor = FakeExecutor({key: self._cut(command) for key, command in commands.items()})

    @property
    def aside(self) -> dict[str, bytes]:
        """What faults have put beside the host's files."""
        return {path: held for path, held in self.content.items() if path.endswith((ASIDE, NONE, PART))}

    def _cut(
        self, command: Callable[[tuple[str, ...], bytes], Completed]
    ) -> Callable[[tuple[str, ...], bytes], Completed]:
        def run(argv: tuple[str, ...], content: bytes) -> Completed:
            if self._count == self.cut_at:
                self.cut_at = None
                raise KeyboardInterrupt
            self._count += 1
            return command(argv, content)

        return run

    def _cat(self, argv: tuple[str, ...], _: bytes) -> Completed:
        held = self.content.get(argv[-1])
        return completed(exit_code=1) if held is None else completed(held)

    def _cp(self, argv: tuple[str, ...], _: bytes) -> Completed:
        self.content[argv[-1]] = self.content[argv[-2]]
        return completed()

    def _mv(self, argv: tuple[str, ...], _: bytes) -> Completed:
        self.content[argv[-1]] = self.content.pop(argv[-2])
        return completed()

    def _install(self, argv: tuple[str, ...], content: bytes) -> Completed:
        self.content[argv[-1]] = content if argv[-2] == "/dev/stdin" else b""
        return completed()

    def _rm(self, argv: tuple[str, ...], _: bytes) -> Completed:
        self.content.pop(argv[-1], None)
        return completed()
