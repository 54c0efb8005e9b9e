"""Lower bounds of linear functions over a set: behind dual bounds and infeasibility proofs."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..sets import Capability, Product


class Floor(NamedTuple):
    """min over z in the set of <gradient, z - x> is at least `exact - slope (|z - x| + slack)`.

    `slope` is zero where the set is bounded and can minimise linear functions; elsewhere it
    vanishes with the residual, and the bound holds within a distance.
    """

    exact: Float[Array, ""]
    slope: Float[Array, ""]
    slack: Float[Array, ""]


def floor(
    space: Product, x: PyTree[Array], gradient: PyTree[Array], step: Float[Array, ""]
) -> Floor:
    """Bound a linear function over a product of sets from below, leaf by leaf; traceable.

    For a projection p = P(x - t c), <x - t c - p, z - p> <= 0 for all z in the set, so that
    <c, z - x> >= -|x - p| |z - p| / t - <c, x - p>.

    **Arguments:**

    - `step`: t, a step at which the residual is of the size of x for gradients of order one.
    """
    exact, slope, slack = jnp.zeros(()), jnp.zeros(()), jnp.zeros(())
    leaves = zip(space.leaves, jax.tree.leaves(x), jax.tree.leaves(gradient), strict=True)
    for s, leaf, c in leaves:
        if Capability.LMO in s.capabilities:
            exact += jnp.sum(c * (s.lmo(c) - leaf))
            continue
        gone = s.residual(leaf, step * c)
        length = jnp.linalg.norm(gone)
        exact -= jnp.sum(c * gone)
        slope += length / jnp.where(step > 0, step, 1.0)
        slack += length
    return Floor(exact, slope, slack)
