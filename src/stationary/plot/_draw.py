"""The ink of one series."""

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from ._marks import Series
from ._markup import Markup, join, tag
from ._words import compact

if TYPE_CHECKING:
    from ._chart import Frame

# Few enough that a page of charts stays small, and near enough together to find one.
_TOOLTIPS = 14


def draw_series(each: Series, frame: "Frame", place: int = 0) -> Markup:
    """The markup of a series, in the coordinates of `frame`; `place` picks the shape of dots."""
    x, y = frame.across(each.x), frame.down(each.y)
    seen = np.isfinite(x) & np.isfinite(y)
    if each.background and each.style == "dots":
        return join(
            tag("circle", _said(each, i), class_="dot", cx=float(x[i]), cy=float(y[i]), r=2.4)
            for i in np.flatnonzero(seen)
        )
    if each.background:
        return _path(x, y, seen, each.style == "step", column=4.0)
    if each.style == "dots":
        return _dots(each, x, y, seen, place)
    if each.style == "interval":
        return join(_bars(each, frame, x), _dots(each, x, y, seen, place))
    alone = seen & ~_beside(seen)
    return join(
        _band(each, frame, x),
        _path(x, y, seen, each.style == "step"),
        (
            tag("circle", class_="dot", cx=float(x[i]), cy=float(y[i]), r=3)
            for i in np.flatnonzero(alone)
        ),
        _tooltips(each, x, y, seen),
    )


def _beside(seen: Bool[np.ndarray, "points"]) -> Bool[np.ndarray, "points"]:
    """Whether a neighbour can be joined to; a point without one would leave no ink as a line."""
    neighbour = np.zeros_like(seen)
    neighbour[1:] |= seen[:-1]
    neighbour[:-1] |= seen[1:]
    return neighbour


def _path(
    x: np.ndarray, y: np.ndarray, seen: np.ndarray, step: bool, column: float = 1.0
) -> Markup:
    parts = []
    for run in runs(seen):
        across, down = thin(x[run], y[run], column)
        if across.size < 2:
            continue
        points = [f"{a:.1f} {d:.1f}" for a, d in zip(across, down, strict=True)]
        if step:
            corners = [f"H{a:.1f}V{d:.1f}" for a, d in zip(across[1:], down[1:], strict=True)]
            parts.append("M" + points[0] + "".join(corners))
        else:
            parts.append("M" + points[0] + "L" + " ".join(points[1:]))
    return tag("path", class_="line", d="".join(parts)) if parts else join()


def _band(each: Series, frame: "Frame", x: np.ndarray) -> Markup:
    if each.low is None or each.high is None:
        return join()
    low, high = frame.down(each.low), frame.down(each.high)
    parts = []
    for run in runs(np.isfinite(x) & np.isfinite(low) & np.isfinite(high)):
        edge = [
            *zip(x[run], high[run], strict=True),
            *zip(x[run][::-1], low[run][::-1], strict=True),
        ]
        parts.append("M" + "L".join(f"{a:.1f} {d:.1f}" for a, d in edge) + "Z")
    return tag("path", class_="band", d="".join(parts)) if parts else join()


def _bars(each: Series, frame: "Frame", x: np.ndarray) -> Markup:
    if each.low is None or each.high is None:
        return join()
    low, high = frame.down(each.low), frame.down(each.high)
    seen = np.isfinite(x) & np.isfinite(low) & np.isfinite(high)
    d = "".join(
        f"M{x[i]:.1f} {low[i]:.1f}V{high[i]:.1f}m-4 0h8M{x[i] - 4:.1f} {low[i]:.1f}h8"
        for i in np.flatnonzero(seen)
    )
    return tag("g", tag("path", class_="line", d=d), class_="whole") if d else join()


def _dots(each: Series, x: np.ndarray, y: np.ndarray, seen: np.ndarray, place: int) -> Markup:
    return join(
        shape(place, float(x[i]), float(y[i]), _said(each, i)) for i in np.flatnonzero(seen)
    )


def _tooltips(each: Series, x: np.ndarray, y: np.ndarray, seen: np.ndarray) -> Markup:
    """Invisible dots that say their value when pointed at."""
    places = np.flatnonzero(seen)
    if places.size > _TOOLTIPS:
        # Evenly along the axis rather than along the record, which is denser where it began.
        targets = np.linspace(x[places[0]], x[places[-1]], _TOOLTIPS)
        nearest = np.abs(x[places][None, :] - targets[:, None]).argmin(axis=1)
        places = places[np.unique(nearest)]
    return join(
        tag("circle", _said(each, i), class_="hit", cx=float(x[i]), cy=float(y[i]), r=6)
        for i in places
    )


def _said(each: Series, i: Any) -> Markup:
    name = f"{each.name}: " if each.name else ""
    return tag("title", f"{name}{compact(float(each.y[i]), 4)} at {compact(float(each.x[i]), 4)}")


def shape(place: int, x: float, y: float, said: Markup | None = None) -> Markup:
    """A dot, square, triangle or diamond, so that colour is not all that tells series apart."""
    match place % 4:
        case 0:
            return tag("circle", said, class_="dot", cx=x, cy=y, r=3.4)
        case 1:
            d = f"M{x - 3:.1f} {y - 3:.1f}h6v6h-6z"
        case 2:
            d = f"M{x:.1f} {y - 4:.1f}l3.8 6.8h-7.6z"
        case _:
            d = f"M{x:.1f} {y - 4.2:.1f}l4.2 4.2l-4.2 4.2l-4.2-4.2z"
    return tag("path", said, class_="dot", d=d)


def runs(seen: Bool[np.ndarray, "points"]) -> list[slice]:
    """The stretches without a gap."""
    edges = np.diff(np.concatenate([[False], seen, [False]]).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [slice(int(a), int(b)) for a, b in zip(starts, ends, strict=True)]


def thin(
    x: Float[np.ndarray, "points"], y: Float[np.ndarray, "points"], column: float = 1.0
) -> tuple[Float[np.ndarray, "kept"], Float[np.ndarray, "kept"]]:
    """The points that can be seen: first, lowest, highest and last of each column of pixels."""
    if x.size <= 2:
        return x, y
    columns = np.floor(x / column).astype(int)
    starts = np.flatnonzero(np.diff(columns, prepend=columns[0] - 1))
    ends = np.append(starts[1:], x.size)
    keep: set[int] = set()
    for a, b in zip(starts, ends, strict=True):
        keep |= {int(a), int(b) - 1, int(a + y[a:b].argmin()), int(a + y[a:b].argmax())}
    chosen = np.array(sorted(keep))
    return x[chosen], y[chosen]
