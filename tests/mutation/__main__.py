"""`python -m tests.mutation PATH… --tests TEST…`: which mutants of PATH the tests do not notice.

Names each survivor with its lines, and ends with exit code 1 when there is one.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutation.mutants import LIST, copy_with_mutants
from tests.mutation.trying import KILLED, OUTCOMES, TIMEOUT

PYTEST = (sys.executable, "-m", "pytest", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider")


def main() -> int:
    """Make the mutants, try them, and name those that survive."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="modules and packages to mutate")
    parser.add_argument("--tests", nargs="+", required=True, help="tests that are to notice")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        copy = Path(folder)
        print(f"{copy_with_mutants(Path(), copy, options.paths)} mutants", flush=True)
        survivors = _survivors(copy, options.tests)
        mutants = json.loads((copy / LIST).read_text())
    for name in survivors:
        print("", name, *mutants[name], sep="\n")
    print(f"{len(mutants)} mutants, {len(survivors)} survived")
    return 1 if survivors else 0


def _survivors(copy: Path, tests: list[str]) -> list[str]:
    """The mutants that no test notices, neither in a fork nor in a process of its own.

    A fork is blind to what happens while modules are imported, and to what is cached.
    """
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([*PYTEST, "-p", "tests.mutation.trying", *tests], cwd=copy, env=environment, check=True)
    outcomes: dict[str, str] = json.loads((copy / OUTCOMES).read_text())
    doubtful = [name for name, outcome in outcomes.items() if outcome not in (KILLED, TIMEOUT)]
    print(f"\n{len(doubtful)} have to be tried in processes of their own", flush=True)
    return [
        name
        for name in doubtful
        if not subprocess.run(
            [*PYTEST, "-x", *tests],
            cwd=copy,
            env={**environment, "MUTANT_UNDER_TEST": name},
            capture_output=True,
            check=False,
        ).returncode
    ]


if __name__ == "__main__":
    sys.exit(main())
