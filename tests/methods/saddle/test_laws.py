"""Transformations, precision, and what is refused."""

import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods.saddle import (
    OptimisticGradient,
    PastExtraGradient,
    ReflectedGradient,
    StepSizeWarning,
)


def answer(kind, shift):
    problem = st.Saddle(
        lambda x, y, a: jnp.sum((x - a) * y) + 0.5 * jnp.sum(x**2), None, st.sets.Box(-1, 1), shift
    )
    return st.run(problem, (jnp.zeros(2), jnp.zeros(2)), kind(), differentiable=False).point.primal


def test_jit_and_vmap_change_nothing(kind):
    shifts = jnp.array([[0.5, 0.2], [3.0, -2.0], [0.0, 1.0]])
    one = jax.jit(lambda a: answer(kind, a))
    batched = jax.vmap(one)(shifts)
    for i, shift in enumerate(shifts):
        single = one(shift)
        for leaf, expected in zip(batched, single, strict=True):
            np.testing.assert_allclose(leaf[i], expected, atol=1e-5)


def test_float32_stays_float32_and_converges(kind, matrix_game):
    game, x0 = matrix_game
    x0 = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), x0)
    game = st.Saddle(
        lambda x, y, a: x @ a @ y, st.sets.Simplex(), st.sets.Simplex(),
        data=game.data.astype(jnp.float32),
    )  # fmt: skip
    system = game.lower(x0)
    method = kind(average=True)
    state = eqx.filter_eval_shape(method.init, system, st.Point(x0, {}), game.data)
    after, _ = eqx.filter_eval_shape(method.step, system, state, game.data)
    assert after == state  # structure, shapes and dtypes
    floats = [leaf.dtype for leaf in jax.tree.leaves(after) if leaf.dtype != jnp.int32]
    assert set(floats) == {jnp.dtype(jnp.float32)}
    outcome = st.run(game, x0, kind(), tol=1e-4, max_steps=20_000, differentiable=False)
    assert st.Status(int(outcome.status)) is st.Status.CONVERGED


@pytest.mark.parametrize("bad", [0, -0.1, float("nan")])
def test_step_size_must_be_positive(kind, bad):
    with pytest.raises(ValueError, match=rf"{kind.__name__}: step_size must be positive"):
        kind(step_size=bad)


def test_schedule_must_be_positive(kind):
    with pytest.raises(ValueError, match=r"gives -0\.5 at step 1000"):
        kind(step_size=lambda t: 0.5 - t / 1000)


def test_method_can_be_made_inside_compiled_code(kind):
    game = st.Saddle(lambda x, y: x * y)

    @jax.jit
    def distance(rate):
        start = (jnp.array(1.0), jnp.array(1.0))
        near = kind(step_size=lambda t: 0.3 * t / t)
        far = kind(step_size=rate)
        return [
            st.run(game, start, m, max_steps=9, differentiable=False).point.primal
            for m in (near, far)
        ]

    near, far = distance(0.3)
    np.testing.assert_allclose(near, far, rtol=1e-12)


def test_schedule_that_vanishes_on_the_way_stalls(kind):
    # Positive where it is probed, and 0 from step 20 to 30.
    method = kind(step_size=lambda t: jnp.where((t >= 20) & (t < 30), 0.0, 0.01))
    game = st.Saddle(lambda x, y: x * y)
    outcome = st.run(game, (jnp.array(1.0), jnp.array(1.0)), method, differentiable=False)
    assert st.Status(int(outcome.status)) is st.Status.STALLED
    assert int(outcome.steps) == 20


def test_steps_fall_like_the_root_of_their_number_under_mini_batches(kind, iterate):
    stream = st.Batches(np.array([1.0, 2.0, 3.0, 4.0]), batch_size=2)
    problem = st.VariationalInequality(st.Expectation(lambda x, row: 2 * (x - row), stream))
    states, _ = iterate(problem, jnp.zeros(()), kind(average=True), 3000)
    np.testing.assert_allclose(states.step[-1] / states.step[0], (101 / 3099) ** 0.5, rtol=1e-2)
    assert abs(states.mean.primal[-1] - 2.5) < 0.02


def test_step_that_is_too_long_diverges_and_says_so(single_call):
    game = st.Saddle(lambda x, y: x * y)
    outcome = st.run(
        game, (jnp.array(1.0), jnp.array(1.0)), single_call(step_size=0.9), differentiable=False
    )
    assert st.Status(int(outcome.status)) is st.Status.DIVERGED


def check(method, problem, x0, data=None):
    system = problem.lower(x0)
    return method.check(system, st.Point(x0, system.zero_duals(x0)), data)


def test_long_steps_are_warned_of(single_call):
    game = st.Saddle(lambda x, y: 10.0 * x * y)
    x0 = (jnp.array(1.0), jnp.array(1.0))
    with pytest.warns(StepSizeWarning, match=r"is 0\.5, but convergence is known below"):
        check(single_call(step_size=0.05), game, x0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check(single_call(step_size=0.04), game, x0) == []
        assert check(single_call(), game, x0) == []


def test_operator_that_ends_at_the_set_is_refused_by_the_reflected_gradient():
    problem = st.VariationalInequality(lambda x: jnp.log(x) + 2.0, st.sets.Box(1e-3, 1.0))
    x0 = jnp.array(1e-3)
    with pytest.raises(ValueError, match="evaluates the operator outside the set"):
        check(ReflectedGradient(step_size=1.0), st.VariationalInequality(
            lambda x: jnp.log(x) + 10.0, st.sets.Box(1e-3, 1.0)), x0)  # fmt: skip
    for method in (PastExtraGradient(), OptimisticGradient()):
        assert check(method, problem, x0) == []
        found = st.run(problem, x0, method, tol=1e-9).point.primal
        np.testing.assert_allclose(found, np.exp(-2.0), atol=1e-6)


def test_nan_on_the_way_is_a_status():
    problem = st.VariationalInequality(lambda x: jnp.sqrt(x), st.sets.Box(0.0, 5.0))
    outcome = st.run(problem, jnp.array(1.0), ReflectedGradient(step_size=0.9))
    assert st.Status(int(outcome.status)) is st.Status.NONFINITE


def test_average_that_was_not_kept_is_refused(kind, iterate):
    game = st.Saddle(lambda x, y: x * y)
    states, _ = iterate(game, (jnp.array(1.0), jnp.array(1.0)), kind(step_size=0.1), 2)
    with pytest.raises(ValueError, match=rf"{kind.__name__}\(average=True\)"):
        kind().average_point(states)
