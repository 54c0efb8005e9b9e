"""What to print about the answer to a problem that was read from a file."""

from collections.abc import Iterable

import numpy as np

from .._solution import Solution
from ..files import FileProblem

SHOWN = 20


def summarise(file: FileProblem, solution: Solution) -> dict[str, str]:
    """Variables and rows that matter, largest first.

    **Arguments:**

    - `file`: what was read.
    - `solution`: its answer.
    """
    values = zip(file.variables, np.asarray(solution.value, float), strict=True)
    return {
        "variables": _largest(values),
        "multipliers": _largest(file.multipliers(solution.duals).items()),
        "prices (d objective / d right-hand side)": _largest(file.prices(solution.duals).items()),
    }


def _largest(named: Iterable[tuple[str, float]]) -> str:
    """`"x 1.5, y -0.2 and 3 zeros"`."""
    named = [(name, float(value)) for name, value in named]
    scale = max((abs(value) for _, value in named), default=0.0)
    # A multiplier of 1e-12 is a zero that was computed.
    kept = [(name, value) for name, value in named if abs(value) > 1e-9 * max(1.0, scale)]
    shown = sorted(kept, key=lambda pair: -abs(pair[1]))[:SHOWN]
    text = ", ".join(f"{name} {value:.6g}" for name, value in shown)
    hidden, zeros = len(kept) - len(shown), len(named) - len(kept)
    rest = [f"{hidden} smaller"] * (hidden > 0) + [f"{zeros} zero"] * (zeros > 0)
    return " and ".join([text] * bool(text) + rest) or "none"
