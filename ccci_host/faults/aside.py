"""A file of the host put aside before a fault changes it, and put back as it was, or as absent as it was.

What is there no more may have been put aside, or never have been looked at: only a mark tells one from the
other, so that a fault which was cut off at once takes nothing away.
"""

from ccci_host.transport.machine import Machine

ASIDE = ".ccci-fault"
"""Behind the name of the file that is put aside."""
NONE = ".ccci-fault-none"
"""Behind the name of a file that was not there: it is to go again."""
FOLDERS = ("/etc", "/usr/local/bin")
"""Where faults alter files, besides the folder of the login."""
PART = ".ccci-fault-part"
"""Behind the name of a copy that is not whole yet."""


def put_aside(machine: Machine, path: str) -> None:
    """Copy the file beside itself, or mark that there was none; to be called before it is changed.

    What a killed run put aside stays: that is what stood there before any harm.
    """
    run = machine.executor.run
    if _is_there(machine, path + ASIDE) or _is_there(machine, path + NONE):
        return
    if _is_there(machine, path):
        run(["cp", "--archive", path, path + PART]).check()
        run(["mv", "--force", path + PART, path + ASIDE]).check()
    else:
        run(["install", "-D", "--mode=0644", "/dev/null", path + NONE]).check()


def put_back(machine: Machine, path: str) -> None:
    """Put back what was put aside, or take away what was not there; where neither is known, touch nothing."""
    run = machine.executor.run
    if _is_there(machine, path + ASIDE):
        run(["mv", "--force", path + ASIDE, path]).check()
    elif _is_there(machine, path + NONE):
        run(["rm", "--force", path]).check()
        run(["rm", "--force", path + NONE]).check()
    run(["rm", "--force", path + PART]).check()


def put_all_back(machine: Machine) -> tuple[str, ...]:
    """Put back what killed runs put aside, wherever faults alter files; hands back the paths.

    To be done before anything else mends them: what was put aside would come back over that.
    """
    folders = {*FOLDERS, machine.config.hub.docker_config.rpartition("/")[0]}
    argv = ["find", *sorted(folders), "-name", f"*{ASIDE}", "-o", "-name", f"*{NONE}"]
    found = machine.executor.run(argv).text.splitlines()
    paths = tuple(sorted({line.removesuffix(NONE).removesuffix(ASIDE) for line in found}))
    for path in paths:
        put_back(machine, path)
    return paths


def _is_there(machine: Machine, path: str) -> bool:
    """Whether `path` exists; raises `CommandFailedError` where `test` cannot tell."""
    done = machine.executor.run(["test", "-e", path])
    return done.exit_code != 1 and bool(done.check())
