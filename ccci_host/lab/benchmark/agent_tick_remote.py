"""Host program: runs a command some times, one after the other, and says what each run cost.

In: `argv`, `times`. Out: `cpu` (seconds, user and system) and `peak` (bytes of memory), a value a run. The
command has to end with 0.
"""

import json
import os
import sys


def main() -> None:
    """Run, and print."""
    given = json.load(sys.stdin)
    cpu, peak = [], []
    for _ in range(given["times"]):
        quiet = os.open(os.devnull, os.O_WRONLY)
        spawned = os.posix_spawnp(
            given["argv"][0], given["argv"], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, quiet, 1)]
        )
        os.close(quiet)
        _, status, usage = os.wait4(spawned, 0)
        if status != 0:
            sys.exit(f"{given['argv']} ended with status {status}")
        cpu.append(usage.ru_utime + usage.ru_stime)
        peak.append(usage.ru_maxrss * 1024)
    print(json.dumps({"cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
