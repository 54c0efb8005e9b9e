"""The experiments of paper 23: its toy problem, what a step costs, support vector machines."""

from stationary.atlas import Measurements

from ._cost import derivatives, memory
from ._machines import accuracies, step_time
from ._toy import gap, penalty_path, residual, toy


def measure(scale, seed, observe):
    """All claims; `laptop` adds the accuracies."""
    found, laptop = Measurements(), scale == "laptop"
    parts = [toy, penalty_path, gap, residual, derivatives, memory, step_time]
    for part in (*parts, *((accuracies,) if laptop else ())):
        observe(part.__doc__)
        part(found, seed, laptop)
    return found
