"""Certificates of the statements that are not a single minimisation, and of expectations."""

import json
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.certify import certify
from stationary.sets import Box, Simplex, Sphere


def words(problem, point, **options):
    return certify(problem, point, **options).verdict.word


def test_saddle_is_told_from_its_impostors():
    right = st.Saddle(lambda x, y: x @ x + 2 * x @ y - y @ y)
    zero = (np.zeros(2), np.zeros(2))
    assert words(right, zero) == "local saddle"
    assert words(right, (np.zeros(2), np.array([1e-4, 0.0]))) == "not stationary"
    assert words(st.Saddle(lambda x, y: x @ y), zero) == "stationary"
    low = certify(st.Saddle(lambda x, y: x @ x + y @ y), zero)  # y sits at a minimum
    assert low.verdict.word == "stationary, but no saddle point" and not low.passed
    assert low.curvature["x"].sign == 1 and low.curvature["y"].sign == -1
    high = certify(st.Saddle(lambda x, y: -(x @ x) - y @ y), zero)
    assert high.curvature["x"].sign == -1 and high.curvature["y"].sign == 1


def test_matrix_game_on_simplices():
    payoff = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
    game = st.Saddle(lambda x, y: x @ payoff @ y, Simplex(), Simplex())
    third = np.full(3, 1 / 3)
    assert words(game, (third, third)) == "stationary"
    assert words(game, (np.array([0.4, 0.3, 0.3]), third)) == "not stationary"


def test_equilibrium():
    shift = np.array([1.0, -2.0])
    turn = np.array([[1.0, 2.0], [-2.0, 1.0]])  # no gradient
    problem = st.VariationalInequality(lambda x: turn @ (x - shift))
    assert words(problem, shift) == "stationary"
    assert words(problem, shift + 1e-4) == "not stationary"
    boxed = st.VariationalInequality(lambda x: x - shift, Box(0, np.inf))
    assert words(boxed, np.array([1.0, 0.0])) == "stationary"
    assert words(boxed, np.array([1.0, 0.1])) == "not stationary"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_balance_weighs_objectives_by_name(scale):
    a, b = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    problem = st.Balance(
        {"a": lambda x: jnp.sum((x - a) ** 2), "b": lambda x: scale * jnp.sum((x - b) ** 2)}
    )
    found = certify(problem, 0.75 * a + 0.25 * b)
    assert found.passed, str(found)
    # 2 w_a (x - a) + 2 w_b scale (x - b) = 0 at the point a quarter of the way to b.
    ratio = found.weights["b"] * scale / found.weights["a"]
    assert ratio == pytest.approx(1 / 3, rel=1e-6)
    assert sum(found.weights.values()) == pytest.approx(1)
    assert words(problem, 0.75 * a + 0.25 * b + 1e-3) == "not stationary"
    assert words(problem, a) in ("local minimum", "stationary")  # best for one of them
    worst = st.Balance(
        {"a": lambda x: -jnp.sum((x - a) ** 2), "b": lambda x: -jnp.sum((x - b) ** 2)}
    )
    assert words(worst, (a + b) / 2) == "saddle, not a minimum"


def test_balance_of_three_under_a_constraint():
    corners = np.eye(3)
    problem = st.Balance(
        {f"to {i}": lambda x, c=c: jnp.sum((x - c) ** 2) for i, c in enumerate(corners)},
        {"cap": st.at_most(lambda x: jnp.sum(x), 0.5)},
    )
    found = certify(problem, np.full(3, 1 / 6))
    assert found.passed and found.multipliers == "estimated"
    np.testing.assert_allclose(list(found.weights.values()), 1 / 3, atol=1e-8)
    assert found.duals["cap"] == pytest.approx(1 / 3, abs=1e-8)
    assert words(problem, np.array([0.5, 0.3, -0.3])) == "not stationary"


def test_nested_levels_are_judged_apart():
    problem = st.Nested(
        upper=lambda x, y: (x - 1.0) ** 2 + y**2, lower=lambda x, y: 3 * (y - x) ** 2
    )
    half = np.array(0.5)
    found = certify(problem, (half, half))
    assert found.passed and found.objective == {"upper": 0.5, "lower": 0.0}
    off = certify(problem, (np.array(0.501), np.array(0.501)))
    assert [check.name for check in off.failures] == ["x"]
    off = certify(problem, (half, np.array(0.501)))
    assert "y" in [check.name for check in off.failures]
    upside_down = st.Nested(problem.leader, lambda x, y: -3 * (y - x) ** 2)
    assert words(upside_down, (half, half)) == "saddle, not a minimum"


def test_nested_with_an_active_lower_constraint():
    # y = min(x, 0.2), so beyond 0.2 the upper problem is (x - 1)^2 up to x + y <= 0.6.
    problem = st.Nested(
        st.Minimize(
            lambda x, y: (x - 1.0) ** 2 + y**2, {"sum": st.at_most(lambda x, y: x + y, 0.6)}
        ),
        st.Minimize(lambda x, y: (y - x) ** 2, {"cap": st.at_most(lambda x, y: y, 0.2)}),
    )
    found = certify(problem, (np.array(0.4), np.array(0.2)))
    assert found.passed, str(found)
    assert found.duals["lower cap"] == pytest.approx(0.4)
    assert found.duals["sum"] == pytest.approx(1.2)


def gaussian(batch_size=4):
    return st.Draws(lambda key: jax.random.normal(key, (2,)) + 1.0, batch_size)


