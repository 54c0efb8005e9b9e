"""Small equality-constrained problems of the CUTEst collection, by hand: 45 of the paper's 47.

The two that are missing (BA-L1 and BA-L1SP) are bundle adjustments, made of measured data. Starts
are those of the collection. Optimal values are those of Hock and Schittkowski, or of the
collection; NaN where neither gives one.
"""

from ._form import Problem
from ._minima import BUILDERS as MINIMA
from ._systems import BUILDERS as SYSTEMS

_BUILDERS = MINIMA | SYSTEMS


def problems() -> list[Problem]:
    """All of them, smallest first."""
    return sorted(named(*_BUILDERS), key=lambda p: p.x0.size)


def named(*names: str) -> list[Problem]:
    """Some of them."""
    return [Problem(name, *_BUILDERS[name]()) for name in names]
