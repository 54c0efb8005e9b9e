"""Estimators of directions: means over batches, exactness at rest, convergence to the answer."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import SAGA, SARAH, SVRG, BilevelDescent
from stationary.methods.nested._estimators import Directions

RNG = np.random.default_rng(0)
ABOVE, BELOW = RNG.normal(1.0, 1.0, (7, 2)), RNG.normal(0.0, 1.0, (10, 2))
PAIR = (jnp.array([0.3, -0.4]), jnp.array([0.5, 0.1]))


def upper(pair, row):
    x, y = pair
    return 0.5 * jnp.sum((y - row) ** 2) + 0.1 * jnp.sum((x - row) ** 2)


def lower(pair, row):
    x, y = pair
    return 0.5 * jnp.sum(y**2) + 0.2 * (row @ y) ** 2 - y @ x - row @ y


def mean(fn, rows):
    return lambda x, y: jnp.mean(jax.vmap(lambda row: fn((x, y), row))(rows))


def sampled(response, shuffle="batches", below=4):
    """Batches of 4, 3 rows above, and of 4, 4, 2 rows below."""
    return st.Nested(
        st.Expectation(upper, st.Batches(ABOVE, 4, seed=1, shuffle=shuffle)),
        st.Expectation(lower, st.Batches(BELOW, below, seed=2, shuffle=shuffle)),
        response,
    )


def whole(response):
    return st.Nested(mean(upper, ABOVE), mean(lower, BELOW), response)


def answer():
    """x and y where the hypergradient is zero, in closed form."""
    curvature = np.eye(2) + 0.4 * BELOW.T @ BELOW / len(BELOW)
    inverse = np.linalg.inv(curvature)
    shift = inverse @ BELOW.mean(axis=0)
    above = ABOVE.mean(axis=0)
    # y = inverse x + shift, and inverse (y - above) + 0.2 (x - above) = 0.
    matrix = inverse @ inverse + 0.2 * np.eye(2)
    x = np.linalg.solve(matrix, inverse @ (above - shift) + 0.2 * above)
    return x, inverse @ x + shift


RESPONSES = [
    st.Averaged(0.0, exact=False),
    st.Averaged(0.3, exact=False),
    st.ValueFunction(5.0),
    st.ValueFunction(5.0, central=True),
    st.ProximalLagrangian(),
]


@pytest.mark.parametrize("estimator", [SAGA(), SVRG(4)], ids=str)
@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_estimates_are_unbiased_and_exact_at_rest(response, estimator):
    problem = sampled(response, shuffle=False)
    start = problem.embed(PAIR)
    start = jax.tree.map(lambda leaf: leaf + 0.1, start)
    system, true = problem.lower(PAIR), whole(response).lower(PAIR)
    directions = Directions(system, system.operator.at(0, jnp.float64), {}, None)
    exact = true.linearize(start).direction({})
    look = jax.jit(lambda memory, at, i: estimator(directions, memory, at, i))

    memory = estimator.init(system, start)
    elsewhere = jax.tree.map(lambda leaf: 2 * leaf + 1, start)
    for i in range(5):
        _, memory = look(memory, elsewhere, jnp.asarray(i))
    # Six indices go through every pair of batches, whose parts of the rows differ.
    found = [look(memory, start, jnp.asarray(i))[0] for i in range(6, 12)]
    spread = jax.tree.map(lambda *v: jnp.ptp(jnp.stack(v), axis=0), *found)
    assert max(float(jnp.max(leaf)) for leaf in jax.tree.leaves(spread) if leaf.size) > 1e-3
    average = jax.tree.map(lambda *v: sum(v) / 6, *found)
    for got, want in zip(jax.tree.leaves(average), jax.tree.leaves(exact), strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)

    for i in range(6):
        _, memory = look(memory, start, jnp.asarray(i))
    for i in range(3):
        for got, want in zip(look(memory, start, jnp.asarray(i))[0], exact, strict=True):
            jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-12), got, want)


def scan(method, problem, steps, state=None):
    system = problem.lower(PAIR)
    if state is None:
        state = method.init(system, st.Point(problem.embed(PAIR), {}))

    def step(state, _):
        return method.step(system, state)[0], None

    return jax.jit(lambda s: jax.lax.scan(step, s, None, steps)[0])(state)


@pytest.mark.parametrize(
    "settings",
    [{"order": "simultaneous"}, {"inner_steps": 2}],
    ids=["simultaneous", "inner steps"],
)
def test_constant_rates_converge_where_plain_batches_do_not(settings):
    problem = sampled(st.Averaged(0.0, exact=False))
    x, y = answer()

    def error(estimator):
        method = BilevelDescent(0.1, (0.2, 0.2), estimator=estimator, **settings)
        end = scan(method, problem, 3000).seen
        return max(np.max(np.abs(end[0] - x)), np.max(np.abs(end[1] - y)))

    assert error(SAGA()) < 1e-10
    assert error(SVRG(5)) < 1e-10
    assert error(SARAH(5)) < 1e-10
    assert error(None) > 1e-3


def test_first_derivatives_alone_converge_too():
    problem = sampled(st.ValueFunction(100.0, central=True))
    method = BilevelDescent(0.1, 0.2, order="simultaneous", estimator=SAGA())
    # The error of a central penalty is of the order of its inverse squared.
    np.testing.assert_allclose(scan(method, problem, 4000).seen[0], answer()[0], atol=2e-3)


def test_recursive_corrections_are_exact_on_all_batches_and_add_up():
    problem, response = sampled(st.Averaged(0.0, exact=False)), st.Averaged(0.0, exact=False)
    system, true = problem.lower(PAIR), whole(response).lower(PAIR)
    directions = Directions(system, system.operator.at(0, jnp.float64), {}, None)
    start = problem.embed(PAIR)
    after = jax.tree.map(lambda leaf: leaf + 0.2, start)
    estimator, index = SARAH(2), jnp.asarray(1)
    found, memory = estimator(directions, estimator.init(system, start), start, jnp.asarray(0))
    exact = true.linearize(start).direction({})
    for got, want in zip(found, exact, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-12)
    found, _ = estimator(directions, memory, after, index)
    # Both levels are read at the batch of this index, whose weights follow from its rows.
    batches = (problem.leader.objective.stream, 2), (problem.follower.objective.stream, 3)
    want = exact
    for name, (stream, count) in zip(("upper", "lower"), batches, strict=True):
        weight = count * float(np.sum(stream.batch(index)[1])) / stream.rows
        change = [directions.of(name, at, index) for at in (start, after)]
        want = jax.tree.map(lambda w, a, b, k=weight: w + k * (b - a), want, *change)
    for got, one in zip(found, want, strict=True):
        np.testing.assert_allclose(got, one, atol=1e-12)


def test_a_level_of_all_the_data_needs_no_memory():
    problem = st.Nested(
        mean(upper, ABOVE),
        st.Expectation(lower, st.Batches(BELOW, 4, shuffle="batches")),
        st.Averaged(0.0, exact=False),
    )
    method = BilevelDescent(0.1, (0.2, 0.2), estimator=SAGA())
    end = scan(method, problem, 3000)
    assert set(end.batches) == {"lower"}
    np.testing.assert_allclose(end.seen[0], answer()[0], atol=1e-10)


@pytest.mark.parametrize("estimator", [SAGA(), SVRG(4), SARAH(4)], ids=str)
def test_a_state_holds_all_that_the_next_step_needs(estimator):
    problem = sampled(st.Averaged(0.0, exact=False))
    method = BilevelDescent(0.1, (0.2, 0.2), order="simultaneous", estimator=estimator)
    once = scan(method, problem, 14)
    twice = scan(method, problem, 7, scan(method, problem, 7))
    assert jax.tree.all(jax.tree.map(np.array_equal, once, twice))


@pytest.mark.parametrize("estimator", [SAGA(), SVRG(4), SARAH(4)], ids=str)
def test_lanes_do_not_mix(estimator):
    problem = sampled(st.Averaged(0.0, exact=False))
    method = BilevelDescent(0.1, (0.2, 0.2), order="simultaneous", estimator=estimator)
    system = problem.lower(PAIR)

    def end(shift):
        start = problem.embed(jax.tree.map(lambda leaf: leaf + shift, PAIR))
        state = method.init(system, st.Point(start, {}))
        return jax.lax.fori_loop(0, 9, lambda _, s: method.step(system, s)[0], state).seen

    shifts = jnp.array([0.0, 1.0])
    lanes = jax.jit(jax.vmap(end))(shifts)
    for i, shift in enumerate(shifts):
        for got, want in zip(lanes, jax.jit(end)(shift), strict=True):
            np.testing.assert_allclose(got[i], want, rtol=1e-12)


def test_a_compiled_loop_does_not_copy_the_memory():
    stream = st.Batches(RNG.normal(size=(74, 2)), 2, shuffle="batches")
    levels = [st.Expectation(fn, stream) for fn in (upper, lower)]
    problem = st.Nested(*levels, st.Averaged(0.0, exact=False))
    method = BilevelDescent(0.1, (0.2, 0.2), order="simultaneous", estimator=SAGA())
    system = problem.lower(PAIR)
    state = method.init(system, st.Point(problem.embed(PAIR), {}))

    def steps(state):
        return jax.lax.scan(lambda s, _: (method.step(system, s)[0], None), state, None, 50)[0]

    text = jax.jit(steps).lower(state).compile().as_text()
    loops = [part for part in text.split("\n\n") if not part.lstrip().startswith("ENTRY")]
    assert "f64[37,6]" in text
    assert not any(re.search(r"= f64\[37,6\]\S* copy\(", part) for part in loops)


def test_what_has_no_mean_over_batches_is_refused():
    method = BilevelDescent(0.1, 0.1, estimator=SAGA())
    fixed = st.Batches(BELOW, 4, shuffle="batches")
    averaged = st.Averaged(0.0, exact=False)

    def refused(problem, match):
        with pytest.raises(TypeError, match=match):
            st.solve(problem, PAIR, method, progress=False, max_steps=2)

    refused(sampled(st.Implicit()), "not linear in the")
    refused(sampled(st.Averaged(0.0)), "not linear in the")
    refused(sampled(st.ValueFunction(5.0, shared_samples=False)), "shared samples")
    refused(sampled(averaged, shuffle=True), r"upper objective are new.*shuffle='batches'")
    draws = st.Draws(lambda key: jax.random.normal(key, (2,)), 4)
    refused(
        st.Nested(st.Expectation(upper, fixed), st.Expectation(lower, draws), averaged),
        "lower objective are new.*draws never come again",
    )
    several = st.Balance({"one": lambda x, y: jnp.sum(x**2), "two": lambda x, y: jnp.sum(y**2)})
    refused(st.Nested(several, st.Expectation(lower, fixed), averaged), "several upper objectives")
    with pytest.raises(ValueError, match="not both"):
        BilevelDescent(0.1, 0.1, order="simultaneous", momentum=0.5, estimator=SAGA())
    for kind in (SVRG, SARAH):
        with pytest.raises(ValueError, match=rf"{kind.__name__}\(period"):
            kind(0)
