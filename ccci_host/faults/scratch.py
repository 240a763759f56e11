"""A local image that does nothing, for strangers and bystanders: no registry has it."""

from importlib import resources

from ccci_host.transport.machine import Machine

PROGRAM = (resources.files(__package__) / "scratch_remote.py").read_text()


def make_image(machine: Machine, name: str) -> str:
    """Make the image called `name` on the host; its id."""
    return str(machine.run_python(PROGRAM, {"name": name}))
