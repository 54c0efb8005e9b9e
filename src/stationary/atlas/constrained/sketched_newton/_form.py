"""The form that all small problems share."""

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np

import stationary as st

UNKNOWN = float("nan")


class Problem(NamedTuple):
    """min f(x) subject to c(x) = 0, from x0; `optimum` is the known value of f."""

    name: str
    f: Callable
    c: Callable
    x0: np.ndarray
    optimum: float

    @property
    def statement(self) -> st.Minimize:
        """The problem as one for `solve`; its constraints are one vector, `rows`."""
        return st.Minimize(self.f, {"rows": st.equal(self.c)})


def zero(x):
    """The objective of a system of equations."""
    return 0.0 * x[0]


def of(f, rows, x0, optimum=UNKNOWN):
    """f, c, x0 and optimum of a problem stated by functions of the unpacked unknowns."""

    def objective(x):
        return f(*x)

    def constraints(x):
        return jnp.stack([jnp.asarray(row) for row in rows(*x)])

    return objective, constraints, np.asarray(x0, float), optimum


def equations(rows, x0):
    """The same for a system of equations."""
    _, c, x0, _ = of(None, rows, x0)
    return zero, c, x0, 0.0
