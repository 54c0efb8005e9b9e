"""Newton steps under equality constraints, split into moves towards and along them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._merit import Place

_FLAT = 1e-10
"""Curvature below this share of the largest counts as none."""
_LIFT = 0.1
"""What replaces curvature that is missing where x is of order one (xi_B of Hong et al.)."""
_FAR = 10.0
"""The size of x from which on it is less."""


class Split(NamedTuple):
    """A Jacobian's singular value decomposition, as directions across and along its null space.

    **Arguments:**

    - `left`: m x m, `values`: m, `right`: n x n with a direction per row, those of `values` first.
    - `along`: the rows of `right` in the null space.
    - `dependent`: the constraints whose gradients depend on others'.
    """

    left: Float[Array, "m m"]
    values: Float[Array, "m"]
    right: Float[Array, "n n"]
    along: Bool[Array, "n"]
    dependent: Bool[Array, "m"]

    @property
    def inverse(self) -> Float[Array, "m"]:
        """Reciprocal singular values; 0 where the rank is lacking."""
        across = ~self.along[: self.values.size]
        return jnp.where(across, 1 / jnp.where(across, self.values, 1.0), 0.0)


def split(jacobian: Float[Array, "m n"]) -> Split:
    """Decompose a Jacobian with no more rows than columns."""
    m, n = jacobian.shape
    dtype = jacobian.dtype
    if m == 0:
        return Split(
            jnp.zeros((0, 0), dtype),
            jnp.zeros(0, dtype),
            jnp.eye(n, dtype=dtype),
            jnp.ones(n, bool),
            jnp.zeros(0, bool),
        )
    left, values, right = jnp.linalg.svd(jacobian, full_matrices=True)
    floor = 10 * n * jnp.finfo(dtype).eps * values[0]
    lacking = ~(values > floor)
    along = jnp.concatenate([lacking, jnp.ones(n - m, bool)])
    share = jnp.sum(jnp.where(lacking, left**2, 0.0), axis=1)
    return Split(left, values, right, along, share > 1e-6)


def least_squares_multipliers(s: Split, gradient: Float[Array, "n"]) -> Float[Array, "m"]:
    """The shortest y for which |gradient + J'y| is least."""
    return -s.left @ (s.inverse * (s.right[: s.values.size] @ gradient))


class Convex(NamedTuple):
    """A Lagrangian's Hessian made positive definite along the null space, in `Split.right`'s axes.

    **Arguments:**

    - `rotated`: the Hessian itself; `modified`: with the lifted block.
    - `factor`: Cholesky factor of that block, with units in the place of the others.
    - `changed`: whether anything was lifted.
    """

    rotated: Float[Array, "n n"]
    modified: Float[Array, "n n"]
    factor: Float[Array, "n n"]
    changed: Bool[Array, ""]


def least_curvature(x: Float[Array, "n"]) -> Float[Array, ""]:
    """What replaces curvature that is missing: less far out, where moves are in proportion to x.

    An objective that falls for ever is then followed at a growing pace.
    """
    return _LIFT / jnp.maximum(1.0, jnp.max(jnp.abs(x)) / _FAR)


def convexify(hessian: Float[Array, "n n"], s: Split, least: Float[Array, ""]) -> Convex:
    """Lift the curvatures along the null space that are not positive, by eigenvalue.

    The rest of the Hessian stays as it is, so that near a minimum the step is Newton's own.

    **Arguments:**

    - `least`: the smallest curvature that takes the place of one that is not positive.
    """
    rotated = s.right @ hessian @ s.right.T
    inner = s.along[:, None] & s.along[None, :]
    identity = jnp.eye(hessian.shape[0], dtype=hessian.dtype)
    block = jnp.where(inner, rotated, identity)
    block = 0.5 * (block + block.T)
    factor = jnp.linalg.cholesky(block, symmetrize_input=False)
    scale = jnp.max(jnp.abs(jnp.where(inner, rotated, 0.0)))
    pivots = jnp.where(s.along, jnp.diagonal(factor) ** 2, jnp.inf)
    fine = jnp.all(jnp.isfinite(factor)) & (jnp.min(pivots) > _FLAT * scale)

    def lift():
        values, vectors = jnp.linalg.eigh(block)
        flat = ~(values > _FLAT * scale)
        lifted = jnp.where(flat, jnp.maximum(jnp.abs(values), least), values)
        better = (vectors * lifted) @ vectors.T
        return jnp.linalg.cholesky(0.5 * (better + better.T), symmetrize_input=False), better

    factor, better = jax.lax.cond(fine, lambda: (factor, block), lift)
    return Convex(rotated, jnp.where(inner, better, rotated), factor, ~fine)


def null_space_step(at: Place, s: Split, c: Convex) -> tuple[Float[Array, "n"], Float[Array, "m"]]:
    """The solution of the KKT system [[B, J'], [J, 0]] (dx, dy) = -(grad_x L, c).

    Where constraint gradients are dependent: the shortest move to the nearest point of the
    linearised constraints, and the shortest multipliers.
    """
    m = s.values.size
    local = at.local
    across = -s.inverse * (s.left.T @ local.constraints)
    coordinates = jnp.zeros_like(at.x).at[:m].set(across)
    slope = s.right @ local.gradient + c.rotated @ coordinates
    inner = jax.scipy.linalg.cho_solve((c.factor, True), jnp.where(s.along, -slope, 0.0))
    coordinates = coordinates + jnp.where(s.along, inner, 0.0)
    dx = coordinates @ s.right
    force = (s.right @ local.gradient + c.modified @ coordinates)[:m]
    return dx, -s.left @ (s.inverse * force) - at.y
