"""The nearest point of linearised constraints, by accelerated ascent on its multipliers."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..._linear import steepness
from ..._operators import Duals
from ..._system import System
from ...sets import Product
from ..constrained._duals import project_duals


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
    rest = moved[2:]

    def constraints(pair: tuple) -> Duals:
        zero = jnp.asarray(0)
        return {n: c.smooth((*pair, *rest), data, zero) for n, c in system.constraints.items()}

    pair = moved[:2]
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
