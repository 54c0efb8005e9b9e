"""Strictly convex quadratic programmes with elastic rows, by a primal-dual interior point."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_STEPS = 60
_KEEP = 0.995
"""The share of the way to the boundary that a step may go."""


class Quadratic(NamedTuple):
    """min g'd + d'B d / 2 + sum(rise p + fall n) over d in a box, with c + J d = p - n, p, n >= 0.

    A row that must vanish has rise = fall; one that must not be positive has fall = 0. With
    prices above the multipliers p and n vanish where that is possible, so every programme of this
    kind has an answer, contradictory rows included.

    **Arguments:**

    - `hessian`: B, positive definite; `gradient`: g.
    - `jacobian`, `offset`: J and c.
    - `rise`, `fall`: what a unit above and below zero costs.
    - `lower`, `upper`: the box; equal ends hold an entry.
    """

    hessian: Float[Array, "n n"]
    gradient: Float[Array, "n"]
    jacobian: Float[Array, "m n"]
    offset: Float[Array, "m"]
    rise: Float[Array, "m"]
    fall: Float[Array, "m"]
    lower: Float[Array, "n"]
    upper: Float[Array, "n"]


class Answer(NamedTuple):
    """The minimum of a `Quadratic`.

    **Arguments:**

    - `step`: d.
    - `multipliers`: of the rows; between -fall and rise.
    - `above`: p, what is left of the rows' violation; `below`: n.
    - `working`: the rows that hold the answer where it is.
    - `held`: the entries that a bound holds.
    - `steps`: iterations, and `solved`: whether they reached the accuracy of the arithmetic.
    """

    step: Float[Array, "n"]
    multipliers: Float[Array, "m"]
    working: Bool[Array, "m"]
    held: Bool[Array, "n"]
    steps: Int[Array, ""]
    solved: Bool[Array, ""]


class _Iterate(NamedTuple):
    d: Float[Array, "n"]
    y: Float[Array, "m"]
    # Four pairs of nonnegative numbers whose products vanish: distances, and their multipliers.
    far: tuple[Array, ...]
    dual: tuple[Array, ...]


def solve_quadratic(q: Quadratic) -> Answer:
    """The minimum, by Mehrotra's predictor-corrector method from a start that nothing satisfies.

    One n x n and one m x m factorisation an iteration.

    **Source:** Mehrotra (1992), On the implementation of a primal-dual interior point method;
    Gondzio (1996) for elastic rows as bounds on multipliers.
    """
    m, n = q.jacobian.shape
    dtype = q.gradient.dtype
    eps = jnp.finfo(dtype).eps
    free = q.lower < q.upper
    bounded = (free & jnp.isfinite(q.lower), free & jnp.isfinite(q.upper))
    # Entries that are held leave the programme: zero columns, and a unit of curvature.
    still = jnp.where(free, 0.0, jnp.clip(0.0, q.lower, q.upper))
    gradient = jnp.where(free, q.gradient + q.hessian @ still, 0.0)
    hessian = jnp.where(free[:, None] & free[None, :], q.hessian, jnp.eye(n, dtype=dtype))
    jacobian = jnp.where(free, q.jacobian, 0.0)
    offset = q.offset + q.jacobian @ still
    lower = jnp.where(bounded[0], q.lower, 0.0)
    upper = jnp.where(bounded[1], q.upper, 0.0)
    rowed = jnp.ones(m, bool)
    present = (rowed, rowed, *bounded)
    count = 2 * m + jnp.sum(bounded[0]) + jnp.sum(bounded[1])

    def residuals(v: _Iterate):
        p, k, low, up = v.far
        zp, zk, zl, zu = v.dual
        dual = hessian @ v.d + gradient + v.y @ jacobian - zl + zu
        rows = offset + jacobian @ v.d - p + k
        ends = (
            jnp.where(bounded[0], v.d - lower - low, 0.0),
            jnp.where(bounded[1], upper - v.d - up, 0.0),
        )
        return dual, rows, (q.rise - v.y - zp, q.fall + v.y - zk), ends

    def gap(v: _Iterate):
        products = [
            jnp.sum(jnp.where(h, a * z, 0.0))
            for h, a, z in zip(present, v.far, v.dual, strict=True)
        ]
        return sum(products) / jnp.maximum(count, 1)

    def direction(v: _Iterate, factors, rest, targets):
        """Newton's step towards products `targets`, from the residuals `rest`."""
        chol, half, schur = factors
        p, k, low, up = v.far
        zp, zk, zl, zu = v.dual
        dual, rows, prices, ends = rest
        tp, tk, tl, tu = [t - a * z for t, a, z in zip(targets, v.far, v.dual, strict=True)]
        right = -dual
        right += jnp.where(bounded[0], (tl - zl * ends[0]) / low, 0.0)
        right -= jnp.where(bounded[1], (tu - zu * ends[1]) / up, 0.0)
        below = -rows + tp / zp - (p / zp) * prices[0] - tk / zk + (k / zk) * prices[1]
        first = jax.scipy.linalg.cho_solve((chol, True), right)
        dy = jax.scipy.linalg.cho_solve((schur, True), jacobian @ first - below)
        dd = first - jax.scipy.linalg.solve_triangular(chol, half @ dy, lower=True, trans=1)
        dzp, dzk = prices[0] - dy, prices[1] + dy
        dlow = jnp.where(bounded[0], ends[0] + dd, 0.0)
        dup = jnp.where(bounded[1], ends[1] - dd, 0.0)
        far = ((tp - p * dzp) / zp, (tk - k * dzk) / zk, dlow, dup)
        dzl = jnp.where(bounded[0], (tl - zl * dlow) / low, 0.0)
        dzu = jnp.where(bounded[1], (tu - zu * dup) / up, 0.0)
        return _Iterate(dd, dy, far, (dzp, dzk, dzl, dzu))

    def furthest(values, moves, keep):
        """The longest step, at most 1, that leaves a share of every distance."""
        longest = jnp.ones((), dtype)
        for h, value, move in zip(present, values, moves, strict=True):
            shrinking = h & (move < 0)
            ratio = jnp.where(shrinking, -keep * value / jnp.where(shrinking, move, -1.0), 1.0)
            longest = jnp.minimum(longest, jnp.min(ratio, initial=1.0))
        return longest

    def moved(v: _Iterate, by: _Iterate, a, b) -> _Iterate:
        def add(x, dx, length):
            return jax.tree.map(lambda s, t: s + length * t, x, dx)

        return _Iterate(add(v.d, by.d, a), add(v.y, by.y, b), add(v.far, by.far, a),
                        add(v.dual, by.dual, b))  # fmt: skip

    def body(carry):
        v, before, steps, _ = carry
        p, k, low, up = v.far
        zp, zk, zl, zu = v.dual
        weight = jnp.where(bounded[0], zl / low, 0.0) + jnp.where(bounded[1], zu / up, 0.0)
        chol = jnp.linalg.cholesky(hessian + jnp.diag(weight), symmetrize_input=False)
        half = jax.scipy.linalg.solve_triangular(chol, jacobian.T, lower=True)
        soft = p / zp + k / zk
        gram = half.T @ half
        jitter = eps * jnp.diag(gram)
        schur = jnp.linalg.cholesky(gram + jnp.diag(soft + jitter), symmetrize_input=False)
        factors = chol, half, schur
        rest = residuals(v)
        mu = gap(v)
        zeros = jax.tree.map(jnp.zeros_like, v.far)
        guess = direction(v, factors, rest, zeros)
        a = jnp.minimum(furthest(v.far, guess.far, 1.0), furthest(v.dual, guess.dual, 1.0))
        centring = (gap(moved(v, guess, a, a)) / mu) ** 3
        targets = tuple(
            jnp.where(h, centring * mu - da * dz, 0.0)
            for h, da, dz in zip(present, guess.far, guess.dual, strict=True)
        )
        step = direction(v, factors, rest, targets)
        a = jnp.minimum(furthest(v.far, step.far, _KEEP), furthest(v.dual, step.dual, _KEEP))
        new = moved(v, step, a, a)
        fine = jnp.all(jnp.isfinite(new.d)) & jnp.all(jnp.isfinite(new.y))
        v = jax.tree.map(lambda x, old: jnp.where(fine, x, old), new, v)
        after = error(v)
        stuck = ~fine | (a < 1e-10) | ((after < near) & (after > 0.3 * before))
        return v, after, steps + 1, stuck

    slope = jnp.maximum(jnp.max(jnp.abs(gradient), initial=0.0), 1e-12)
    reach = jnp.maximum(jnp.max(jnp.abs(offset), initial=0.0), 1e-12)

    def error(v: _Iterate):
        """The largest residual, each relative to the numbers that it is made of."""
        dual, rows, prices, ends = residuals(v)
        sizes = slope + _peak(v.y @ jacobian) + _peak(hessian @ v.d)
        lengths = reach + _peak(jnp.abs(jacobian) @ jnp.abs(v.d))
        parts = (
            _peak(dual) / sizes,
            _peak(rows) / lengths,
            jnp.maximum(_peak(prices[0]), _peak(prices[1])) / jnp.maximum(sizes, _peak(v.y)),
            jnp.maximum(_peak(ends[0]), _peak(ends[1])) / jnp.maximum(_peak(v.d), 1e-12),
            gap(v) / (sizes * jnp.maximum(lengths, _peak(v.d)) + 1e-300),
        )
        return jnp.max(jnp.stack(parts))

    goal, near = eps**0.7, eps**0.5

    def going(carry):
        _, worst, steps, stuck = carry
        return (worst > goal) & (steps < _STEPS) & ~stuck

    start = _start(q, offset, slope, reach, lower, upper, present)
    zero = jnp.zeros((), jnp.int32)
    first = (start, error(start), zero, jnp.array(False))
    v, worst, steps, _ = jax.lax.while_loop(going, body, first)
    p, k, low, up = v.far
    zp, zk, zl, zu = v.dual
    below, above = bounded[0] & (zl > low), bounded[1] & (zu > up)
    rough = Answer(
        jnp.where(free, jnp.clip(v.d, q.lower, q.upper), still),
        v.y,
        working=(zp >= p) & (zk >= k),
        held=below | above | ~free,
        steps=steps,
        solved=worst < eps**0.5,
    )
    d = jnp.where(below, q.lower, jnp.where(above, q.upper, rough.step))
    y = jnp.where(zp < p, q.rise, jnp.where(zk < k, -q.fall, v.y))
    return _polished(q, rough, d, y)


