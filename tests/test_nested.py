"""Nested problems: every response against one closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st

A = np.array([[2.0, 0.5], [0.5, 1.0]])
B = np.array([[1.0, -1.0], [0.3, 2.0]])
TARGET = np.array([1.0, -2.0])


def upper(x, y):
    return jnp.sum((y - TARGET) ** 2) + 0.1 * jnp.sum(x**2)


def lower(x, y):
    return 0.5 * y @ A @ y - y @ B @ x


def closed_form():
    # y(x) = A^-1 B x, so the upper problem is ridge regression.
    response = np.linalg.solve(A, B)
    x = np.linalg.solve(response.T @ response + 0.1 * np.eye(2), response.T @ TARGET)
    return x, response @ x


def descend(problem, rate, steps):
    pair = (jnp.zeros(2), jnp.zeros(2))
    system = problem.lower(pair)
    point = problem.embed(pair)

    def step(point, _):
        direction = system.linearize(point).direction({})
        return jax.tree.map(lambda p, d, r: p - r * d, point, direction, rate[: len(point)]), None

    return jax.lax.scan(step, point, None, steps)[0]


def test_kkt_conditions_as_constraints():
    solution = st.solve(st.Nested(upper, lower), (np.zeros(2), np.zeros(2)), tol=1e-9)
    for got, want in zip(solution.value, closed_form(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-7)
    # The multiplier of the lower stationarity is the adjoint: A w + grad_y F = 0.
    gradient = jax.grad(upper, argnums=1)(*solution.value)
    np.testing.assert_allclose(solution.duals["lower"], -np.linalg.solve(A, gradient), atol=1e-6)


@pytest.mark.parametrize("method", [st.methods.InteriorPoint(), st.methods.TrustRegionSQP()])
def test_second_derivatives_through_smooth_lower_conditions(method):
    pair = (np.zeros(2), np.zeros(2))
    solution = st.solve(st.Nested(upper, lower), pair, method, progress=False)
    assert solution.status.word == "converged"
    for got, want in zip(solution.value, closed_form(), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-5)
    bounded = st.Nested(upper, st.Minimize(lower, over=st.Box(-1.0, 1.0)))
    with pytest.raises(TypeError, match="kinks"):
        st.solve(bounded, pair, method, progress=False)


def test_an_active_lower_constraint():
    # y minimises (y - x)^2 over y >= 0.5, and x = 0.2 is best whatever y is: y sits at 0.5.
    problem = st.Nested(
        lambda x, y: (x - 0.2) ** 2 + y**2,
        st.Minimize(lambda x, y: (y - x) ** 2, {"floor": st.at_most(lambda x, y: 0.5 - y)}),
    )
    solution = st.solve(problem, (np.array(0.0), np.array(1.0)), tol=1e-8)
    x, y, multipliers = solution.value
    assert (float(x), float(y)) == pytest.approx((0.2, 0.5), abs=1e-6)
    assert float(multipliers["floor"]) == pytest.approx(0.6, abs=1e-5)


def test_a_set_for_the_lower_variable():
    problem = st.Nested(
        lambda x, y: (x - 0.2) ** 2 + y**2,
        st.Minimize(lambda x, y: (y - x) ** 2, over=st.Box(0.5, 2.0)),
        st.Implicit(),
    )
    system = problem.lower((jnp.array(0.0), jnp.array(1.0)))
    at = st.Point((jnp.array(0.2), jnp.array(0.5)), {})
    residual = system.residual(at)
    assert [float(r) for r in residual.stationarity] == pytest.approx([0, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("response", "rate", "tolerance"),
    [
        (st.Implicit(), (0.05, 0.3), 1e-8),
        (st.Unrolled(60, 0.3), (0.05, 0.3), 1e-5),
        (st.ValueFunction(100.0), (1e-3, 0.3, 0.3), 0.05),
    ],
    ids=["implicit", "unrolled", "value function"],
)
def test_first_order_responses(response, rate, tolerance):
    found = descend(st.Nested(upper, lower, response), rate, 4000)
    for got, want in zip(found[:2], closed_form(), strict=True):
        np.testing.assert_allclose(got, want, atol=tolerance)


def test_the_implicit_hypergradient_is_the_derivative():
    problem = st.Nested(upper, lower, st.Implicit())
    x = jnp.array([0.3, -0.7])
    y = jnp.linalg.solve(A, B @ x)
    direction, _ = problem.lower((x, y)).linearize((x, y)).direction({})
    exact = jax.grad(lambda x: upper(x, jnp.linalg.solve(A, B @ x)))(x)
    np.testing.assert_allclose(direction, exact, rtol=1e-10)


def test_what_a_nested_problem_refuses():
    with pytest.raises(TypeError, match=r"x0=\(x, y\)"):
        st.solve(st.Nested(upper, lower), np.zeros(2))
    constrained = st.Minimize(lower, {"cap": st.at_most(lambda x, y: y, 1.0)})
    with pytest.raises(TypeError, match=r"response=ValueFunction .*\['cap'\]"):
        st.solve(st.Nested(upper, constrained, st.ValueFunction()), (np.zeros(2), np.zeros(2)))
    with pytest.raises(TypeError, match="data of its own"):
        st.Nested(upper, st.Minimize(lower, data=np.ones(1)))
