"""Statements inside one another: several objectives, players and constraints above and below."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import BilevelDescent, ExtraGradient, PastExtraGradient, Restarted

RESPONSES = [st.Implicit(), st.ValueFunction(1e4), st.Unrolled(40, 0.4)]


def lower(x, y):
    return 0.5 * jnp.sum((y - x) ** 2)


def follows_the_first(x, y):
    return 0.5 * (y - x[0]) ** 2


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_a_balance_above(response):
    # Along y = x the objectives are squares around 0 and around (1, 1): balanced in between.
    upper = st.Balance(
        {
            "near 0": lambda x, y: jnp.sum(x * y),
            "near 1": lambda x, y: jnp.sum((x - 1) * (y - 1)),
        }
    )
    method = BilevelDescent(0.1, inner_steps=5)
    start = (np.array([2.0, -1.0]), np.zeros(2))
    solution = st.solve(st.Nested(upper, lower, response), start, method, progress=False)
    x = solution.value[0]
    assert solution.status is st.Status.CONVERGED
    np.testing.assert_allclose(x, x[::-1], atol=2e-3)
    assert 0 <= x[0] <= 1
    found = st.certify(solution, tol=1e-3)
    assert found.passed
    weight = found.weights["near 1"]
    np.testing.assert_allclose(x, weight, atol=5e-3)


def test_a_constrained_balance_above_a_constrained_problem():
    # The lower answer is x moved to the line sum(y) = 1; the upper level wants y[0] at most 0.4,
    # which binds where the objectives, squares of y around (1, 0) and (2, 0), pull beyond it.
    upper = st.Balance(
        {
            "one": lambda x, y: jnp.sum((y - jnp.array([1.0, 0.0])) ** 2) + 0.1 * jnp.sum(x**2),
            "two": lambda x, y: jnp.sum((y - jnp.array([2.0, 0.0])) ** 2) + 0.1 * jnp.sum(x**2),
        },
        {"cap": st.at_most(lambda x, y: y[0], 0.4)},
    )
    follower = st.Minimize(lower, {"line": st.equal(lambda x, y: jnp.sum(y), 1.0)})
    problem = st.Nested(upper, follower, st.Implicit())
    method = BilevelDescent(0.1, (0.3, 0.3), inner_steps=10, dual=0.5)
    start = (np.array([0.0, 0.5]), np.array([0.5, 0.5]))
    solution = st.solve(problem, start, method, progress=False, max_steps=20_000, tol=1e-6)
    x, y, multipliers = solution.value
    # Along the line y = (1 + (x0 - x1), 1 - (x0 - x1)) / 2; the shortest x with y[0] = 0.4.
    np.testing.assert_allclose(y, [0.4, 0.6], atol=1e-3)
    np.testing.assert_allclose(x, [-0.1, 0.1], atol=1e-3)
    np.testing.assert_allclose(multipliers["line"], x[0] - y[0], atol=1e-3)
    assert float(solution.duals["cap"]) > 0
    assert st.certify(solution, tol=1e-3).passed


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_players_above(response):
    # With y = u the payoff is u^2 + 2 u v - v^2 - u, whose saddle is at u = v = 1/4.
    def payoff(u, v, y):
        return u * y + u * v + y * v - v**2 - y

    problem = st.Nested(st.Saddle(payoff), follows_the_first, response)
    start = ((np.array(1.0), np.array(-1.0)), np.array(0.0))
    method = ExtraGradient(0.1)
    if isinstance(response, st.ValueFunction):  # steep in y: many short steps below
        method = BilevelDescent(0.1, inner_steps=20)
    solution = st.solve(problem, start, method, progress=False)
    (u, v), y = solution.value[:2]
    assert (float(u), float(v), float(y)) == pytest.approx((0.25, 0.25, 0.25), abs=1e-3)
    found = st.certify(solution, tol=1e-3)
    assert found.passed
    assert {"x[0]", "x[1]", "y"} <= {check.name for check in found.checks}


TURN = jnp.array([[0.0, 1.0], [-1.0, 0.0]])


def bilinear(u, v, y):
    return u @ v + y @ TURN @ v - jnp.sum(u) + v[0]


def weighted(x, y):
    return 0.5 * jnp.sum(jnp.array([1.0, 2.0]) * y**2) - y @ x[0]


def bilinear_saddle():
    # With y = (u0, u1 / 2) the payoff is u' K v - u0 - u1 + v0: two linear systems.
    coupling = np.eye(2) + np.diag([1.0, 0.5]) @ np.asarray(TURN)
    u = np.linalg.solve(coupling.T, [-1.0, 0.0])
    return u, np.linalg.solve(coupling, [1.0, 1.0]), u / [1.0, 2.0]


def test_a_bilinear_game_above_an_answer_that_is_solved_for():
    follower = st.Minimize(lambda y, x: weighted(x, y))

    def reduced(u, v):
        method = st.methods.AugmentedLagrangian()
        found = st.run(follower, jnp.zeros(2), method, data=(u, v), tol=1e-10)
        return bilinear(u, v, found.point.primal)

    start = (np.zeros(2), np.zeros(2))
    outcome = st.run(st.Saddle(reduced), start, PastExtraGradient(), tol=1e-8, differentiable=False)
    u, v = outcome.point.primal
    known = bilinear_saddle()
    np.testing.assert_allclose(u, known[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(v, known[1], rtol=0, atol=1e-6)
    # The same answer by the conditions of the nested problem, which know nothing of that loop.
    nested = st.Nested(st.Saddle(bilinear), weighted, st.Implicit())
    assert st.certify(nested, ((u, v), known[2]), tol=1e-6).passed


def test_a_bilinear_game_above_an_answer_that_lags():
    # What y lags behind drives the players apart; averages of a whole turn do without it.
    problem = st.Nested(st.Saddle(bilinear), weighted, st.Implicit())
    start = ((np.zeros(2), np.zeros(2)), np.zeros(2))
    apart = st.run(problem, start, ExtraGradient(), differentiable=False)
    assert st.Status(int(apart.status)) is st.Status.DIVERGED
    method = Restarted(ExtraGradient())
    outcome = st.run(problem, start, method, tol=1e-8, differentiable=False)
    (u, v), y = outcome.point.primal
    for found, known in zip((u, v, y), bilinear_saddle(), strict=True):
        np.testing.assert_allclose(found, known, rtol=0, atol=1e-6)


def test_players_above_have_a_default_method():
    problem = st.Nested(
        st.Saddle(lambda u, v, y: u * v + y * v - u + u**2 - v**2, minimize_over=st.Box(-1.0, 0.2)),
        follows_the_first,
        st.Implicit(),
    )
    start = ((np.array(0.1), np.array(0.5)), np.array(0.0))
    solution = st.solve(problem, start, progress=False)
    (u, v), _ = solution.value
    assert (float(u), float(v)) == pytest.approx((0.2, 0.2), abs=1e-4)


def test_a_nested_problem_says_what_is_above():
    several = st.Nested(st.Balance({"a": lambda x, y: x}), lower, st.Implicit())
    assert several.describe()[0] == "balance over x: a: <lambda>(x, y)"
    players = st.Nested(st.Saddle(lambda u, v, y: u), lower, st.Implicit())
    assert "minimise over x[0], maximise over x[1]" in players.describe()[0]


def test_what_composition_refuses():
    pair = (np.array(0.0), np.array(0.0))
    several = st.Balance({"a": lambda x, y: x * y, "b": lambda x, y: -x * y})
    with pytest.raises(TypeError, match=r"KKT\(\) needs one upper objective"):
        st.solve(st.Nested(several, lower), pair)
    with pytest.raises(TypeError, match="one objective at a time"):
        st.methods.hypergradient(st.Nested(several, lower, st.Implicit()), *pair)
    with pytest.raises(TypeError, match="Balance"):
        st.Nested(lower, several)
    with pytest.raises(TypeError, match="data of its own"):
        st.Nested(st.Saddle(lambda u, v, y: u, data=np.ones(1)), lower)
