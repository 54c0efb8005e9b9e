"""Epsilon descent between bounds and under inequalities: exact answers and multipliers."""

import itertools

import cvxpy
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import EpsilonDescent


def distance(x):
    return jnp.abs(x[0]) + jnp.abs(x[1] - 1)


def solve(problem, start, method=None, **options):
    found = st.solve(problem, jnp.asarray(start, float), method or EpsilonDescent(), **options)
    assert found.status is st.Status.CONVERGED, found.status
    return found


@pytest.mark.parametrize(
    ("lower", "upper", "answer"),
    [
        ([0.5, -5.0], [3.0, 0.25], [0.5, 0.25]),
        ([0.5, -5.0], [3.0, 5.0], [0.5, 1.0]),
        ([-5.0, -5.0], [5.0, 5.0], [0.0, 1.0]),
        ([1.5, -5.0], [1.5, 0.0], [1.5, 0.0]),
    ],
    ids=["corner", "edge", "inside", "fixed entry"],
)
def test_the_nearest_point_of_a_box(lower, upper, answer):
    problem = st.Minimize(distance, over=st.Box(np.array(lower), np.array(upper)))
    np.testing.assert_allclose(solve(problem, [1.5, -3.0]).value, answer, atol=1e-6)


def tilted(x):
    return 2 * jnp.abs(x[0]) + jnp.abs(x[1] - 1)


def shortfall(x, units):
    return units * (1.5 - x[0] - x[1])


