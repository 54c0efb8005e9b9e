"""The second-order test: curvature of the Lagrangian along directions that keep first order.

**Source:** Nocedal and Wright (2006), Numerical Optimization, section 12.5; Bonnans and Shapiro
(2000), Perturbation Analysis of Optimization Problems, section 3.2, for cones.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._compiled import jit_once
from .._operators import Duals
from .._system import System
from ._certificate import Curvature
from ._faces import REACH, Derivatives, derivatives, face
from ._measure import Local, Measured, lagrangian_direction

_SHAKE = 1e-4


class Bent(NamedTuple):
    """What the second-order test is made from."""

    hessian: Float[Array, "n n"]
    sets: list[Derivatives]
    cones: dict[str, Derivatives]
    reaches: list[Float[Array, ""]]


@jit_once
def hessian(
    system: System, primal: PyTree, data: PyTree, weights: Array, duals: Duals
) -> Float[Array, "n n"]:
    """The derivative of the Lagrangian's direction, all of it."""
    flat, unravel = ravel_pytree(primal)
    at = lagrangian_direction(system, data, weights, duals)

    def direction(v):
        return ravel_pytree(at(unravel(v)))[0]

    return _jacobian(direction, flat)


def _jacobian(fn: Callable, at: Array) -> Array:
    try:
        return jax.jacfwd(fn)(at)
    except TypeError:  # a function that brings its own reverse rule, and no forward one
        return jax.jacrev(fn)(at)


@jit_once
def _derivatives(
    system: System, primal: PyTree, duals: Duals, local: Local, found: Measured, shake: Array
) -> tuple[list[Derivatives], dict[str, Derivatives], list[Array]]:
    _, unravel = ravel_pytree(primal)
    sets, reaches = [], []
    leaves = zip(
        system.space.leaves,
        jax.tree.leaves(primal),
        jax.tree.leaves(unravel(found.direction)),
        strict=True,
    )
    for s, x, g in leaves:
        size = jnp.linalg.norm(x)
        size = jnp.where(size > 0, size, 1.0)
        pull = jnp.maximum(jnp.linalg.norm(g), found.force)
        reach = REACH * size / jnp.where(pull > 0, pull, 1.0)
        sets.append(derivatives(s, x, -reach * g, shake * jnp.minimum(size, 1e3)))
        reaches.append(reach)
    force = jnp.where(found.force > 0, found.force, 1.0)
    cones = {}
    for name, c in system.constraints.items():
        size = jnp.where(local.sizes[name] > 0, local.sizes[name], 1.0)
        at = c.cone.project(local.values[name] / size / found.extent)
        normal = REACH * c.cone.polar(duals[name]) * size / force
        cones[name] = derivatives(c.cone, at, normal, shake)
    return sets, cones, reaches


def curvatures(
    system: System,
    primal: PyTree,
    data: PyTree,
    weights: np.ndarray,
    duals: Duals,
    local: Local,
    found: Measured,
    tol: float,
) -> dict[str, Curvature]:
    """The test for every player, by name.

    **Arguments:**

    - `weights`, `duals`: of the objectives and constraints.
    - `local`, `found`: what was measured at the point.
    - `tol`: what counts as zero.
    """
    mix = jnp.asarray(weights)
    whole = np.asarray(hessian(system, primal, data, mix, duals))
    shake = jnp.asarray(max(_SHAKE, 10 * tol))
    sets, cones, reaches = _derivatives(system, primal, duals, local, found, shake)
    faces = [face(d, float(r)) for d, r in zip(sets, reaches, strict=True)]
    ends = np.cumsum([0, *(leaf.size for leaf in jax.tree.leaves(primal))])
    normals = _normals(system, cones, local, found)
    normals += _objective_rows(local, np.asarray(weights), float(found.force))

    def moved(change: dict[str, np.ndarray]) -> np.ndarray:
        other = {name: duals[name] + jnp.asarray(change[name]) for name in duals}
        return np.asarray(hessian(system, primal, data, mix, other)) - whole

    results = {}
    for number, block in enumerate(system.blocks):
        if block.sense == "solve":
            continue
        mine = _leaves_of(primal, number, len(system.blocks))
        where = np.concatenate([np.arange(ends[i], ends[i + 1]) for i in mine])
        # A player who maximises: its direction is already minus the gradient, and so its Hessian.
        own = whole[np.ix_(where, where)]
        results[block.name] = _test(
            (own + own.T) / 2,
            [faces[i] for i in mine],
            normals,
            where,
            moved,
            float(found.force),
            tol,
        )
    return results


def _leaves_of(primal: PyTree, player: int, players: int) -> list[int]:
    if players == 1:
        return list(range(len(jax.tree.leaves(primal))))
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(primal)]
    return [i for i, path in enumerate(paths) if path[0].idx == player]


class _Normal(NamedTuple):
    """A constraint's rows, and the combinations of them that hold a direction."""

    name: str | None
    rows: np.ndarray
    """Of length one."""
    size: np.ndarray
    """Their lengths before."""
    shut: np.ndarray
    """Combinations that hold for certain."""
    maybe: np.ndarray
    """Those, and the ones that may."""
    bend: np.ndarray | None


def _normals(system, cones, local, found) -> list[_Normal]:
    made = []
    reach = REACH * float(found.extent) / max(float(found.force), 1e-300)
    for name in system.constraints:
        size = np.asarray(local.sizes[name])
        size = np.where(size > 0, size, 1.0)
        f = face(cones[name], reach)
        shut, maybe = _complement(f.possible, size.size), _complement(f.certain, size.size)
        rows = np.asarray(local.rows[name]) / size.reshape(-1, 1)
        made.append(_Normal(name, rows, size, shut, maybe, f.bend))
    return made


