"""A witness is one file: it is found, and it knows no other."""

import ast
from pathlib import Path

from ccci_host import witnesses
from ccci_host.witnesses import MomentWitness, StretchWitness
from ccci_host.witnesses.program import source

FOLDER = Path(witnesses.__file__).parent
SHARED = {"witness", "program", "registries"}
"""What witnesses have in common: the protocol, and how host programs are sent."""


def test_every_registered_witness_is_of_moments_or_of_stretches() -> None:
    found = [*witnesses.moment_witnesses(), *witnesses.stretch_witnesses()]
    registered = [path for path in FOLDER.glob("*.py") if "\nWITNESS = " in path.read_text()]
    assert len(found) == len(registered) > 5
    assert all(isinstance(one, MomentWitness) != isinstance(one, StretchWitness) for one in found)


def test_a_witness_knows_no_other() -> None:
    for path in FOLDER.glob("*.py"):
        if path.stem in {"__init__", *SHARED}:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{witnesses.__name__}."):
                assert (node.module or "").rpartition(".")[2] in SHARED, f"{path.name} imports {node.module}"


def test_host_programs_as_sent_import_the_standard_library_alone() -> None:
    for path in FOLDER.glob("*_remote.py"):
        for node in ast.walk(ast.parse(source(path.stem.removesuffix("_remote")))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("ccci_host") for name in names), path.name
