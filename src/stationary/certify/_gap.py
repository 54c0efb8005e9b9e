"""How far a convex problem's objective can be from its optimum: weak duality, evaluated."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from .._compiled import jit_once
from .._operators import Duals
from .._system import System
from ..sets import Capability
from ._bounds import floor
from ._measure import Local, Measured, lagrangian_direction

_NEIGHBOURHOOD = 10.0


class Gap(NamedTuple):
    """A bound of the distance to the optimal value, and what it rests on."""

    value: float
    reason: str


@jit_once
def _bound(
    system: System, primal: PyTree, data: PyTree, duals: Duals, local: Local, found: Measured
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    # L(z) >= L(x) + <grad L(x), z - x> over the set, for any duals in the polar cones.
    kept = {name: c.cone.polar(duals[name]) for name, c in system.constraints.items()}
    gradient = lagrangian_direction(system, data, jnp.ones(1), kept)(primal)
    step = jnp.where(found.force > 0, found.extent / found.force, 0.0)
    low = floor(system.space, primal, gradient, step)
    products = sum((jnp.sum(kept[k] * local.values[k]) for k in kept), jnp.zeros(()))
    return -products - low.exact, low.slope, low.slack


def duality_gap(
    system: System, primal: PyTree, data: PyTree, duals: Duals, local: Local, found: Measured
) -> Gap:
    """The objective at `primal` less a lower bound of the optimal value.

    On bounded sets the bound is exact arithmetic on declared convexity. On unbounded ones it
    holds against every point within a distance that `reason` states.
    """
    certain, slope, slack = (float(v) for v in _bound(system, primal, data, duals, local, found))
    if all(Capability.LMO in s.capabilities for s in system.space.leaves):
        return Gap(max(certain, 0.0) + 0.0, "weak duality over the bounded set, given convexity")
    length = float(jnp.linalg.norm(jnp.concatenate([x.ravel() for x in jax.tree.leaves(primal)])))
    radius = _NEIGHBOURHOOD * max(1.0, length)
    return Gap(
        max(certain + slope * (radius + slack), 0.0),
        f"against every point within {radius:.3g}, given convexity: the set is unbounded",
    )
