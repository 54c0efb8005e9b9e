"""A system with a geometry on it: what a method needs in order to move."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float

from ..._point import Point
from ..._system import System
from ...sets._product import is_set
from ..constrained._duals import project_duals
from ._geometry import AbstractGeometry, spread_metric
from ._joint import norm


class Ground(NamedTuple):
    """The set of primal and dual variables, a distance on it, and the moves that follow.

    The squared distance is sum weight |x' - x|^2, so a player of weight 100 moves by a hundredth.
    """

    system: System
    geometry: AbstractGeometry
    weights: Point
    """A positive number or array for each leaf."""

    def project(self, point: Point) -> Point:
        """The nearest point of the set times the polar cones, in any such distance."""
        return Point(
            self.system.space.project(point.primal), project_duals(self.system, point.duals)
        )

    def shift(self, point: Point, step: Float[Array, ""], value: Point) -> Point:
        """point - step * value / weight, wherever that is."""
        return jax.tree.map(lambda x, v, w: x - step / w * v, point, value, self.weights)

    def move(self, point: Point, step: Float[Array, ""], value: Point) -> Point:
        """The nearest point to such a shift, by the geometry's distance."""
        primal = jax.tree.map(
            lambda s, x, v, w: self.geometry.move(s, x, step / w * v),
            self.system.space.sets,
            point.primal,
            value.primal,
            self.weights.primal,
            is_leaf=is_set,
        )
        duals = project_duals(self.system, self.shift(point, step, value).duals)
        return Point(primal, duals)

    def residual(self, point: Point, step: Float[Array, ""], value: Point) -> Float[Array, ""]:
        """How far a projected step leads from a point of the set: 0 at the answers only."""
        there = self.project(self.shift(point, step, value))
        return self.length(jax.tree.map(jnp.subtract, there, point))

    def length(self, change: Point) -> Float[Array, ""]:
        """The length of a change of the point."""
        return norm(jax.tree.map(lambda v, w: jnp.sqrt(w) * v, change, self.weights))

    def steepness(self, change: Point) -> Float[Array, ""]:
        """The length of a change of the operator: the dual norm."""
        return norm(jax.tree.map(lambda v, w: v / jnp.sqrt(w), change, self.weights))


def check_timescale(timescale: Any, owner: str) -> None:
    """Refuse a ratio of speeds below 1.

    **Raises:** `ValueError` naming the method.
    """
    if isinstance(timescale, Tracer):
        return
    if not (np.ndim(timescale) == 0 and np.isfinite(timescale) and timescale >= 1):
        raise ValueError(
            f"{owner}: timescale must be a finite number of at least 1, by which the maximising "
            f"player is faster; got {timescale!r}. To make it slower, exchange the players."
        )


def is_one(timescale: Any) -> bool:
    """Whether all players are known to move equally fast."""
    return not isinstance(timescale, jax.Array) and timescale == 1


def lay_ground(
    system: System, point: Point, geometry: AbstractGeometry, timescale: Any, owner: str
) -> Ground:
    """A system with a geometry, the descending variables `timescale` times as heavy.

    **Raises:** `ValueError` for a metric that does not fit; `TypeError` for a timescale where
    nothing ascends.
    """
    leaves = jax.tree.leaves(point.primal)
    weights = spread_metric(geometry.metric, point.primal, system.space.leaves, owner)
    if not is_one(timescale):
        slow = slow_leaves(system, point, owner)
        weights = [
            w * jnp.asarray(timescale, leaf.dtype) if i in slow else w
            for i, (w, leaf) in enumerate(zip(weights, leaves, strict=True))
        ]
    primal = jax.tree.unflatten(jax.tree.structure(point.primal), weights)
    duals = {name: jnp.ones((), dual.dtype) for name, dual in point.duals.items()}
    return Ground(system, geometry, Point(primal, duals))


def slow_leaves(system: System, point: Point, owner: str) -> set[int]:
    """The leaves of the players that descend, where there are others that ascend.

    **Raises:** `TypeError` where there are none.
    """
    ascending = {i for i, block in enumerate(system.blocks) if block.sense == "maximize"}
    if any(block.sense == "solve" for block in system.blocks) or not (
        ascending or system.constraints
    ):
        raise TypeError(
            f"{owner} tells players apart that descend and ascend, and this problem has none that "
            "ascend: use it on a Saddle or on constraints, or give weights as "
            "geometry=EuclideanGeometry(metric=...)."
        )
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(point.primal)]
    if len(system.blocks) == 1:
        return set(range(len(paths)))
    return {i for i, path in enumerate(paths) if path[0].idx not in ascending}
