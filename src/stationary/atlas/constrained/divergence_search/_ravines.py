"""Where a function of the plane is zero: curves by marching squares, without its poles."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ._problems import in_chunks

_BISECTIONS = 60


class Ravines(NamedTuple):
    """Zero curves as pieces of straight lines.

    **Arguments:**

    - `points`: k x 2, on the edges of the grid's cells.
    - `links`: pairs of points that a cell joins.
    - `component`: which connected curve a point is on.
    - `lengths`: the length of each of those curves.
    - `cell`: the diagonal of a cell.
    """

    points: np.ndarray
    links: np.ndarray
    component: np.ndarray
    lengths: np.ndarray
    cell: float

    def through(self, places: Any) -> list[int]:
        """The longest curve within a cell's diagonal of each place; -1 for none."""
        found = []
        for place in np.atleast_2d(places):
            near = np.linalg.norm(self.points - place, axis=1) <= self.cell
            curves = np.unique(self.component[near])
            found.append(int(max(curves, key=lambda c: self.lengths[c], default=-1)))
        return found

    def polylines(self) -> tuple[np.ndarray, np.ndarray]:
        """Columns x and y of all curves, drawn through, with NaN between them."""
        neighbours: dict[int, list[int]] = {}
        for a, b in self.links.tolist():
            neighbours.setdefault(a, []).append(b)
            neighbours.setdefault(b, []).append(a)
        drawn: list[np.ndarray] = []
        # Ends first, so that open curves are drawn from one end to the other.
        for start in sorted(neighbours, key=lambda i: len(neighbours[i])):
            while neighbours[start]:
                chain, here = [start], start
                while neighbours[here]:
                    there = neighbours[here].pop()
                    neighbours[there].remove(here)
                    chain.append(there)
                    here = there
                drawn += [self.points[chain], np.full((1, 2), np.nan)]
        lines = np.concatenate(drawn) if drawn else np.empty((0, 2))
        return lines[:, 0], lines[:, 1]


def trace(
    height: Callable[[Any], Any],
    across: tuple[float, float],
    up: tuple[float, float],
    count: int,
) -> Ravines:
    """The zero curves of `height` (of a pair) on a grid of `count` x `count` nodes.

    The function may have poles: a change of sign counts when bisection along the edge ends at a
    zero. A cell with two crossings joins them; one with four joins those that the sign at its
    centre leaves together. One pole among its edges and a cell joins nothing.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    heights = in_chunks(height)
    x, y = np.linspace(*across, count), np.linspace(*up, count)
    nodes = np.stack(np.meshgrid(x, y, indexing="ij"), -1)
    values = heights(nodes.reshape(-1, 2)).reshape(count, count)
    positive = values > 0

    # Edges by their first node and direction, numbered where the sign changes.
    number = np.full((2, count, count), -1)
    number[0, :-1] = np.where(positive[:-1] != positive[1:], 0, -1)
    number[1, :, :-1] = np.where(positive[:, :-1] != positive[:, 1:], 0, -1)
    which, i, j = np.nonzero(number == 0)
    ends = (i, j), (i + (which == 0), j + (which == 1))
    points = _bisect(heights, nodes[ends[0]], nodes[ends[1]], positive[i, j])
    # Towards a zero the function gets smaller, towards a pole larger.
    larger = np.maximum(np.abs(values[ends[0]]), np.abs(values[ends[1]]))
    genuine = np.abs(heights(points)) <= larger
    number[which, i, j] = np.where(genuine, np.cumsum(genuine) - 1, -2)
    points = points[genuine]

    # Per cell: bottom, right, top, left.
    edges = np.stack(
        [number[0, :-1, :-1], number[1, 1:, :-1], number[0, :-1, 1:], number[1, :-1, :-1]], -1
    ).reshape(-1, 4)
    sound = ~np.any(edges == -2, axis=1)
    pairs = edges[sound & (np.sum(edges >= 0, axis=1) == 2)]
    links = [pairs[pairs >= 0].reshape(-1, 2)]
    four = np.flatnonzero(sound & (np.sum(edges >= 0, axis=1) == 4))
    i, j = np.divmod(four, count - 1)
    centre = heights((nodes[i, j] + nodes[i + 1, j + 1]) / 2) > 0
    # The first corner is cut off from a centre of the other sign.
    split = (centre != positive[i, j])[:, None, None]
    cut, kept = edges[four][:, [[3, 0], [1, 2]]], edges[four][:, [[0, 1], [2, 3]]]
    links.append(np.where(split, cut, kept).reshape(-1, 2))
    joined = np.concatenate(links).astype(int)

    long = np.linalg.norm(points[joined[:, 0]] - points[joined[:, 1]], axis=1)
    graph = coo_matrix((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), 2 * (len(points),))
    total, component = connected_components(graph, directed=False)
    lengths = np.bincount(component[joined[:, 0]], weights=long, minlength=total)
    cell = float(np.hypot(x[1] - x[0], y[1] - y[0]))
    return Ravines(points, joined, component, lengths, cell)


def _bisect(
    heights: Callable[[np.ndarray], np.ndarray],
    low: np.ndarray,
    high: np.ndarray,
    positive: np.ndarray,
) -> np.ndarray:
    """Points between pairs of places of unlike sign at which the sign changes."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        same = ((heights(middle) > 0) == positive)[:, None]
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return (low + high) / 2