@pytest.mark.parametrize("units", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("start", [[2.0, 3.0], [-2.0, -3.0]], ids=["inside", "outside"])
def test_a_linear_constraint_and_its_multiplier(units, start):
    # 2 |x| + |y - 1| over x + y >= 3/2: at (0, 3/2), where 1 is what a unit of the bound costs.
    problem = st.Minimize(tilted, {"sum": st.at_most(shortfall)}, data=jnp.array(units))
    found = solve(problem, start)
    np.testing.assert_allclose(found.value, [0.0, 1.5], atol=1e-5)
    np.testing.assert_allclose(units * found.duals["sum"], 1.0, atol=1e-5)


def test_a_smooth_answer_passes_the_certificate_with_its_multipliers():
    problem = st.Minimize(
        lambda x: jnp.sum((x - jnp.array([1.0, 2.0, -1.0])) ** 2),
        {"sum": st.at_most(lambda x: x[0] + x[1], 1.0)},
        over=st.Box(0.0, 3.0),
    )
    found = solve(problem, jnp.zeros(3))
    np.testing.assert_allclose(found.value, [0.0, 1.0, 0.0], atol=1e-5)
    np.testing.assert_allclose(found.duals["sum"], 2.0, atol=1e-4)
    certificate = st.certify(problem, found.point, tol=1e-5)
    assert certificate.passed and certificate.multipliers == "given"
    wrong = st.Point(found.point.primal, {"sum": -found.duals["sum"]})
    assert not st.certify(problem, wrong, tol=1e-5).passed


def test_maximising_has_multipliers_of_the_same_sign():
    problem = st.Maximize(lambda x: -jnp.abs(x - 2.0), {"cap": st.at_most(lambda x: x, 0.5)})
    found = solve(problem, jnp.array(-1.0))
    np.testing.assert_allclose(found.value, 0.5, atol=1e-6)
    np.testing.assert_allclose(found.duals["cap"], 1.0, atol=1e-6)


def test_a_kinked_constraint_shares_its_multiplier_among_its_entries():
    target = jnp.array([1.0, 2.0, 0.0])
    square = lambda x: jnp.sum((x - target) ** 2)  # noqa: E731
    of_all = solve(st.Minimize(square, {"cap": st.at_most(jnp.max, 0.5)}), jnp.zeros(3))
    of_each = solve(st.Minimize(square, {"cap": st.at_most(lambda x: x, 0.5)}), jnp.zeros(3))
    for found in (of_all, of_each):
        np.testing.assert_allclose(found.value, [0.5, 0.5, 0.0], atol=1e-5)
    np.testing.assert_allclose(of_each.duals["cap"], [1.0, 3.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(of_all.duals["cap"], 4.0, atol=1e-4)


def test_against_a_convex_solver(getkey):
    slopes, heights = jax.random.normal(getkey(), (6, 5)), jax.random.normal(getkey(), (6,))
    mixed = jax.random.normal(getkey(), (3, 5))
    problem = st.Minimize(
        lambda x: jnp.max(slopes @ x + heights) + 0.5 * x @ x,
        {
            "rows": st.at_most(lambda x: mixed @ x, -0.3),
            "size": st.at_most(lambda x: jnp.sum(jnp.abs(x)), 1.5),
        },
        over=st.Box(-0.6, 0.4),
    )
    x = cvxpy.Variable(5)
    cost = cvxpy.max(np.asarray(slopes) @ x + np.asarray(heights)) + 0.5 * cvxpy.sum_squares(x)
    rows = [np.asarray(mixed) @ x <= -0.3, cvxpy.norm1(x) <= 1.5]
    best = cvxpy.Problem(cvxpy.Minimize(cost), [*rows, x >= -0.6, x <= 0.4])
    best.solve(cvxpy.CLARABEL)
    assert best.status == "optimal"
    found = solve(problem, jnp.zeros(5), max_steps=20_000)
    np.testing.assert_allclose(found.objective, best.value, atol=1e-5)
    np.testing.assert_allclose(found.value, x.value, atol=1e-3)
    np.testing.assert_allclose(found.duals["rows"], rows[0].dual_value, atol=2e-2)
    np.testing.assert_allclose(found.duals["size"], rows[1].dual_value, atol=2e-2)


def test_two_objectives_end_on_the_pareto_set_that_the_constraint_leaves(getkey):
    # From (0, 0), best for a, along y = 0 to the constraint, and along that to (2, -3/2), best for
    # b: a (s, t) + b (-2, -1) + c (1, 1) = 0 with s, t of the subdifferentials of |x| and |y|.
    problem = st.Balance(
        {
            "a": lambda x: jnp.sum(jnp.abs(x)),
            "b": lambda x: 2 * jnp.abs(x[0] - 2) + jnp.abs(x[1] - 1),
        },
        {"cap": st.at_most(jnp.sum, 0.5)},
    )
    starts = jax.random.uniform(getkey(), (20, 2), minval=-5, maxval=5)
    run = lambda x: st.run(problem, x, EpsilonDescent(), tol=1e-5, differentiable=False)  # noqa: E731
    ends = jax.jit(jax.vmap(run))(starts)
    assert np.all(ends.status == st.Status.CONVERGED)
    x = np.asarray(ends.point.primal)
    corners = np.array([[0.0, 0.0], [0.5, 0.0], [2.0, -1.5]])
    away = []
    for one, other in itertools.pairwise(corners):
        along = other - one
        share = np.clip((x - one) @ along / (along @ along), 0, 1)[:, None]
        away.append(np.linalg.norm(x - (one + share * along), axis=1))
    assert np.max(np.min(away, axis=0)) < 1e-4
    assert np.max(x.sum(axis=1)) <= 0.5
    # On the slope the weights are 1/3 and 2/3, and the multiplier makes up for both.
    slope = (x[:, 0] > 0.51) & (x[:, 0] < 1.99)
    assert np.any(slope)
    np.testing.assert_allclose(ends.point.duals["cap"][slope], 1.0, atol=1e-4)


def test_no_constraint_is_violated_once_all_hold_and_objectives_fall():
    problem = st.Minimize(
        lambda x: jnp.abs(x[0] - 2) + 0.5 * jnp.abs(x[1] - 2),
        {"disc": st.at_most(lambda x: x @ x, 1.0)},
    )
    method, start = EpsilonDescent(), jnp.array([-3.0, 1.0])
    system = problem.lower(start)
    state = method.init(system, st.Point(start, system.zero_duals(start)), None)
    step, seen, moves = eqx.filter_jit(method.step), [], 0
    for _ in range(300):
        state, metrics = step(system, state)
        if int(state.moves) > moves:
            moves = int(state.moves)
            seen.append(np.asarray(state.values))
        if metrics.residual <= 1e-6:
            break
    objective, violation = np.array(seen).T
    entered = int(np.argmax(violation <= 0))
    assert 0 < entered < len(seen) - 1
    assert np.all(np.diff(violation[: entered + 1]) < 0)
    assert np.all(violation[entered:] <= 0)
    assert np.all(np.diff(objective[entered:]) < 0)
    # The corner of the objective is out of reach: on the circle, where (2, 1) / sqrt(5) is normal.
    np.testing.assert_allclose(state.primal, np.array([2.0, 1.0]) / np.sqrt(5), atol=1e-5)
    np.testing.assert_allclose(state.duals["disc"], np.sqrt(5) / 4, atol=1e-5)


def test_constraints_that_contradict_each_other_are_told():
    problem = st.Minimize(
        distance, {"left": st.at_most(lambda x: x[0], 1.0), "right": st.at_most(lambda x: 3 - x[0])}
    )
    found = st.solve(problem, jnp.zeros(2), EpsilonDescent())
    assert found.status is st.Status.INFEASIBLE
    np.testing.assert_allclose(found.value[0], 2.0, atol=1e-6)
    assert found.certificate.verdict.word == "infeasible problem"


def test_a_constraint_that_jumps_is_told():
    problem = st.Minimize(
        lambda x: jnp.sum(x),
        {"jump": st.at_most(lambda x: jnp.where(x[0] > 0, -1, 1) + 0.1 * jnp.sum(x))},
    )
    found = st.solve(problem, jnp.array([0.03, 0.04]), EpsilonDescent())
    assert found.status is st.Status.INCONSISTENT
    assert any("the largest of the constraints jump: 50" in word for word in found.stats.notices)
