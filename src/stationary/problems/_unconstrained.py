"""Smooth objectives without constraints."""

import jax.numpy as jnp
import numpy as np

from .._statements import Minimize
from ._example import Example


def rosenbrock() -> Example:
    """The curved valley of Rosenbrock, in two dimensions."""
    return Example(
        "Rosenbrock",
        Minimize(lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2),
        np.array([-1.2, 1.0]),
        np.ones(2),
        {},
        0.0,
        "badly scaled and curved (Rosenbrock, The Computer Journal 3, 1960)",
    )


def pytree() -> Example:
    """A quadratic of a dictionary of arrays, maximised."""
    from .._statements import Maximize

    target = jnp.array([[1.0, -2.0], [0.5, 3.0]])
    return Example(
        "pytree",
        Maximize(lambda p: 3 - jnp.sum((p["w"] - target) ** 2) - (p["b"] - p["w"][0, 0]) ** 2),
        {"w": np.zeros((2, 2)), "b": np.array(0.0)},
        {"w": np.asarray([[1.0, -2.0], [0.5, 3.0]]), "b": np.array(1.0)},
        {},
        3.0,
        "an unknown with structure, and a maximum; answer by inspection",
    )


BUILDERS = {"Rosenbrock": rosenbrock, "pytree": pytree}
