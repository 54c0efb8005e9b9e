"""Metrics, timescales and entropy: the moves that follow from them, and what is refused."""

import itertools
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import (
    EntropicGeometry,
    EuclideanGeometry,
    ExtraGradient,
    GradientDescentAscent,
    OptimisticGradient,
    PastExtraGradient,
    ReflectedGradient,
    StepSizeWarning,
)


def scaled_jacobian(a, c, b, timescale):
    """Lambda_tau DF of a quadratic game with Hessian [[a, c], [c', b]]."""
    jacobian = np.block([[a, c], [-c.T, -b]])
    speeds = np.r_[np.full(len(a), 1 / timescale), np.ones(len(b))]
    return speeds[:, None] * jacobian


@pytest.fixture
def quadratic(getkey):
    """A quadratic game of 3 against 2 unknowns: the statement, and its three blocks."""
    blocks = (
        jax.random.normal(getkey(), (3, 3)),
        jax.random.normal(getkey(), (3, 2)),
        -jnp.eye(2),
    )
    a, c, b = blocks[0] + blocks[0].T, blocks[1], blocks[2]

    def objective(x, y, data):
        a, c, b = data
        return x @ a @ x / 2 + x @ c @ y + y @ b @ y / 2

    return st.Saddle(objective, data=(a, c, b)), tuple(map(np.asarray, (a, c, b)))


@pytest.mark.parametrize("timescale", [1.0, 7.0])
@pytest.mark.parametrize("ahead", [True, False])
def test_steps_on_two_timescales_are_powers_of_a_matrix(quadratic, iterate, timescale, ahead):
    game, blocks = quadratic
    start = np.arange(1.0, 6.0)
    step, kind = 0.1, ExtraGradient if ahead else GradientDescentAscent
    method = kind(step, timescale=timescale)
    states, _ = iterate(game, (jnp.asarray(start[:3]), jnp.asarray(start[3:])), method, 10)
    scaled = step * scaled_jacobian(*blocks, timescale)
    one = np.eye(5) - scaled + (scaled @ scaled if ahead else 0)
    expected = np.linalg.matrix_power(one, 10) @ start
    np.testing.assert_allclose(np.hstack([x[-1] for x in states.base.primal]), expected, rtol=1e-10)


def test_a_timescale_is_a_metric_on_the_minimising_player(quadratic, kind, iterate):
    game, _ = quadratic
    x0 = (jnp.ones(3), jnp.ones(2))
    one = kind(0.1, timescale=5.0)
    other = kind(0.1, geometry=EuclideanGeometry((5.0, 1.0)))
    first, second = (iterate(game, x0, method, 30)[0].half.primal for method in (one, other))
    for left, right in zip(first, second, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-12)


def test_multipliers_are_the_fast_players_of_a_constrained_problem(iterate):
    problem = st.Minimize(
        lambda x: jnp.sum((x - 2.0) ** 2), {"sum": st.at_most(lambda x: jnp.sum(x), 1.0)}
    )
    ours = iterate(problem, jnp.zeros(2), GradientDescentAscent(0.2, timescale=4.0), 20)[0]
    theirs = iterate(
        problem, jnp.zeros(2), st.methods.PrimalDual(0.05, 0.2, order="simultaneous"), 20
    )[0]
    np.testing.assert_allclose(ours.base.primal, theirs.primal, rtol=1e-12)
    np.testing.assert_allclose(ours.base.duals["sum"], theirs.duals["sum"], rtol=1e-12)


SIMPLEX, BOX = st.Simplex(total=2.0), st.Box(-1.0, 0.5)


def corners():
    for vertex, ends in itertools.product(2 * np.eye(3), itertools.product((-1, 0.5), repeat=3)):
        yield vertex, np.array(ends)


