"""The picture of a Pareto front of two objectives."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..pareto import nondominated
from ._chart import Chart
from ._marks import Series
from ._markup import Markup
from ._scales import Kind


def front(
    values: Any,
    *,
    title: str,
    description: str = "",
    x_label: str = "",
    y_label: str = "",
    x_scale: Kind = "linear",
    y_scale: Kind = "linear",
    reference_points: Any = None,
    size: tuple[int, int] = (400, 290),
    standalone: bool = False,
) -> Markup:
    """The values of two objectives, lower being better: fronts stand out, the dominated are faint.

    **Arguments:**

    - `values`: shape `(m, 2)`; or several sets of values by name, each of which is judged alone.
    - `title`, `description`, `x_label`, `y_label`, `x_scale`, `y_scale`, `size`, `standalone`: as
        for `line`.
    - `reference_points`: targets to mark, shape `(n, 2)`; rows that are not finite are left out.

    **Returns:** an `<svg>` element.

    **Raises:** `ValueError` for values of another shape.

    !!! example
        >>> picture = front([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], title="trade-off")
        >>> picture.count("<circle"), "1 dominated" in picture
        (4, True)
    """
    named = values if isinstance(values, Mapping) else {"front": values}
    drawn, faint = [], []
    for name, given in named.items():
        rows = _pairs(given, f"values of {name!r}")
        kept = nondominated(rows)
        best = rows[kept]
        best = best[np.argsort(best[:, 0])]
        drawn.append(Series(str(name), best[:, 0], best[:, 1], "dots"))
        faint.append(rows[~kept & np.all(np.isfinite(rows), axis=1)])
    rest = np.concatenate(faint) if faint else np.zeros((0, 2))
    targets = np.zeros((0, 2)) if reference_points is None else reference_points
    targets = _pairs(targets, "reference_points")
    targets = targets[np.all(np.isfinite(targets), axis=1)]
    if len(targets):
        drawn.append(Series("reference points", targets[:, 0], targets[:, 1], "dots"))
    if len(rest):
        drawn.insert(0, Series("dominated", rest[:, 0], rest[:, 1], "dots", background=True))
    chart = Chart(
        drawn, title, description, x_label, y_label, x_scale, y_scale, size, rest="dominated"
    )
    return chart.svg(standalone=standalone)


def _pairs(given: Any, what: str) -> np.ndarray:
    rows = np.asarray(given, float)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ValueError(f"{what} must have shape (points, 2), got shape {rows.shape}.")
    return rows
