"""The numbers behind a certificate: compiled, exact derivatives, and free of units.

Two scales make every check indifferent to the units of f and of each constraint:

- a constraint's row norm |grad g_j| turns its violation into a distance in x;
- the force max(|grad f|, |J_i' dual_i|, L |x|), L the curvature of the Lagrangian, turns a gradient
  into the relative length of one natural step.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from .._compiled import jit_once
from .._operators import Duals
from .._system import System, all_finite, largest
from ._local import Local as Local
from ._local import forces as forces
from ._local import lagrangian_direction as lagrangian_direction
from ._local import look as look
from ._local import smooth as smooth


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
    held: Float[Array, ""]
    """The same for their violation weighted with the multipliers, if these weigh any of it."""
    prices: PyTree
    finite: Bool[Array, ""]


def pull_back(
    system: System, primal: PyTree, data: PyTree, local: Local, duals: Duals
) -> Float[Array, "constraints n"]:
    """J_i' dual_i of every constraint, a row each."""
    flat, _ = ravel_pytree(primal)
    if local.rows is not None:
        rows = [jnp.ravel(duals[name]) @ local.rows[name] for name in duals]
    else:
        _, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
        zeros = {name: jnp.zeros_like(dual) for name, dual in duals.items()}
        alone = [pullback({**zeros, name: duals[name]})[0] for name in duals]
        rows = [ravel_pytree(tree)[0] for tree in alone]
    return jnp.stack(rows) if rows else jnp.zeros((0, flat.size), flat.dtype)


class Pressure(NamedTuple):
    """The direction that must vanish at a point, and the scales to judge it by."""

    direction: Float[Array, "n"]
    """The Lagrangian's gradient, or operator plus J' dual."""
    pull: Float[Array, "n"]
    """The constraints' part of it."""
    force: Float[Array, ""]
    extent: Float[Array, ""]
    """How far one is from 0: the largest entry of the point, at least 1."""

    @property
    def unit(self) -> Float[Array, ""]:
        """The force to divide by: 1 where there is none."""
        return jnp.where(self.force > 0, self.force, 1.0)

    @property
    def step(self) -> Float[Array, ""]:
        """The length of a natural step per force; 0 where there is no force."""
        return jnp.where(self.force > 0, self.extent / self.unit, 0.0)


def pressure(
    system: System,
    primal: PyTree,
    data: PyTree,
    weights: Float[Array, "objectives"],
    duals: Duals,
    local: Local,
) -> Pressure:
    """The direction at given weights and multipliers, and its scales."""
    pulls = pull_back(system, primal, data, local, duals)
    pushes = weights[:, None] * local.gradients
    pull = jnp.sum(pulls, axis=0)
    direction = jnp.sum(pushes, axis=0) + pull
    extent = jnp.maximum(1.0, largest(primal))
    at = lagrangian_direction(system, data, weights, duals)
    bend = curvature_scale(system, primal, at, direction)
    force = jnp.maximum(largest((pushes, pulls)), bend * extent)
    # Without an objective no force is large or small, and multipliers near zero are zero.
    least = jnp.where(jnp.any(pushes != 0), 0.0, largest(local.sizes))
    return Pressure(direction, pull, jnp.maximum(force, least), extent)


def natural(system: System, primal: PyTree, at: Pressure) -> list[Float[Array, "..."]]:
    """What a natural step moves, per leaf."""
    _, unravel = ravel_pytree(primal)
    return jax.tree.leaves(system.space.residual(primal, unravel(at.direction * at.step)))


class Entries(NamedTuple):
    """Entry by entry, how far constraints and multipliers are from fitting together."""

    gap: Float[Array, "..."]
    """The violation beyond rounding."""
    relative: Float[Array, "..."]
    """The same as a distance in x."""
    wrong: Float[Array, "..."]
    """The multiplier's part outside the polar cone."""
    leaning: Float[Array, "..."]
    """The same as a relative force."""
    product: Float[Array, "..."]
    """Multiplier times constraint."""
    contact: Float[Array, "..."]
    """How far force and distance are from excluding each other, in units where both are of order
    one."""


def entries(
    system: System, local: Local, duals: Duals, at: Pressure
) -> list[tuple[list[str], Entries]]:
    """The entries of all constraints, with the names of those that were stacked.

    Constraints with the same cone are taken together where the cone judges each entry alone, so
    that many constraints do not make a larger program than one.
    """
    together: dict[Any, list[str]] = {}
    for name, c in system.constraints.items():
        alike = c.cone.elementwise and not jax.tree.leaves(c.cone)
        together.setdefault(jax.tree.structure(c.cone) if alike else name, []).append(name)
    found = []
    for names in together.values():
        cone = system.constraints[names[0]].cone
        columns = (local.values, duals, local.sizes, local.rounding)
        g, dual, size, rounding = (_stack([column[name] for name in names]) for column in columns)
        inside, price = cone.project(g), cone.polar(dual)
        gap = g - inside
        gap = jnp.sign(gap) * jnp.maximum(jnp.abs(gap) - rounding, 0.0)
        wrong = dual - price
        far, press = _ratio(inside, size) / at.extent, price * size / at.unit
        of_all = Entries(
            gap=gap,
            relative=_ratio(gap, size) / at.extent,
            wrong=wrong,
            leaning=wrong * size / at.unit,
            product=dual * g,
            contact=press - cone.polar(press + far),
        )
        found.append((names, of_all))
    return found


def _stack(parts: list[Float[Array, "..."]]) -> Float[Array, "..."]:
    return parts[0] if len(parts) == 1 else jnp.concatenate([jnp.ravel(part) for part in parts])