def test_a_projected_step_is_the_nearest_point_in_the_metric(getkey, iterate):
    # z' minimises <g V, z> + |z - x|_M^2 / 2: no corner of the set lies downhill from it.
    slopes = (jax.random.normal(getkey(), (3,)), jax.random.normal(getkey(), (3,)))
    weights = (3.0, jnp.array([0.2, 1.0, 5.0]))
    problem = st.VariationalInequality(lambda _: slopes, (SIMPLEX, BOX))
    x0 = (jnp.array([1.0, 0.5, 0.5]), jnp.zeros(3))
    method = GradientDescentAscent(0.9, geometry=EuclideanGeometry(weights))
    there = jax.tree.map(lambda x: x[0], iterate(problem, x0, method, 1)[0].base.primal)
    pull = [0.9 * v + w * (z - x) for v, w, z, x in zip(slopes, weights, there, x0, strict=True)]
    assert max(float(jnp.max(jnp.abs(z - x))) for z, x in zip(there, x0, strict=True)) > 0.05
    for corner in corners():
        assert sum(p @ (c - z) for p, c, z in zip(pull, corner, there, strict=True)) >= -1e-12


def test_an_entropic_step_balances_slope_and_logarithms(getkey, iterate):
    slope = jax.random.normal(getkey(), (3,))
    problem = st.VariationalInequality(lambda _: slope, SIMPLEX)
    x0 = jnp.array([1.0, 0.75, 0.25])
    method = GradientDescentAscent(0.8, geometry=EntropicGeometry(metric=2.0))
    there = iterate(problem, x0, method, 1)[0].base.primal[0]
    np.testing.assert_allclose(jnp.sum(there), 2.0)
    # On the simplex of total R the distance is R sum z log(z / x); its slope there is a constant.
    balance = 0.8 / 2.0 * slope + 2.0 * jnp.log(there / x0)
    np.testing.assert_allclose(balance, balance[0], rtol=1e-12)


@pytest.mark.parametrize("method, fraction", [(ExtraGradient, 1.0), (PastExtraGradient, 0.5)])
def test_mirror_prox_keeps_its_bound_on_a_matrix_game(method, fraction, matrix_game, iterate):
    game, x0 = matrix_game
    payoff = np.asarray(game.data)
    # From l1 to l-infinity the operator's Lipschitz constant is the largest payoff.
    step = fraction / np.abs(payoff).max()
    made = method(step, geometry=EntropicGeometry(), average=True)
    x, y = (leaf[-1] for leaf in iterate(game, x0, made, 2000)[0].mean.primal)
    gap = (payoff.T @ x).max() - (payoff @ y).min()
    assert 0 <= gap <= (np.log(5) + np.log(6)) / (2000 * step)


def test_an_entry_that_was_zero_can_grow(iterate):
    problem = st.VariationalInequality(lambda x: jnp.array([1.0, -1.0]), st.Simplex())
    corner = jnp.array([1.0, 0.0])
    states, _ = iterate(problem, corner, ExtraGradient(50.0, geometry=EntropicGeometry()), 12)
    np.testing.assert_allclose(states.base.primal[-1], [0.0, 1.0], atol=1e-12)


def test_the_metric_makes_an_ill_conditioned_operator_a_good_one(kind):
    scales = jnp.array([1.0, 1e4])
    problem = st.VariationalInequality(lambda x: scales * (x - 1.0))
    metric = EuclideanGeometry(scales)
    outcome = st.run(problem, jnp.zeros(2), kind(geometry=metric), max_steps=200)
    assert st.Status(int(outcome.status)) is st.Status.CONVERGED
    plain = st.run(problem, jnp.zeros(2), kind(), max_steps=1000, differentiable=False)
    assert st.Status(int(plain.status)) is st.Status.MAX_STEPS


def test_an_estimated_step_is_measured_by_the_metric_and_kept(kind, iterate):
    # L in the metric (100, 1) is that of xy over 10; and no step is shortened on two timescales.
    game = st.Saddle(lambda x, y: x * y * (1 + 5 * x**2))
    method = kind(timescale=100.0)
    states, _ = iterate(game, (jnp.array(1e-3), jnp.array(1e-3)), method, 50)
    np.testing.assert_allclose(states.step, method.fraction / 0.1 / 1.05, rtol=1e-3)


