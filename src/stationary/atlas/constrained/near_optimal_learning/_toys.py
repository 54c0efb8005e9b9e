"""Two problems whose answers are known in closed form, one discrete and one continuous."""

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.methods import DualAscent


def thresholds(cells: int, updates: int = 10_000) -> tuple[np.ndarray, float]:
    """Choose cells of weight (i + 1/2) / k to keep, at most half of them, one bit per cell.

    Returns the violations of the last 50 iterates, and the mean over all iterates.
    """
    weights = (jnp.arange(cells) + 0.5) / cells
    problem = st.Minimize(
        lambda keep: -jnp.mean(weights * keep),
        subject_to={"share": st.at_most(jnp.mean, 0.5)},
        over=st.sets.Box(0, 1),
    )
    # The Lagrangian is linear: one huge projected step lands on its minimising vertex.
    method = DualAscent(1e12, inner_steps=1, dual=0.1)
    start = jnp.zeros(cells)
    system = problem.lower(start)

    def step(state, _):
        state, _ = method.step(system, state)
        return state, jnp.mean(method.last(state).primal) - 0.5

    @jax.jit
    def run(key):
        state = method.init(system, st.Point(start, system.zero_duals(start)), key=key)
        return jax.lax.scan(step, state, None, length=updates)

    state, violations = run(jax.random.key(0))
    return np.asarray(violations[-50:]), float(method.mean_values(state)["share"])


LEVEL = 0.25
MULTIPLIER = np.sqrt(1 / (2 * LEVEL)) - 1
"""The functional problem's: fit sign(x) on (-1, 1) with power E f^2 / 2 at most `LEVEL`."""


def polynomials(degree: int) -> dict[str, float]:
    """The same fit with polynomials of a degree: its multiplier, and the slack at `MULTIPLIER`."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    # Half the interval is enough for an odd target, and keeps the quadrature off its jump.
    x, w = (nodes + 1) / 2, weights / 2
    odd = np.arange(1, degree + 1, 2)
    basis = np.stack([np.polynomial.legendre.Legendre.basis(j)(x) for j in odd], 1)
    basis = jnp.asarray(basis * np.sqrt(2 * odd + 1))
    w = jnp.asarray(w)
    problem = st.Minimize(
        lambda c: jnp.sum(w * (basis @ c - 1) ** 2) / 2,
        subject_to={"power": st.at_most(lambda c: jnp.sum(w * (basis @ c) ** 2) / 2, LEVEL)},
    )
    start = jnp.zeros(len(odd))
    method = DualAscent(0.7, inner_steps=40, dual=0.5)

    @jax.jit
    def both(fixed):
        options = {"tol": 1e-9, "differentiable": False}
        free = st.run(problem, start, method, max_steps=2000, **options)
        held = st.run(problem, start, method, duals={"power": fixed}, max_steps=1, **options)
        return free.point.duals["power"], held.point.primal

    multiplier, there = both(MULTIPLIER)
    richest = 1 / (1 + MULTIPLIER)
    distance = jnp.sqrt(jnp.sum(w * (basis @ there - richest) ** 2))
    return {
        "multiplier": float(multiplier),
        "slack": float(jnp.sum(w * (basis @ there) ** 2) / 2 - LEVEL),
        "distance": float(distance),
        "closed form": float(np.sqrt(np.sum(np.asarray(w @ basis) ** 2) / (2 * LEVEL)) - 1),
    }