def _objective_rows(local: Local, weights: np.ndarray, force: float) -> list[_Normal]:
    """Several objectives: a critical direction worsens none of those that carry weight."""
    if len(weights) == 1:
        return []
    rows = np.asarray(local.gradients)
    pull = weights * np.max(np.abs(rows), axis=1)
    units = np.eye(len(weights))
    lengths = np.linalg.norm(rows, axis=1)
    lengths = np.where(lengths > 0, lengths, 1.0)
    return [
        _Normal(None, rows / lengths[:, None], lengths, units[pull > 1e-3 * force], units, None)
    ]


def _complement(basis: np.ndarray, size: int) -> np.ndarray:
    """Rows that span what is orthogonal to `basis`."""
    if basis.shape[1] == 0:
        return np.eye(size)
    left, _, _ = np.linalg.svd(basis, full_matrices=True)
    return left[:, basis.shape[1] :].T


def _test(own, faces, normals, where, moved, force, tol) -> Curvature:
    bend = np.zeros_like(own)
    start = 0
    for f in faces:
        end = start + f.certain.shape[0]
        if f.bend is not None:
            bend[start:end, start:end] += f.bend
        start = end
    for normal in normals:
        if normal.bend is not None:
            rows = normal.rows[:, where]
            bend += rows.T @ normal.bend @ rows
    form = own + bend
    certain = _restrict(_stack([f.certain for f in faces]), normals, where, "maybe")
    possible = _restrict(_stack([f.possible for f in faces]), normals, where, "shut")
    tangent = _stack([f.possible for f in faces])
    scale = _norm(tangent.T @ form @ tangent)
    undecided = possible.shape[1] - certain.shape[1]
    low = np.linalg.eigvalsh(possible.T @ form @ possible)
    sure = np.linalg.eigvalsh(certain.T @ form @ certain)
    slack = float(np.clip(10 * tol, 1e-8, 1e-3)) * scale
    smallest = float(low[0]) if low.size else float("nan")
    largest = float(low[-1]) if low.size else float("nan")

    def result(sign: int, reason: str) -> Curvature:
        return Curvature(smallest, largest, scale, possible.shape[1], undecided, sign, reason)

    if not low.size:
        return result(1, "none to look at: the active constraints and set hold every direction")
    if smallest > slack:
        return result(1, f"positive, at least {smallest:.3g} in {low.size} dimensions")
    if sure.size and sure[0] < -slack and not (undecided and np.any(bend)):
        ways = _stack([f.certain for f in faces])
        if not _unique(normals, where, ways, certain, moved, force, slack):
            return result(
                0, f"as low as {sure[0]:.3g}, but the multipliers are not unique: undecided"
            )
        all_down = sure[-1] < -slack and not undecided
        end = "in every direction: a maximum" if all_down else f"(scale {scale:.3g})"
        return result(-1, f"negative, as low as {sure[0]:.3g} {end}")
    if smallest < -slack:
        return result(0, f"undecided: {undecided} directions are held by zero multipliers only")
    flat = int(np.sum(np.abs(low) <= slack))
    return result(0, f"never negative, but {flat} of {low.size} dimensions are flat")


def _stack(bases: list[np.ndarray]) -> np.ndarray:
    """Bases of the leaves' subspaces as one of their product."""
    total = sum(b.shape[0] for b in bases), sum(b.shape[1] for b in bases)
    out, i, j = np.zeros(total), 0, 0
    for b in bases:
        out[i : i + b.shape[0], j : j + b.shape[1]] = b
        i, j = i + b.shape[0], j + b.shape[1]
    return out


def _restrict(basis, normals, where, which) -> np.ndarray:
    """The part of a subspace that keeps every constraint's shut directions at zero."""
    rows = [getattr(n, which) @ n.rows[:, where] @ basis for n in normals]
    rows = np.concatenate(rows) if rows else np.zeros((0, basis.shape[1]))
    if not rows.size:
        return basis
    _, values, right = np.linalg.svd(rows, full_matrices=True)
    rank = int(np.sum(values > 1e-7 * max(1.0, float(values[0]))))
    return basis @ right[rank:].T


def _unique(normals, where, basis, certain, moved, force, slack) -> bool:
    """Whether no other multipliers would give the critical directions another curvature."""
    rows = [n.maybe @ n.rows[:, where] @ basis for n in normals]
    rows = np.concatenate(rows) if rows else np.zeros((0, basis.shape[1]))
    if not rows.size:
        return True
    left, values, _ = np.linalg.svd(rows, full_matrices=True)
    rank = int(np.sum(values > 1e-7 * max(1.0, float(values[0]))))
    spare = left[:, rank:]
    if any(n.name is None for n in normals):
        return spare.shape[1] <= 1  # the weights' own dependence, and no other
    rng = np.random.default_rng(0)
    for _ in range(min(2, spare.shape[1])):
        mix = force * spare @ rng.standard_normal(spare.shape[1])
        parts = np.split(mix, np.cumsum([len(n.maybe) for n in normals])[:-1])
        change = {
            n.name: (part @ n.maybe).reshape(n.size.shape) / n.size
            for n, part in zip(normals, parts, strict=True)
        }
        if _norm(certain.T @ moved(change)[np.ix_(where, where)] @ certain) > slack:
            return False
    return True


def _norm(matrix: np.ndarray) -> float:
    return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0
