"""A reference point that moves along the front of two objectives, from one end to the other."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

Nearest = Callable[[Float[np.ndarray, "2"]], Float[np.ndarray, "2"]]
"""From a target to the attainable values nearest to it, both in units of the front's extent."""


def march(nearest: Nearest, slope: Float[np.ndarray, "2"], spacing: float) -> list[str]:
    """Move a target from the end (0, 1) of a front to its end (1, 0).

    The next target lies a step ahead along the front's tangent and a little below it, across the
    front; where that lands beyond the second end, the march is over.

    **Arguments:**

    - `nearest`: solves for one target, and keeps what it finds.
    - `slope`: the weights at the first end.
    - `spacing`: the step along the front, and how far below it the target is.

    **Returns:** notices: where it could not go on.
    """
    here, across = np.array([0.0, 1.0]), slope / np.linalg.norm(slope)
    step = spacing
    for _ in range(int(8 / spacing)):
        along = np.array([across[1], -across[0]])
        target = here + step * along - spacing * across
        # The second end is no further than the next point would be.
        if here[1] <= step * across[0] + 1e-9 or here[0] >= 1 - 1e-9:
            return []
        there = nearest(target)
        away = there - target
        distance = np.linalg.norm(away)
        ahead = (there - here) @ along
        if not np.all(np.isfinite(there)) or not distance > 0 or ahead < 0.1 * spacing:
            step *= 2  # over a gap of the front, if there is one
            if step > 1:
                return [
                    "the reference point found no way on along the front from objective values "
                    "there; try a smaller spacing."
                ]
            continue
        if np.any(away < 0):
            return []
        here, across, step = there, away / distance, spacing
    return ["the march along the front was ended after 8 / spacing targets."]
