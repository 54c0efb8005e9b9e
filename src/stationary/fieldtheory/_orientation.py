"""One point of an orbit: the gauge in which the last component of a field is real and positive."""

import numpy as np
from jaxtyping import Float

from ._potential import ScalarPotential

_STEPS = 2000
_DONE = 1e-13
_TAYLOR = 16


def oriented(
    potential: ScalarPotential, vector: Float[np.ndarray, "size"]
) -> Float[np.ndarray, "size"]:
    """A gauge transform of a point, the same for the whole orbit where fields allow.

    Field after field, the real part of its last component is made as large as the transformations
    can that leave the fields before it alone. A doublet becomes (0, |φ|).

    **Arguments:**

    - `potential`: knows the fields and the group.
    - `vector`: all real components.

    **Returns:** another point of the same orbit.
    """
    algebra = _acting(np.concatenate(list(potential.generators.values())))
    point = np.array(vector, float)
    begin = 0
    for field in potential.fields:
        end = begin + int(np.prod(potential.shapes[field.name]))
        size = float(np.linalg.norm(point[begin:end]))
        if size > 0 and len(algebra):
            half = (end - begin) if field.real else (end - begin) // 2
            point = _turned(point, begin + half - 1, algebra, size)
            moved = algebra[:, begin:end] @ point
            _, lengths, rows = np.linalg.svd(moved.T, full_matrices=True)
            rank = int(np.sum(lengths > 1e-8 * size))
            algebra = _acting(np.tensordot(rows[rank:], algebra, 1))
        begin = end
    return np.where(np.abs(point) < 1e-11 * np.linalg.norm(point), 0.0, point)


def _acting(algebra: np.ndarray) -> np.ndarray:
    """A basis of the transformations that move anything."""
    if not len(algebra):
        return algebra
    _, lengths, rows = np.linalg.svd(algebra.reshape(len(algebra), -1), full_matrices=False)
    return rows[lengths > 1e-8].reshape(-1, *algebra.shape[1:])


def _turned(point: np.ndarray, place: int, algebra: np.ndarray, size: float) -> np.ndarray:
    """Climb to the largest value of one component, along the group."""
    # The curvature is about this, and a step of its inverse climbs.
    bound = max(np.linalg.norm(matrix, 2) for matrix in algebra)
    rate = 1 / (bound**2 * size)
    best = point
    # From the point and from a generic one of its orbit, for the point may be where it is lowest.
    nudge = np.tensordot(np.linspace(0.3, 1.1, len(algebra)) / bound, algebra, 1)
    for start in (point, _exponential(nudge, point)):
        x = start
        for _ in range(_STEPS):
            slope = algebra[:, place] @ x
            if np.linalg.norm(slope) <= _DONE * size * bound:
                break
            x = _exponential(np.tensordot(rate * slope, algebra, 1), x)
        if x[place] > best[place]:
            best = x
    return best


def _exponential(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """exp(matrix) vector, in as many pieces as Taylor's series needs."""
    pieces = max(1, int(np.ceil(np.linalg.norm(matrix, 2))))
    for _ in range(pieces):
        term, total = vector, vector
        for k in range(1, _TAYLOR):
            term = matrix @ term / (k * pieces)
            total = total + term
        vector = total * np.linalg.norm(vector) / np.linalg.norm(total)
    return vector
