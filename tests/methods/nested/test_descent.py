"""One loop for all responses: composition with constraints, mini-batches, momentum, rates."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary.methods import BilevelDescent

A = np.array([[2.0, 0.5], [0.5, 1.0]])
B = np.array([[1.0, -1.0], [0.3, 2.0]])
TARGET = np.array([1.0, -2.0])
PAIR = (np.zeros(2), np.zeros(2))


def upper(x, y):
    return jnp.sum((y - TARGET) ** 2) + 0.1 * jnp.sum(x**2)


def lower(x, y):
    return 0.5 * y @ A @ y - y @ B @ x


def closed_form():
    response = np.linalg.solve(A, B)
    x = np.linalg.solve(response.T @ response + 0.1 * np.eye(2), response.T @ TARGET)
    return x, response @ x


@pytest.mark.parametrize(
    ("response", "accuracy"),
    [
        (st.Implicit(), 1e-5),
        (st.Implicit(st.Neumann(40, 0.3)), 1e-5),
        (st.Unrolled(40, 0.3), 1e-5),
        (st.ValueFunction(1e3), 1e-3),
        (st.ValueFunction(1e2, central=True), 1e-3),
        (st.Averaged(0.0), 1e-5),
    ],
    ids=str,
)
def test_rates_are_found_and_the_answer_with_them(response, accuracy):
    solution = st.solve(st.Nested(upper, lower, response), PAIR, progress=False)
    assert solution.status.word == "converged"
    for got, want in zip(solution.value[:2], closed_form(), strict=True):
        np.testing.assert_allclose(got, want, atol=accuracy)


def test_constraints_on_both_levels():
    # y(x) = min(x, 1) by a lower constraint, and x >= 1.5 by an upper one that binds.
    problem = st.Nested(
        st.Minimize(lambda x, y: x**2 + (y - 2) ** 2, {"floor": st.at_most(lambda x, y: 1.5 - x)}),
        st.Minimize(lambda x, y: 0.5 * (y - x) ** 2, {"cap": st.at_most(lambda x, y: y, 1.0)}),
        st.Implicit(),
    )
    method = BilevelDescent(0.05, (0.3, 0.3), dual=0.1)
    start = (np.array(2.0), np.array(0.0))
    solution = st.solve(problem, start, method, progress=False, tol=1e-7)
    x, y, multipliers = solution.value
    assert (float(x), float(y)) == pytest.approx((1.5, 1.0), abs=1e-5)
    assert float(multipliers["cap"]) == pytest.approx(0.5, abs=1e-5)
    assert float(solution.duals["floor"]) == pytest.approx(3.0, abs=1e-4)
    assert solution.certificate.passed


@pytest.mark.parametrize("response", [st.Implicit(), st.ValueFunction(1e4)], ids=str)
def test_an_upper_constraint_on_the_lower_answer(response):
    # The lower answer is y = x, so that y <= 0.3 binds at x = 0.3 with the slope of (x - 1)^2.
    problem = st.Nested(
        st.Minimize(lambda x, y: (x - 1) ** 2, {"cap": st.at_most(lambda x, y: y, 0.3)}),
        lambda x, y: 0.5 * (y - x) ** 2,
        response,
    )
    method = BilevelDescent(0.1, inner_steps=5, dual=0.5)
    solution = st.solve(problem, (np.array(0.0), np.array(0.0)), method, progress=False)
    assert float(solution.value[0]) == pytest.approx(0.3, abs=1e-3)
    assert float(solution.duals["cap"]) == pytest.approx(1.4, abs=1e-2)


def test_a_set_for_each_level():
    problem = st.Nested(
        st.Minimize(upper, over=st.Box(-0.5, 0.1)),
        st.Minimize(lower, over=st.Box(-1.0, 1.0)),
        st.Implicit(),
    )
    solution = st.solve(problem, PAIR, BilevelDescent(0.02, 0.3), progress=False)
    reference = st.solve(
        st.Nested(
            st.Minimize(upper, over=st.Box(-0.5, 0.1)), st.Minimize(lower, over=st.Box(-1.0, 1.0))
        ),
        PAIR,
        progress=False,
    )
    assert solution.certificate.passed
    np.testing.assert_allclose(solution.value[0], reference.value[0], atol=1e-4)


def noisy(fn):
    """fn with a random tilt in every variable, of mean zero."""

    def sample(pair, draw):
        tilt = jax.tree.map(lambda v, e: jnp.vdot(v, e), pair, draw)
        return fn(*pair) + 0.3 * sum(jax.tree.leaves(tilt))

    return sample


def draws(seed):
    def draw(key):
        one, two = jax.random.split(key)
        return jax.random.normal(one, (2,)), jax.random.normal(two, (2,))

    return st.Draws(draw, 1, seed=seed)


def distances(method, response, steps, seeds=8):
    """How far from the answer each of several noisy runs ends, on average over its last tenth."""
    want = jnp.concatenate(closed_form())
    problem = st.Nested(
        st.Expectation(noisy(upper), draws(1)), st.Expectation(noisy(lower), draws(2)), response
    )
    pair = tuple(map(jnp.asarray, PAIR))
    system = problem.lower(pair)
    point = st.Point(problem.embed(pair), {})

    def run(shift):
        state = method.init(system, point, None, key=jax.random.key(0))
        # Every lane sees its own draws: they are addressed by the count.
        state = eqx.tree_at(lambda s: s.count, state, shift)

        def step(state, _):
            state, _ = method.step(system, state)
            return state, jnp.sum((jnp.concatenate(method.point(state).primal[:2]) - want) ** 2)

        return jnp.mean(jax.lax.scan(step, state, None, steps)[1][-steps // 10 :])

    return np.asarray(jax.jit(jax.vmap(run))(jnp.arange(seeds, dtype=jnp.int32) * 10_000))


def test_recursive_momentum_averages_the_noise_of_directions():
    method = BilevelDescent(1e-3, 1e-3, order="simultaneous", momentum=0.1)
    clean = st.Nested(upper, lower, st.Implicit())
    problem = st.Nested(
        st.Expectation(noisy(upper), draws(1)),
        st.Expectation(noisy(lower), draws(2)),
        st.Implicit(),
    )
    pair = tuple(map(jnp.asarray, PAIR))
    system, exact = problem.lower(pair), clean.lower(pair)

    def error(found, seen):
        true = exact.linearize(seen).direction({})
        return jnp.stack([jnp.mean((a - b) ** 2) for a, b in zip(found, true, strict=True)])

    def step(state, _):
        state, _ = method.step(system, state)
        single = system.linearize(state.seen, None, state.count).direction({})
        return state, (error(state.directions, state.seen), error(single, state.seen))

    state = method.init(system, st.Point(pair, {}), None, key=jax.random.key(0))
    _, (recursive, single) = jax.jit(lambda s: jax.lax.scan(step, s, None, 2000))(state)
    ratio = np.asarray(jnp.mean(recursive[200:], 0) / jnp.mean(single[200:], 0))
    # An average with memory 1 - eta keeps eta / (2 - eta) of the variance.
    assert np.all(ratio < 2 * 0.1 / 1.9) and np.all(ratio > 0.5 * 0.1 / 1.9)


def test_shared_samples_have_less_noise_than_independent_ones():
    method = BilevelDescent(0.002, 0.1, inner_steps=2)
    shared = distances(method, st.ValueFunction(20.0), 3000)
    apart = distances(method, st.ValueFunction(20.0, shared_samples=False), 3000)
    assert shared.mean() < 0.5 * apart.mean()


def test_optax_rules_and_schedules_per_entry():
    rule = optax.adam(optax.exponential_decay(0.05, 500, 0.5))
    method = BilevelDescent(rule, (None, optax.sgd(0.3)), inner_steps=5)
    problem = st.Nested(upper, lower, st.ValueFunction(1e3))
    outcome = st.run(problem, PAIR, method, max_steps=4000, differentiable=False)
    np.testing.assert_allclose(outcome.point.primal[0], closed_form()[0], atol=2e-3)


def test_proximal_steps_keep_the_fixed_point():
    problem = st.Nested(upper, lower, st.ValueFunction(100.0))
    plain = BilevelDescent(2e-3, 0.3, inner_steps=5)
    proximal = BilevelDescent(2e-3, 0.3, inner_steps=5, proximal=1.0, relaxation=0.5)
    ends = [
        st.run(problem, PAIR, method, tol=1e-9, differentiable=False).point.primal
        for method in (plain, proximal)
    ]
    for one, two in zip(*ends, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-6)


@pytest.mark.parametrize(
    ("kwargs", "match"),
    [
        ({"upper": -1.0}, "upper"),
        ({"inner_steps": 0}, "inner_steps"),
        ({"order": "random"}, "order"),
        ({"order": "simultaneous", "inner_steps": 2}, "inner_steps"),
        ({"momentum": 0.5}, "simultaneous"),
        ({"momentum": 2.0, "order": "simultaneous"}, r"\(0, 1\]"),
        ({"proximal": 0.0}, "positive"),
        ({"projection_steps": -1}, "projection_steps"),
        ({"dual": optax.adam(0.1)}, "dual"),
    ],
)
def test_bad_settings_are_named(kwargs, match):
    with pytest.raises((ValueError, TypeError), match=match):
        BilevelDescent(**kwargs)


def test_what_does_not_fit_the_problem_is_refused():
    problem = st.Nested(upper, lower, st.Implicit())
    with pytest.raises(ValueError, match="2 rules, but 1"):
        st.solve(problem, PAIR, BilevelDescent(0.1, (0.1, 0.1)))
    with pytest.raises(TypeError, match="Nested"):
        st.solve(st.Saddle(lambda x, y: x * y), (1.0, 1.0), BilevelDescent(0.1))
    with pytest.raises(TypeError, match="mini-batches only"):
        stream = st.Batches(np.ones((4, 1)), 2)
        sampled = st.Expectation(lambda pair, row: jnp.sum(pair[1] ** 2), stream)
        st.solve(st.Nested(upper, sampled), PAIR)
