"""Picard and Halpern: the points they visit, what they say of v, and the bounds they keep."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary import Status
from stationary.methods import Halpern, Picard, halpern, picard

ANGLE = 0.3


def turn_and_move(x):
    """A rotation of the first two coordinates beside a translation of the third: v = (0, 0, 1)."""
    c, s = jnp.cos(ANGLE), jnp.sin(ANGLE)
    return jnp.array([c * x[0] - s * x[1], s * x[0] + c * x[1], x[2] - 1.0])


DISPLACEMENT = np.array([0.0, 0.0, 1.0])
START = jnp.array([1.0, 0.0, 0.0])  # at distance 1 of the axis, where v is attained


def visit(method, operator, x0, steps):
    """The states before and after each of `steps` steps."""

    def step(state, _):
        new = method.step(operator, state)
        return new, new

    first = method.init(operator, x0)
    _, rest = jax.lax.scan(step, first, None, length=steps)
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, rest)


def errors(method, operator, x0, v, steps):
    """Distances of the two estimates from v, after 0, 1, ... steps."""
    states = visit(method, operator, x0, steps)
    both = jax.vmap(lambda s: (method.displacement(s), method.mean_displacement(s)))(states)
    return [np.linalg.norm(np.asarray(each) - v, axis=1) for each in both]


def slope(values, low):
    """The slope of log values against log k, from k = low on."""
    k = np.arange(low, len(values))
    return np.polyfit(np.log(k), np.log(values[low:]), 1)[0]


def harmonic(k):
    return np.cumsum(1 / np.arange(1, k + 1))


def test_halpern_visits_the_points_of_its_definition():
    states = visit(Halpern(), turn_and_move, START, 30)
    x = START
    for k in range(30):
        np.testing.assert_allclose(states.iterate[k], x, atol=1e-13)
        x = START / (k + 2) + (1 - 1 / (k + 2)) * turn_and_move(x)


def test_reflected_halpern_is_halpern_of_the_reflected_operator():
    def averaged(x):
        return (x + turn_and_move(x)) / 2

    one = visit(Halpern(reflect=True), averaged, START, 50).iterate
    np.testing.assert_allclose(one, visit(Halpern(), turn_and_move, START, 50).iterate, atol=1e-12)


def test_restarts_are_runs_from_a_plain_step():
    states = visit(Halpern(restart=7), turn_and_move, START, 20)
    first = visit(Halpern(), turn_and_move, START, 7)
    np.testing.assert_allclose(states.iterate[:8], first.iterate, atol=1e-14)
    np.testing.assert_allclose(states.iterate[8], first.image[7], atol=1e-14)
    second = visit(Halpern(), turn_and_move, first.image[7], 7)
    np.testing.assert_allclose(states.iterate[8:16], second.iterate, atol=1e-13)
    assert states.count.tolist()[6:10] == [6, 7, 0, 1]


@pytest.mark.parametrize(
    "method",
    [Picard(), Picard(0.3), Halpern(), Halpern(5), Halpern(reflect=True), Halpern(5, True)],
    ids=str,
)
def test_both_estimates_of_a_translation_are_exact_from_the_first_step(method):
    move = np.array([3.0, -4.0])
    for error in errors(method, lambda x: x - move, jnp.array([10.0, 7.0]), move, 12):
        np.testing.assert_allclose(error, 0, atol=1e-13)


def test_plain_iteration_never_sees_v_and_the_anchored_one_does():
    plain, mean = errors(Picard(), turn_and_move, START, DISPLACEMENT, 1000)
    np.testing.assert_allclose(plain, 2 * np.sin(ANGLE / 2), rtol=1e-9)
    k = np.arange(1, 1001)
    assert np.all(mean[1:] <= 2 / k)
    anchored, anchored_mean = errors(Halpern(), turn_and_move, START, DISPLACEMENT, 1000)
    np.testing.assert_allclose(anchored[1000], 1.204e-3, rtol=1e-3)
    assert slope(anchored, 30) <= -0.95 and slope(anchored_mean, 30) <= -0.95


def test_halpern_keeps_its_bound_at_every_step():
    error, _ = errors(Halpern(), turn_and_move, START, DISPLACEMENT, 1000)
    k = np.arange(1, 1001)
    bound = (np.sqrt(harmonic(1000) + 12) + 1) / (k + 1)
    assert np.all(error[1:] <= bound)


@pytest.mark.parametrize("angle", [0.02, 0.5, np.pi])
def test_with_a_fixed_point_the_residual_is_at_most_two_distances_over_k_plus_one(angle):
    c, s = np.cos(angle), np.sin(angle)
    error, _ = errors(Halpern(), lambda x: jnp.array([[c, -s], [s, c]]) @ x, START[:2], 0.0, 300)
    assert np.all(error <= 2 / (np.arange(301) + 1) * (1 + 1e-12))


@pytest.mark.parametrize("theta", [0.2, 0.5, 0.9])
def test_averaging_makes_the_displacement_converge_at_its_rate(theta):
    # Many slow rotations at once: the worst of them is met at every k.
    angles = np.geomspace(1e-2, np.pi, 40)
    turn = np.exp(1j * angles)
    weights = np.ones(40) / np.sqrt(40)

    def operator(x):
        z = turn * (x[0] + 1j * x[1])
        return jnp.stack([z.real, z.imag])

    x0 = jnp.stack([jnp.asarray(weights), jnp.zeros(40)])
    states = visit(Picard(theta), operator, x0, 400)
    method = Picard(theta)
    residuals = theta * np.linalg.norm(
        jax.vmap(method.displacement)(states).reshape(401, -1), axis=1
    )  # of the averaged operator
    k = np.arange(401)
    assert np.all(residuals**2 <= theta / (1 - theta) / (k + 1))
    assert slope(residuals, 100) < -0.3


def test_status_says_whether_a_fixed_point_was_reached():
    found = picard(lambda x: 0.5 * x, jnp.ones(3), tol=1e-8)
    assert Status(int(found.status)) is Status.CONVERGED and float(found.residual) <= 1e-8
    assert found.steps < 40 and found.status.dtype == jnp.int32
    lost = halpern(lambda x: x + 1.0, jnp.zeros(2), max_steps=17)
    assert Status(int(lost.status)) is Status.MAX_STEPS and int(lost.steps) == 17
    broken = picard(lambda x: x * jnp.nan, jnp.ones(1))
    assert Status(int(broken.status)) is Status.NONFINITE and int(broken.steps) == 0


def test_a_run_can_be_taken_up_again():
    method = Halpern(restart=6)
    whole = method.run(turn_and_move, START, max_steps=20)
    state = method.run(turn_and_move, START, max_steps=9).state
    for _ in range(11):
        state = method.step(turn_and_move, state)
    np.testing.assert_allclose(state.iterate, whole.point, atol=1e-13)


def test_the_norm_is_that_of_the_metric():
    outcome = picard(
        lambda x, t: x - t, jnp.zeros(2), data=jnp.array([1.0, 2.0]), metric=lambda z, t: t * z
    )
    np.testing.assert_allclose(outcome.residual, np.sqrt(1 + 8))


def test_a_batch_of_operators_stops_lane_by_lane():
    rates = jnp.array([0.1, 0.9, 1.0])

    def solve(rate):
        return halpern(lambda x, r: r * x, jnp.ones(2), data=rate, tol=1e-2, max_steps=400)

    batch = jax.jit(jax.vmap(solve))(rates)
    assert batch.status.tolist() == [int(Status.CONVERGED)] * 3
    for lane, rate in enumerate(rates):
        alone = solve(rate)
        assert int(batch.steps[lane]) == int(alone.steps)
        np.testing.assert_allclose(batch.point[lane], alone.point, rtol=1e-12)


def test_pytrees_and_float32_stay_what_they_are():
    x0 = {"a": jnp.zeros(2, jnp.float32), "b": (jnp.ones((), jnp.float32),)}
    found = halpern(lambda x: jax.tree.map(lambda a: a / 2 + 1, x), x0, restart=20, tol=1e-4)
    assert Status(int(found.status)) is Status.CONVERGED
    np.testing.assert_allclose(found.point["a"], 2.0, atol=1e-3)
    assert {leaf.dtype for leaf in jax.tree.leaves(found.point)} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("theta", [0.0, 1.0, -0.5, float("nan")])
def test_averaging_outside_the_open_interval_is_refused(theta):
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        picard(lambda x: x, jnp.ones(1), averaging=theta)


def test_malformed_starts_operators_and_restarts_are_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        halpern(lambda x: x, jnp.ones(1), restart=0)
    with pytest.raises(TypeError, match="real and floating"):
        picard(lambda x: x, jnp.ones(1, int))
    with pytest.raises(TypeError, match="x0 is empty"):
        picard(lambda x: x, {})
    with pytest.raises(TypeError, match="structure, shapes and dtypes of x0"):
        picard(lambda x: x[:1], jnp.ones(2))
    with pytest.raises(TypeError, match="the metric must return"):
        picard(lambda x: x, jnp.ones(2), metric=lambda z: z @ z)


def test_statuses_are_those_of_the_library():
    assert picard(lambda x: x, jnp.ones(1)).status == st.Status.CONVERGED
