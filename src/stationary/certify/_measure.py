"""The numbers behind a certificate: compiled, exact derivatives, and free of units.

Two scales make every check indifferent to the units of f and of each constraint:

- a constraint's row norm |grad g_j| turns its violation into a distance in x;
- the force max(|grad f|, |J_i' dual_i|, L |x|), L the curvature of the Lagrangian, turns a gradient
  into the relative length of one natural step.
"""

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from .._operators import CommonDescentOperator, Duals
from .._system import System, all_finite, largest

DENSE_JACOBIAN = 1_000_000
"""Up to this many entries the constraints' Jacobian is formed; beyond, its rows are probed."""
_PROBES = 24


class Local(NamedTuple):
    """The functions of a system at a point, and their first derivatives."""

    objectives: dict[str, Float[Array, ""]]
    gradients: Float[Array, "objectives n"]
    """Per objective, with its sign; for an operator that is no gradient, the operator."""
    values: Duals
    """True g(x)."""
    rounding: Duals
    """What rounding alone can do to g(x)."""
    rows: dict[str, Float[Array, "size n"]] | None
    """Jacobians of the (surrogate) constraints, where small enough to form."""
    sizes: Duals
    """The norm of each row."""
    finite: Bool[Array, ""]


class Measured(NamedTuple):
    """Everything that is checked at given multipliers."""

    direction: Float[Array, "n"]
    """The Lagrangian's gradient, or operator plus J' dual."""
    force: Float[Array, ""]
    extent: Float[Array, ""]
    stationarity: list[Float[Array, ""]]
    scaled_stationarity: list[Float[Array, ""]]
    outside: list[Float[Array, ""]]
    scaled_outside: list[Float[Array, ""]]
    violation: Duals
    scaled_violation: Duals
    dual: Duals
    scaled_dual: Duals
    complementarity: Duals
    scaled_complementarity: Duals
    blocked: Float[Array, ""]
    """How far from stationary the point is for the violation of the constraints, scaled."""
    prices: PyTree
    finite: Bool[Array, ""]


def smooth(system: System, primal: PyTree, data: PyTree) -> Duals:
    """What the primal variables differentiate: surrogates where there are any."""
    zero = jnp.asarray(0)
    return {name: c.smooth(primal, data, zero) for name, c in system.constraints.items()}


def forces(system: System, primal: PyTree, data: PyTree) -> tuple[dict, PyTree]:
    """Objectives and, stacked, their gradients (or the operator), constraints left out."""
    operator, zero = system.operator, jnp.asarray(0)
    if isinstance(operator, CommonDescentOperator):
        pairs = {
            name: jax.value_and_grad(lambda x, f=term: f(x, data, zero))(primal)
            for name, term in operator.objectives.items()
        }
        values = {name: value for name, (value, _) in pairs.items()}
        gradients = [gradient for _, gradient in pairs.values()]
        return values, jax.tree.map(lambda *g: jnp.stack(g), *gradients)
    pull = operator.linearize(primal, data, zero, lambda x: {})
    return pull.objectives, jax.tree.map(lambda g: g[None], pull.direction({}))


def lagrangian_direction(
    system: System, data: PyTree, weights: Float[Array, "objectives"], duals: Duals
) -> Callable[[PyTree], PyTree]:
    """x -> the direction that must vanish there at fixed weights and multipliers."""

    def direction(primal: PyTree) -> PyTree:
        _, gradients = forces(system, primal, data)
        _, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
        return jax.tree.map(
            lambda g, pulled: jnp.tensordot(weights, g, 1) + pulled, gradients, pullback(duals)[0]
        )

    return direction


