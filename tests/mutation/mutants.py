"""A copy of the tree in which every function has its mutants beside it."""

import ast
import difflib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from mutmut.mutation.file_mutation import MutatedFile, mutate_file_contents

LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "mutants", "machine-docs")
LIST = "mutants.json"
"""In the copy: what each mutant changes, by its name."""
MUTMUTS_OWN = ("staticmethod", "classmethod")


def copy_with_mutants(root: Path, to: Path, paths: Sequence[Path]) -> int:
    """Copy the tree at `root` and mutate the modules at and below `paths`; how many mutants that makes."""
    shutil.copytree(root, to, ignore=LEFT_OUT, dirs_exist_ok=True)
    mutants: dict[str, list[str]] = {}
    for file in _modules(paths):
        mutated = mutate_file_contents(str(file), undecorated((root / file).read_text()))
        (to / file).write_text(mutated.code)
        module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
        mutants |= {f"{module}.{name}": _difference(mutated, name) for name in mutated.mutant_names}
    (to / LIST).write_text(json.dumps(mutants))
    return len(mutants)


def undecorated(source: str) -> str:
    """`source` with each `@decorator` above a function as a call below it, which means the same."""
    lines = source.splitlines()
    decorated = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        and node.decorator_list
        and not any(isinstance(item, ast.Name) and item.id in MUTMUTS_OWN for item in node.decorator_list)
    ]
    for node in sorted(decorated, key=lambda node: -node.lineno):
        applied = node.name
        for decorator in reversed(node.decorator_list):
            applied = f"({ast.unparse(decorator)})({applied})"
        lines.insert(node.end_lineno or node.lineno, f"{' ' * node.col_offset}{node.name} = {applied}")
        del lines[node.decorator_list[0].lineno - 1 : node.lineno - 1]
    return "\n".join(lines) + "\n"


def _modules(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _difference(mutated: MutatedFile, name: str) -> list[str]:
    """The lines in which the mutant differs from the original."""
    original = f"{name.rpartition('_')[0]}_orig"
    then, now = (_lines_of(mutated, function) for function in (original, name))
    changed = list(difflib.unified_diff(then, now, lineterm="", n=0))[2:]
    return [line for line in changed if not line.startswith("@@")]


def _lines_of(mutated: MutatedFile, function: str) -> list[str]:
    """Without the line of its name."""
    span = mutated.line_span_by_function_name[function]
    return [line.replace(function, "") for line in mutated.code.splitlines()[span.start - 1 : span.end]]