@jit_once
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
    _, unravel = ravel_pytree(primal)
    at = pressure(system, primal, data, weights, duals, local)
    direction = unravel(at.direction)
    raw = jax.tree.leaves(space.residual(primal, direction))
    moved = natural(system, primal, at)
    outside = [s.distance(leaf) for s, leaf in zip(space.leaves, leaves, strict=True)]
    reach = [jnp.maximum(1.0, largest(leaf)) for leaf in leaves]

    checked: dict[str, Duals] = {key: {} for key in _CHECKED}
    blame = {}
    pushing = carrying = jnp.zeros((), at.direction.dtype)
    for names, found in entries(system, local, duals, at):
        ends = list(itertools.accumulate(duals[name].size for name in names))[:-1]
        apart = [jnp.split(jnp.ravel(column), ends) for column in found]
        for name, *columns in zip(names, *apart, strict=True):
            one = Entries(*columns)
            checked["violation"][name] = largest(one.gap)
            checked["scaled_violation"][name] = largest(one.relative)
            checked["dual"][name] = largest(one.wrong)
            checked["scaled_dual"][name] = largest(one.leaning)
            checked["complementarity"][name] = jnp.abs(jnp.sum(one.product))
            checked["scaled_complementarity"][name] = largest(one.contact)
            relative = jnp.reshape(one.relative, duals[name].shape)
            blame[name] = _ratio(relative, local.sizes[name])
            force = jnp.abs(jnp.ravel(duals[name])) * jnp.ravel(local.sizes[name])
            missed = jnp.ravel(one.gap) * jnp.ravel(duals[name]) > 0
            pushing = jnp.maximum(pushing, largest(force))
            carrying = jnp.maximum(carrying, largest(jnp.where(missed, force, 0.0)))
    # Multipliers that balance each other without the objective, and are not of satisfied rows only.
    rate = at.extent / jnp.where(pushing > 0, pushing, 1.0)
    unfit = [*checked["scaled_dual"].values(), *checked["scaled_complementarity"].values()]
    drift = largest(space.residual(primal, unravel(at.pull * rate))) / at.extent
    towards = jnp.sum(pull_back(system, primal, data, local, blame), axis=0)
    push = largest(checked["scaled_violation"])
    pace = jnp.where(push > 0, at.extent / jnp.where(push > 0, push, 1.0), 0.0)
    blocked = space.residual(primal, unravel(towards * pace))

    return Measured(
        direction=at.direction,
        force=at.force,
        extent=at.extent,
        stationarity=[largest(r) for r in raw],
        scaled_stationarity=[largest(r) / at.extent for r in moved],
        outside=outside,
        scaled_outside=[d / r for d, r in zip(outside, reach, strict=True)],
        **checked,
        blocked=largest(blocked) / at.extent,
        held=jnp.where(carrying > _SHARE * pushing, largest((drift, unfit)), jnp.inf),
        prices=space.price(primal, direction),
        finite=all_finite((direction, raw, moved, outside, checked["complementarity"])),
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
_SHARE = 1e-3
"""Of the largest force, what a violated row must carry to be held by the others."""


def _ratio(value: Float[Array, "..."], size: Float[Array, "..."]) -> Float[Array, "..."]:
    """value / size, with 0 / 0 = 0 and anything else over 0 very large."""
    return jnp.clip(
        jnp.where(value == 0, 0.0, value / jnp.where(size > 0, size, 1e-300)), -_FAR, _FAR
    )


def curvature_scale(
    system: System,
    primal: PyTree,
    direction: Callable[[PyTree], PyTree],
    start: Float[Array, "n"],
) -> Float[Array, ""]:
    """About the largest curvature of the Lagrangian, by power iteration on gradient differences.

    Differences rather than products with the Hessian, because a function may know its first
    derivative only; this sets a scale and needs no digits. Moves stay in the set. `start` is the
    direction at `primal`, flat.
    """
    flat, unravel = ravel_pytree(primal)
    length = 1e-5 * jnp.maximum(1.0, jnp.max(jnp.abs(flat)))

    def body(i, carry):
        best, u = carry
        u = u * (1 - 2 * (i & 1))  # at a bound only one of the two ways is open
        tangent = system.space.gradient(primal, unravel(u))
        moved = system.space.retract(primal, jax.tree.map(lambda t: length * t, tangent))
        away = _length(ravel_pytree(moved)[0] - flat)
        change = ravel_pytree(direction(moved))[0] - start
        size = _length(change)
        fine = jnp.isfinite(size) & (away > 1e-3 * length)
        slope = jnp.where(fine, size / jnp.where(fine, away, 1.0), 0.0)
        u = jnp.where(fine & (size > 0), change / jnp.where(size > 0, size, 1.0), u)
        return jnp.maximum(best, slope), u

    # Any direction will do to which nothing is orthogonal by design. These multiples of the golden
    # ratio, less whole numbers, compile to next to nothing; random numbers would not.
    u = jnp.arange(1, flat.size + 1, dtype=flat.dtype) * 0.6180339887498949
    u = u - jnp.floor(u) - 0.45
    u = u / _length(u)
    return jax.lax.fori_loop(0, 8, body, (jnp.zeros((), flat.dtype), u))[0]


def _length(v: Float[Array, "n"]) -> Float[Array, ""]:
    return jnp.sqrt(jnp.sum(v * v))


@jit_once
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
        at = lagrangian_direction(system, data, unit, zeros)
        bend = curvature_scale(system, primal, at, local.gradients[i])
        scales.append(jnp.maximum(jnp.max(jnp.abs(local.gradients[i])), bend * extent))
    scales = jnp.stack(scales)
    return jnp.where(scales > 0, scales, 1.0)
