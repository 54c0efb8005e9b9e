"""What may be asked of a front, checked at the door."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

SUM = 1e-6
"""How far the sum of weights may be from one."""


def checked_weights(weights: Any, names: list[str]) -> Float[np.ndarray, "m k"]:
    """Weights as rows in the order of the objectives.

    **Raises:** `ValueError` for unknown or missing objectives, wrong shapes, and weights that are
    negative, not finite or do not sum to one.
    """
    if isinstance(weights, Mapping):
        if set(weights) != set(names):
            raise ValueError(
                f"weights are for {sorted(weights)}, but the objectives are {names}; give one "
                "column of weights for each of them."
            )
        columns = [np.atleast_1d(np.asarray(weights[name], float)) for name in names]
        if any(column.ndim != 1 or column.size != columns[0].size for column in columns):
            shapes = {n: np.shape(weights[n]) for n in names}
            raise ValueError(f"the columns of weights differ in length: {shapes}.")
        rows = np.stack(columns, axis=1)
    else:
        rows = _rows(weights, names, "weights")
    for i, row in enumerate(rows):
        if not np.all(np.isfinite(row)) or np.any(row < 0):
            raise ValueError(f"weights must be finite and not negative; row {i} is {row.tolist()}.")
        if abs(row.sum() - 1) > SUM:
            raise ValueError(
                f"weights must sum to one; row {i} is {row.tolist()}, which sums to {row.sum():g}. "
                "Divide by the sum."
            )
    return rows


def checked_targets(points: Any, names: list[str]) -> Float[np.ndarray, "m k"]:
    """Reference points as rows in the order of the objectives.

    **Raises:** `ValueError` for wrong shapes, or entries that are not finite.
    """
    rows = _rows(points, names, "reference_points")
    if not np.all(np.isfinite(rows)):
        bad = int(np.flatnonzero(~np.all(np.isfinite(rows), axis=1))[0])
        raise ValueError(f"reference_points must be finite; row {bad} is {rows[bad].tolist()}.")
    return rows


def _rows(given: Any, names: list[str], what: str) -> Float[np.ndarray, "m k"]:
    rows = np.asarray(given, float)
    if rows.ndim != 2 or rows.shape[1] != len(names) or rows.shape[0] == 0:
        raise ValueError(
            f"{what} must have shape (points, {len(names)}), a column for each of {names}; got "
            f"shape {rows.shape}."
        )
    return rows
