"""Answers, multipliers and derivatives, against closed forms, SciPy and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import stationary as st
from stationary import Status
from stationary.methods import InteriorPoint


def solve(problem, x0, method=None, **options):
    return st.solve(problem, x0, method or InteriorPoint(), progress=False, **options)


def quartic(x, t=1.0):
    return jnp.sum((x - 2 * t) ** 4) + x[0] * x[1]


def disc(x):
    return x @ x


PROBLEM = st.Minimize(quartic, {"disc": st.at_most(disc, 2.0), "line": st.equal(jnp.sum, 1.5)})
START = np.array([0.3, 0.1])


@pytest.mark.parametrize("hessian", ["exact", "bfgs"])
def test_it_agrees_with_scipy(hessian):
    found = solve(PROBLEM, START, InteriorPoint(hessian=hessian))
    other = minimize(
        jax.jit(quartic),
        START,
        jac=jax.jit(jax.grad(quartic)),
        method="SLSQP",
        constraints=[
            {"type": "ineq", "fun": lambda x: 2.0 - disc(x), "jac": lambda x: -2 * x},
            {"type": "eq", "fun": lambda x: x.sum() - 1.5, "jac": lambda x: np.ones(2)},
        ],
        tol=1e-12,
    )
    assert found.status is Status.CONVERGED and found.certificate.passed
    np.testing.assert_allclose(found.value, other.x, atol=1e-5)


def test_bounds_equal_on_both_sides_fix_their_unknown():
    over = st.Box(jnp.array([1.0, -jnp.inf, 0.0]), jnp.array([1.0, jnp.inf, 0.0]))
    problem = st.Minimize(lambda x: jnp.sum(x**2), {"sum": st.equal(jnp.sum, 3.0)}, over)
    found = solve(problem, np.array([1.0, 0.0, 0.0]))
    np.testing.assert_allclose(found.value, [1, 2, 0], atol=1e-8)
    np.testing.assert_allclose(found.duals["sum"], -4.0, atol=1e-6)


def test_maximising_turns_only_the_objective():
    problem = st.Maximize(jnp.sum, {"disc": st.at_most(disc, 2.0)})
    found = solve(problem, np.zeros(2))
    np.testing.assert_allclose(found.value, [1, 1], atol=1e-6)
    assert found.duals["disc"] == pytest.approx(0.5, abs=1e-6)


def test_open_sets_are_never_left():
    problem = st.Minimize(
        lambda x: jnp.sum(x * jnp.log(x)), {"sum": st.equal(jnp.sum, 1.0)}, st.sets.Positive()
    )
    found = solve(problem, np.array([0.9, 0.05, 0.01]))
    np.testing.assert_allclose(found.value, np.full(3, 1 / 3), atol=1e-7)


def test_single_precision_reaches_what_it_can():
    found = solve(PROBLEM, START.astype(np.float32))
    assert found.value.dtype == np.float32 and found.status is Status.CONVERGED
    np.testing.assert_allclose(found.value, solve(PROBLEM, START).value, atol=2e-3)


def test_a_warm_start_takes_fewer_steps():
    cold = solve(PROBLEM, START)
    nearby = st.Minimize(
        lambda x: quartic(x, 1.01),
        {"disc": st.at_most(disc, 2.0), "line": st.equal(jnp.sum, 1.5)},
    )
    again = solve(nearby, cold)
    fresh = solve(nearby, START)
    np.testing.assert_allclose(again.value, fresh.value, atol=1e-6)
    assert again.stats.steps < fresh.stats.steps


def test_a_batch_is_the_loop_over_its_lanes():
    problem = st.Minimize(quartic, PROBLEM.subject_to, data=jnp.array(1.0))
    scales = jnp.linspace(0.5, 1.5, 5)

    def answer(t):
        return st.run(problem, START, InteriorPoint(), data=t, differentiable=False).point.primal

    batch = jax.jit(jax.vmap(answer))(scales)
    one = jax.jit(answer)
    np.testing.assert_allclose(batch, [one(t) for t in scales], atol=1e-8)


def test_derivatives_are_those_of_differences():
    problem = st.Minimize(quartic, PROBLEM.subject_to, data=jnp.array(1.0))

    def both(t):
        point = st.run(problem, START, InteriorPoint(), data=t, tol=1e-10).point
        return jnp.concatenate([point.primal, point.duals["line"][None], point.duals["disc"][None]])

    t, step = jnp.array(0.4), 1e-5
    difference = (both(t + step) - both(t - step)) / (2 * step)
    np.testing.assert_allclose(jax.jacfwd(both)(t), difference, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.jacrev(both)(t), difference, rtol=1e-5, atol=1e-6)


def test_the_solve_is_one_program():
    found = solve(PROBLEM, START, tol=1e-5)
    again = solve(PROBLEM, START + 0.1, tol=1e-5)
    assert again.stats.traces == 0 and found.stats.steps > 0
