"""Constraint or weight: small problems in which every answer can be computed to the last digit."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.measures import GaussianKernel, mmd_squared
from stationary.methods import from_optax, mdmm

POINTS = 100


def clouds(key: Any) -> tuple[Any, Any]:
    """A shifted, narrow cloud in the plane, and the one that it is to be moved onto."""
    one, two = jax.random.split(key)
    turn = jnp.array([[1.0, 0.6], [0.0, 0.8]])
    target = jax.random.normal(two, (POINTS, 2)) @ turn
    return 0.7 * jax.random.normal(one, (POINTS, 2)) + jnp.array([1.0, 0.5]), target


def shift(params: Any, points: Any) -> Any:
    """An affine map, as a change of the identity."""
    return points + points @ params["turn"] + params["by"]


def parts(key: Any) -> tuple[Any, Any]:
    """How far points move, and what sets them apart from the target then."""
    points, target = clouds(key)
    kernel = GaussianKernel([0.5, 1.0, 2.0])

    def cost(params: Any) -> Any:
        return jnp.mean(jnp.sum((shift(params, points) - points) ** 2, axis=1))

    def apart(params: Any) -> Any:
        return mmd_squared(shift(params, points), target, kernel, unbiased=False)

    return cost, apart


def identity() -> dict[str, Any]:
    """The map that moves nothing."""
    return {"turn": jnp.zeros((2, 2)), "by": jnp.zeros(2)}


def constrained(key: Any, level: Any, steps: int) -> tuple[Any, Any, Any]:
    """Cost, discrepancy and multiplier of the least move that brings MMD^2 to `level`."""
    cost, apart = parts(key)
    problem = st.Minimize(cost, subject_to={"MMD": st.at_most(lambda p: apart(p) - level)})
    rate = optax.cosine_decay_schedule(0.02, steps, 0.01)
    method = mdmm(optax.adam(rate), dual=2.0, damping=20.0)
    point = st.run(
        problem, identity(), method, max_steps=steps, tol=1e-12, differentiable=False
    ).point
    return cost(point.primal), apart(point.primal), point.duals["MMD"]


def weighted(key: Any, weight: Any, steps: int) -> tuple[Any, Any]:
    """Cost and discrepancy where their sum, weighted, is least."""
    cost, apart = parts(key)
    problem = st.Minimize(lambda p: cost(p) + weight * apart(p))
    rate = optax.cosine_decay_schedule(0.02, steps, 0.01)
    method = from_optax(optax.adam(rate))
    primal = st.run(
        problem, identity(), method, max_steps=steps, tol=1e-12, differentiable=False
    ).point.primal
    return cost(primal), apart(primal)


def rotations(dampings: Any, concave: bool, steps: int) -> np.ndarray:
    """x - 1 over time per damping, for f = x^2/2 or -x^2/2 under x = 1, at a step of 0.001."""
    sign = -1.0 if concave else 1.0
    problem = st.Minimize(lambda x: sign * x**2 / 2, subject_to={"one": st.equal(lambda x: x, 1.0)})
    start = jnp.zeros(())
    system = problem.lower(start)

    @jax.jit
    @jax.vmap
    def follow(damping):
        method = mdmm(1e-3, damping=damping)

        def step(state, _):
            state, _ = method.step(system, state)
            return state, method.point(state).primal

        state = method.init(system, st.Point(start, system.zero_duals(start)))
        return jax.lax.scan(step, state, None, length=steps)[1]

    return np.asarray(follow(jnp.asarray(dampings))) - 1
