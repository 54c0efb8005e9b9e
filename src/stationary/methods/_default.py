"""Which method a problem gets when its user names none."""

from .._method import AbstractMethod, Oracle
from .._registry import register_chooser
from .._system import System
from .constrained import AugmentedLagrangian


@register_chooser
def default_method(system: System) -> tuple[AbstractMethod, str]:
    """The method for a system by what it provides, and why."""
    if {Oracle.VALUE, Oracle.FULL} <= system.provides:
        if system.constraints:
            return AugmentedLagrangian(), "one smooth objective with constraints on full data"
        return AugmentedLagrangian(), "one smooth objective on full data: descent, no multipliers"
    raise TypeError("no method is registered for this kind of problem; pass `method`.")
