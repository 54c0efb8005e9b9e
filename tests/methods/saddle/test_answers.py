"""The extra-gradient methods against answers found in other ways."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods.saddle import ExtraGradient, PastExtraGradient, ReflectedGradient, lipschitz


def test_matrix_game_has_the_value_of_its_linear_program(kind, matrix_game, value_of):
    game, x0 = matrix_game
    outcome = st.run(game, x0, kind(), tol=1e-8, max_steps=50_000, differentiable=False)
    assert st.Status(int(outcome.status)) is st.Status.CONVERGED
    x, y = map(np.asarray, outcome.point.primal)
    payoff = np.asarray(game.data)
    value = value_of(payoff)
    np.testing.assert_allclose((payoff.T @ x).max(), value, atol=1e-6)
    np.testing.assert_allclose((payoff @ y).min(), value, atol=1e-6)


def test_constrained_convex_problem_with_its_multipliers(kind):
    # min |x - (2, 1)|^2 with x1 + x2 <= 1 and x1 = 2 x2: x = (2/3, 1/3), from stationarity.
    problem = st.Minimize(
        lambda x: (x[0] - 2.0) ** 2 + (x[1] - 1.0) ** 2,
        subject_to={
            "sum": st.at_most(jnp.sum, 1.0),
            "ratio": st.equal(lambda x: x[0] - 2 * x[1]),
            "slack": st.at_most(lambda x: x, 5.0),
        },
    )
    point = st.run(problem, jnp.zeros(2), kind(), tol=1e-8, differentiable=False).point
    np.testing.assert_allclose(point.primal, [2 / 3, 1 / 3], atol=1e-6)
    # -2 (x - a) = dual_sum (1, 1) + dual_ratio (1, -2)
    np.testing.assert_allclose(point.duals["sum"], 20 / 9, atol=1e-6)
    np.testing.assert_allclose(point.duals["ratio"], 4 / 9, atol=1e-6)
    np.testing.assert_allclose(point.duals["slack"], 0.0, atol=1e-8)


def test_variational_inequality_in_a_box(kind):
    # V = skew + identity, with the answer on the boundary: checked by its definition.
    matrix = jnp.array([[1.0, 2.0, 0.0], [-2.0, 1.0, 1.0], [0.0, -1.0, 1.0]])
    offset = jnp.array([3.0, 1.0, -2.0])
    problem = st.VariationalInequality(
        lambda x, d: d[0] @ x - d[1], st.sets.Box(-1, 1), (matrix, offset)
    )
    x = st.run(problem, jnp.zeros(3), kind(), tol=1e-9, differentiable=False).point.primal
    value = matrix @ x - offset
    corners = jnp.stack(jnp.meshgrid(*[jnp.array([-1.0, 1.0])] * 3), -1).reshape(-1, 3)
    assert jnp.min((corners - x) @ value) >= -1e-7
    assert jnp.max(jnp.abs(x)) <= 1 + 1e-9


@pytest.mark.parametrize("over", [st.sets.Box(0.0, 5.0), None], ids=["box", "free"])
def test_step_is_shortened_where_the_operator_is_steeper_than_at_the_start(kind, over):
    # The slope is 4 x^3: nearly 0 at the start, 4 at the answer.
    problem = st.VariationalInequality(lambda x: x**4 - 1.0, over)
    outcome = st.run(problem, jnp.full(2, 0.01), kind(), differentiable=False)
    np.testing.assert_allclose(outcome.point.primal, 1.0, atol=1e-6)


def test_lipschitz_constant_is_the_spectral_norm(getkey):
    matrix = jax.random.normal(getkey(), (8, 8))
    problem = st.VariationalInequality(lambda x, m: m @ x, data=matrix)
    found = lipschitz(problem, jnp.zeros(8), iterations=300)
    np.testing.assert_allclose(found, np.linalg.norm(matrix, 2), rtol=1e-6)


def test_lipschitz_constant_includes_the_multipliers():
    problem = st.Minimize(lambda x: 0.5 * jnp.sum(x**2), {"sum": st.equal(jnp.sum, 1.0)})
    expected = np.linalg.norm([[1.0, 0, 1], [0, 1, 1], [-1, -1, 0]], 2)
    np.testing.assert_allclose(lipschitz(problem, jnp.zeros(2)), expected, rtol=1e-6)


def test_noise_averages_out_at_decreasing_steps(kind, iterate):
    # Many independent copies of one problem at once: the mean square distance falls like 1/t.
    copies, dim = 128, 2

    def sampled(x, noise):
        turned = jnp.stack([x[:, 0] + 2 * x[:, 1], x[:, 1] - 2 * x[:, 0]], axis=1)
        return turned + noise

    stream = st.Draws(lambda key: jax.random.normal(key, (copies, dim)), batch_size=1, seed=3)
    problem = st.VariationalInequality(st.Expectation(sampled, stream))
    method = kind(step_size=lambda t: 2.0 / (t + 20.0))

    states, _ = iterate(problem, jnp.ones((copies, dim)), method, 4000)
    mean_square = jnp.mean(jnp.sum(states.base.primal**2, axis=2), axis=1)
    slope = np.log10(mean_square[3999] / mean_square[399])
    assert -1.25 < slope < -0.75


def test_old_samples_are_reused_by_single_call_methods(single_call, iterate):
    # One fresh sample per step: the operator's calls see indices 0, 1, 2, ...
    stream = st.Batches(np.arange(1.0, 9.0), batch_size=1, shuffle=False)
    problem = st.VariationalInequality(st.Expectation(lambda x, row: 0 * x + row, stream))
    states, _ = iterate(problem, jnp.zeros(()), single_call(step_size=1.0), 5)
    np.testing.assert_allclose(states.value.primal, [2.0, 3.0, 4.0, 5.0, 6.0])


def test_two_calls_of_extragradient_see_different_samples(iterate):
    stream = st.Batches(np.arange(1.0, 9.0), batch_size=1, shuffle=False)
    problem = st.VariationalInequality(st.Expectation(lambda x, row: 0 * x + row, stream))
    states, _ = iterate(problem, jnp.zeros(()), ExtraGradient(step_size=1.0), 3)
    before = jnp.concatenate([jnp.zeros(1), states.base.primal[:-1]])
    np.testing.assert_allclose(before - states.half.primal, [2.0, 4.0, 6.0])
    np.testing.assert_allclose(states.value.primal, [3.0, 5.0, 7.0])


@pytest.mark.parametrize("method", [PastExtraGradient(), ReflectedGradient(step_size=0.3)])
def test_derivative_of_an_equilibrium(method):
    def answer(a):
        problem = st.VariationalInequality(lambda x, a: a * x - 1.0, data=a)
        return st.run(problem, jnp.array(0.5), method, tol=1e-10).point.primal

    np.testing.assert_allclose(jax.grad(answer)(jnp.array(2.0)), -0.25, rtol=1e-6)
