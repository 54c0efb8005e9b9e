"""The method of multipliers: its steps, its cones, its warm starts and the ways it gives up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary import Status
from stationary.methods import AugmentedLagrangian
from stationary.sets import Box, SecondOrder, Simplex

METHOD = AugmentedLagrangian()


def circle(**options):
    """min x + y on a disc of radius sqrt 2: (-1, -1), multiplier 1/2."""
    return st.Minimize(jnp.sum, {"disc": st.at_most(lambda x: x @ x, 2.0)}, **options)


def test_a_step_is_one_evaluation_of_the_users_functions():
    calls = []

    def loss(x):
        calls.append(1)
        return jnp.sum(x**2)

    problem = st.Minimize(loss, {"sum": st.equal(jnp.sum, 1.0)})
    system = problem.lower(jnp.zeros(2))
    point = st.Point(jnp.zeros(2), {"sum": jnp.zeros(())})
    state = METHOD.init(system, point)
    state, metrics = METHOD.step(system, state)
    assert len(calls) == 1  # one trace, whatever runs later
    assert jax.tree.structure(state) == jax.tree.structure(METHOD.init(system, point))
    assert np.isfinite(metrics.residual)


def test_reported_multipliers_are_the_first_order_estimates():
    outcome = st.run(circle(), jnp.array([0.1, 0.2]), METHOD, tol=1e-10)
    np.testing.assert_allclose(outcome.point.primal, -1, atol=1e-9)
    np.testing.assert_allclose(outcome.point.duals["disc"], 0.5, atol=1e-9)


def test_a_warm_start_from_the_answer_is_done_at_once():
    answer = st.run(circle(), jnp.array([0.1, 0.2]), METHOD, tol=1e-9).point
    again = st.run(circle(), answer.primal, METHOD, duals=answer.duals, tol=1e-8)
    assert int(again.steps) == 1 and again.status == Status.CONVERGED
    # A neighbouring problem takes fewer steps from here than from afar.
    wider = st.Minimize(jnp.sum, {"disc": st.at_most(lambda x: x @ x, 2.1)})
    warm = st.run(wider, answer.primal, METHOD, duals=answer.duals)
    cold = st.run(wider, jnp.array([0.1, 0.2]), METHOD)
    assert int(warm.steps) < int(cold.steps)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_constraints_of_any_scale_have_multipliers_of_the_inverse_scale(scale):
    problem = st.Minimize(
        lambda x: jnp.sum((x - 2) ** 2), {"sum": st.at_most(lambda x: scale * jnp.sum(x), scale)}
    )
    point = st.run(problem, jnp.zeros(2), METHOD, tol=1e-9).point
    np.testing.assert_allclose(point.primal, 0.5, atol=1e-6)
    np.testing.assert_allclose(point.duals["sum"] * scale, 3.0, atol=1e-5)


def test_sets_and_cones_work_together():
    # The nearest point of a simplex, within a cone, to (1, 0, 0): |tail| <= head is active.
    problem = st.Minimize(
        lambda x: jnp.sum((x - jnp.array([0.0, 1.0, 0.0])) ** 2),
        {"cone": st.in_cone(lambda x: x, SecondOrder())},
        over=Simplex(),
    )
    point = st.run(problem, jnp.full(3, 1 / 3), METHOD, tol=1e-8).point
    np.testing.assert_allclose(point.primal, [0.5, 0.5, 0.0], atol=1e-5)
    dual = np.asarray(point.duals["cone"])  # in the polar cone, at right angles to x
    assert dual[0] <= -np.linalg.norm(dual[1:]) + 1e-6
    np.testing.assert_allclose(dual @ np.asarray(point.primal), 0, atol=1e-6)


def test_maximising_flips_the_objective_and_nothing_else():
    up = st.Maximize(lambda x: -jnp.sum((x - 2) ** 2), {"sum": st.at_most(jnp.sum, 1.0)})
    point = st.run(up, jnp.zeros(2), METHOD, tol=1e-9).point
    np.testing.assert_allclose(point.duals["sum"], 3.0, atol=1e-6)
    solution = st.solve(up, np.zeros(2), METHOD)
    np.testing.assert_allclose(solution.objective, -4.5, atol=1e-5)


def test_contradictions_and_endless_descent_are_told_apart_from_slow_progress():
    contradiction = st.Minimize(
        lambda x: jnp.sum(x**2),
        {"low": st.at_most(jnp.sum, -1.0), "high": st.at_most(lambda x: 1 - jnp.sum(x))},
    )
    assert st.run(contradiction, jnp.zeros(2), METHOD).status == Status.INFEASIBLE
    endless = st.Minimize(jnp.sum, {"order": st.at_most(lambda x: x[0] - x[1])})
    assert st.run(endless, jnp.zeros(2), METHOD).status == Status.UNBOUNDED
    # Within a box both have answers, or none, for reasons of their own.
    held = st.Minimize(jnp.sum, {"order": st.at_most(lambda x: x[0] - x[1])}, over=Box(-1, 1))
    outcome = st.run(held, jnp.zeros(2), METHOD)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.primal, -1, atol=1e-6)


def test_a_dead_end_is_a_stall_or_nonfinite_never_converged():
    problem = st.Minimize(lambda x: jnp.sum(jnp.sqrt(x - 1)), {"one": st.equal(jnp.sum, 4.0)})
    outcome = st.run(problem, jnp.zeros(2), METHOD, max_steps=500)
    assert outcome.status in (Status.NONFINITE, Status.STALLED)


def test_lanes_of_vmap_are_the_solves_alone():
    def answer(radius, start):
        problem = st.Minimize(jnp.sum, {"disc": st.at_most(lambda x: x @ x - radius)})
        return st.run(problem, start, METHOD, differentiable=False)

    radii = jnp.array([1.0, 2.0, 5.0])
    starts = jnp.array([[0.1, 0.2], [3.0, -1.0], [0.0, 0.0]])
    together = jax.jit(jax.vmap(answer))(radii, starts)
    alone = jax.jit(answer)
    for i in range(3):
        one = alone(radii[i], starts[i])
        assert int(one.steps) == int(together.steps[i])
        np.testing.assert_allclose(one.point.primal, together.point.primal[i], atol=1e-10)


def test_float32_stays_float32_and_converges_to_its_own_tolerance():
    outcome = st.run(circle(), jnp.array([0.1, 0.2], jnp.float32), METHOD, differentiable=False)
    assert outcome.status == Status.CONVERGED
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(outcome.point)}
    assert dtypes == {jnp.dtype("float32")}
    np.testing.assert_allclose(outcome.point.duals["disc"], 0.5, atol=1e-3)