def _polished(q: Quadratic, rough: Answer, d: Float[Array, "n"], y: Float[Array, "m"]) -> Answer:
    """The answer to full accuracy: the rows and bounds that hold it, taken as equations.

    Kept only where it satisfies the conditions of the whole programme better.

    **Arguments:**

    - `d`, `y`: the rough answer with held entries on their bounds, and idle rows at their prices.
    """
    eps = jnp.finfo(d.dtype).eps
    still = rough.held[:, None] | rough.held[None, :]
    hessian = jnp.where(still, jnp.eye(d.size, dtype=d.dtype), q.hessian)
    rows = jnp.where(rough.working[:, None] & ~rough.held, q.jacobian, 0.0)
    chol = jnp.linalg.cholesky(hessian, symmetrize_input=False)
    half = jax.scipy.linalg.solve_triangular(chol, rows.T, lower=True)
    gram = half.T @ half
    slack = jnp.where(rough.working, 10 * eps * jnp.diag(gram), 1.0)
    schur = jnp.linalg.cholesky(gram + jnp.diag(slack), symmetrize_input=False)

    def refine(_, pair):
        d, y = pair
        right = jnp.where(rough.held, 0.0, -(q.hessian @ d + q.gradient + y @ q.jacobian))
        below = jnp.where(rough.working, -(q.offset + q.jacobian @ d), 0.0)
        first = jax.scipy.linalg.cho_solve((chol, True), right)
        dy = jax.scipy.linalg.cho_solve((schur, True), rows @ first - below)
        dd = first - jax.scipy.linalg.solve_triangular(chol, half @ dy, lower=True, trans=1)
        return d + jnp.where(rough.held, 0.0, dd), y + jnp.where(rough.working, dy, 0.0)

    d, y = jax.lax.fori_loop(0, 3, refine, (d, y))
    better = _natural_residual(q, d, y) < _natural_residual(q, rough.step, rough.multipliers)
    return rough._replace(
        step=jnp.where(better, d, rough.step), multipliers=jnp.where(better, y, rough.multipliers)
    )


