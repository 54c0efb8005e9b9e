"""Problems without an answer, which an honest solver says so about."""

import jax.numpy as jnp
import numpy as np

from .._constraints import at_most
from .._statements import Minimize
from .._status import Status
from ._example import Example


def infeasible() -> Example:
    """Two half-planes that do not meet."""
    return Example(
        "infeasible",
        Minimize(
            lambda x: x @ x,
            {"low": at_most(lambda x: x[0] + x[1], 0.0), "high": at_most(lambda x: 1 - jnp.sum(x))},
            convex=True,
        ),
        np.zeros(2),
        None,
        {},
        float("inf"),
        "equal multipliers prove that no point satisfies both (Farkas)",
        Status.INFEASIBLE,
    )


def unbounded() -> Example:
    """A linear objective that falls along a ray inside the constraints."""
    return Example(
        "unbounded",
        Minimize(
            lambda x: x[0] - 2 * x[1], {"slope": at_most(lambda x: x[1] - x[0], 1.0)}, convex=True
        ),
        np.zeros(2),
        None,
        {},
        float("-inf"),
        "the direction (1, 1) is feasible for ever, and downhill",
        Status.UNBOUNDED,
    )


BUILDERS = {"infeasible": infeasible, "unbounded": unbounded}
