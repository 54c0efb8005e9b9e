"""The second-order test without a Hessian: extreme curvatures by Lanczos' method.

**Source:** Golub and Van Loan (2013), Matrix Computations, chapter 10.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from .._operators import Duals
from .._system import System
from ._certificate import Curvature
from ._measure import Local, Measured, lagrangian_direction

_STEPS = 80
_SHAKE = 1e-4

Vector = Float[np.ndarray, "n"]


def supported(system: System, local: Local) -> bool:
    """Whether sets and cones are simple enough: entrywise, or manifolds, with rows that fit."""
    sets = all(s.elementwise or s.curved for s in system.space.leaves)
    cones = all(c.cone.elementwise for c in system.constraints.values())
    return sets and cones and local.rows is not None and local.gradients.shape[0] == 1


class _Held(NamedTuple):
    """Entries of x, and of each constraint, that are held for certain and that may be."""

    entries: Bool[Array, "n"]
    maybe_entries: Bool[Array, "n"]
    rows: dict[str, Bool[Array, "..."]]
    maybe_rows: dict[str, Bool[Array, "..."]]


@eqx.filter_jit
def _held(system: System, primal: PyTree, duals: Duals, local: Local, found: Measured) -> _Held:
    _, unravel = ravel_pytree(primal)
    force = jnp.where(found.force > 0, found.force, 1.0)

    def shut(s, at, pull, shake):
        # Strictly held: at the bound, and pressed against it; possibly held: at the bound.
        down, up = at - s.project(at - shake), s.project(at + shake) - at
        lower, upper = down < shake / 2, up < shake / 2
        maybe = lower | upper
        sure = (lower & upper) | (lower & (pull < -_SHAKE)) | (upper & (pull > _SHAKE))
        return sure, maybe

    sure, maybe = [], []
    leaves = zip(
        system.space.leaves,
        jax.tree.leaves(primal),
        jax.tree.leaves(unravel(-found.direction / force)),
        strict=True,
    )
    for s, x, pull in leaves:
        if s.curved or not s.closed:
            found_here = jnp.zeros(x.shape, bool), jnp.zeros(x.shape, bool)
        else:
            found_here = shut(s, x, pull, _SHAKE * jnp.maximum(1.0, jnp.max(jnp.abs(x))))
        sure.append(found_here[0].ravel())
        maybe.append(found_here[1].ravel())
    rows, maybe_rows = {}, {}
    for name, c in system.constraints.items():
        size = jnp.where(local.sizes[name] > 0, local.sizes[name], 1.0)
        at = local.values[name] / size / found.extent
        inside = c.cone.project(at)
        rows[name], maybe_rows[name] = shut(c.cone, inside, duals[name] * size / force, _SHAKE)
    return _Held(jnp.concatenate(sure), jnp.concatenate(maybe), rows, maybe_rows)


@eqx.filter_jit
def _product(
    system: System, primal: PyTree, data: PyTree, duals: Duals, direction: Array, v: Array
) -> Array:
    """The curved Hessian of the Lagrangian times a tangent vector."""
    flat, unravel = ravel_pytree(primal)
    at = lagrangian_direction(system, data, jnp.ones(1), duals)
    straight = jax.jvp(lambda w: ravel_pytree(at(unravel(w)))[0], (flat,), (v,))[1]

    def along(w):
        return jnp.vdot(direction, ravel_pytree(system.space.retract(primal, unravel(w)))[0])

    if not any(s.curved for s in system.space.leaves):
        return straight
    bend = jax.jvp(jax.grad(along), (jnp.zeros_like(flat),), (v,))[1]
    return straight + bend


@eqx.filter_jit
def _tangent(system: System, primal: PyTree, v: Array) -> Array:
    _, unravel = ravel_pytree(primal)
    return ravel_pytree(system.space.gradient(primal, unravel(v)))[0]


def extreme_curvature(
    system: System,
    primal: PyTree,
    data: PyTree,
    duals: Duals,
    local: Local,
    found: Measured,
    tol: float,
) -> Curvature:
    """The test for a single player with more unknowns than a Hessian has room for."""
    held = jax.tree.map(np.asarray, _held(system, primal, duals, local, found))
    curved = any(s.curved for s in system.space.leaves)
    jacobian = local.rows or {}

    def apply(v: Vector) -> Vector:
        return np.asarray(_product(system, primal, data, duals, found.direction, jnp.asarray(v)))

    def search(entries, rows) -> "_Extremes":
        stack = [np.asarray(jacobian[k])[rows[k].ravel()] for k in system.constraints]
        normal = np.concatenate(stack) if stack else np.zeros((0, entries.size))

        def flatten(v):
            v = np.asarray(_tangent(system, primal, jnp.asarray(v))) if curved else v
            return np.where(entries, 0.0, v)

        basis, dependent = _orthonormal([flatten(row) for row in normal], entries.size)

        def project(v):
            v = flatten(v)
            return v - basis @ (basis.T @ v)

        return _lanczos(lambda v: project(apply(v)), project, entries.size, dependent)

    wide = search(held.entries, held.rows)
    undecided = int(np.sum(held.maybe_entries & ~held.entries))
    undecided += sum(int(np.sum(held.maybe_rows[k] & ~held.rows[k])) for k in held.rows)
    scale = max(abs(wide.smallest), abs(wide.largest))
    slack = float(np.clip(10 * tol, 1e-8, 1e-3)) * scale

    def result(sign: int, reason: str) -> Curvature:
        dimension = int(entries_left(held.entries, held.rows))
        return Curvature(wide.smallest, wide.largest, scale, dimension, undecided, sign, reason)

    if wide.steps == 0:
        return result(1, "none to look at: the active constraints and set hold every direction")
    if wide.smallest > slack and wide.error < wide.smallest - slack:
        return result(1, f"positive, about {wide.smallest:.3g} at least, by Lanczos' method")
    sure = search(held.maybe_entries, held.maybe_rows) if undecided else wide
    if sure.steps and sure.smallest < -slack:
        if sure.dependent:
            return result(0, f"as low as {sure.smallest:.3g}, but dependent constraints: undecided")
        return result(-1, f"negative, as low as {sure.smallest:.3g} (scale {scale:.3g})")
    return result(0, f"undecided: about {wide.smallest:.3g} at least, within {wide.error:.1g}")


def entries_left(entries: np.ndarray, rows: dict[str, np.ndarray]) -> int:
    """How many dimensions held entries and rows leave, at the least."""
    return max(0, int(np.sum(~entries)) - sum(int(np.sum(r)) for r in rows.values()))


class _Extremes(NamedTuple):
    smallest: float
    largest: float
    error: float
    """How far the nearest true eigenvalue can be from the smallest one found."""
    steps: int
    dependent: bool


def _orthonormal(rows: list[Vector], size: int) -> tuple[np.ndarray, bool]:
    """An orthonormal basis of the span of some rows, and whether they were dependent."""
    if not rows:
        return np.zeros((size, 0)), False
    matrix = np.array(rows).T
    lengths = np.linalg.norm(matrix, axis=0)
    left, values, _ = np.linalg.svd(matrix / np.where(lengths > 0, lengths, 1.0), False)
    rank = int(np.sum(values > 1e-7 * max(1.0, float(values[0]))))
    return left[:, :rank], rank < len(rows)


def _lanczos(
    apply: Callable[[Vector], Vector],
    project: Callable[[Vector], Vector],
    size: int,
    dependent: bool,
) -> _Extremes:
    """Extreme eigenvalues of a symmetric map on a subspace, with full reorthogonalisation."""
    start = project(np.random.default_rng(0).standard_normal(size))
    length = np.linalg.norm(start)
    if length < 1e-8 * np.sqrt(size):
        return _Extremes(float("nan"), float("nan"), 0.0, 0, dependent)
    basis, diagonal, beside = [start / length], [], []
    for _ in range(min(_STEPS, size)):
        image = apply(basis[-1])
        diagonal.append(float(basis[-1] @ image))
        for _ in range(2):
            for b in basis:
                image = image - (b @ image) * b
        length = float(np.linalg.norm(image))
        beside.append(length)
        if length <= 1e-12 * max(1e-300, max(map(abs, diagonal))):
            break
        basis.append(image / length)
    tri = np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1)
    values, vectors = np.linalg.eigh(tri)
    return _Extremes(
        float(values[0]),
        float(values[-1]),
        abs(beside[-1] * float(vectors[-1, 0])),
        len(diagonal),
        dependent,
    )
