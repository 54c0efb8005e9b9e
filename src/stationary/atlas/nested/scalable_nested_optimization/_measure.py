"""The experiments of paper 110."""

from stationary.atlas import Measurements

from ._lyapunov import lyapunov
from ._momentum import momentum


def measure(scale, seed, observe):
    """All claims."""
    found = Measurements()
    for part in (momentum, lyapunov):
        observe(part.__doc__)
        part(found, scale, seed)
    return found
