"""Proofs that there is no answer: candidates are gathered, then checked, never believed.

**Source:** Boyd and Vandenberghe (2004), Convex Optimization, section 5.8, for alternatives;
Rockafellar (1970), Convex Analysis, section 8, for directions of recession.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._operators import Duals
from .._system import System, largest
from ..sets import Product
from ._bounds import Floor, floor
from ._certificate import Ray
from ._conflict import contradiction, named_entries, standoff
from ._exact import Exact, widen
from ._first_order import leaf_names
from ._measure import Local, smooth

_AFFINE = 1e-9
_LEAST_VIOLATION_STEPS = 3000
_FAR = 1e4
"""Beyond this size, x itself is a candidate for a direction of recession."""
_LEAN = 1.5e-7
"""A multiplier that rounding cannot tell from one of a round polar cone may lean out by this."""
_EXACT = 1e-6
"""No proof has to be more exact: it then excludes points a million times as large as x."""


def infeasibility(
    exact: Exact,
    local: Local,
    given: Duals | None,
    duals: Duals,
    convex: bool,
    tol: float,
    last: Duals | None = None,
) -> Ray:
    """The best attempt to prove that no point of the set satisfies the constraints.

    **Arguments:**

    - `given`: a ray that was claimed; else candidates are the violation here, `last`, the
        violation at the least violating point, and the multipliers.
    - `convex`: whether the problem was declared convex; otherwise the constraints must prove
        affine, by their derivatives at random points.
    - `last`: multipliers that a method ended with when it gave up.
    """
    system, primal, data = exact.system, exact.primal, exact.data
    if given is not None:
        return _try(exact, local, primal, given, "the given ray", convex, tol)

    def candidates():
        yield primal, _violation(system, local), "the violation here"
        if last is not None:
            yield primal, last, "the last multipliers"
        if all(s.closed and not s.curved for s in system.space.leaves):
            yield *_least_violation(system, primal, data, local), "the least violation"
        yield primal, duals, "the multipliers"

    rays = []
    for x, y, words in candidates():
        rays.append(_try(exact, local, x, y, words, convex, tol))
        if rays[-1].proved:
            return rays[-1]
    return rays[0]


def _try(
    exact: Exact, local: Local, base: PyTree, y: Duals, words: str, convex: bool, tol: float
) -> Ray:
    system, tol = exact.system, max(tol, _EXACT)
    y = {name: jnp.asarray(y[name], jnp.float64) for name in system.constraints}
    found = _weigh(system, base, exact.data, y)
    vector = {name: np.asarray(v) for name, v in y.items()}

    def verdict(proved: bool, reason: str) -> Ray:
        return Ray("infeasible", vector, proved, f"{words}: {reason}")

    height, wrong = float(found.height), float(found.wrong)
    if not np.isfinite(height + wrong):
        return verdict(False, "not finite")
    if wrong > tol:
        return verdict(False, f"outside the polar cones, by {wrong:.2g} of its size")
    if not height > 0:
        return verdict(False, f"its product with g is {height:.3g}, not positive")
    if any(s.curved for s in system.space.leaves):
        return verdict(False, "the set is not convex")
    if not convex and not float(found.bends) <= _AFFINE:
        return verdict(False, "the constraints are neither affine nor declared convex")
    # <y, g(z)> >= height + exact - slope (|z - base| + slack) for all z in the set.
    sure = height + float(found.low.exact)
    if not sure > 1e-9 * height:
        return verdict(False, "points of the set bring its product with g to zero")
    slope = float(found.low.slope)
    reach = sure / slope - float(found.low.slack) if slope > 0 else np.inf
    if not reach >= float(found.extent) / tol:
        return verdict(False, f"proves it only within {reach:.3g} of the point")
    parts = zip(leaf_names(system, base), system.space.leaves, found.leaning, strict=True)
    leaning = [
        f"the {'bounds' if s.elementwise else 'set'} of {name}"
        for name, s, lean in parts
        if float(lean) > 1e-4
    ]
    why = "declared convex" if convex else "affine, by derivatives at random points"
    where = "anywhere in the set" if reach > 1e15 * float(found.extent) else f"within {reach:.1e}"
    return verdict(True, contradiction(named_entries(vector, local), leaning, sure, where, why))


def stuck(system: System, local: Local, held: Duals | None) -> str:
    """Which constraints hold a point where it is although it is not feasible, in words.

    **Arguments:**

    - `held`: multipliers that balance each other there; else the violation weighs.
    """
    weights = _violation(system, local) if held is None else held
    blame = {name: np.asarray(v) for name, v in weights.items()}
    return standoff(named_entries(blame, local).names)


class _Weighed(NamedTuple):
    height: Float[Array, ""]
    wrong: Float[Array, ""]
    low: Floor
    bends: Float[Array, ""]
    extent: Float[Array, ""]
    leaning: list[Float[Array, ""]]
    """Per array of x, how much the ray rests on its set, relative to the largest pull."""


@eqx.filter_jit
def _weigh(system: System, base: PyTree, data: PyTree, y: Duals) -> _Weighed:
    zero = jnp.asarray(0)
    size = largest(y)
    wrong = largest({k: y[k] - c.cone.polar(y[k]) for k, c in system.constraints.items()})
    kept = {k: c.cone.polar(y[k]) for k, c in system.constraints.items()}

    def product(x):
        g = {k: c.value(x, data, zero) for k, c in system.constraints.items()}
        return sum((jnp.sum(kept[k] * g[k]) for k in kept), jnp.zeros(()))

    height, gradient = jax.value_and_grad(product)(base)
    height -= sum(
        _LEAN * largest(kept[k]) * largest(c.value(base, data, zero))
        for k, c in system.constraints.items()
        if not c.cone.elementwise
    )
    extent = jnp.maximum(1.0, largest(base))
    pulls = jax.vjp(lambda x: smooth(system, x, data), base)[1]
    zeros = {k: jnp.zeros_like(v) for k, v in kept.items()}
    force = jnp.max(jnp.stack([largest(pulls({**zeros, k: kept[k]})[0]) for k in kept]))
    step = jnp.where(force > 0, extent / force, 1.0)
    low = _floor(system.space, base, gradient, step)
    bends = _bends(product, base, extent, force)
    wrong = wrong / jnp.where(size > 0, size, 1.0)
    leaning = [largest(g) * step / extent for g in jax.tree.leaves(gradient)]
    return _Weighed(height, wrong, low, bends, extent, leaning)


def _floor(space: Product, x: PyTree[Array], gradient: PyTree[Array], step) -> Floor:
    """As `floor`, and exact for every entry with a bound on the side that it leans to."""
    low = Floor(*(jnp.zeros(()),) * 3)
    parts = (space.leaves, jax.tree.leaves(x), jax.tree.leaves(gradient))
    for s, leaf, c in zip(*parts, strict=True):
        if s.elementwise and s.closed:
            ends = (s.project(jnp.full_like(leaf, side)) for side in (-jnp.inf, jnp.inf))
            end = jnp.where(c > 0, *ends)
            bounded = jnp.isfinite(end)
            moves = c * (jnp.where(bounded, end, leaf) - leaf)
            slope = jnp.linalg.norm(jnp.where(bounded, 0.0, c))
            part = Floor(jnp.sum(moves), slope, jnp.zeros(()))
        else:
            part = floor(Product(s), leaf, c, step)
        low = Floor(*map(jnp.add, low, part))
    return low


def _bends(fn, base: PyTree, extent, force) -> Float[Array, ""]:
    """How much a gradient changes between random points near and far, relative to `force`."""
    flat, unravel = ravel_pytree(base)
    gradient = jax.grad(lambda v: fn(unravel(v)))

    def change(i):
        u = jax.random.normal(jax.random.key(i), flat.shape, flat.dtype)
        far = extent * 10.0 ** (i % 3)
        return jnp.max(jnp.abs(gradient(flat + far * u) - gradient(flat)), initial=0.0)

    changes = jnp.stack([change(i) for i in range(6)])
    worst = jnp.max(jnp.where(jnp.isnan(changes), jnp.inf, changes))
    return worst / jnp.where(force > 0, force, 1.0)


def _violation(system: System, local: Local) -> Duals:
    """g - P_K(g) in units of x, pulled back: it lies in the polar cone by Moreau."""
    return {
        name: _relative(local.values[name] - c.cone.project(local.values[name]), local, name)
        for name, c in system.constraints.items()
    }


def _relative(gap: Array, local: Local, name: str) -> Array:
    size = local.sizes[name]
    return gap / jnp.where(size > 0, size, 1.0) ** 2


@eqx.filter_jit
def _least_violation(
    system: System, primal: PyTree, data: PyTree, local: Local
) -> tuple[PyTree, Duals]:
    """Accelerated projected gradient on half the squared violation, each row of length one."""
    zero = jnp.asarray(0)

    def blame(x):
        values = {k: c.value(x, data, zero) for k, c in system.constraints.items()}
        return {
            k: _relative(values[k] - c.cone.project(values[k]), local, k)
            for k, c in system.constraints.items()
        }

    def slope(x):
        _, pullback = jax.vjp(lambda x: smooth(system, x, data), x)
        return pullback(blame(x))[0]

    def norm_squared():
        flat, unravel = ravel_pytree(primal)

        def body(_, carry):
            u, _ = carry
            u = u / jnp.linalg.norm(u)
            pushed = jax.jvp(lambda x: smooth(system, x, data), (primal,), (unravel(u),))[1]
            scaled = {k: _relative(p, local, k) for k, p in pushed.items()}
            image = jax.vjp(lambda x: smooth(system, x, data), primal)[1](scaled)[0]
            image = ravel_pytree(image)[0]
            return image + 1e-30, jnp.linalg.norm(image)

        start = jax.random.normal(jax.random.key(3), flat.shape, flat.dtype)
        return jax.lax.fori_loop(0, 30, body, (start, jnp.zeros(())))[1]

    rate = 1.1 * norm_squared()
    rate = jnp.where(rate > 0, rate, 1.0)

    def body(_, carry):
        x, ahead, t = carry
        down = slope(ahead)
        new = system.space.project(jax.tree.map(lambda a, g: a - g / rate, ahead, down))
        again = sum(
            jnp.vdot(a - n, n - o)
            for a, n, o in zip(*map(jax.tree.leaves, (ahead, new, x)), strict=True)
        )
        faster = jnp.where(again > 0, 1.0, (1 + jnp.sqrt(1 + 4 * t * t)) / 2)
        pull = jnp.where(again > 0, 0.0, (t - 1) / faster)
        return new, jax.tree.map(lambda n, o: n + pull * (n - o), new, x), faster

    start = system.space.project(primal)
    least = jax.lax.fori_loop(0, _LEAST_VIOLATION_STEPS, body, (start, start, jnp.ones(())))[0]
    return least, blame(least)


def unboundedness(exact: Exact, local: Local, given: PyTree | None, tol: float) -> Ray | None:
    """The best attempt to prove that the objective improves without bound, or None untried.

    **Arguments:**

    - `given`: a claimed direction; else x itself is tried where it is very large.
    """
    tol = max(tol, _EXACT)
    size = float(largest(exact.primal))
    if given is None and size < _FAR:
        return None
    words = "x itself" if given is None else "the given direction"
    direction = exact.primal if given is None else widen(given)
    size = float(largest(direction))
    names = leaf_names(exact.system, exact.primal)
    vector = dict(zip(names, map(np.asarray, jax.tree.leaves(direction)), strict=True))

    def verdict(proved: bool, reason: str) -> Ray:
        return Ray("unbounded", vector, proved, f"{words}: {reason}")

    if not (np.isfinite(size) and size > 0):
        return verdict(False, "zero or not finite")
    direction = jax.tree.map(lambda d: d / size, direction)
    found = _walk(exact.system, exact.primal, exact.data, direction, local.sizes)
    out, slopes = np.asarray(found.outside), np.asarray(found.slopes)
    if not out[0] <= tol:
        return verdict(False, "it does not start from a feasible point")
    if not np.all(out <= tol):
        return verdict(False, f"it leaves the feasible points (by {np.nanmax(out):.2g} a unit)")
    if not (
        np.all(slopes < 0) and slopes[-1] <= 0.5 * slopes[0] and slopes[-1] < -tol * found.pace
    ):
        return verdict(False, "the objective does not keep improving along it")
    affine = float(found.bends) <= _AFFINE
    basis = "the problem is affine along it" if affine else "checked up to a million times x"
    return verdict(
        True, f"feasible, and the objective improves by {-slopes[-1]:.3g} a unit; {basis}"
    )


class _Walked(NamedTuple):
    outside: Float[Array, "steps"]
    slopes: Float[Array, "steps"]
    pace: Float[Array, ""]
    bends: Float[Array, ""]


@eqx.filter_jit
def _walk(system: System, primal: PyTree, data: PyTree, direction: PyTree, sizes: Duals) -> _Walked:
    """Violations per unit moved and improvement per unit, at t = 1 .. 1e6 times the size of x."""
    zero = jnp.asarray(0)
    extent = jnp.maximum(1.0, largest(primal))

    def at(t):
        return jax.tree.map(lambda x, d: x + t * d, primal, direction)

    def value(x):
        at_x = system.linearize(x, data)
        return system.sign * at_x.objective

    def outside(t):
        x = at(t)
        gaps = [system.space.distance(x) / (extent + t)]
        for name, c in system.constraints.items():
            g = c.value(x, data, zero)
            gap = jnp.abs(g - c.cone.project(g))
            # As a distance in x, by the row's size; by its own growth where that is faster.
            change = jnp.maximum(sizes[name], jnp.abs(g) / (extent + t))
            gaps.append(largest(gap / (jnp.where(change > 0, change, 1.0) * (extent + t))))
        return jnp.max(jnp.stack(gaps))

    start = value(primal)
    steps = extent * 10.0 ** jnp.arange(7)
    slopes = jnp.stack([(value(at(t)) - start) / t for t in steps])
    violations = jnp.stack([outside(jnp.zeros(())), *(outside(t) for t in steps)])
    rate = jax.grad(lambda t: value(at(t)))
    rates = jnp.stack([rate(t) for t in steps])
    pace = largest(jax.grad(value)(primal))
    spread = jnp.max(jnp.abs(rates - rate(0.0 * extent)))
    return _Walked(violations, slopes, pace, spread / jnp.where(pace > 0, pace, 1.0))


def read_claim(system: System, primal: PyTree, claim: Any) -> tuple[Duals | None, PyTree | None]:
    """Tell multipliers by constraint name from a direction like x.

    **Raises:** `ValueError` when `claim` is neither.
    """
    if claim is None:
        return None, None
    shapes = jax.tree.map(np.shape, primal)
    if isinstance(claim, Mapping) and set(claim) == set(system.constraints):
        for name, c in system.constraints.items():
            if np.shape(claim[name]) != c.shape:
                raise ValueError(
                    f"ray[{name!r}] has shape {np.shape(claim[name])}, but the constraint has "
                    f"{c.shape}."
                )
        return {name: jnp.asarray(v, jnp.float64) for name, v in claim.items()}, None
    if jax.tree.structure(claim) == jax.tree.structure(primal):
        if jax.tree.map(np.shape, claim) == shapes:
            return None, claim
    raise ValueError(
        "ray must be multipliers for every constraint, by name "
        f"({sorted(system.constraints)}), or a direction with the structure and shapes of x."
    )
