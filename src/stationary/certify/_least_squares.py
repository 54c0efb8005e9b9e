"""Small least squares with signs, exactly: what estimated multipliers and weights come from."""

import numpy as np
from jaxtyping import Bool, Float


def signed_least_squares(
    columns: Float[np.ndarray, "rows n"],
    target: Float[np.ndarray, "rows"],
    free: Bool[np.ndarray, "n"],
    start: Float[np.ndarray, "n"] | None = None,
) -> Float[np.ndarray, "n"]:
    """The z that minimises |columns z - target| with z >= 0 wherever it is not `free`.

    An active set method: entries enter one at a time by the steepest descent they promise, and
    leave when a step would make them negative. Columns are scaled to unit length first, so that
    the answer does not depend on their units. From a `start` near the answer few have to move.

    **Source:** Lawson and Hanson (1974), Solving Least Squares Problems, chapter 23.

    !!! example
        >>> a = np.array([[1.0, 0.0], [0.0, 1.0]])
        >>> signed_least_squares(a, np.array([2.0, -3.0]), np.array([False, False])).tolist()
        [2.0, 0.0]
    """
    lengths = np.linalg.norm(columns, axis=0)
    a = columns / np.where(lengths > 0, lengths, 1.0)
    z = np.zeros(a.shape[1]) if start is None else start * lengths
    inside = (free | (z > 0)) & (lengths > 0)
    _descend(a, target, z, inside, free)
    small = 1e-14 * max(1.0, float(np.linalg.norm(target)))
    for _ in range(3 * a.shape[1] + 10):
        promise = a.T @ (target - a @ z)
        promise[inside | (lengths == 0)] = -np.inf
        entering = int(np.argmax(promise)) if promise.size else -1
        if entering < 0 or promise[entering] <= small:
            break
        inside[entering] = True
        stuck = _descend(a, target, z, inside, free)
        if stuck and not inside[entering]:
            break
    return z / np.where(lengths > 0, lengths, 1.0)


def _descend(a, target, z, inside, free) -> bool:
    """Move z to the least squares of its inside entries, dropping those that turn negative."""
    dropped = False
    while True:
        proposed = np.zeros_like(z)
        proposed[inside] = _solve(a[:, inside], target)
        low = inside & ~free & (proposed <= 0)
        if not low.any():
            z[:] = proposed
            return dropped
        dropped = True
        drop = z[low] - proposed[low]
        share = float(np.min(np.where(drop > 0, z[low] / np.where(drop > 0, drop, 1.0), 0.0)))
        z += share * (proposed - z)
        inside &= free | (z > 1e-15 * max(1.0, float(np.max(np.abs(z)))))
        z[~inside] = 0.0


def _solve(a, target):
    if a.shape[1] == 0:
        return np.zeros(0)
    return np.linalg.lstsq(a, target, rcond=None)[0]
