"""Nested problems and problems with several objectives, with closed-form answers."""

import jax.numpy as jnp
import numpy as np

from .._nested import Nested
from .._statements import Balance
from ._example import Example


def nested_quadratics() -> Example:
    """A quadratic inside a quadratic: y = 2 x below, so that 10 x = 10 above."""
    return Example(
        "nested quadratics",
        Nested(lambda x, y: (x - 3) ** 2 + (y - 1) ** 2, lambda x, y: (y - 2 * x) ** 2 / 2),
        (np.array(0.0), np.array(0.0)),
        (np.array(1.0), np.array(2.0)),
        {"lower": np.array([-2.0])},
        5.0,
        "linear response; the multiplier of the lower problem's equation is the adjoint state",
    )


def two_quadratics() -> Example:
    """Two bowls: the Pareto-stationary points are the segment between their centres."""
    a, b = np.array([0.0, 0.0]), np.array([2.0, 1.0])

    def nearest(x):
        share = np.clip((np.asarray(x) - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
        return a + share * (b - a)

    return Example(
        "two quadratics",
        Balance({"to a": lambda x: jnp.sum((x - a) ** 2), "to b": lambda x: jnp.sum((x - b) ** 2)}),
        np.array([0.5, 2.0]),
        np.array([1.0, 0.5]),
        {},
        float("nan"),
        "a whole segment of answers, none of them better than another",
        nearest=nearest,
    )


BUILDERS = {"nested quadratics": nested_quadratics, "two quadratics": two_quadratics}
