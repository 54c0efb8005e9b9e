"""Dual ascent: its iterates, what it keeps of them, and the dual function."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary import Status
from stationary.methods import DualAscent, NuPI

TARGET = np.array([2.0, 0.0, 1.0])


def budget():
    """f = |x - t|^2 with sum(x) <= 1. At multiplier d the minimiser is t - d/2."""
    return st.Minimize(
        lambda x: jnp.sum((x - TARGET) ** 2), subject_to={"sum": st.at_most(jnp.sum, 1.0)}
    )


def iterates(method, steps, problem=None, start=None, seed=0):
    start = jnp.zeros(3) if start is None else start
    system = (budget() if problem is None else problem).lower(start)
    point = st.Point(start, system.zero_duals(start))

    def step(state, _):
        state, metrics = method.step(system, state)
        return state, (state.last, metrics)

    @jax.jit
    def follow(key):
        return jax.lax.scan(step, method.init(system, point, key=key), None, length=steps)

    return follow(jax.random.key(seed))


def test_an_exact_inner_minimiser_follows_the_dual_recursion_and_function():
    # Half the inverse curvature is the Newton step, so one inner step is exact.
    state, (path, metrics) = iterates(DualAscent(0.5, inner_steps=1, dual=0.2), 30)
    multiplier, expected = 0.0, []
    for _ in range(30):
        x = TARGET - multiplier / 2
        expected.append((x, multiplier))
        multiplier = max(0.0, multiplier + 0.2 * (x.sum() - 1))
    np.testing.assert_allclose(path.primal, [x for x, _ in expected], atol=1e-12)
    np.testing.assert_allclose(path.duals["sum"], [m for _, m in expected], atol=1e-12)
    # At each iterate the Lagrangian is stationary, and its value is the dual function's.
    np.testing.assert_allclose(metrics.stationarity, 0, atol=1e-12)
    dual_function = [2 * m - 3 * m**2 / 4 for _, m in expected]
    np.testing.assert_allclose(state.dual_value, max(dual_function), rtol=1e-12)
    slacks = [x.sum() - 1 for x, _ in expected]
    np.testing.assert_allclose(state.mean_values["sum"], np.mean(slacks), rtol=1e-12)
    np.testing.assert_allclose(state.mean_duals["sum"], np.mean([m for _, m in expected]))


def test_best_is_the_iterate_of_the_largest_dual_value_not_the_last():
    # The rate is too long: multipliers overshoot 4/3 and come back.
    method = DualAscent(0.5, inner_steps=1, dual=1.1)
    state, (path, _) = iterates(method, 7)
    dual_function = 2 * path.duals["sum"] - 3 * path.duals["sum"] ** 2 / 4
    best = int(jnp.argmax(dual_function))
    assert best == 6 or dual_function[best] > dual_function[6]
    np.testing.assert_array_equal(method.best(state).primal, path.primal[best])
    np.testing.assert_array_equal(method.last(state).primal, path.primal[6])
    np.testing.assert_array_equal(method.mean_values(state)["sum"], state.mean_values["sum"])


def test_the_randomised_iterate_is_drawn_uniformly():
    method = DualAscent(0.5, inner_steps=1, dual=0.1)
    system = budget().lower(jnp.zeros(3))
    point = st.Point(jnp.zeros(3), system.zero_duals(jnp.zeros(3)))

    @jax.jit
    @jax.vmap
    def drawn(key):
        state = method.init(system, point, key=key)
        state = jax.lax.fori_loop(0, 5, lambda _, s: method.step(system, s)[0], state)
        return method.randomized(state).duals["sum"]

    found = np.asarray(drawn(jax.random.split(jax.random.key(0), 3000)))
    values, counts = np.unique(found.round(9), return_counts=True)
    assert len(values) == 5
    # 600 each, with a standard deviation of 22.
    assert np.all(np.abs(counts - 600) < 100)


@pytest.mark.parametrize(
    "method",
    [
        DualAscent(0.1, inner_steps=30, dual=0.5),
        DualAscent(optax.adam(0.03), inner_steps=1, dual=0.03),
        DualAscent(0.5, inner_steps=1, dual=NuPI(0.3, proportional=0.1)),
    ],
    ids=["many inner steps", "one Adam step", "nuPI"],
)
def test_it_reaches_the_kkt_point(method):
    outcome = st.run(budget(), jnp.zeros(3), method, tol=1e-7, differentiable=False)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.primal, [4 / 3, -2 / 3, 1 / 3], atol=1e-6)
    np.testing.assert_allclose(outcome.point.duals["sum"], 4 / 3, atol=1e-6)


def test_equality_multipliers_are_free_in_sign():
    problem = st.Minimize(
        lambda x: jnp.sum((x - TARGET) ** 2), subject_to={"sum": st.equal(jnp.sum, 6.0)}
    )
    outcome = st.run(problem, jnp.zeros(3), DualAscent(0.5, dual=0.3), tol=1e-7)
    np.testing.assert_allclose(outcome.point.duals["sum"], -2.0, atol=1e-6)
    np.testing.assert_allclose(outcome.point.primal, TARGET + 1, atol=1e-6)


def test_maximising_flips_the_objective_only():
    problem = st.Maximize(
        lambda x: -jnp.sum((x - TARGET) ** 2), subject_to={"sum": st.at_most(jnp.sum, 1.0)}
    )
    outcome = st.run(problem, jnp.zeros(3), DualAscent(0.5, dual=0.3), tol=1e-7)
    np.testing.assert_allclose(outcome.point.duals["sum"], 4 / 3, atol=1e-6)


def test_mini_batches_differ_between_inner_steps():
    rows = np.arange(12.0)
    stream = st.Batches(rows, batch_size=3, shuffle=False)
    problem = st.Minimize(
        st.Expectation(lambda x, row: (x - row) ** 2, stream),
        subject_to={"cap": st.at_most(lambda x: x, 100.0)},
    )
    # Exact steps: each inner step lands on its batch's mean.
    state, (path, _) = iterates(
        DualAscent(0.5, inner_steps=2, dual=0.1), 2, problem, jnp.array(0.0)
    )
    assert path.primal.tolist() == [4.0, 1.0]
    assert int(state.index) == 6


def test_contradictory_constraints_are_suspected():
    problem = st.Minimize(
        lambda x: x**2, subject_to={"below": st.at_most(lambda x: x**2 + 1.0, 0.5)}
    )
    outcome = st.run(problem, jnp.array(1.0), DualAscent(1e-3, dual=1.0), max_steps=20_000)
    assert outcome.status == Status.INFEASIBLE


def test_lanes_of_vmap_are_single_solves_in_float32():
    def answer(target):
        problem = st.Minimize(
            lambda x: jnp.sum((x - target) ** 2), subject_to={"sum": st.at_most(jnp.sum, 1.0)}
        )
        start = jnp.zeros(3, jnp.float32)
        method = DualAscent(0.3, inner_steps=3, dual=0.2)
        return st.run(problem, start, method, max_steps=15, differentiable=False).point

    targets = jnp.asarray(np.stack([TARGET, TARGET + 1]), jnp.float32)
    together, alone = jax.jit(jax.vmap(answer))(targets), jax.jit(answer)
    for i in range(2):
        single = alone(targets[i])
        assert single.duals["sum"].dtype == jnp.float32
        np.testing.assert_allclose(together.primal[i], single.primal, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: DualAscent(-0.1), ValueError, "must be positive"),
        (lambda: DualAscent(0.1, dual=0.0), ValueError, "must be positive"),
        (lambda: DualAscent(0.1, inner_steps=0), ValueError, ">= 1"),
        (lambda: DualAscent(0.1, dual=optax.adam(0.1)), TypeError, "whatever the violation"),
        (lambda: DualAscent(print), TypeError, "optax.adam"),
    ],
)
def test_bad_settings_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
