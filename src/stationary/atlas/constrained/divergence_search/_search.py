"""Newton's method from many starts, with full steps or with a search along them."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stationary.methods import AbstractMerit, LagrangeNewton

from ._problems import Example

STEPS = 100
SOLVED = 1e-8
"""The size of the Lagrangian's gradient at which a start counts as solved."""


class Runs(NamedTuple):
    """One method on one problem, from many starts.

    **Arguments:**

    - `solved`: whether the gradient fell to `SOLVED` within `STEPS` iterations, by start.
    - `iterations`: how many that took; `STEPS` where it did not.
    """

    solved: np.ndarray
    iterations: np.ndarray


def starts(example: Example, key: Any, count: int) -> Any:
    """Unknowns and multipliers, uniform in [-3, 3]."""
    return jax.random.uniform(key, (count, example.size), minval=-3.0, maxval=3.0)


def path(example: Example, merit: AbstractMerit | None, z: Any) -> Any:
    """Start and iterates, a row each; full Newton steps without a merit."""
    if merit is None:

        def full(z, _):
            return z + example.newton_step(z), z

        return jax.lax.scan(full, z, None, length=STEPS + 1)[1]
    begin = example.point(z)
    system = example.statement.lower(begin.primal)
    method = LagrangeNewton(merit)

    def step(state, _):
        state, _ = method.step(system, state)
        return state, example.flat(method.point(state))

    state = method.init(system, begin, key=jax.random.key(0))
    return jax.lax.scan(step, state, None, length=STEPS + 1)[1]


def compare(
    example: Example, merits: dict[str, AbstractMerit | None], begin: Any
) -> dict[str, Runs]:
    """Every method from every start: one compiled program for the problem."""

    @jax.jit
    def sizes(begin):
        def along(merit):
            return jax.vmap(
                lambda z: jax.vmap(lambda at: jnp.linalg.norm(example.gradient(at)))(
                    path(example, merit, z)
                )
            )(begin)

        return {name: along(merit) for name, merit in merits.items()}

    found = {}
    for name, size in sizes(begin).items():
        small = np.asarray(size) <= SOLVED
        solved = np.any(small, axis=1)
        found[name] = Runs(solved, np.where(solved, np.argmax(small, axis=1), STEPS))
    return found
