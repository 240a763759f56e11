"""The agent's timer stopped: nothing prunes until the next boot."""

from ccci_host.faults.unit_state import UnitState


class TimerStopped(UnitState):
    """Stops the timer."""

    name = "timer-stopped"
    because = "is inactive"
    does = (("stop",),)
    undoes = (("start",),)
    shows = ("ActiveState", "inactive")


FAULT = TimerStopped()
