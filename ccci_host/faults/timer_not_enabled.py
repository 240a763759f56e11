"""The agent's timer active now, and not enabled: the next boot forgets it."""

from ccci_host.faults.unit_state import UnitState


class TimerNotEnabled(UnitState):
    """Disables the timer without stopping it."""

    name = "timer-not-enabled"
    because = "not enabled at boot"
    does = (("disable",),)
    undoes = (("enable",),)
    shows = ("UnitFileState", "disabled")


FAULT = TimerNotEnabled()
