"""How often a solver is traced, and a user's function run, for one solve and for the next."""

import jax.numpy as jnp
import numpy as np

import stationary as st

from ._figure import Figure


def run() -> list[Figure]:
    """Traces of a first solve and of a second with new data."""
    calls = []

    def loss(x, target):
        calls.append(1)
        return jnp.sum((x - target) ** 2)

    problem = st.Minimize(loss, {"cap": st.at_most(jnp.max, 0.5)}, data=np.ones(3))
    first = st.solve(problem, np.zeros(3), progress=False)
    python_first = len(calls)
    second = st.solve(problem, np.zeros(3), data=np.full(3, 2.0), progress=False)
    python_second = len(calls) - python_first
    peer = "none: a count"
    return [
        Figure("traces of a first solve", first.stats.traces, peer, 1),
        Figure("Python calls of the objective in it", python_first, peer, 1),
        Figure("traces of a second, with new data", second.stats.traces, peer, 0),
        Figure("Python calls of the objective in it, again", python_second, peer, 0),
    ]
