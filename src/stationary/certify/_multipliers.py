"""Multipliers from the point alone, when none were given."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from .._operators import Duals
from .._system import System
from ..sets import Product
from ._least_squares import signed_least_squares
from ._measure import Local, smooth

_COLUMNS = 2000
"""Up to this many columns the exact active set method runs; beyond, a first-order one."""
_STEPS = 5000


class Estimate(NamedTuple):
    """Multipliers by name, and the weight of each objective (1 when there is only one)."""

    duals: dict[str, np.ndarray]
    weights: Float[np.ndarray, "objectives"]


def estimate(
    system: System,
    primal: PyTree,
    data: PyTree,
    local: Local,
    scales: Float[np.ndarray, "objectives"],
    near: float,
) -> Estimate:
    """The multipliers, and for several objectives their weights, that come closest to stationary.

    They minimise the length of sum w_i grad f_i + J' dual + n over the simplex, the polar cones of
    the active constraints, and the set's normal cone.

    **Arguments:**

    - `scales`: a size for each objective's gradient, so that units do not matter.
    - `near`: the relative distance within which a constraint counts as active.
    """
    space = system.space
    simple = all(s.elementwise or s.curved for s in space.leaves) and all(
        c.cone.elementwise for c in system.constraints.values()
    )
    if simple and local.rows is not None:
        faces = faces_of(space, primal, near)
        if sum(v.size for v in local.values.values()) + int(np.sum(faces.bound)) <= _COLUMNS:
            return _exact(system, primal, local, np.asarray(scales), near, faces)
    duals, weights = _iterate(system, primal, data, local, jnp.asarray(scales))
    return Estimate({k: np.asarray(v) for k, v in duals.items()}, np.asarray(weights))


class Faces(NamedTuple):
    """Per entry of x: whether it can only grow, only fall, or cannot move."""

    lower: Bool[np.ndarray, "n"]
    upper: Bool[np.ndarray, "n"]

    @property
    def bound(self) -> Bool[np.ndarray, "n"]:
        return self.lower ^ self.upper

    @property
    def fixed(self) -> Bool[np.ndarray, "n"]:
        return self.lower & self.upper


def faces_of(space: Product, primal: PyTree, near: float) -> Faces:
    """The bounds that a point is within a relative distance of."""
    lower, upper = [], []
    for s, leaf in zip(space.leaves, jax.tree.leaves(primal), strict=True):
        shape = (np.size(leaf),)
        if s.elementwise and s.closed:
            low, up = _bounds(s, leaf, jnp.asarray(near))
        else:
            low, up = jnp.zeros(shape, bool), jnp.zeros(shape, bool)
        lower.append(np.asarray(low).ravel())
        upper.append(np.asarray(up).ravel())
    return Faces(np.concatenate(lower), np.concatenate(upper))


@eqx.filter_jit
def _bounds(s, x: Array, near: Float[Array, ""]) -> tuple[Array, Array]:
    """Whether a small move down, or up, is taken back by an elementwise set."""
    move = near * jnp.maximum(1.0, jnp.abs(x))
    return s.project(x - move) > x - move / 2, s.project(x + move) < x + move / 2


@eqx.filter_jit
def _tangents(space: Product, primal: PyTree, rows: Array) -> Array:
    """Rows (gradients) with the parts normal to manifolds removed."""
    _, unravel = ravel_pytree(primal)
    return jax.vmap(lambda row: ravel_pytree(space.gradient(primal, unravel(row)))[0])(rows)


def _exact(system, primal, local, scales, near, faces) -> Estimate:
    extent = max(1.0, float(np.max(np.abs(ravel_pytree(primal)[0]), initial=0.0)))
    # One column per objective beyond the first, per constraint entry and per bound of the set.
    gradients = np.asarray(local.gradients) / scales[:, None]
    blocks, active = [gradients], {}
    for name, c in system.constraints.items():
        size = np.asarray(local.sizes[name]).ravel()
        up = np.asarray(c.cone.polar(jnp.ones(c.shape))).ravel() > 0
        down = np.asarray(c.cone.polar(-jnp.ones(c.shape))).ravel() < 0
        inside = np.abs(np.asarray(c.cone.project(local.values[name]))).ravel()
        distance = inside / np.where(size > 0, size, np.inf) / extent  # 0 where violated
        active[name] = (size > 0) & ((up & down) | (distance <= near)), up, down
        blocks.append(np.asarray(local.rows[name]))
    rows = np.asarray(_tangents(system.space, primal, jnp.asarray(np.concatenate(blocks))))
    k, keep = len(gradients), ~faces.fixed
    columns, free, where = [], [], []
    start = k
    for name, (on, up, down) in active.items():
        for j in np.flatnonzero(on):
            sign = 1.0 if up[j] else -1.0
            columns.append(sign * rows[start + j])
            free.append(bool(up[j] and down[j]))
            where.append((name, j, sign))
        start += len(on)
    for i in np.flatnonzero(faces.bound):
        unit = np.zeros(rows.shape[1])
        unit[i] = -1.0 if faces.lower[i] else 1.0
        columns.append(unit)
        free.append(False)
        where.append((None, i, 1.0))
    matrix = np.array(columns).reshape(len(columns), rows.shape[1]).T[keep]
    weights, z = _weigh(rows[:k].T[keep], matrix, np.array(free, bool))
    duals = {name: np.zeros(np.shape(value)) for name, value in local.values.items()}
    for (name, j, sign), amount in zip(where, z, strict=True):
        if name is not None:
            duals[name].reshape(-1)[j] = sign * amount
    weights = weights / scales
    total = np.sum(weights)
    return Estimate({k: d / total for k, d in duals.items()}, weights / total)


def _weigh(gradients, columns, free):
    """Weights on the simplex and coefficients with sum w g + columns z as short as possible."""
    count = gradients.shape[1]
    if count == 1:
        return np.ones(1), signed_least_squares(columns, -gradients[:, 0], free)
    # min |A z|^2 + (1 - sum w)^2 has the direction of the shortest combination, up to length.
    # Columns other than the objectives' are brought to length one, so that all are comparable.
    lengths = np.linalg.norm(columns, axis=0)
    unit = columns / np.where(lengths > 0, lengths, 1.0)
    both = np.concatenate([gradients, unit], axis=1)
    total = np.concatenate([np.ones(count), np.zeros(columns.shape[1])])[None]
    target = np.concatenate([np.zeros(len(both)), [1.0]])
    z = signed_least_squares(
        np.concatenate([both, total]), target, np.concatenate([np.zeros(count, bool), free])
    )
    weights = z[:count]
    scale = np.sum(weights)
    return weights / scale, z[count:] / np.where(lengths > 0, lengths, 1.0) / scale


@eqx.filter_jit
def _iterate(
    system: System, primal: PyTree, data: PyTree, local: Local, scales: Array
) -> tuple[Duals, Array]:
    """The same for any set and cone: accelerated projected gradient with numerical normal cones."""
    flat, unravel = ravel_pytree(primal)
    extent = jnp.maximum(1.0, jnp.max(jnp.abs(flat)))
    home = ravel_pytree(system.space.project(primal))[0] if _projects(system.space) else flat
    rows = local.gradients / scales[:, None]
    sizes = {k: jnp.where(s > 0, s, jnp.inf) for k, s in local.sizes.items()}
    base = {
        name: c.cone.project(local.values[name] / sizes[name])
        for name, c in system.constraints.items()
    }
    _, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
    size = jnp.maximum(jnp.max(jnp.linalg.norm(rows, axis=1)), 1e-300)

    def tangent(v):
        if not _projects(system.space):
            return ravel_pytree(system.space.gradient(primal, unravel(v)))[0]
        length = jnp.linalg.norm(v)
        t = 1e-4 * extent / jnp.where(length > 0, length, 1.0)
        return (ravel_pytree(system.space.project(unravel(home + t * v)))[0] - home) / t

    def remainder(z):
        weights, duals = z
        pulled = pullback({k: d / sizes[k] for k, d in duals.items()})[0]
        return tangent(-(weights @ rows + size * ravel_pytree(pulled)[0])) / size

    def slope(z):
        left = remainder(z)
        _, pushed = jax.jvp(lambda x: smooth(system, x, data), (primal,), (unravel(left),))
        return -(rows @ left) / size, {k: -p / sizes[k] for k, p in pushed.items()}

    def onto(z):
        weights, duals = z
        return _simplex(weights), {
            k: _normal(system.constraints[k].cone, base[k], d, extent) for k, d in duals.items()
        }

    zero = (
        jnp.full(rows.shape[0], 1 / rows.shape[0]),
        {k: jnp.zeros_like(v) for k, v in local.values.items()},
    )
    count = rows.shape[0] + sum(v.size for v in local.values.values())

    def body(_, carry):
        z, ahead, t = carry
        down = slope(ahead)
        new = onto(jax.tree.map(lambda a, s: a - s / rate, ahead, down))
        again = sum(
            jnp.vdot(a - n, n - o)
            for a, n, o in zip(*map(jax.tree.leaves, (ahead, new, z)), strict=True)
        )
        faster = jnp.where(again > 0, 1.0, (1 + jnp.sqrt(1 + 4 * t * t)) / 2)
        pull = jnp.where(again > 0, 0.0, (t - 1) / faster)
        return new, jax.tree.map(lambda n, o: n + pull * (n - o), new, z), faster

    # Rows have unit length, so the squared norm of the map is at most the number of rows; the
    # power iteration below sharpens that.
    rate = jnp.minimum(1.0 * count, 1.05 * _norm_squared(slope, zero) + 1e-12)
    weights, duals = jax.lax.fori_loop(0, _STEPS, body, (zero, zero, jnp.ones(())))[0]
    weights = weights / scales
    total = jnp.sum(weights)
    return {k: d * size / sizes[k] / total for k, d in duals.items()}, weights / total


def _norm_squared(slope, zero):
    """The largest eigenvalue of the quadratic behind `slope`, were the set the whole space."""
    at_zero = slope(zero)
    keys = jax.random.split(jax.random.key(0), len(jax.tree.leaves(zero)))
    leaves, structure = jax.tree.flatten(zero)
    u = structure.unflatten(
        [jax.random.normal(k, v.shape) for k, v in zip(keys, leaves, strict=True)]
    )

    def length(tree):
        return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))

    def body(_, carry):
        u, _ = carry
        size = length(u)
        u = jax.tree.map(lambda x: x / jnp.where(size > 0, size, 1.0), u)
        image = jax.tree.map(jnp.subtract, slope(jax.tree.map(jnp.add, zero, u)), at_zero)
        return image, length(image)

    return jax.lax.fori_loop(0, 30, body, (u, jnp.zeros(())))[1]


def _normal(cone, base, dual, extent):
    """The part of `dual` in the normal cone at `base`: what projecting a small step takes away."""
    length = jnp.linalg.norm(dual)
    t = 1e-4 * extent / jnp.where(length > 0, length, 1.0)
    return dual - (cone.project(base + t * dual) - base) / t


def _simplex(v):
    ordered = jnp.sort(v)[::-1]
    excess = (jnp.cumsum(ordered) - 1) / jnp.arange(1, v.size + 1)
    return jnp.maximum(v - excess[jnp.sum(ordered > excess) - 1], 0)


def _projects(space: Product) -> bool:
    return all(s.closed for s in space.leaves)
