"""How accurate linear solves must be: the rules by hand, and that they are kept."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.atlas.constrained.sketched_newton._problems import named
from stationary.methods import (
    AdaptiveAccuracy,
    ExactAugmentedLagrangian,
    LagrangeNewton,
    SketchProject,
)
from stationary.methods.newton._adaptive_accuracy import Demands

DEMANDS = Demands(*map(jnp.asarray, (0.25, 7.0, 3.0, 2.0, 5.0, 0.5, 2.0, 0.1)), 0.1)


def test_practical_goals_are_shares_of_the_right_hand_side():
    linear, superlinear = AdaptiveAccuracy(rate="linear"), AdaptiveAccuracy()
    np.testing.assert_allclose(linear.goal(jnp.asarray(0.1), DEMANDS), 0.1 * 0.25)
    np.testing.assert_allclose(superlinear.goal(jnp.asarray(0.1), DEMANDS), 0.1 * 0.5 * 0.25)
    far = DEMANDS._replace(residual=jnp.asarray(100.0))
    np.testing.assert_allclose(superlinear.goal(jnp.asarray(0.1), far), 0.1 * 100)


def test_theoretical_goals_follow_the_paper():
    psi = 20 * 3.0**2 / (0.5 * 0.1)
    rule = AdaptiveAccuracy("theory", rate="linear")
    bound = (0.5 - 0.1) * 0.1 / ((1 + 2.0 + 0.1) * 5.0**2 * psi**2)
    assert bound < 1e-6
    np.testing.assert_allclose(rule.limited(jnp.asarray(0.1), DEMANDS), 1e-6)
    tame = DEMANDS._replace(model=jnp.asarray(0.1), smallest=jnp.asarray(1e6))
    psi = 20 / 0.1
    bound = (0.5 - 0.1) * 0.1 / ((1 + 2.0 + 0.1) * 5.0**2 * psi**2)
    np.testing.assert_allclose(rule.limited(jnp.asarray(0.1), tame), max(bound, 1e-6))
    np.testing.assert_allclose(rule.goal(jnp.asarray(1e-3), tame), 1e-3 * 0.25 / (7 * psi))
    faster = AdaptiveAccuracy("theory")
    np.testing.assert_allclose(faster.goal(jnp.asarray(1e-3), tame), 1e-3 * 0.25**2 / (7 * psi))


@pytest.mark.parametrize("mode", ["practical", "theory"])
def test_steps_are_as_accurate_as_asked_and_descend(mode):
    (problem,) = named("HS42")
    solver = SketchProject("kaczmarz", max_steps=1_000_000)
    method = LagrangeNewton(ExactAugmentedLagrangian(), solver, AdaptiveAccuracy(mode))
    found = st.run(problem.statement, problem.x0, method, tol=1e-4, differentiable=False)
    assert st.Status(int(found.status)) is st.Status.CONVERGED
    np.testing.assert_allclose(found.metrics.objective, problem.optimum, rtol=1e-6)


def test_the_practical_mode_needs_far_fewer_actions_than_the_theoretical_one():
    (problem,) = named("HS48")
    x0 = jnp.asarray(problem.x0)
    system = problem.statement.lower(x0)
    point = st.Point(x0, system.zero_duals(x0))
    work = {}
    for mode in ("practical", "theory"):
        method = LagrangeNewton(None, SketchProject(max_steps=1_000_000), AdaptiveAccuracy(mode))
        step = jax.jit(lambda s, method=method: method.step(system, s))
        state = method.init(system, point, key=jax.random.key(0))
        for _ in range(4):
            state, _ = step(state)
        work[mode] = int(state.work)
    assert 0 < 3 * work["practical"] < work["theory"]


def test_randomness_comes_from_the_key_alone():
    (problem,) = named("HS42")
    method = LagrangeNewton(None, SketchProject(), AdaptiveAccuracy())

    @jax.jit
    def answer(key):
        return st.run(
            problem.statement, problem.x0, method, key=key, max_steps=3, differentiable=False
        ).point.primal

    first = answer(jax.random.key(1))
    np.testing.assert_array_equal(first, answer(jax.random.key(1)))
    assert np.max(np.abs(first - answer(jax.random.key(2)))) > 1e-6


def test_an_accuracy_that_is_an_array_changes_without_compiling_anew():
    (problem,) = named("HS48")
    x0 = jnp.asarray(problem.x0)
    system = problem.statement.lower(x0)
    point = st.Point(x0, system.zero_duals(x0))
    traces = []

    @eqx.filter_jit
    def gap(method):
        traces.append(None)
        state = method.init(system, point, key=jax.random.key(0))
        for _ in range(2):  # a look at the start, and a step
            state, _ = method.step(system, state)
        root = system.root(state.next)
        return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(root)))

    def method(start):
        return LagrangeNewton(None, SketchProject(), AdaptiveAccuracy(rate="linear", start=start))

    found = [float(gap(method(jnp.asarray(start)))) for start in (0.1, 1e-3, 1e-6)]
    assert len(traces) == 1
    np.testing.assert_array_less(found[1:], 0.1 * np.array(found[:-1]))
    # One step of a quadratic programme leaves what the linear solve leaves.
    start = system.root(point)
    size = np.sqrt(sum(np.sum(np.square(leaf)) for leaf in jax.tree.leaves(start)))
    np.testing.assert_array_less(found, [0.1 * size, 1e-3 * size, 1e-6 * size])


def test_numbers_outside_their_ranges_are_refused():
    with pytest.raises(ValueError, match="practical.*theory"):
        AdaptiveAccuracy("fast")
    with pytest.raises(ValueError, match="linear.*superlinear"):
        AdaptiveAccuracy(rate="quadratic")
    with pytest.raises(ValueError, match=r"start must lie in \(0, 1\)"):
        AdaptiveAccuracy(start=1.0)
    with pytest.raises(ValueError, match="shrink must exceed 1"):
        AdaptiveAccuracy(shrink=1.0)
