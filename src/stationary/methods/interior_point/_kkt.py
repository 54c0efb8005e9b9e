"""Newton systems of constrained problems, regularised until they point downhill."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

# The ladder of regularisation after Waechter and Biegler (2006), algorithm IC.
_FIRST, _LEAST, _MOST = 1e-4, 1e-20, 1e30
_FAST_GROWTH, _GROWTH, _DECAY = 100.0, 8.0, 1 / 3
_EQUALITY_WEIGHT = 1e6
"""How far the weight on equality rows exceeds the curvature of the objective."""
_PASSES = 5
"""Refinements of a solution against the system as it was stated."""
_ENOUGH = 1e4
"""No residual is refined below this many times the rounding of the right-hand side."""


class Factors(NamedTuple):
    """A factorised system [[H + regularisation I, A'], [A, -D]] (u, v) = (a, b)."""

    hessian: Float[Array, "n n"]
    """H, regularised."""
    jacobian: Float[Array, "m n"]
    compliance: Float[Array, "m"]
    """D."""
    weight: Float[Array, "m"]
    condensed: Float[Array, "n n"]
    """The Cholesky factor of H + A' weight A."""
    coupling: Float[Array, "e n"]
    """Rows of equality constraints, times the part that was not condensed."""
    schur: Float[Array, "e e"]
    regularization: Float[Array, ""]
    tries: Int[Array, ""]
    sound: Bool[Array, ""]


def factorize(
    hessian: Float[Array, "n n"],
    jacobian: Float[Array, "m n"],
    compliance: Float[Array, "m"],
    equality: np.ndarray,
    free: Bool[Array, "n"],
    previous: Float[Array, ""],
    give: Float[Array, ""] | float = 1e-9,
) -> Factors:
    """Factorise [[H, A'], [A, -D]], adding to H until it is positive definite where it must be.

    Rows are condensed into H + A' W A, W = 1 / D (for rows of equality constraints, as far as
    arithmetic allows), whose Cholesky factorisation succeeds exactly when the system has as many
    positive and negative eigenvalues as it has unknowns and rows: then its solution is a descent
    direction. What is left of the equality rows goes through their Schur complement.

    **Arguments:**

    - `hessian`: H, shape (n, n).
    - `jacobian`: A, shape (m, n).
    - `compliance`: D >= 0, shape (m,); positive on rows of inequalities.
    - `equality`: which rows are equalities (static).
    - `free`: unknowns that may move; the rest keep still.
    - `previous`: the last positive regularisation, 0 if there was none.
    - `give`: the compliance that rows of equalities get where they depend on each other.
    """
    dtype = hessian.dtype
    eps = jnp.finfo(dtype).eps
    pair = free[:, None] & free[None, :]
    eye = jnp.eye(hessian.shape[0], dtype=dtype)
    hessian = jnp.where(pair, hessian, jnp.where(free, 0.0, 1.0) * eye)
    jacobian = jnp.where(free, jacobian, 0.0)
    rows = np.flatnonzero(equality)

    squares = jnp.sum(jacobian**2, axis=1)
    curvature = jnp.maximum(jnp.max(jnp.abs(hessian), initial=0.0), 1e-4)
    curvature = jnp.minimum(curvature, 1e4)  # bounds that are close do not count
    most = jnp.where(equality, _EQUALITY_WEIGHT, eps**-0.75)  # beyond, rounding drowns H
    most = most * curvature / jnp.maximum(squares, 1e-8)
    weight = jnp.minimum(most, 1 / jnp.maximum(compliance, 4 * jnp.finfo(dtype).tiny))
    base = hessian + (jacobian.T * weight) @ jacobian

    def attempt(carry):
        shift, tries, _, _ = carry
        first = jnp.where(previous > 0, jnp.maximum(_LEAST, _DECAY * previous), _FIRST).astype(
            dtype
        )
        growth = jnp.where(previous > 0, _GROWTH, _FAST_GROWTH).astype(dtype)
        shift = jnp.where(tries == 0, 0.0, jnp.where(tries == 1, first, growth * shift))
        factor = jnp.linalg.cholesky(base + jnp.where(free, shift, 0.0) * eye)
        diagonal = jnp.diagonal(factor)
        good = jnp.all(jnp.isfinite(diagonal))
        # A pivot at the level of rounding is no pivot.
        good &= jnp.all(diagonal**2 > 4 * eps * jnp.diagonal(base + shift * eye))
        return shift.astype(dtype), tries + 1, factor, good

    def again(carry):
        shift, tries, _, good = carry
        return ~good & (tries < 60) & (shift < _MOST)

    shift, tries, factor, good = jax.lax.while_loop(
        again,
        attempt,
        (jnp.zeros((), dtype), jnp.zeros((), jnp.int32), jnp.zeros_like(base), jnp.array(False)),
    )
    hessian = hessian + jnp.where(free, shift, 0.0) * eye
    row = jacobian[rows]
    half = jax.scipy.linalg.solve_triangular(factor, row.T, lower=True)
    plain = half.T @ half

    def schur_of(compliance):
        left = _left(weight, compliance)[rows]
        schur = left[:, None] * plain * left + jnp.diag(left * compliance[rows])
        diagonal = jnp.diagonal(schur)
        shifts = jnp.where(diagonal > 0, eps**0.9 * diagonal, 1.0)  # 1 for rows that are empty
        factor = jnp.linalg.cholesky(schur + jnp.diag(shifts))
        pivots = jnp.diagonal(factor) ** 2
        return left, factor, jnp.all(pivots > eps**0.7 * diagonal)

    # Rows that depend on each other leave their multipliers open: a little compliance closes them.
    *_, independent = schur_of(compliance)
    compliance = compliance + jnp.where(equality & ~independent, give, 0.0)
    left, schur, _ = schur_of(compliance)
    coupling = left[:, None] * row
    sound = good & jnp.all(jnp.isfinite(schur))
    return Factors(
        hessian, jacobian, compliance, weight, factor, coupling, schur, shift, tries, sound
    )


def solve(
    factors: Factors, equality: np.ndarray, a: Float[Array, "n"], b: Float[Array, "m"]
) -> tuple[Float[Array, "n"], Float[Array, "m"]]:
    """(u, v) with [[H, A'], [A, -D]] (u, v) = (a, b), refined while the residual falls."""
    rows = np.flatnonzero(equality)
    h, j, d, w = factors.hessian, factors.jacobian, factors.compliance, factors.weight

    def once(a, b):
        a = a + (w * b) @ j
        u = _cholesky_solve(factors.condensed, a)
        left = _left(w, d)[rows]
        v = _cholesky_solve(factors.schur, factors.coupling @ u - left * b[rows])
        u = u - _cholesky_solve(factors.condensed, v @ factors.coupling)
        return u, (w * (j @ u - b)).at[rows].add(left * v)

    def residual(u, v):
        return a - h @ u - v @ j, b - j @ u + d * v

    def size(ra, rb):
        return jnp.max(jnp.abs(ra), initial=0.0) + jnp.max(jnp.abs(rb), initial=0.0)

    def refine(carry):
        (u, v), (ra, rb), norm, _, k = carry
        du, dv = once(ra, rb)
        new = u + du, v + dv
        left = residual(*new)
        fresh = size(*left)
        first = k == 0  # taken as it is: the residual of zero says nothing
        keep = (fresh < norm) | first
        new = jnp.where(keep, new[0], u), jnp.where(keep, new[1], v)
        left = jnp.where(keep, left[0], ra), jnp.where(keep, left[1], rb)
        return new, left, jnp.where(keep, fresh, norm), (fresh < 0.1 * norm) | first, k + 1

    def going(carry):
        _, _, norm, falling, k = carry
        return falling & (k < _PASSES) & (norm > enough)

    zero, whole = (jnp.zeros_like(a), jnp.zeros_like(b)), size(a, b)
    enough = _ENOUGH * jnp.finfo(a.dtype).eps * whole
    (u, v), *_ = jax.lax.while_loop(going, refine, (zero, (a, b), whole, jnp.array(True), 0))
    return u, v


def _left(weight: Float[Array, "m"], compliance: Float[Array, "m"]) -> Float[Array, "m"]:
    """The share of each row that was not condensed, 0 where it was wholly."""
    share = 1 - weight * compliance
    return jnp.where(share > 4 * jnp.finfo(share.dtype).eps, share, 0.0)


def _cholesky_solve(factor: Float[Array, "k k"], x: Float[Array, "k"]) -> Float[Array, "k"]:
    return jax.scipy.linalg.cho_solve((factor, True), x)
