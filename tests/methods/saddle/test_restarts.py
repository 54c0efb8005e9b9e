"""Restarts from the average: linear programs' answers, and what they cost elsewhere."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

import stationary as st
from stationary.methods import (
    AugmentedLagrangian,
    EntropicGeometry,
    ExtraGradient,
    PastExtraGradient,
    ReflectedGradient,
    Restarted,
)

SIMPLEX = st.Simplex()


def play(payoff, method, tol, max_steps=3000):
    rows, columns = payoff.shape
    game = st.Saddle(lambda x, y, a: x @ a @ y, SIMPLEX, SIMPLEX, jnp.asarray(payoff))
    start = (jnp.full(rows, 1 / rows), jnp.full(columns, 1 / columns))
    return st.run(game, start, method, tol=tol, max_steps=max_steps, differentiable=False)


def random(seed, shape):
    return np.random.default_rng(seed).standard_normal(shape)


def tied():
    """Many equilibria: every option twice, and one that a mixture of others replaces."""
    payoff = random(5, (6, 8))
    twice = np.block([[payoff, payoff], [payoff, payoff]])
    return np.vstack([twice, twice[:3].mean(axis=0)])


GAMES = {
    "square": random(0, (40, 40)),
    "high stakes": 1e3 * random(0, (40, 40)),
    "low stakes": 1e-3 * random(0, (40, 40)),
    "wide": random(1, (15, 60)),
    "tall": random(2, (60, 15)),
    "one option": random(3, (1, 7)),
    "rock, paper, scissors": np.array([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]),
    "tied": tied(),
    "low rank": random(6, (20, 2)) @ random(7, (2, 25)),
    "all the same": np.full((4, 5), 2.5),
    "dominated": random(8, (10, 10)) + 10 * np.arange(10)[:, None],
    "sparse": np.where(random(9, (30, 30)) > 1, random(10, (30, 30)), 0.0),
}


@pytest.mark.parametrize("name", GAMES)
def test_matrix_games_have_the_value_of_their_linear_program(name, value_of):
    payoff = GAMES[name]
    # The residual of a step of length 1 is in units of the payoffs, where these are small.
    tol = 1e-10 * min(1, np.abs(payoff).max())
    outcome = play(payoff, Restarted(PastExtraGradient()), tol)
    x, y = map(np.asarray, outcome.point.primal)
    value, size = value_of(payoff), np.abs(payoff).max()
    np.testing.assert_allclose([x.sum(), y.sum()], 1, rtol=0, atol=1e-12)
    assert min(x.min(), y.min()) >= 0
    np.testing.assert_allclose((payoff.T @ x).max(), value, rtol=0, atol=1e-8 * size)
    np.testing.assert_allclose((payoff @ y).min(), value, rtol=0, atol=1e-8 * size)


def test_every_method_of_the_family_is_restarted(kind):
    payoff = GAMES["square"]
    outcome = play(payoff, Restarted(kind()), 1e-10)
    x, y = map(np.asarray, outcome.point.primal)
    assert st.Status(int(outcome.status)) is st.Status.CONVERGED
    np.testing.assert_allclose((payoff.T @ x).max(), (payoff @ y).min(), rtol=0, atol=1e-8)


def test_the_last_point_alone_takes_many_more_calls(kind):
    payoff = GAMES["square"]
    restarted = Restarted(kind())
    calls = int(play(payoff, restarted, 1e-8).steps) * restarted.calls
    plain = play(payoff, kind(), 1e-8, 2 * calls // kind.calls)
    assert st.Status(int(plain.status)) is st.Status.MAX_STEPS


def test_the_distance_falls_linearly():
    # Between equal numbers of steps the logarithm falls by about as much, early and late.
    payoff, method = random(11, (30, 30)), Restarted(PastExtraGradient(), 16)

    def gap(steps):
        x, y = map(np.asarray, play(payoff, method, 1e-30, steps).point.primal)
        return (payoff.T @ x).max() - (payoff @ y).min()

    logs = np.log10([gap(steps) for steps in (50, 100, 150, 200)])
    falls = -np.diff(logs)
    assert logs[-1] < -9
    assert falls.min() > 0.3 * falls.max()


def test_bilinear_games_without_sets(kind, getkey):
    # Condition number 30: the saddle solves two linear systems.
    left, right = (jnp.linalg.qr(jax.random.normal(getkey(), (12, 12)))[0] for _ in range(2))
    matrix = left @ jnp.diag(jnp.geomspace(1.0, 1 / 30, 12)) @ right
    a, b = jax.random.normal(getkey(), (2, 12))
    game = st.Saddle(lambda x, y, m: x @ m @ y + a @ x + b @ y, data=matrix)
    start = (jnp.zeros(12), jnp.zeros(12))
    method = Restarted(kind())
    outcome = st.run(game, start, method, tol=1e-10, differentiable=False)
    np.testing.assert_allclose(outcome.point.primal[0], np.linalg.solve(matrix.T, -b), atol=1e-7)
    np.testing.assert_allclose(outcome.point.primal[1], np.linalg.solve(matrix, -a), atol=1e-7)
    calls = int(outcome.steps) * method.calls
    plain = st.run(game, start, kind(), tol=1e-10, max_steps=3 * calls, differentiable=False)
    assert st.Status(int(plain.status)) is st.Status.MAX_STEPS


def test_a_linear_program_with_its_multipliers():
    cost, rows = np.abs(random(12, 20)), random(13, (8, 20))
    bound = rows @ np.abs(random(14, 20)) - 0.1
    problem = st.Minimize(
        lambda x, d: d[0] @ x,
        {"rows": st.at_most(lambda x, d: d[2] - d[1] @ x, 0.0)},
        st.Nonnegative(),
        tuple(map(jnp.asarray, (cost, rows, bound))),
    )
    outcome = st.run(
        problem, jnp.zeros(20), Restarted(PastExtraGradient()), tol=1e-10, differentiable=False
    )
    known = linprog(cost, A_ub=-rows, b_ub=-bound, method="highs")
    np.testing.assert_allclose(outcome.point.primal, known.x, atol=1e-7)
    np.testing.assert_allclose(outcome.point.duals["rows"], -known.ineqlin.marginals, atol=1e-7)


def test_it_costs_little_where_the_last_point_is_better(kind, affine):
    problem, zero = affine
    method, start = Restarted(kind(), 16), jnp.zeros(30)
    plain = st.run(problem, start, kind(), tol=1e-10, differentiable=False)
    outcome = st.run(problem, start, method, tol=1e-10, differentiable=False)
    np.testing.assert_allclose(outcome.point.primal, zero, atol=1e-8)
    least = int(plain.steps) * kind.calls
    assert int(outcome.steps) * method.calls <= 1.1 * least + method.calls


def test_a_step_is_the_steps_of_the_method_and_the_better_of_last_point_and_average():
    payoff = jnp.asarray(random(15, (4, 5)))
    game = st.Saddle(lambda x, y: x @ payoff @ y, SIMPLEX, SIMPLEX)
    start = (jnp.full(4, 0.25), jnp.full(5, 0.2))
    system, step = game.lower(start), 0.1
    inner, steps = PastExtraGradient(step), 7
    state, halves = inner.init(system, st.Point(start, {})), []
    for _ in range(steps):
        state, _ = inner.step(system, state)
        halves.append(np.concatenate(state.half.primal))

    def residual(z):
        x, y = jnp.split(jnp.asarray(z), [4])
        moved = SIMPLEX.project(x - step * payoff @ y), SIMPLEX.project(y + step * payoff.T @ x)
        return np.linalg.norm(np.concatenate(moved) - z)

    last, mean = halves[-1], np.mean(halves, axis=0)
    method = Restarted(inner, steps)
    found, metrics = method.step(system, method.init(system, st.Point(start, {})))
    better = min((last, mean), key=residual)
    np.testing.assert_allclose(np.concatenate(method.point(found).primal), better, atol=1e-14)
    np.testing.assert_allclose(found.residual, residual(better), rtol=1e-10)
    # The first test always restarts, since all steps came after the start.
    assert int(found.restarts) == int(method.log(found)["restarts"]) == 1
    assert int(found.length) == 0
    x, y = jnp.split(jnp.asarray(better), [4])
    unit = SIMPLEX.project(x - payoff @ y) - x, SIMPLEX.project(y + payoff.T @ x) - y
    np.testing.assert_allclose(metrics.residual, np.abs(np.concatenate(unit)).max(), rtol=1e-8)


def test_lanes_restart_at_their_own_times():
    payoffs = jnp.asarray(np.stack([random(seed, (8, 9)) for seed in range(4)]))
    method = Restarted(PastExtraGradient(), 8)
    start = (jnp.full(8, 1 / 8), jnp.full(9, 1 / 9))

    def restarts(payoff):
        game = st.Saddle(lambda x, y, a: x @ a @ y, SIMPLEX, SIMPLEX, payoff)
        system = game.lower(start)
        state = method.init(system, st.Point(start, {}), payoff)
        return jax.lax.fori_loop(0, 40, lambda _, s: method.step(system, s, payoff)[0], state)

    batched = eqx.filter_jit(jax.vmap(restarts))(payoffs)
    assert len(set(batched.restarts.tolist())) > 1
    for lane, payoff in enumerate(payoffs):
        alone = eqx.filter_jit(restarts)(payoff)
        assert int(batched.restarts[lane]) == int(alone.restarts)
        np.testing.assert_allclose(
            batched.report.primal[0][lane], alone.report.primal[0], atol=1e-9
        )


def test_float32_reaches_what_float32_can():
    payoff = random(16, (20, 20)).astype(np.float32)
    rows = jnp.full(20, 1 / 20, jnp.float32)
    game = st.Saddle(lambda x, y, a: x @ a @ y, SIMPLEX, SIMPLEX, jnp.asarray(payoff))
    outcome = st.run(game, (rows, rows), Restarted(PastExtraGradient()), tol=3e-6)
    x, y = outcome.point.primal
    assert x.dtype == y.dtype == jnp.float32
    assert st.Status(int(outcome.status)) is st.Status.CONVERGED
    assert float(jnp.max(payoff.T @ x) - jnp.min(payoff @ y)) < 3e-5


def test_a_step_that_is_too_long_still_diverges():
    game = st.Saddle(lambda x, y: x * y)
    start = (jnp.array(1.0), jnp.array(1.0))
    method = Restarted(PastExtraGradient(3.0), 64)
    outcome = st.run(game, start, method, differentiable=False)
    assert st.Status(int(outcome.status)) in (st.Status.DIVERGED, st.Status.NONFINITE)


def test_a_solve_goes_on_from_its_state_to_the_bit():
    payoff = jnp.asarray(random(17, (9, 9)))
    game = st.Saddle(lambda x, y: x @ payoff @ y, SIMPLEX, SIMPLEX)
    start = (jnp.full(9, 1 / 9), jnp.full(9, 1 / 9))
    system, method = game.lower(start), Restarted(ExtraGradient(), 4)
    step = eqx.filter_jit(lambda state: method.step(system, state)[0])
    state = eqx.filter_jit(method.init)(system, st.Point(start, {}))
    for _ in range(10):
        state = step(state)
    again = jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf)), state)
    for _ in range(10):
        state, again = step(state), step(again)
    for one, other in zip(jax.tree.leaves(state), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_is_refused():
    with pytest.raises(TypeError, match=r"such as PastExtraGradient\(\)|AbstractOperatorMethod"):
        Restarted(AugmentedLagrangian())
    with pytest.raises(ValueError, match="EuclideanGeometry, got EntropicGeometry"):
        Restarted(ExtraGradient(geometry=EntropicGeometry()))
    with pytest.raises(ValueError, match=r"inner_steps=...\) must be at least 1, got 0"):
        Restarted(PastExtraGradient(), 0)
    stream = st.Draws(jax.random.normal, batch_size=2)
    noisy = st.Saddle(st.Expectation(lambda z, e: z[0] * z[1] + 0 * e, stream))
    with pytest.raises(TypeError, match="Restarted works on the full data"):
        st.solve(noisy, (jnp.array(1.0), jnp.array(1.0)), Restarted(PastExtraGradient()))


def test_what_its_method_refuses_it_refuses():
    problem = st.VariationalInequality(lambda x: jnp.log(x) + 10.0, st.Box(1e-3, 1.0))
    with pytest.raises(ValueError, match="evaluates the operator outside the set"):
        st.solve(problem, jnp.array(1e-3), Restarted(ReflectedGradient(1.0)))
