"""The experiments, in the order of the claims."""

from stationary.atlas import Measurements

from . import _fronts, _modes, _rectangle, _state


def measure(scale, seed, observe):
    """All claims of a scale."""
    found, laptop = Measurements(), scale != "smoke"
    observe("subgradients around kinks")
    _rectangle.measure(found, seed, 100 if laptop else 20)
    observe("the state equation and its adjoint")
    sizes, shapes = ((20, 40, 80, 160), (80, (15, 15))) if laptop else ((80, 160), (80,))
    _state.measure(found, seed, sizes, shapes)
    observe("the front of a control problem")
    _fronts.measure(found, 40 if laptop else 20, predictors=laptop)
    observe("the same in a few modes")
    _modes.measure(found, 64 if laptop else 16, 40 if laptop else 8, laptop=laptop)
    return found
