"""Unrolled steps that both objectives steer: published counter-example, gradients, memory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import BilevelDescent

START = (jnp.array(0.0), jnp.zeros(2))


def upper(x, y):
    return 0.5 * (x - y[1]) ** 2 + 0.5 * (y[0] - 1) ** 2


def lower(x, y):  # any y[1] will do
    return 0.5 * y[0] ** 2 - x * y[0]


def steep(x, y):  # one answer, with different curvatures
    return 2 * (y[0] - x) ** 2 + 0.5 * (y[1] + x) ** 2


def limit(weight, steps, below=lower, start=START, outer=3000):
    """x after so many outer steps at rate 0.1."""
    response = st.Unrolled(steps, 0.3, upper_weight=weight, warm_start=False)
    problem = st.Nested(upper, below, response)
    method = BilevelDescent(0.1)
    outcome = st.run(problem, start, method, tol=1e-14, max_steps=outer, differentiable=False)
    return float(outcome.point.primal[0])


def slow(k):
    return 0.5 / (k + 1)


def fast(k):
    return 2 / (k + 2)


@pytest.mark.parametrize(
    ("weight", "expected"),
    [
        (None, {16: 0.499997, 64: 0.5, 256: 0.5}),
        (0.5, {16: 0.984806, 64: 0.9999999966}),
        (slow, {16: 0.726712, 64: 0.809463, 256: 0.866839}),
        (fast, {16: 0.949332, 64: 0.991064, 256: 0.998349}),
    ],
    ids=["lower alone", "constant", "0.5 / (k + 1)", "2 / (k + 2)"],
)
def test_counter_example_of_many_lower_answers(weight, expected):
    for steps, x in expected.items():
        assert limit(weight, steps) == pytest.approx(x, abs=1e-5)


def test_without_weight_the_frozen_entry_decides():
    # y[1] stays where it began, and x = (1 + y[1]) / 2 is best for that.
    found = limit(None, 64, start=(jnp.array(0.0), jnp.array([0.0, 0.4])))
    assert found == pytest.approx(0.7, abs=1e-6)


def test_a_weight_that_stays_biases_a_unique_answer():
    assert limit(None, 200, steep) == pytest.approx(0.2, abs=1e-3)
    assert limit(lambda k: 1 / (k + 1) ** 2, 200, steep) == pytest.approx(0.2, abs=1e-3)
    assert limit(0.5, 200, steep) == pytest.approx(16 / 41, abs=1e-6)


def by_hand(x, y, a, steps, truncate=None):
    """The upper objective after the steps, in a Python loop."""
    for k in range(steps):
        here = jax.lax.stop_gradient(x) if truncate and k < steps - truncate else x
        if truncate and k == steps - truncate:
            y = jax.lax.stop_gradient(y)
        by_upper, by_lower = (jax.grad(f, argnums=1)(here, y) for f in (wavy, coupled))
        y = jnp.clip(y - (0.7 * a(k) * by_upper + 0.2 * (1 - a(k)) * by_lower), -2.0, 0.9)
    return wavy(x, y)


def wavy(x, y):
    return jnp.sum(jnp.sin(y - x)) + 0.5 * jnp.sum(x * y**2)


def coupled(x, y):
    return jnp.sum(jnp.cosh(0.5 * y) - x * y) + 0.1 * jnp.prod(y)


X, Y = jnp.array([0.3, -0.4, 0.9]), jnp.array([0.5, 1.5, -0.2])


def direction(**options):
    """The direction of x through seven steps of a problem with a box."""
    response = st.Unrolled(7, 0.2, upper_weight=fast, upper_rate=0.7, warm_start=False, **options)
    below = st.Minimize(coupled, over=st.Box(-2.0, 0.9))
    problem = st.Nested(wavy, below, response)
    unknown = problem.embed((X, Y))
    return problem.lower((X, Y)).linearize(unknown).direction({})[0]


def test_direction_is_the_derivative_through_all_steps_with_both_terms():
    exact = jax.grad(lambda x: by_hand(x, Y, fast, 7))(X)
    np.testing.assert_allclose(direction(), exact, rtol=1e-12)
    h = 1e-6
    for i, unit in enumerate(np.eye(3)):
        ends = (by_hand(X + sign * h * unit, Y, fast, 7) for sign in (1, -1))
        difference = float(np.subtract(*ends)) / (2 * h)
        assert float(exact[i]) == pytest.approx(difference, abs=1e-8)


@pytest.mark.parametrize("steps", [1, 2, 5, 7])
def test_truncation_stops_at_so_many_steps(steps):
    expected = jax.grad(lambda x: by_hand(x, Y, fast, 7, steps))(X)
    np.testing.assert_allclose(direction(truncate=steps), expected, rtol=1e-12)
    assert np.allclose(expected, direction(), rtol=1e-8) == (steps == 7)


@pytest.mark.parametrize("truncate", [None, 5])
def test_checkpointing_changes_nothing(truncate):
    kept = direction(truncate=truncate)
    again = direction(truncate=truncate, checkpoint=True)
    np.testing.assert_allclose(again, kept, rtol=1e-12, atol=1e-12)


def test_checkpointing_saves_memory():
    def bytes_of(checkpoint):
        response = st.Unrolled(400, 0.1, checkpoint=checkpoint, warm_start=False)
        problem = st.Nested(wavy, coupled, response)
        pair = (jnp.zeros(1000), jnp.zeros(1000))
        system, unknown = problem.lower(pair), problem.embed(pair)
        go = jax.jit(lambda unknown: system.linearize(unknown).direction({})[0])
        return go.lower(unknown).compile().memory_analysis().temp_size_in_bytes

    assert bytes_of(True) < 0.25 * bytes_of(False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, r"Unrolled\(steps=\.\.\.\) must be at least 1, got 0"),
        ({"learning_rate": 0.0}, r"learning_rate=\.\.\.\) must be positive and finite, got 0"),
        ({"upper_weight": 1.5}, r"upper_weight=\.\.\.\) must be in \[0, 1\], got 1\.5"),
        ({"upper_weight": lambda k: 1.0 - 2.0 * k}, r"in \[0, 1\] at every step, .* -1 at step 1"),
        ({"steps": 5, "truncate": 6}, r"truncate=\.\.\.\) must be from 1 to steps=5, got 6"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        st.Unrolled(**options)


def test_schedules_are_asked_at_steps_that_are_taken():
    # In 32 bits the square overflows beyond 46,340 steps, which 200 steps do not reach.
    assert st.Unrolled(200, upper_weight=lambda k: 1 / (k + 1) ** 2).steps == 200


@pytest.mark.parametrize(
    "response",
    [st.Unrolled(5, upper_weight=0.5, warm_start=False), st.Averaged(0.5)],
    ids=["unrolled", "averaged"],
)
def test_an_upper_objective_that_ignores_y_is_noticed(response):
    start = (jnp.array(0.3), jnp.array(0.2))
    method = BilevelDescent(0.1)

    def notices(above):
        problem = st.Nested(above, lambda x, y: (y - x) ** 2, response)
        return st.solve(problem, start, method, max_steps=5, progress=False).stats.notices

    with pytest.warns(UserWarning, match="does not depend on y"):
        found = notices(lambda x, y: x**2 + 0 * jnp.sum(y))
    assert any("does not depend on y" in notice for notice in found)
    # A slope that is zero where the solve starts only is no reason to warn.
    assert notices(lambda x, y: x**2 + (y - 0.2) ** 2) == ()