@eqx.filter_jit
def look(system: System, primal: PyTree, data: PyTree) -> Local:
    """Values and first derivatives at `primal`."""
    objectives, gradients = forces(system, primal, data)
    flat = jax.vmap(lambda g: ravel_pytree(g)[0])(gradients)
    g, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
    zero = jnp.asarray(0)
    values, rounding = {}, {}
    for name, c in system.constraints.items():
        values[name] = g[name] if c.surrogate is None else c.value(primal, data, zero)
        unit = jnp.finfo(c.term.program.out.dtype).eps
        rounding[name] = 16 * unit * (jnp.abs(values[name]) + jnp.abs(c.bound))
    count = sum(value.size for value in g.values())
    rows = None
    if count * flat.shape[1] <= DENSE_JACOBIAN:
        rows = _rows(g, pullback)
        sizes = {name: jnp.linalg.norm(rows[name], axis=1).reshape(g[name].shape) for name in g}
    else:
        sizes = _probed(system, primal, data)
    sizes = {
        name: _shared(sizes[name], system.constraints[name].cone.elementwise) for name in sizes
    }
    finite = all_finite((objectives, flat, values, sizes, primal))
    return Local(objectives, flat, values, rounding, rows, sizes, finite)


def _rows(g: Duals, pullback: Callable) -> dict[str, Float[Array, "size n"]]:
    rows = {}
    for name, value in g.items():

        def row(unit, name=name):
            cotangent = {k: jnp.zeros_like(v) for k, v in g.items()}
            cotangent[name] = unit
            return ravel_pytree(pullback(cotangent)[0])[0]

        units = jnp.eye(value.size, dtype=value.dtype).reshape(value.size, *value.shape)
        rows[name] = jax.vmap(row)(units)
    return rows


def _probed(system: System, primal: PyTree, data: PyTree) -> Duals:
    """Row norms from products with random directions: E (J u)^2 = |row|^2."""
    flat, unravel = ravel_pytree(primal)

    def product(key):
        tangent = unravel(jax.random.normal(key, flat.shape, flat.dtype))
        return jax.jvp(lambda x: smooth(system, x, data), (primal,), (tangent,))[1]

    products = jax.lax.map(product, jax.random.split(jax.random.key(0), _PROBES))
    return {name: jnp.sqrt(jnp.mean(p**2, axis=0)) for name, p in products.items()}


def _shared(sizes: Float[Array, "..."], elementwise: bool) -> Float[Array, "..."]:
    # A cone that ties its entries together admits one scale only.
    return sizes if elementwise else jnp.full_like(sizes, jnp.max(sizes, initial=0.0))


@eqx.filter_jit
def measure(
    system: System,
    primal: PyTree,
    data: PyTree,
    weights: Float[Array, "objectives"],
    duals: Duals,
    local: Local,
) -> Measured:
    """Every residual of a point at the given multipliers."""
    space, leaves = system.space, jax.tree.leaves(primal)
    extent = jnp.maximum(1.0, largest(primal))
    at = lagrangian_direction(system, data, weights, duals)
    direction = at(primal)
    _, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
    zeros = {name: jnp.zeros_like(dual) for name, dual in duals.items()}
    pulls = [largest(pullback({**zeros, name: duals[name]})[0]) for name in duals]
    pushes = jnp.abs(weights) * jnp.max(jnp.abs(local.gradients), axis=1, initial=0.0)
    bend = curvature_scale(system, primal, at)
    force = jnp.max(jnp.stack([*pushes, *pulls, bend * extent]))

    step = jnp.where(force > 0, extent / force, 0.0)
    stepped = jax.tree.map(lambda g: g * step, direction)
    raw = jax.tree.leaves(space.residual(primal, direction))
    natural = jax.tree.leaves(space.residual(primal, stepped))
    outside = [s.distance(leaf) for s, leaf in zip(space.leaves, leaves, strict=True)]
    reach = [jnp.maximum(1.0, largest(leaf)) for leaf in leaves]

    checked: dict[str, Duals] = {key: {} for key in _CHECKED}
    blame, force_of_blame = {}, jnp.zeros(())
    for name, c in system.constraints.items():
        g, dual, size = local.values[name], duals[name], local.sizes[name]
        gap = g - c.cone.project(g)
        gap = jnp.sign(gap) * jnp.maximum(jnp.abs(gap) - local.rounding[name], 0.0)
        wrong = dual - c.cone.polar(dual)
        slack = c.cone.project(g)
        price = c.cone.polar(dual)
        # In units of x and of force, where both are of order one.
        far = _ratio(slack, size) / extent
        press = price * size / jnp.where(force > 0, force, 1.0)
        checked["violation"][name] = largest(gap)
        checked["scaled_violation"][name] = largest(_ratio(gap, size)) / extent
        checked["dual"][name] = largest(wrong)
        checked["scaled_dual"][name] = largest(wrong * size) / jnp.where(force > 0, force, 1.0)
        checked["complementarity"][name] = jnp.abs(jnp.sum(dual * g))
        checked["scaled_complementarity"][name] = largest(press - c.cone.polar(press + far))
        relative = _ratio(gap, size)
        blame[name] = _ratio(relative, size)
        force_of_blame = jnp.maximum(force_of_blame, largest(relative))
    towards = pullback(blame)[0] if blame else jax.tree.map(jnp.zeros_like, primal)
    pace = jnp.where(force_of_blame > 0, extent / force_of_blame, 0.0)
    blocked = space.residual(primal, jax.tree.map(lambda g: g * pace, towards))

    return Measured(
        direction=ravel_pytree(direction)[0],
        force=force,
        extent=extent,
        stationarity=[largest(r) for r in raw],
        scaled_stationarity=[largest(r) / extent for r in natural],
        outside=outside,
        scaled_outside=[d / r for d, r in zip(outside, reach, strict=True)],
        **checked,
        blocked=largest(blocked) / extent,
        prices=space.price(primal, direction),
        finite=all_finite((direction, raw, natural, outside, checked["complementarity"])),
    )