def _natural_residual(q: Quadratic, d: Float[Array, "n"], y: Float[Array, "m"]):
    """Zero exactly at the answer: fixed points of projected steps on d and on y."""
    slope = q.hessian @ d + q.gradient + y @ q.jacobian
    rows = q.offset + q.jacobian @ d
    by_d = d - jnp.clip(d - slope, q.lower, q.upper)
    return _peak(by_d) + _peak(y - jnp.clip(y + rows, -q.fall, q.rise))


def _start(q: Quadratic, offset, slope, reach, lower, upper, present) -> _Iterate:
    """A start on the central path of another programme: products are all alike."""
    m, n = q.jacobian.shape
    zeros = jnp.zeros(n, slope.dtype)
    mu = slope * reach
    zp = jnp.maximum(q.rise, slope)
    zk = jnp.maximum(q.fall, slope)
    far = [mu / zp, mu / zk]
    width = jnp.where(present[2] & present[3], upper - lower, jnp.inf)
    room = jnp.minimum(jnp.maximum(reach, 1e-2), 0.5 * width)
    low = jnp.where(present[2], jnp.maximum(-lower, room), 1.0)
    up = jnp.where(present[3], jnp.maximum(upper, room), 1.0)
    zl = jnp.where(present[2], mu / low, 0.0)
    zu = jnp.where(present[3], mu / up, 0.0)
    return _Iterate(zeros, jnp.zeros(m, slope.dtype), (*far, low, up), (zp, zk, zl, zu))


def _peak(x: Float[Array, "..."]) -> Float[Array, ""]:
    return jnp.max(jnp.abs(x), initial=0.0)
