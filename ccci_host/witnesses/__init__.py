"""Those who saw something: one file each, blind to each other, and without an opinion."""

from ccci_host.witnesses.witness import (
    MomentWitness,
    Stretch,
    StretchWitness,
    moment_witnesses,
    stretch_witnesses,
)

__all__ = ["MomentWitness", "Stretch", "StretchWitness", "moment_witnesses", "stretch_witnesses"]
