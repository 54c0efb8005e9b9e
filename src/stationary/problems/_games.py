"""Saddle points: bilinear, strongly monotone, and matrix games."""

import jax.numpy as jnp
import numpy as np

from .._statements import Saddle
from ..sets import Simplex
from ._example import Example


def bilinear() -> Example:
    """The saddle that plain descent-ascent circles and never reaches."""
    matrix = jnp.array([[1.0, 0.5], [-0.5, 1.0]])
    a, b = jnp.array([1.0, -1.0]), jnp.array([0.5, 2.0])
    return Example(
        "bilinear",
        Saddle(lambda x, y: (x - a) @ matrix @ (y - b)),
        (np.zeros(2), np.zeros(2)),
        (np.array([1.0, -1.0]), np.array([0.5, 2.0])),
        {},
        0.0,
        "a pure rotation about its answer",
    )


def strongly_monotone() -> Example:
    """A saddle that is convex in x and concave in y, with coupling."""
    return Example(
        "strongly monotone",
        Saddle(lambda x, y: x**2 / 2 + 2 * x * y - y**2 / 2 + x),
        (np.array(1.0), np.array(1.0)),
        (np.array(-0.2), np.array(-0.4)),
        {},
        -0.1,
        "two linear equations: x + 2 y + 1 = 0 and 2 x = y",
    )


def matrix_game() -> Example:
    """Rock, paper and scissors with stakes 1, 2 and 3: mixed strategies 1/2, 1/3, 1/6."""
    payoff = jnp.array([[0.0, -1.0, 2.0], [1.0, 0.0, -3.0], [-2.0, 3.0, 0.0]])
    mixed = np.array([3.0, 2.0, 1.0]) / 6
    return Example(
        "matrix game",
        Saddle(lambda x, y: x @ payoff @ y, Simplex(), Simplex()),
        (np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])),
        (mixed, mixed),
        {},
        0.0,
        "antisymmetric, so fair: the equilibrium is the kernel of the payoffs",
    )


BUILDERS = {
    "bilinear": bilinear,
    "strongly monotone": strongly_monotone,
    "matrix game": matrix_game,
}
