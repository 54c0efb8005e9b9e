"""What the single-call methods have in common, and what they do not."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary.methods.saddle import (
    ExtraGradient,
    OptimisticGradient,
    PastExtraGradient,
    ReflectedGradient,
)


def test_single_call_methods_agree_without_constraints(affine, iterate):
    problem, _ = affine
    x0 = jnp.zeros(30)
    runs = [
        iterate(problem, x0, kind(step_size=0.2), 200)[0].half.primal
        for kind in (PastExtraGradient, ReflectedGradient, OptimisticGradient)
    ]
    np.testing.assert_allclose(runs[1], runs[0], atol=1e-12, rtol=0)
    np.testing.assert_allclose(runs[2], runs[0], atol=1e-12, rtol=0)


def test_single_call_methods_differ_with_constraints(matrix_game, iterate):
    game, x0 = matrix_game
    runs = [
        jnp.concatenate(iterate(game, x0, kind(step_size=0.1), 100)[0].half.primal, axis=1)
        for kind in (PastExtraGradient, ReflectedGradient, OptimisticGradient)
    ]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert jnp.max(jnp.abs(runs[one] - runs[other])) > 1e-6


def test_optimistic_gradient_is_that_of_optax(iterate):
    def objective(x):
        return jnp.sum(jnp.cosh(x - jnp.arange(3.0)))

    half = iterate(st.Minimize(objective), jnp.ones(3), OptimisticGradient(step_size=0.1), 50)[0]
    half = half.half.primal

    rule = optax.optimistic_gradient_descent(0.1)
    # Begin both at the second half-point, with the slope of the first remembered.
    state = rule.update(jax.grad(objective)(half[0]), rule.init(half[0]))[1]
    x = half[1]
    for expected in half[2:]:
        updates, state = rule.update(jax.grad(objective)(x), state)
        x = optax.apply_updates(x, updates)
        np.testing.assert_allclose(x, expected, atol=1e-12)


RADII = {0.1: 0.994936, 0.3: 0.948683, 0.45: 0.847316}


@pytest.mark.parametrize("c", RADII)
def test_rate_on_a_rotation_is_the_spectral_radius(c, single_call, iterate):
    game = st.Saddle(lambda x, y: x * y)
    states, _ = iterate(game, (jnp.array(1.0), jnp.array(1.0)), single_call(step_size=c), 200)
    x, y = states.base.primal
    sizes = jnp.hypot(x, y)
    rate = (sizes[199] / sizes[99]) ** (1 / 100)
    np.testing.assert_allclose(rate, RADII[c], rtol=2e-6)
    characteristic = np.roots([1, -(1 - 2j * c), -1j * c])
    np.testing.assert_allclose(max(abs(characteristic)), RADII[c], atol=1e-6)


@pytest.mark.parametrize("c, radius", [(0.1, 0.995038), (0.3, 0.958175), (0.5, 0.901388)])
def test_rate_of_extragradient_on_a_rotation(c, radius, iterate):
    game = st.Saddle(lambda x, y: x * y)
    states, _ = iterate(game, (jnp.array(1.0), jnp.array(1.0)), ExtraGradient(step_size=c), 3)
    sizes = jnp.hypot(*states.base.primal)
    np.testing.assert_allclose(sizes[1:] / sizes[:-1], radius, rtol=1e-6)


def test_average_is_the_mean_of_half_points_weighted_by_steps(kind, iterate):
    game = st.Saddle(lambda x, y: x * y)

    def schedule(t):
        return 1.0 / (t + 4)

    method = kind(step_size=schedule, average=True)
    states, _ = iterate(game, (jnp.array(1.0), jnp.array(1.0)), method, 20)
    last = jax.tree.map(lambda leaf: leaf[-1], states)
    weights = schedule(np.arange(1, 21))
    expected = np.average(states.half.primal[0], weights=weights)
    np.testing.assert_allclose(method.average_point(last).primal[0], expected, rtol=1e-12)


def test_metrics_are_those_of_the_reported_point(kind, matrix_game, iterate):
    game, x0 = matrix_game
    method = kind(step_size=0.1)
    states, metrics = iterate(game, x0, method, 7)
    last = jax.tree.map(lambda leaf: leaf[-1], states)
    point = method.point(last)
    residual = game.lower(x0).residual(point, game.data).stationarity
    expected = max(float(jnp.max(jnp.abs(leaf))) for leaf in residual)
    np.testing.assert_allclose(metrics.residual[-1], expected, rtol=1e-12)
    np.testing.assert_allclose(metrics.objective[-1], point.primal[0] @ game.data @ point.primal[1])