def test_fresh_draws_come_with_standard_errors():
    problem = st.Minimize(st.Expectation(lambda x, z: jnp.sum((x - z) ** 2), gaussian()))
    found = certify(problem, np.ones(2), samples=2048)
    assert found.passed, str(found)
    (check,) = found.checks
    # The gradient is 2 (x - mean z), of standard error 2 / sqrt(2048), over a force of 2.
    assert check.error == pytest.approx(1 / np.sqrt(2048), rel=0.5)
    assert found.errors["objective"] == pytest.approx(2 / np.sqrt(2048), rel=0.5)
    assert words(problem, np.array([1.0, 1.3]), samples=2048) == "not stationary"
    other = certify(problem, np.ones(2), samples=2048, seed=1)
    assert other.objective != found.objective


def test_expected_constraint_is_judged_within_its_error():
    problem = st.Minimize(
        lambda x: jnp.sum((x - 2) ** 2),
        {"mean": st.at_most(st.Expectation(lambda x, z: x @ z, gaussian()), 2.0)},
    )
    assert certify(problem, np.ones(2), samples=2048).passed
    found = certify(problem, np.full(2, 1.2), samples=2048)
    assert {check.kind for check in found.failures} >= {"feasibility"}


def test_finite_data_is_used_whole():
    rows = np.random.default_rng(0).normal(size=(1500, 2))  # more than a chunk, and no multiple
    problem = st.Minimize(
        st.Expectation(lambda x, row: jnp.sum((x - row) ** 2), st.Batches(rows, 7)), convex=True
    )
    found = certify(problem, rows.mean(0), tol=1e-12)
    assert found.verdict.word == "optimal" and not found.errors
    assert found.objective == pytest.approx(np.mean(np.sum((rows - rows.mean(0)) ** 2, 1)))


def test_surrogates_guide_and_true_functions_judge():
    def rate(x):
        return jnp.mean(x > 0.0).astype(float)

    problem = st.Minimize(
        lambda x: jnp.sum((x - 1) ** 2),
        {"rate": st.at_most(rate, 0.4, surrogate=lambda x: jnp.mean(jax.nn.sigmoid(x)))},
    )
    found = certify(problem, np.array([1.0, 1.0]))
    assert found.verdict.word == "infeasible point" and any("surrogate" in n for n in found.notes)


def test_second_certificate_compiles_nothing():
    def build(target):
        return st.Minimize(
            lambda x: jnp.sum((x - target) ** 2), {"cap": st.at_most(jnp.sum, 1.0)}, Box(-1, 1)
        )

    traced = []
    certify(build(jnp.array([1.0, 1.0])), jnp.array([0.5, 0.5]))
    jax.monitoring.register_event_duration_secs_listener(
        lambda name, *_, **__: traced.append(name) if "backend_compile" in name else None
    )
    try:
        again = certify(build(jnp.array([1.0, 2.0])), jnp.array([0.0, 1.0]))
    finally:
        jax.monitoring.clear_event_listeners()
    assert again.passed and traced == []


@pytest.mark.parametrize("start, sign", [(0, 1), (1, -1)])
def test_large_problem_without_a_hessian(start, sign):
    scales = 1 + 9 * (np.arange(2100) > 0) + 90 * (np.arange(2100) > 1)
    problem = st.Minimize(lambda x: jnp.sum(scales * x**2), over=Sphere())
    found = certify(problem, np.eye(1, 2100, start)[0], second_order=True)
    assert found.curvature["x"].sign == sign
    assert found.curvature["x"].smallest == pytest.approx(18 * sign, rel=1e-6)
    assert any("300" not in n for n in certify(problem, np.eye(1, 2100)[0]).notes)


def test_certificate_can_be_stored_sent_and_read():
    problem = st.Minimize(lambda x: jnp.sum(x), over={"a": Simplex(), "b": Box(0, np.inf)})
    point = {"a": np.array([0.5, 0.5]), "b": np.array([np.nan])}
    for x in (point, {**point, "b": np.zeros(1)}):
        summed = st.Minimize(lambda x: jnp.sum(x["a"]) + jnp.sum(x["b"]), over=problem.over)
        found = certify(summed, x)
        again = pickle.loads(pickle.dumps(found))
        assert again.to_dict() == found.to_dict()
        read = json.loads(json.dumps(found.to_dict(), allow_nan=False))
        assert read["verdict"] == found.verdict.word and read["passed"] == found.passed
        assert str(found).splitlines()[0].startswith(found.verdict.word)
        assert max(map(len, str(found).splitlines())) <= 100
    assert {check.name for check in found.checks} == {"x['a']", "x['b']"}
    assert set(found.set_prices) == {"x['a']"}


def test_malformed_requests_are_refused():
    problem = st.Minimize(lambda x: jnp.sum(x**2), {"sum": st.equal(jnp.sum, 1.0)})
    x = np.full(2, 0.5)
    with pytest.raises(TypeError, match="needs the point"):
        certify(problem)
    with pytest.raises(TypeError):
        certify("problem", x)
    with pytest.raises(ValueError, match="tol must be positive"):
        certify(problem, x, tol=0.0)
    with pytest.raises(ValueError, match="duals name 'other'"):
        certify(problem, x, duals={"other": 1.0})
    with pytest.raises(ValueError, match="has shape"):
        certify(problem, x, duals={"sum": np.ones(2)})
    with pytest.raises(ValueError, match="samples"):
        certify(problem, x, samples=10)
    with pytest.raises(TypeError, match="real and floating"):
        certify(problem, np.array([1, 0]))
