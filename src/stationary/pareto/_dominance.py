"""Which of several vectors of objective values are worth having, and how much they cover."""

from typing import Any

import numpy as np
from jaxtyping import Bool


def nondominated(values: Any) -> Bool[np.ndarray, "m"]:
    """Which rows no other row is better than: as good in every objective, and better in one.

    **Arguments:**

    - `values`: objective values to be minimised, shape `(m, k)`.

    **Returns:** a mask of shape `(m,)`. Equal rows do not dominate one another; rows that are not
    finite are never in it.

    **Raises:** `ValueError` for values of another shape.

    !!! example
        >>> nondominated([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).tolist()
        [True, True, False]
    """
    rows = _rows(values, "nondominated")
    finite = np.all(np.isfinite(rows), axis=1)
    kept = finite.copy()
    for i in np.flatnonzero(finite):
        better = np.all(rows <= rows[i], axis=1) & np.any(rows < rows[i], axis=1) & finite
        kept[i] = not better.any()
    return kept


def hypervolume(values: Any, reference: Any) -> float:
    """The volume of what is dominated by some row and better than a reference point: exact.

    **Arguments:**

    - `values`: objective values to be minimised, shape `(m, k)`; rows that are not better than the
        reference point in every objective, or not finite, add nothing.
    - `reference`: the corner of the volume, shape `(k,)`.

    **Returns:** the volume, in the product of the objectives' units. The cost is of the order of
    m^(k-1) log m.

    **Raises:** `ValueError` for shapes that do not fit, or a reference point that is not finite.

    !!! example
        >>> hypervolume([[0.0, 1.0], [1.0, 0.0]], [2.0, 2.0])
        3.0

    !!! cite "Reference"
        Zitzler and Thiele (1998), Multiobjective optimization using evolutionary algorithms;
        by slices, as While, Hingston, Barone and Huband (2006).
    """
    rows = _rows(values, "hypervolume")
    corner = np.asarray(reference, float)
    if corner.shape != rows.shape[1:] or not np.all(np.isfinite(corner)):
        raise ValueError(
            f"hypervolume: the reference point must be {rows.shape[1]} finite numbers, one per "
            f"objective, got {reference!r}."
        )
    inside = np.all(np.isfinite(rows), axis=1) & np.all(rows < corner, axis=1)
    return _volume(rows[inside], corner)


def _volume(rows: np.ndarray, corner: np.ndarray) -> float:
    """The volume between rows and a corner that they are all better than."""
    if len(rows) == 0:
        return 0.0
    if corner.size == 1:
        return float(corner[0] - rows.min())
    if corner.size == 2:
        rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
        # From left to right, each row adds a strip below the lowest one so far.
        lowest = np.minimum.accumulate(np.append(corner[1], rows[:, 1]))
        return float(np.sum((corner[0] - rows[:, 0]) * -np.diff(lowest)))
    rows = rows[np.argsort(rows[:, -1], kind="stable")]
    ends = np.append(rows[1:, -1], corner[-1])
    total = 0.0
    for count, (start, end) in enumerate(zip(rows[:, -1], ends, strict=True), start=1):
        if end > start:
            total += (end - start) * _volume(rows[:count, :-1], corner[:-1])
    return float(total)


def _rows(values: Any, where: str) -> np.ndarray:
    rows = np.asarray(values, float)
    if rows.ndim != 2 or rows.shape[1] == 0:
        raise ValueError(
            f"{where}: values must have shape (points, objectives), got shape {rows.shape}."
        )
    return rows
