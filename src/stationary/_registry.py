"""Where the methods tell the driver which of them suits a problem.

The core knows no method by name: `stationary.methods` registers its chooser when it is imported.
"""

from collections.abc import Callable

from ._memory import remember
from ._method import AbstractMethod
from ._system import System

Chooser = Callable[[System], tuple[AbstractMethod, str]]
_choosers: list[Chooser] = []


def register_chooser(chooser: Chooser) -> Chooser:
    """Make `chooser` decide the method of solves that name none; the last one registered wins."""
    _choosers.append(chooser)
    return chooser


def choose_method(system: System) -> tuple[AbstractMethod, str]:
    """The method for a system by what it provides, and why in words.

    **Raises:** `TypeError` when no method suits it.
    """
    if not _choosers:
        raise TypeError("no methods are registered; import stationary.methods or pass `method`.")
    chooser = _choosers[-1]
    return remember(system, chooser, lambda: chooser(system))
