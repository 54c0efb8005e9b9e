"""What a primal-dual method takes for granted about a problem, asked numerically beforehand."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ..._dtypes import working_dtype
from ..._system import System
from ._products import constraints, gradient, largest_eigenvalue

_POINTS = 6


def require_convex_quadratic(
    system: System, primal: PyTree[Array], data: PyTree, owner: str
) -> None:
    """Refuse anything but a linear or convex quadratic objective, affine constraints and a box.

    Not for compiled code. Derivatives are compared at random points near and far, which finds
    every function that is not what it should be, except those that differ in some corner only.

    **Raises:** `ValueError` naming the function or set at fault.
    """
    other = "AugmentedLagrangian takes any smooth problem."
    for leaf in system.space.leaves:
        if not leaf.elementwise or not leaf.closed:
            raise ValueError(
                f"{owner} takes bounds on the variables as its set, not {leaf.describe()}. State "
                f"it by constraints, or take another method: {other}"
            )
    for name, c in system.constraints.items():
        if c.surrogate is not None:
            raise ValueError(f"{owner}: constraint {name!r} has a surrogate. {other}")
    tol = 10 * float(jnp.finfo(working_dtype(primal)).eps) ** 0.5
    found = _bends(system, primal, data)
    for name, bend in found.constraints.items():
        if not float(bend) <= tol:
            raise ValueError(
                f"{owner} needs affine constraints, but the derivative of {name!r} changes "
                f"{_by(bend)} between random points. {other}"
            )
    if not float(found.objective) <= tol:
        raise ValueError(
            f"{owner} needs a linear or quadratic objective, but its second derivative changes "
            f"{_by(found.objective)} between random points. {other}"
        )
    if not float(found.lowest) >= -1e-4:
        raise ValueError(
            f"{owner} needs a convex objective, but along some direction its curvature is "
            f"{float(found.lowest):.2g} of the largest. {other}"
        )


class _Bends(NamedTuple):
    constraints: dict[str, Float[Array, ""]]
    objective: Float[Array, ""]
    lowest: Float[Array, ""]
    """The smallest curvature of the objective over the largest, or 0 where there is none."""


@eqx.filter_jit
def _bends(system: System, primal: PyTree[Array], data: PyTree) -> _Bends:
    """Relative changes of first and second derivatives along random directions."""
    flat, unravel = ravel_pytree(primal)
    extent = jnp.maximum(1.0, jnp.max(jnp.abs(flat)))

    def both(v):
        x = unravel(v)
        return ravel_pytree(gradient(system, x, data))[0], constraints(system, x, data)

    direction = jax.random.normal(jax.random.key(1), flat.shape, flat.dtype)

    def slopes(i):
        u = jax.random.normal(jax.random.fold_in(jax.random.key(2), i), flat.shape, flat.dtype)
        away = jnp.where(i == 0, 0.0, extent * 10.0 ** (i % 3)).astype(flat.dtype)
        return jax.jvp(both, (flat + away * u,), (direction,))

    (gradients, _), (curved, pushed) = jax.vmap(slopes)(jnp.arange(_POINTS))
    changes = {name: _change(p, jnp.abs(p[0])) for name, p in pushed.items()}
    # A Hessian is known to the rounding of the gradients behind it only.
    steepness = jnp.max(jnp.abs(gradients[0])) / extent
    objective = _change(curved, jnp.maximum(jnp.abs(curved[0]), 1e-6 * steepness))

    def bend(move):
        return unravel(jax.jvp(both, (flat,), (ravel_pytree(move)[0],))[1][0])

    top = largest_eigenvalue(bend, primal)

    def flipped(move):
        return jax.tree.map(lambda v, b: 1.05 * top * v - b, move, bend(move))

    least = 1.05 * top - largest_eigenvalue(flipped, primal)
    return _Bends(changes, objective, jnp.where(top > 0, least / jnp.where(top > 0, top, 1), 0))


def _change(values: Array, scale: Array) -> Float[Array, ""]:
    """How far any of the values is from the first, relative to the largest entry of `scale`."""
    size = jnp.max(scale, initial=0.0)
    gap = jnp.max(jnp.abs(values - values[0]), initial=0.0)
    gap = jnp.where(jnp.isfinite(gap), gap, jnp.inf)
    return jnp.where(gap > 0, gap / jnp.where(size > 0, size, gap), 0.0)


def _by(bend: Array) -> str:
    share = float(bend)
    return f"by {share:.2g} of its size" if share < float("inf") else "beyond all numbers"
