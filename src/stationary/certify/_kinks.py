"""Stationarity at a kink: whether the hull of gradients sampled around a point holds zero.

At the minimum of |x| no gradient vanishes, but those on both sides have 0 between them. The hull of
all gradients within epsilon of a point is Goldstein's epsilon-subdifferential; that of any of them
is inside it, so that a point passes by what was found and fails by what was not looked at. A smooth
function passes only where one of its own stationary points is that close.

**Source:** Goldstein (1977), Optimization of Lipschitz continuous functions; Burke, Lewis and
Overton (2005), A robust gradient sampling algorithm for nonsmooth, nonconvex optimization. Where to
look next is as in Mahdavi-Amiri and Yousefpour (2012), An effective nonsmooth optimization
algorithm for locally Lipschitz functions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._compiled import jit_once
from .._operators import CommonDescentOperator, Duals, GradientOperator
from .._system import System, largest
from ..sets import Zero
from ._certificate import Check, Kink
from ._exact import Exact
from ._first_order import leaf_names
from ._least_squares import signed_least_squares
from ._measure import Local, forces, smooth
from ._multipliers import faces_of

_ENTRIES = 4_000_000
"""Numbers that are held as sampled gradients at a time."""
_POINTS = 12
"""Points along a line: at the radius, at half of it, and so on."""
_ROUNDS = 300
_ALIKE = 0.01
"""Gradients that differ by less than this part of the tolerance count once."""
_FAR = 10.0
"""In radii, how far a point is looked for that is better than any near a minimum could be."""


class Found(NamedTuple):
    """A hull that holds zero within the tolerance, and the multipliers that go with it."""

    kink: Kink
    checks: tuple[Check, ...]
    """Per leaf, in place of the stationarity of one gradient."""
    duals: Duals
    weights: Float[np.ndarray, "objectives"]


def supported(system: System, local: Local) -> bool:
    """Whether gradients are the right thing to sample: of objectives, on bounds and manifolds."""
    plain = isinstance(system.operator, GradientOperator | CommonDescentOperator)
    within = all(s.elementwise or s.curved for s in system.space.leaves)
    cones = all(c.cone.elementwise and c.surrogate is None for c in system.constraints.values())
    size = local.gradients.size + sum(value.size for value in local.values.values())
    return plain and within and cones and local.rows is not None and size <= _ENTRIES // _POINTS


def look_around(
    exact: Exact,
    local: Local,
    scales: Float[np.ndarray, "objectives"],
    duals: Duals | None,
    near: float,
    tol: float,
) -> Found | None:
    """What the gradients around a point say that the one at the point does not.

    **Arguments:**

    - `scales`: a size for each objective's gradient, so that units do not matter.
    - `duals`: multipliers to judge; None to find those that fit best.
    - `near`: the relative distance within which a constraint counts as active.
    - `tol`: the radius relative to the size of x, and what the shortest combination may measure
        relative to the largest gradient in it.

    **Returns:** None where no combination is short enough, or none is of several gradients.
    """
    hull = _Hull(exact, local, scales, duals, near, tol)
    random = np.random.default_rng(0)
    ways = random.standard_normal((_POINTS, hull.size))
    ways *= random.random((_POINTS, 1)) / np.linalg.norm(ways, axis=1, keepdims=True)
    ways[0] = 0.0
    hull.add(hull.radius * ways)
    for _ in range(min(_ROUNDS, max(_POINTS, _ENTRIES // hull.size))):
        hull.solve()
        if hull.scaled <= tol:
            return hull.found()
        length = float(np.linalg.norm(hull.rest))
        line = hull.radius * 0.5 ** np.arange(_POINTS)[:, None] * (-hull.rest / length)
        if not hull.add(line, against=hull.rest):
            return None
    return None


class _Hull:
    """Gradients around a point, function by function, and their shortest combination."""

    def __init__(self, exact, local, scales, duals, near, tol):
        self._exact, self._local, self._duals, self._tol = exact, local, duals, tol
        system, primal = exact.system, exact.primal
        flat, self._unravel = ravel_pytree(primal)
        self.size, self._extent = flat.size, max(1.0, float(largest(primal)))
        self.radius = tol * self._extent
        self._scales = np.asarray(scales)
        self._faces = faces_of(system.space, primal, near)
        self._active = [] if duals is not None else list(_active(system, local, near, self._extent))
        names = sorted(system.constraints)
        starts = np.cumsum([0, *(local.values[name].size for name in names)])
        places = dict(zip(names, starts, strict=False))
        self._entries = np.array([places[name] + j for name, j, _ in self._active], int)
        self._count = len(self._scales)
        functions = self._count + len(self._active)
        self._columns: list[list[np.ndarray]] = [[] for _ in range(functions)]
        self._amounts: list[list[float]] = [[] for _ in range(functions)]
        self._pressed = np.zeros(np.count_nonzero(self._faces.bound))
        self._sampled = 0

    def add(self, moves: np.ndarray, against: np.ndarray | None = None) -> bool:
        """Sample at moves from the point; with `against`, keep only what shortens that most."""
        given = self._duals if self._duals is not None else self._zeros()
        rows = _sample(
            self._exact.system, self._exact.primal, self._exact.data, given,
            jnp.asarray(moves), jnp.asarray(self._entries),
        )  # fmt: skip
        rows = np.array(rows)
        rows[:, : self._count] /= self._scales[:, None]
        self._sampled += len(moves)
        grown = False
        for i, columns in enumerate(self._columns):
            new = rows[np.all(np.isfinite(rows[:, i]), axis=1), i]
            if i >= self._count:
                _, _, sign = self._active[i - self._count]
                new = new[:1] if sign == 0 and not columns else new[:0] if sign == 0 else sign * new
            if against is not None and len(new):
                least = float(against @ against) if i < self._count else 0.0
                slope = new @ against
                best = int(np.argmin(slope))
                new = new[best : best + 1] if slope[best] < 0.99 * least - 1e-300 else new[:0]
            for row in new:
                alike = _ALIKE * self._tol * np.max(np.abs(row), initial=0.0)
                if all(np.max(np.abs(row - other)) > alike for other in columns):
                    columns.append(row)
                    self._amounts[i].append(0.0)
                    grown = True
        return grown

    def solve(self) -> None:
        """The shortest combination, what is left of it, and how long that is."""
        owner = np.array([i for i, columns in enumerate(self._columns) for _ in columns])
        rows = np.array([row for columns in self._columns for row in columns])
        of_objectives, keep = owner < self._count, ~self._faces.fixed
        bounds = np.flatnonzero(self._faces.bound)
        normals = np.zeros((len(bounds), self.size))
        normals[np.arange(len(bounds)), bounds] = np.where(self._faces.lower[bounds], -1.0, 1.0)
        free = np.zeros(len(owner) + len(bounds), bool)
        free[: len(owner)] = [
            i >= self._count and self._active[i - self._count][2] == 0 for i in owner
        ]
        start = np.concatenate([*map(np.array, self._amounts), self._pressed])
        z = _shortest(np.concatenate([rows, normals])[:, keep].T, of_objectives, free, start)
        amounts, self._pressed = z[: len(owner)], z[len(owner) :]
        self._amounts = [list(amounts[owner == i]) for i in range(len(self._columns))]
        combined = amounts @ rows
        system, primal = self._exact.system, self._exact.primal
        self.rest = np.where(keep, combined + self._pressed @ normals, 0.0)
        # By the largest force in play, and as a natural step, which ends at the set's boundary.
        force = max(
            np.sum(np.abs(amounts[owner == i])) * np.max(np.abs(rows[owner == i]), initial=0.0)
            for i in range(len(self._columns))
        )
        self._force = force if force > 0 else 1.0
        step = self._unravel(jnp.asarray(combined * (self._extent / self._force)))
        moved = jax.tree.leaves(system.space.residual(primal, step))
        self._shares = [float(largest(leaf)) / self._extent for leaf in moved]
        self.scaled = max(self._shares, default=0.0)

    def found(self) -> Found | None:
        """The finding, once the combination is short enough."""
        used = [np.count_nonzero(amounts) for amounts in self._amounts]
        if max(used) < 2:
            return None  # of one gradient per function, which plain multipliers would have found
        system = self._exact.system
        sums = np.array([np.sum(amounts) for amounts in self._amounts])
        weights = sums[: self._count] / self._scales
        total = float(np.sum(weights))
        duals = self._duals
        if duals is None:
            duals = {name: np.zeros(np.shape(v)) for name, v in self._local.values.items()}
            for i, (name, j, sign) in enumerate(self._active):
                duals[name].reshape(-1)[j] = (sign or 1.0) * sums[self._count + i] / total
            duals = {name: jnp.asarray(dual) for name, dual in duals.items()}
        absolute = [float(share * self._force / total) for share in self._shares]
        names = leaf_names(system, self._exact.primal)
        checks = tuple(
            Check("hull of gradients", name, size, share, share <= self._tol)
            for name, size, share in zip(names, absolute, self._shares, strict=True)
        )
        kink = Kink(
            residual=self.scaled,
            radius=self.radius,
            gradients=int(np.sum(used)),
            points=self._sampled,
            better=self._better(),
        )
        return Found(kink, checks, duals, weights / total)

    def _better(self) -> bool:
        """Whether a feasible point is better than any could be with a minimum in the radius."""
        ways = np.random.default_rng(1).standard_normal((64, self.size))
        downhill = [-row[None] for columns in self._columns[: self._count] for row in columns[:64]]
        ways = np.concatenate([ways, *downhill])
        ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-300)
        system, primal, data = self._exact.system, self._exact.primal, self._exact.data
        moves = jnp.asarray(_FAR * self.radius * ways)
        values, steep, outside = _values(system, primal, data, moves)
        here = np.array(list(self._local.objectives.values())) * system.sign
        # Over the way from there to a minimum within the radius, no objective falls by more.
        least = here - 2 * self.radius * np.max(np.asarray(steep), axis=0)
        better = np.all(np.asarray(values) < least, axis=1) & (np.asarray(outside) <= 0)
        return bool(np.any(better))

    def _zeros(self) -> Duals:
        return {name: jnp.zeros_like(value) for name, value in self._local.values.items()}


def _active(system: System, local: Local, near: float, extent: float):
    """Name, entry and sign of the constraints within reach; sign 0 for equalities."""
    for name, c in system.constraints.items():
        size = np.asarray(local.sizes[name]).ravel()
        gap = np.abs(np.asarray(c.cone.project(local.values[name]))).ravel()
        sign = 1.0 if np.all(np.asarray(c.cone.polar(jnp.ones(c.shape))) > 0) else -1.0
        for j in np.flatnonzero(gap <= near * extent * np.where(size > 0, size, np.inf)):
            yield name, int(j), 0.0 if isinstance(c.cone, Zero) else sign


def _shortest(columns: np.ndarray, objectives: np.ndarray, free: np.ndarray, start: np.ndarray):
    """The shortest combination with weights of the objectives that add up to one.

    min |A z|^2 + (1 - sum w)^2 has its direction, in units of the longest gradient; all other
    columns have length one, so that they are comparable.
    """
    lengths = np.linalg.norm(columns, axis=0)
    lengths = np.where(lengths > 0, lengths, 1.0)
    some = np.arange(len(lengths)) < len(objectives)
    some[: len(objectives)] = objectives
    lengths = np.where(some, np.max(lengths[some]), lengths)
    columns = columns / lengths
    if columns.shape[0] > columns.shape[1]:
        columns = np.asarray(np.linalg.qr(columns, mode="r"))
    target = np.append(np.zeros(len(columns)), 1.0)
    z = signed_least_squares(np.vstack([columns, some]), target, free, start * lengths)
    total = np.sum(z[some])
    return z / lengths * np.max(lengths[some]) / total


@jit_once
def _sample(
    system: System,
    primal: PyTree,
    data: PyTree,
    duals: Duals,
    moves: Float[Array, "points n"],
    entries: Array,
) -> Float[Array, "points functions n"]:
    """Gradients of the objectives, plus J' dual, and rows of some constraints, near a point."""
    _, unravel = ravel_pytree(primal)

    def tangent(row):
        return ravel_pytree(system.space.gradient(primal, row))[0]

    def at(move):
        x = system.space.retract(primal, unravel(move))
        _, gradients = forces(system, x, data)
        if not system.constraints:
            return jax.vmap(tangent)(gradients)
        g, pullback = jax.vjp(lambda x: smooth(system, x, data), x)
        every, separate = ravel_pytree(g)

        def row(entry):
            unit = (jnp.arange(every.size) == entry).astype(every.dtype)
            return tangent(pullback(separate(unit))[0])

        pulled = tangent(pullback(duals)[0])
        return jnp.concatenate([jax.vmap(tangent)(gradients) + pulled, jax.vmap(row)(entries)])

    return jax.lax.map(at, moves)


@jit_once
def _values(
    system: System, primal: PyTree, data: PyTree, moves: Float[Array, "points n"]
) -> tuple[
    Float[Array, "points objectives"], Float[Array, "points objectives"], Float[Array, "points"]
]:
    """Objectives to minimise near a point, how steep they are, and the largest violation."""
    _, unravel = ravel_pytree(primal)
    zero = jnp.asarray(0)

    def at(move):
        x = system.space.retract(primal, unravel(move))
        objectives, gradients = forces(system, x, data)
        steep = jax.vmap(lambda row: jnp.linalg.norm(ravel_pytree(row)[0]))(gradients)
        g = {name: c.value(x, data, zero) for name, c in system.constraints.items()}
        gaps = {name: g[name] - c.cone.project(g[name]) for name, c in system.constraints.items()}
        return system.sign * jnp.stack(list(objectives.values())), steep, largest(gaps)

    return jax.lax.map(at, moves)
