"""The barrier problem's pieces, against automatic differentiation and brute minimisation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from stationary.methods.interior_point._barrier import (
    ELASTIC_PRICE,
    Anchor,
    Barrier,
    Duals,
    elastic,
)
from stationary.methods.interior_point._program import Bounds, Local

INF = jnp.inf
MU = jnp.array(0.05)
GIVE = jnp.array(1e-9)
BOUNDS = Bounds(
    jnp.array([0.0, -INF, -1.0, -INF]),
    jnp.array([INF, 2.0, 1.0, INF]),
    jnp.array([True, False, True, False]),
    jnp.array([False, True, True, False]),
    jnp.ones(4, bool),
)
X, S = jnp.array([0.5, 1.0, 0.2, 3.0]), jnp.array([0.0, 0.7])
EQUALITY = np.array([True, False])


def objective(x):
    return jnp.sum(x**3)


def constraints(x):
    return jnp.stack([x[0] * x[1] - 1.0, x[2] ** 2 + x[3] - 4.0])


def build(bounds, equality, restoring, anchor):
    lower, upper = bounds.has_lower, bounds.has_upper
    present = jnp.concatenate([~equality, lower, upper])
    single = jnp.concatenate([~equality, lower & ~upper, upper & ~lower])
    return Barrier(bounds, GIVE, ~equality, present, single, MU, jnp.array(restoring), anchor)


def problem(restoring):
    return build(BOUNDS, EQUALITY, restoring, Anchor(X + 0.3, jnp.array([1.0, 2.0, 3.0, 4.0])))


def local(x):
    return Local(
        objective(x), constraints(x), jax.grad(objective)(x), jax.jacobian(constraints)(x), None
    )


@pytest.mark.parametrize("restoring", [False, True])
def test_the_gradient_is_that_of_the_merit(restoring):
    barrier = problem(restoring)

    def merit(x, s):
        return barrier.measures(objective(x), constraints(x), x, s)[1]

    far = barrier.distances(X, S)
    by_x, by_s = barrier.gradient(local(X), X, MU / far)
    slope = elastic(constraints(X) + S, MU).slope(MU) if restoring else jnp.zeros(2)
    at = local(X)
    np.testing.assert_allclose(by_x + slope @ at.jacobian, jax.grad(merit)(X, S), rtol=1e-10)
    np.testing.assert_allclose((by_s + slope)[1], jax.grad(merit, 1)(X, S)[1], rtol=1e-10)


@pytest.mark.parametrize("r", [-2.0, -1e-3, 0.0, 1e-9, 0.4, 30.0])
def test_elastic_parts_are_the_cheapest(r):
    mu = 0.05
    parts = elastic(jnp.array([r]), jnp.array(mu))

    def cost(log_small):
        small = np.exp(log_small)
        large = small + abs(r)
        return ELASTIC_PRICE * (small + large) - mu * (log_small + np.log(large))

    best = minimize_scalar(cost, bounds=(-25, 3), method="bounded", options={"xatol": 1e-10})
    np.testing.assert_allclose(parts.cost(jnp.array(mu)), best.fun, rtol=1e-9)
    np.testing.assert_allclose(parts.above - parts.below, [r], atol=1e-12)
    step = 1e-6
    up, down = (float(elastic(jnp.array([r + e]), MU).cost(MU)) for e in (step, -step))
    np.testing.assert_allclose(parts.slope(MU)[0], (up - down) / (2 * step), rtol=1e-4, atol=1e-2)


def test_steps_stop_short_of_the_nearest_bound():
    barrier = problem(False)
    far = barrier.distances(X, S)
    moves = barrier.moves(jnp.array([-1.0, 0.5, 0.1, -9.0]), jnp.array([0.0, -0.1]))
    share = barrier.longest_step(far, moves)
    np.testing.assert_allclose(share, 0.99 * 0.5, rtol=1e-6)
    assert jnp.all(far + share * moves > 0)


def test_the_error_vanishes_exactly_on_the_central_path():
    # min x subject to x >= 0: z = 1, x = mu, but for the damping of lone bounds.
    bounds = Bounds(*(jnp.array([v]) for v in (0.0, INF, True, False, True)))
    none = np.zeros(0, bool)
    barrier = build(bounds, none, False, Anchor(jnp.ones(1), jnp.ones(1)))
    z = 1 + 1e-5 * MU
    at = Local(MU, jnp.zeros(0), jnp.ones(1), jnp.zeros((0, 1)), None)
    duals = Duals(jnp.zeros(0), jnp.array([z, 0.0]))
    assert barrier.errors(at, jnp.array([MU / z]), jnp.zeros(0), duals).at(MU) < 1e-15
    assert barrier.errors(at, jnp.array([2 * MU]), jnp.zeros(0), duals).at(MU) > 0.04
