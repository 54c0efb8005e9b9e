"""Evenly spaced weights."""

import numpy as np
from jaxtyping import Float


def simplex_lattice(objectives: int, divisions: int) -> Float[np.ndarray, "m k"]:
    """All weights with entries of the form i / divisions, in an order in which neighbours follow.

    **Arguments:**

    - `objectives`: how many objectives, k, at least 1.
    - `divisions`: into how many parts each weight is divided, at least 1.

    **Returns:** weights of shape `(m, k)` whose rows sum to one; two rows that follow one another
    differ in two entries, by 1 / divisions. m is the binomial of divisions + k - 1 over k - 1: 41
    weights for two objectives come from 40 divisions.

    **Raises:** `ValueError` for numbers below 1.

    !!! example
        >>> simplex_lattice(2, 2).tolist()
        [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]]
        >>> simplex_lattice(3, 2).tolist()[:4]
        [[1.0, 0.0, 0.0], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0], [0.0, 1.0, 0.0]]

    !!! cite "Reference"
        Das and Dennis (1998), Normal-boundary intersection.
    """
    if objectives < 1 or divisions < 1:
        raise ValueError(
            f"simplex_lattice({objectives}, {divisions}): both numbers must be at least 1."
        )
    return np.array(_compositions(objectives, divisions), float) / divisions


def _compositions(parts: int, total: int) -> list[list[int]]:
    """The ways to write a total as that many whole numbers, each a neighbour of the one before."""
    if parts == 1:
        return [[total]]
    found = []
    for first in range(total, -1, -1):
        rest = _compositions(parts - 1, total - first)
        # From (s, 0, ...) to (..., 0, s) and back, so that two blocks join at neighbours.
        found += [[first, *row] for row in (rest[::-1] if first % 2 else rest)]
    return found
