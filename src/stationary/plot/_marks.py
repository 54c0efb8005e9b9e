"""What a chart can hold: named series of points, drawn as lines, steps, dots or intervals."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

Style = Literal["line", "step", "dots", "interval"]


@dataclasses.dataclass(frozen=True)
class Series:
    """One named set of points.

    **Arguments:**

    - `name`: any text; shown beside the series, in full when pointed at.
    - `x`, `y`: the points, in drawing order; a non-finite entry is a gap.
    - `style`: `"line"`, `"step"` (a value holds until the next), `"dots"`, or `"interval"` (dots
        with a bar from `low` to `high`).
    - `low`, `high`: the ends of intervals, or the edges of a band around a line.
    - `background`: drawn grey and without a label of its own.
    """

    name: str
    x: Float[np.ndarray, "points"]
    y: Float[np.ndarray, "points"]
    style: Style = "line"
    low: Float[np.ndarray, "points"] | None = None
    high: Float[np.ndarray, "points"] | None = None
    background: bool = False

    def heights(self) -> Float[np.ndarray, "values"]:
        """Every value that the vertical axis has to show."""
        ends = [end for end in (self.low, self.high) if end is not None]
        return np.concatenate([self.y, *ends])


def series(name: str, points: Any, style: Style = "line", background: bool = False) -> Series:
    """A series from what a caller has at hand.

    **Arguments:**

    - `name`: shown as given.
    - `points`: `(x, y)` or `(x, y, low, high)`, sequences of equal length; or one sequence of
        values, at 1, 2, 3...

    **Raises:** `ValueError` when the lengths differ.
    """
    if not (isinstance(points, tuple) and len(points) in (2, 4)):
        points = (np.arange(1, len(points) + 1), points)
    columns = [np.asarray(column, float).reshape(-1) for column in points]
    lengths = [column.size for column in columns]
    if len(set(lengths)) > 1:
        raise ValueError(f"series {name!r} has columns of different lengths: {lengths}.")
    return Series(str(name), columns[0], columns[1], style, *columns[2:], background=background)


def prominent(
    named: Mapping[str, Any], most: int, style: Style = "line", keep: Sequence[str] = ()
) -> list[Series]:
    """Series of which at most `most` stand out; the others become background.

    Those stand out whose last finite values are the largest in size, and any named in `keep`.
    """
    every = [series(name, points, style) for name, points in named.items()]
    if len(every) <= most:
        return every
    size = {each.name: _last_size(each) for each in every}
    order = sorted(size, key=lambda name: (name not in keep, -size[name]))
    shown = set(order[:most])
    return [dataclasses.replace(each, background=each.name not in shown) for each in every]


def _last_size(each: Series) -> float:
    finite = each.y[np.isfinite(each.y)]
    return abs(float(finite[-1])) if finite.size else -1.0
