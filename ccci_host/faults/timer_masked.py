"""The agent's timer masked, with a file in /run that hides the one in /etc until the next boot."""

from ccci_host.faults.unit_state import UnitState


class TimerMasked(UnitState):
    """Masks the timer at run time; it is loaded no more."""

    name = "timer-masked"
    does = (("stop",), ("mask", "--runtime"))
    undoes = (("unmask", "--runtime"), ("start",))
    shows = ("LoadState", "masked")


FAULT = TimerMasked()
