"""The nearest point of linearised constraints, by accelerated ascent on its multipliers."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from ..._linear import steepness
from ..._operators import Duals
from ..._system import System, largest
from ...sets import Product
from ..constrained._duals import project_duals

_STATIONARY = 1e-5
"""A violation is stationary when moves of the size of x and y promise no larger share of it."""


def project_onto_constraints(
    system: System,
    moved: tuple,
    duals: Duals,
    scale: Float[Array, ""] | float,
    data: PyTree,
    steps: int,
) -> tuple[tuple, Duals, tuple]:
    """The nearest point to `moved`, in its first two entries, of the constraints linearised there.

    Minimises |d|^2 / 2 subject to g(moved) + J d in K through its dual, whose gradient is
    g(moved) - J J' forces; the sets of x and y are met afterwards.

    **Arguments:**

    - `moved`: where a step led.
    - `duals`: multipliers to start from.
    - `scale`: forces per multiplier: the step's length.
    - `steps`: products with J J' at most.

    **Returns:** the point, the multipliers, and the change of the first two entries.
    """
    rest, pair = moved[2:], moved[:2]
    constraints = _of_pair(system, rest, data)
    values, push = jax.linearize(constraints, pair)
    pull = jax.linear_transpose(push, pair)

    def product(forces: Duals) -> Duals:
        return push(pull(forces)[0])

    forces = {name: scale * dual for name, dual in duals.items()}
    steep = 1.05 * steepness(product, forces, iterations=10)
    length = jnp.where(steep > 0, 1 / jnp.where(steep > 0, steep, 1), 0)

    def ascend(_, carry):
        forces, ahead, t = carry
        slope = jax.tree.map(jnp.subtract, values, product(ahead))
        new = project_duals(system, jax.tree.map(lambda f, s: f + length * s, ahead, slope))
        # Momentum that points against the move is dropped.
        against = sum(
            jnp.vdot(a - n, n - f)
            for a, n, f in zip(
                *map(jax.tree.leaves, (ahead, new, forces)),
                strict=True,
            )
        )
        t = jnp.where(against > 0, 1.0, t)
        after = (1 + jnp.sqrt(1 + 4 * t * t)) / 2
        ahead = jax.tree.map(lambda n, f: n + (t - 1) / after * (n - f), new, forces)
        return new, ahead, after

    forces, _, _ = jax.lax.fori_loop(0, steps, ascend, (forces, forces, jnp.ones((), steep.dtype)))
    change = jax.tree.map(jnp.negative, pull(forces)[0])
    nearest = jax.tree.map(jnp.add, pair, change)
    nearest = Product(system.space.sets[:2]).project(nearest)
    drawn = jax.tree.map(jnp.subtract, pair, nearest)
    found = {name: (force / scale).astype(duals[name].dtype) for name, force in forces.items()}
    return (*nearest, *rest), found, drawn


def contradicts(system: System, primal: tuple, data: PyTree) -> Bool[Array, ""]:
    """Whether the violation is stationary in x and y though not zero: no small move reduces it."""
    pair = primal[:2]
    values, pullback = jax.vjp(_of_pair(system, primal[2:], data), pair)
    gaps = {name: g - system.constraints[name].cone.project(g) for name, g in values.items()}
    slope = pullback(gaps)[0]
    gain = largest(Product(system.space.sets[:2]).residual(pair, slope)) * (1 + largest(pair))
    worst = largest(gaps)
    return (worst > 0) & (gain <= _STATIONARY * worst * jnp.minimum(worst, 1.0))


def _of_pair(system: System, rest: tuple, data: PyTree) -> Callable[[tuple], Duals]:
    """The constraints as a function of x and y."""
    zero = jnp.asarray(0)

    def constraints(pair: tuple) -> Duals:
        return {n: c.smooth((*pair, *rest), data, zero) for n, c in system.constraints.items()}

    return constraints
