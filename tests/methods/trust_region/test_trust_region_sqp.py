"""Trust-region SQP: other solvers' answers, its memory, and the ways it gives up."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import ClosedJaxpr, Jaxpr

import stationary as st
from stationary import Status
from stationary.methods import InteriorPoint, TrustRegionSQP
from stationary.sets import Simplex

METHOD = TrustRegionSQP()


def mixed():
    """Equality, inequality and bounds, all of them active or not: curved, five unknowns."""
    return st.Minimize(
        lambda x: jnp.sum((x - jnp.arange(5.0)) ** 2) + x[0] * x[1] * x[2],
        {
            "sphere": st.equal(lambda x: x @ x, 4.0),
            "halves": st.at_most(lambda x: jnp.stack([x[3] - x[4], x[0] - 3.0])),
        },
        over=st.Box(0.1, np.array([1.0, 1.0, 1.0, 2.0, 1.5])),  # pyright: ignore[reportArgumentType]
    )


def test_answers_and_multipliers_are_those_of_the_interior_point():
    start = jnp.full(5, 0.7)
    ours = st.run(mixed(), start, METHOD, tol=1e-8, max_steps=200, differentiable=False)
    other = st.run(mixed(), start, InteriorPoint(), tol=1e-8, max_steps=200, differentiable=False)
    assert ours.status == Status.CONVERGED and other.status == Status.CONVERGED
    np.testing.assert_allclose(ours.point.primal, other.point.primal, atol=1e-6)
    for name, dual in other.point.duals.items():
        np.testing.assert_allclose(ours.point.duals[name], dual, atol=1e-5)


def test_a_control_problem_of_three_thousand_unknowns_takes_a_few_steps(oscillator):
    problem = oscillator(1000)
    solution = st.solve(problem, np.zeros((1000, 3)), METHOD, tol=1e-8, progress=False)
    assert solution.status is Status.CONVERGED
    assert solution.stats.steps <= 12
    # Its multipliers satisfy the adjoint equations: the Lagrangian is flat at the point.
    z = jnp.asarray(solution.value)
    defects = problem.subject_to["dynamics"].fn

    def lagrangian(z):
        return problem.objective(z) + jnp.vdot(solution.duals["dynamics"], defects(z))

    np.testing.assert_allclose(jax.grad(lagrangian)(z), 0, atol=1e-8)
    np.testing.assert_allclose(defects(z), 0, atol=1e-8)
    assert set(solution.trace.log) == set(METHOD.log(solution.state.state))
    assert solution.trace.log["band"][-1] == 8


def test_bounds_and_inequalities_say_the_same(oscillator):
    top = 0.9
    upper = np.array([np.inf, np.inf, top])
    bounds = st.Box(-np.inf, upper)  # pyright: ignore[reportArgumentType]
    limit = {"limit": st.at_most(lambda z: z[:, 2], top)}
    start = jnp.zeros((90, 3))
    by_bounds, by_slacks = (
        st.run(problem, start, METHOD, tol=1e-7, max_steps=80, differentiable=False)
        for problem in (oscillator(90, over=bounds), oscillator(90, also=limit))
    )
    assert by_bounds.status == Status.CONVERGED and by_slacks.status == Status.CONVERGED
    control = by_bounds.point.primal[:, 2]
    assert jnp.max(control) <= top and jnp.sum(control > top - 1e-4) > 1
    np.testing.assert_allclose(by_slacks.point.primal, by_bounds.point.primal, atol=1e-4)


def sizes(jaxpr):
    """The number of entries of every array in a program, inner programs included."""
    for equation in jaxpr.eqns:
        yield from (int(np.prod(v.aval.shape)) for v in equation.outvars)
        for value in jax.tree.leaves(list(equation.params.values()), is_leaf=is_program):
            if is_program(value):
                yield from sizes(getattr(value, "jaxpr", value))


def is_program(value):
    return isinstance(value, Jaxpr | ClosedJaxpr)


def test_no_array_is_larger_than_a_few_dozen_times_the_unknowns(oscillator):
    largest = {}
    for steps in (4000, 8000):
        z = jnp.zeros((steps, 3))
        bounds = st.Box(-2.0, 2.0)
        system = oscillator(steps, over=bounds).lower(z)
        state = METHOD.init(system, st.Point(z, system.zero_duals(z)))
        program = jax.make_jaxpr(lambda s, system=system: METHOD.step(system, s))(state)
        largest[steps] = max(sizes(program.jaxpr))
    assert largest[8000] <= 40 * 3 * 8000  # the band of A A': 17 numbers a row, and its blocks
    assert largest[8000] <= 2.1 * largest[4000]


@pytest.mark.parametrize(
    ("gap", "x0", "over", "nearest"),
    [
        (lambda x: x[0] ** 2 + x[1] ** 2 + 1.0, [1.0, 0.5], st.Euclidean(), [0.0, 0.0]),
        (lambda x: x[0] + x[1] - 3.0, [0.2, 0.3], st.Box(0.0, 1.0), [1.0, 1.0]),
    ],
    ids=["no root", "root beyond the bounds"],
)
def test_infeasible_is_said_where_the_violation_is_least(gap, x0, over, nearest):
    problem = st.Minimize(lambda x: jnp.sum(x**2), {"gap": st.equal(gap)}, over=over)
    outcome = st.run(problem, jnp.array(x0), METHOD, max_steps=300, differentiable=False)
    assert outcome.status == Status.INFEASIBLE
    np.testing.assert_allclose(outcome.point.primal, nearest, atol=1e-4)


def test_endless_descent_along_feasible_points_is_unbounded():
    endless = st.Minimize(jnp.sum, {"order": st.equal(lambda x: x[0] - x[1])})
    outcome = st.run(endless, jnp.zeros(2), METHOD, max_steps=100, differentiable=False)
    assert outcome.status == Status.UNBOUNDED


def test_dependent_constraints_do_no_harm():
    twice = st.Minimize(
        lambda x: jnp.sum((x - 2.0) ** 2),
        {"sums": st.equal(lambda x: jnp.stack([jnp.sum(x), 2 * jnp.sum(x)]), np.array([1.0, 2.0]))},
    )
    outcome = st.run(twice, jnp.zeros(2), METHOD, max_steps=50, differentiable=False)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.primal, 0.5, atol=1e-6)
    np.testing.assert_allclose(outcome.point.duals["sums"] @ np.array([1, 2]), 3.0, atol=1e-5)


def test_what_it_cannot_see_is_refused_with_a_way_out():
    problem = st.Minimize(lambda x: jnp.sum(x**2), over=Simplex())
    with pytest.raises(TypeError, match=r"TrustRegionSQP .* use AugmentedLagrangian"):
        st.solve(problem, np.full(3, 1 / 3), METHOD)
    with pytest.raises(ValueError, match="radius must be positive"):
        TrustRegionSQP(radius=0.0)
