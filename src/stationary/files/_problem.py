"""What a file turns into: a statement, a start, and the names that the file gave to its parts."""

import dataclasses
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from .._statements import Minimize


class Row(NamedTuple):
    """Where a one-sided row of the file went.

    **Arguments:**

    - `name`: the row's name; `"cap (upper)"` and `"cap (lower)"` for the two sides of a range.
    - `row`: the name of the row in the file.
    - `constraint`, `index`: which entry of which constraint it became.
    - `sign`: -1 when the row was turned round (>= into at_most), else 1.
    """

    name: str
    row: str
    constraint: str
    index: int
    sign: float


@dataclasses.dataclass(frozen=True, eq=False)
class FileProblem:
    """A problem read from a file.

    All equality rows are one vector constraint, `"equalities"`, and all others another,
    `"inequalities"`: a thousand rows are two functions to trace, and `rows` keeps their names. A
    row a x >= b became -a x <= -b, so every multiplier of an inequality is non-negative; a range
    became two rows. Bounds on variables are the statement's set.

    **Arguments:**

    - `problem`: the statement, with its matrices as data.
    - `x0`: the point of the variables' bounds that is nearest to zero.
    - `name`: the problem's name.
    - `variables`: the name of each entry of x.
    - `rows`: the rows, in the order of the constraints' entries.
    - `notes`: what a reader should know, such as a quadratic form that is not convex.
    """

    problem: Minimize
    x0: Float[np.ndarray, "variables"]
    name: str
    variables: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    def multipliers(self, duals: dict[str, Any]) -> dict[str, float]:
        """The multipliers by row name, signed as everywhere in this package.

        **Arguments:**

        - `duals`: a solution's `duals`.
        """
        arrays = {name: np.asarray(dual) for name, dual in duals.items()}
        return {row.name: float(arrays[row.constraint][row.index]) for row in self.rows}

    def prices(self, duals: dict[str, Any]) -> dict[str, float]:
        """The derivative of the optimal objective in each right-hand side, by row of the file.

        This is what simplex codes print as the row's dual. For a range it belongs to whichever
        side is active.

        **Arguments:**

        - `duals`: a solution's `duals`.
        """
        # L = s f + <dual, sign (a x - b)> with s = -1 for maximise, so d(s f*)/db = -sign dual.
        sense = -1.0 if self.problem.flipped else 1.0
        multipliers = self.multipliers(duals)
        prices: dict[str, float] = {}
        for row in self.rows:
            price = 0.0 - sense * row.sign * multipliers[row.name]
            prices[row.row] = prices.get(row.row, 0.0) + price
        return prices
