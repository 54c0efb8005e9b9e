"""The experiments of paper 110."""

from stationary.atlas import Measurements

from ._lyapunov import lyapunov
from ._momentum import momentum
from ._neumann import neumann
from ._response import response
from ._tuning import tuning


def measure(scale, seed, observe):
    """All claims; `smoke` leaves out the tuning of a network."""
    found = Measurements()
    parts = [neumann, response, momentum, lyapunov]
    for part in [*parts, tuning] if scale == "laptop" else parts:
        observe(part.__doc__)
        part(found, scale, seed)
    return found