def test_long_steps_are_long_in_the_metric():
    game = st.Saddle(lambda x, y: x * y)
    x0 = (jnp.array(1.0), jnp.array(1.0))
    system = game.lower(x0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ExtraGradient(9.9, timescale=100.0).check(system, st.Point(x0, {})) == []
    with pytest.warns(StepSizeWarning, match="is 1.05, but convergence is known below 1"):
        ExtraGradient(10.5, timescale=100.0).check(system, st.Point(x0, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entropic = ExtraGradient(10.5, geometry=EntropicGeometry())
        assert entropic.check(system, st.Point(x0, {})) == []


def test_geometries_work_under_jit_with_traced_numbers():
    game = st.Saddle(lambda x, y: x * y - y**2 / 2)
    start = (jnp.array(1.0), jnp.array(1.0))

    @jax.jit
    def answer(timescale, metric):
        method = ExtraGradient(0.5, timescale=timescale, geometry=EuclideanGeometry(metric))
        return st.run(game, start, method, max_steps=7, differentiable=False).point.primal

    got = answer(3.0, 2.0)
    method = ExtraGradient(0.25, timescale=3.0)
    expected = st.run(game, start, method, max_steps=7, differentiable=False).point.primal
    np.testing.assert_allclose(got, expected, rtol=1e-12)


@pytest.mark.parametrize("bad", [0.5, 0, -1.0, float("nan"), float("inf")])
def test_timescale_is_finite_and_at_least_one(kind, bad):
    with pytest.raises(ValueError, match=rf"{kind.__name__}: timescale must be a finite number"):
        kind(0.1, timescale=bad)


@pytest.mark.parametrize("bad", [0.0, (1.0, -2.0), float("inf"), np.array([1.0, 0.0]), "fast"])
@pytest.mark.parametrize("geometry", [EuclideanGeometry, EntropicGeometry])
def test_weights_must_be_positive(geometry, bad):
    with pytest.raises(ValueError, match="metric.* must be positive and finite"):
        geometry(bad)


def start(method, problem, x0):
    system = problem.lower(x0)
    return method.init(system, st.Point(x0, system.zero_duals(x0)), problem.data)


def test_what_does_not_fit_is_refused(matrix_game):
    game, x0 = matrix_game
    with pytest.raises(ValueError, match=r"metric\[0\] has a weight per entry, but the simplex"):
        start(ExtraGradient(0.1, geometry=EuclideanGeometry((jnp.ones(5), 1.0))), game, x0)
    with pytest.raises(ValueError, match="the metric is laid out as"):
        start(ExtraGradient(0.1, geometry=EuclideanGeometry({"x": 1.0})), game, x0)
    with pytest.raises(ValueError, match=r"has shape \(3,\), and the unknown \(2,\)"):
        field = st.VariationalInequality(lambda x: x)
        start(ExtraGradient(0.1, geometry=EuclideanGeometry(jnp.ones(3))), field, jnp.ones(2))
    with pytest.raises(TypeError, match="this problem has none that ascend"):
        start(ExtraGradient(0.1, timescale=2.0), st.VariationalInequality(lambda x: x), jnp.ones(2))
    with pytest.raises(TypeError, match="this problem has none that ascend"):
        start(ExtraGradient(0.1, timescale=2.0), st.Minimize(lambda x: x**2), jnp.array(1.0))


@pytest.mark.parametrize("kind", [ReflectedGradient, OptimisticGradient])
def test_straight_extrapolation_is_euclidean(kind):
    with pytest.raises(ValueError, match=f"{kind.__name__} extrapolates in a straight line"):
        kind(geometry=EntropicGeometry())


def test_new_weights_and_data_compile_nothing():
    game = st.Saddle(lambda x, y, d: d * x @ y - y @ y / 10, data=np.array(1.0))
    traces = []
    for scale in (1.0, 2.0):
        metric = (jnp.array([1.0, 1.0 + scale]), np.array([3.0, 1.0]))
        method = ExtraGradient(timescale=4.0, geometry=EuclideanGeometry(metric))
        start = (np.ones(2), np.ones(2))
        solution = st.solve(game, start, method, data=np.array(scale), progress=False)
        assert solution.status is st.Status.CONVERGED
        traces.append(solution.stats.traces)
    assert traces == [1, 0]