_CHECKED = (
    "violation",
    "scaled_violation",
    "dual",
    "scaled_dual",
    "complementarity",
    "scaled_complementarity",
)
_FAR = 1e12


def _ratio(value: Float[Array, "..."], size: Float[Array, "..."]) -> Float[Array, "..."]:
    """value / size, with 0 / 0 = 0 and anything else over 0 very large."""
    return jnp.clip(
        jnp.where(value == 0, 0.0, value / jnp.where(size > 0, size, 1e-300)), -_FAR, _FAR
    )


def curvature_scale(
    system: System, primal: PyTree, direction: Callable[[PyTree], PyTree]
) -> Float[Array, ""]:
    """About the largest curvature of the Lagrangian, by power iteration on gradient differences.

    Differences rather than products with the Hessian, because a function may know its first
    derivative only; this sets a scale and needs no digits. Moves stay in the set.
    """
    flat, unravel = ravel_pytree(primal)
    start = ravel_pytree(direction(primal))[0]
    length = 1e-5 * jnp.maximum(1.0, jnp.max(jnp.abs(flat)))

    def body(i, carry):
        best, u = carry
        u = u * jnp.where(i % 2 == 0, 1.0, -1.0)  # at a bound only one of the two ways is open
        tangent = system.space.gradient(primal, unravel(u))
        moved = system.space.retract(primal, jax.tree.map(lambda t: length * t, tangent))
        away = jnp.linalg.norm(ravel_pytree(moved)[0] - flat)
        change = ravel_pytree(direction(moved))[0] - start
        size = jnp.linalg.norm(change)
        fine = jnp.isfinite(size) & (away > 1e-3 * length)
        slope = jnp.where(fine, size / jnp.where(fine, away, 1.0), 0.0)
        u = jnp.where(fine & (size > 0), change / jnp.where(size > 0, size, 1.0), u)
        return jnp.maximum(best, slope), u

    u = jax.random.normal(jax.random.key(1), flat.shape, flat.dtype)
    u = u / jnp.linalg.norm(u)
    return jax.lax.fori_loop(0, 8, body, (jnp.zeros((), flat.dtype), u))[0]


@eqx.filter_jit
def force_scales(
    system: System, primal: PyTree, data: PyTree, local: Local
) -> Float[Array, "objectives"]:
    """A size for the gradient of each objective of several: itself, or its curvature times x."""
    extent = jnp.maximum(1.0, largest(primal))
    zeros = {name: jnp.zeros_like(g) for name, g in local.values.items()}
    count = local.gradients.shape[0]
    scales = []
    for i in range(count):
        unit = jnp.zeros(count).at[i].set(1.0)
        bend = curvature_scale(system, primal, lagrangian_direction(system, data, unit, zeros))
        scales.append(jnp.maximum(jnp.max(jnp.abs(local.gradients[i])), bend * extent))
    scales = jnp.stack(scales)
    return jnp.where(scales > 0, scales, 1.0)
