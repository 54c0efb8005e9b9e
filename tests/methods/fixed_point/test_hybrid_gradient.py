"""The hybrid gradient method: answers where there are any, checked proofs where there are none."""

import dataclasses

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

import stationary as st
from stationary import Status, Verdict
from stationary.methods import Halpern, Picard, PrimalDualHybridGradient

METHOD = PrimalDualHybridGradient()


def solve(program, **given):
    return st.solve(program.problem, program.start, METHOD, progress=False, **given)


def truth(program):
    """What HiGHS says: 0 optimal, 2 infeasible, 3 unbounded."""
    return linprog(program.c, A_eq=program.a, b_eq=program.b).status


@pytest.mark.parametrize("seed", range(3))
def test_programs_with_an_answer_are_solved_to_that_of_highs(program, seed):
    made = program("feasible", seed)
    solution = solve(made, tol=1e-8)
    exact = linprog(made.c, A_eq=made.a, b_eq=made.b)
    assert exact.status == 0 and solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.value, exact.x, atol=1e-6)
    np.testing.assert_allclose(solution.duals["rows"], -exact.eqlin.marginals, atol=1e-6)
    assert solution.certificate.verdict is Verdict.OPTIMAL


@pytest.mark.parametrize("seed", range(3))
def test_contradictions_end_infeasible_with_farkas_multipliers(program, seed):
    made = program("contradictory", seed)
    solution = solve(made)
    assert truth(made) == 2 and solution.status is Status.INFEASIBLE
    y = np.asarray(solution.last.duals["rows"])
    height = -y @ made.b
    assert height > 0 and np.all(made.a.T @ y >= -1e-6 * height)
    certificate = solution.certificate
    assert certificate.verdict is Verdict.INFEASIBLE and "contradict" in certificate.ray.reason


@pytest.mark.parametrize("seed", range(3))
def test_endless_descent_ends_unbounded_along_a_ray(program, seed):
    made = program("endless", seed)
    solution = solve(made)
    assert truth(made) == 3 and solution.status is Status.UNBOUNDED
    d = np.asarray(solution.value) / np.max(np.abs(solution.value))
    assert made.c @ d < 0
    assert np.all(d >= -1e-6) and np.max(np.abs(made.a @ d)) <= 1e-5 * -(made.c @ d)
    assert solution.certificate.verdict is Verdict.UNBOUNDED


def test_status_and_proof_name_the_constraints_and_nothing_else():
    problem = st.Minimize(
        lambda x: x[0] + 2 * x[1],
        {
            "budget": st.at_most(jnp.sum, 1.0),
            "demand": st.at_most(lambda x: 2 - x[0]),
            "harmless": st.at_most(lambda x: x[1], 9.0),
        },
        st.Box(0, np.inf),
    )
    solution = st.solve(problem, jnp.zeros(2), METHOD, progress=False)
    assert solution.status is Status.INFEASIBLE
    ray = solution.certificate.ray
    assert ray.proved and "'budget' and 'demand' contradict each other" in ray.reason
    assert "harmless" not in ray.reason


def test_what_is_neither_feasible_nor_bounded_is_called_infeasible():
    problem = st.Minimize(
        lambda x: -x[0],
        {"two": st.equal(lambda x: x[1], 2.0), "three": st.equal(lambda x: x[1], 3.0)},
    )
    solution = st.solve(problem, jnp.zeros(2), METHOD, progress=False)
    assert solution.status is Status.INFEASIBLE
    assert solution.certificate.verdict is Verdict.INFEASIBLE


def test_bounds_take_part_in_a_contradiction():
    problem = st.Minimize(jnp.sum, {"far": st.at_most(lambda x: 9 - jnp.sum(x))}, st.Box(-1, 2))
    solution = st.solve(problem, jnp.zeros(3), METHOD, progress=False)
    assert solution.status is Status.INFEASIBLE
    assert "'far' cannot be satisfied within the bounds of x" in solution.certificate.ray.reason


def test_row_without_entries_is_a_proof_by_itself_at_once(program):
    made = program("feasible", m=4, n=6)
    a, b = made.a.copy(), made.b.copy()
    a[2], b[2] = 0.0, 1.5
    solution = solve(dataclasses.replace(made, a=a, b=b))
    assert solution.status is Status.INFEASIBLE and solution.stats.steps == 1
    np.testing.assert_array_equal(np.asarray(solution.last.duals["rows"]) != 0, np.eye(4)[2])
    assert "'rows[2]' cannot be satisfied" in solution.certificate.ray.reason


def test_row_without_entries_that_holds_is_no_contradiction(program):
    made = program("feasible", m=4, n=6)
    a, b = made.a.copy(), made.b.copy()
    a[2], b[2] = 0.0, 0.0
    kept = dataclasses.replace(made, a=a, b=b, c=np.abs(made.c))
    assert solve(kept).status is Status.CONVERGED


def test_fixed_variables_and_two_sided_bounds_are_handled(program):
    made = program("feasible", m=3, n=6)
    lower = np.array([0.0, 0.5, -np.inf, 0.0, -1.0, 0.0])
    upper = np.array([np.inf, 0.5, np.inf, 4.0, 1.0, 3.0])
    a = made.a
    b = a @ np.clip(np.arange(6) / 3, lower, upper)
    problem = st.Minimize(
        lambda x: made.c @ x + 0.05 * x[2] ** 2,
        {"rows": st.equal(lambda x: a @ x, b)},
        st.Box(lower, upper),
        convex=True,
    )
    start = jnp.asarray(np.clip(np.zeros(6), lower, upper))
    solution = st.solve(problem, start, METHOD, tol=1e-8, progress=False)
    x = cp.Variable(6)
    limits = [a @ x == b, x[1] == 0.5, x[0] >= 0, x[3:] >= lower[3:], x[3:] <= upper[3:]]
    best = cp.Problem(cp.Minimize(made.c @ x + 0.05 * x[2] ** 2), limits).solve(cp.CLARABEL)
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.objective, best, atol=1e-6)
    assert float(solution.value[1]) == 0.5


def test_quadratic_programs_are_solved_and_maximised():
    rng = np.random.default_rng(5)
    root, c, a = rng.normal(size=(4, 7)), rng.normal(size=7), rng.normal(size=(3, 7))
    problem = st.Maximize(
        lambda x: -0.5 * jnp.sum((root @ x) ** 2) + c @ x,
        {"rows": st.at_most(lambda x: a @ x, 1.0)},
        st.Box(-2.0, 2.0),
        convex=True,
    )
    solution = st.solve(problem, jnp.zeros(7), METHOD, tol=1e-8, progress=False)
    x = cp.Variable(7)
    goal = cp.Maximize(-0.5 * cp.sum_squares(root @ x) + c @ x)
    best = cp.Problem(goal, [a @ x <= 1, x >= -2, x <= 2]).solve(cp.CLARABEL)
    np.testing.assert_allclose(solution.objective, best, atol=1e-6)
    assert solution.certificate.verdict is Verdict.OPTIMAL


def test_quadratic_objective_without_a_bound_ends_unbounded():
    # Flat along (1, -1), and falling there.
    problem = st.Minimize(lambda x: (x[0] + x[1]) ** 2 - x[0], over=st.Box(-np.inf, [np.inf, 3.0]))
    solution = st.solve(problem, jnp.zeros(2), METHOD, progress=False)
    assert solution.status is Status.UNBOUNDED
    assert solution.certificate.verdict is Verdict.UNBOUNDED
    # Where the statement bends, the direction is no ray.
    bent = st.Minimize(lambda x: (x[0] + x[1]) ** 2 + 1e-3 * x[0] ** 2 - x[0])
    assert st.solve(bent, jnp.zeros(2), METHOD, progress=False).status is Status.CONVERGED


def test_objective_has_no_say_in_whether_constraints_contradict(program):
    # The optimum is far, the descent steep: directions of progress look like rays for a while.
    problem = st.Minimize(
        lambda x: -1e4 * x[0],
        {"roof": st.at_most(lambda x: 1e-3 * x[0] + x[1], 1.0)},
        st.Box(0, np.inf),
    )
    solution = st.solve(problem, jnp.zeros(2), METHOD, progress=False)
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.value, [1e3, 0], rtol=1e-5, atol=1e-5)


def test_second_order_cones_are_handled():
    problem = st.Minimize(
        lambda x: x[0] + x[1],
        {"ball": st.in_cone(lambda x: jnp.concatenate([jnp.ones(1), x]), st.SecondOrder())},
        convex=True,
    )
    solution = st.solve(problem, jnp.zeros(2), METHOD, tol=1e-8, progress=False)
    np.testing.assert_allclose(solution.value, [-np.sqrt(0.5)] * 2, atol=1e-6)
    contradiction = st.Minimize(
        lambda x: x[0],
        {
            "ball": st.in_cone(lambda x: jnp.concatenate([jnp.ones(1), x]), st.SecondOrder()),
            "plane": st.equal(lambda x: x[0] + x[1], 2.0),
        },
        convex=True,
    )
    found = st.solve(contradiction, jnp.zeros(2), METHOD, progress=False)
    assert found.status is Status.INFEASIBLE and found.certificate.verdict is Verdict.INFEASIBLE


def test_weak_infeasibility_has_no_proof_and_none_is_claimed():
    # sqrt(1 + x^2) <= x has no solution, and points that violate it ever less.
    problem = st.Minimize(
        lambda x: 0 * x[0],
        {"cone": st.in_cone(lambda x: jnp.array([x[0], x[0], 1.0]), st.SecondOrder())},
        convex=True,
    )
    solution = st.solve(problem, jnp.zeros(1), METHOD, max_steps=200, tol=1e-9, progress=False)
    assert solution.status is Status.MAX_STEPS
    assert solution.certificate.verdict is not Verdict.INFEASIBLE


@pytest.mark.parametrize(
    "iteration", [Picard(), Halpern(reflect=True), Halpern(restart=50)], ids=repr
)
def test_other_iterations_reach_the_same_verdicts(program, iteration):
    method = PrimalDualHybridGradient(iteration, proof_tol=1e-3)
    statuses = [
        Status(int(st.run(p.problem, p.start, method, tol=1e-2, differentiable=False).status))
        for p in (program(kind, 1) for kind in ("feasible", "contradictory", "endless"))
    ]
    assert statuses == [Status.CONVERGED, Status.INFEASIBLE, Status.UNBOUNDED]


def test_a_batch_has_a_status_per_lane(program):
    made = [program(kind, 4) for kind in ("feasible", "contradictory", "endless")]
    data = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(p.data for p in made))

    def one(d):
        return st.run(made[0].problem, made[0].start, METHOD, data=d, differentiable=False)

    outcome = jax.jit(jax.vmap(one))(data)
    assert outcome.status.tolist() == [Status.CONVERGED, Status.INFEASIBLE, Status.UNBOUNDED]
    alone = one(made[1].data)
    np.testing.assert_allclose(outcome.point.duals["rows"][1], alone.point.duals["rows"], atol=1e-9)


def test_float32_finds_proofs_at_its_own_precision(program):
    for kind, status in (("contradictory", Status.INFEASIBLE), ("endless", Status.UNBOUNDED)):
        made = program(kind, 2)
        data = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), made.data)
        x0 = made.start.astype(jnp.float32)
        outcome = st.run(made.problem, x0, METHOD, data=data, differentiable=False)
        assert Status(int(outcome.status)) is status


def test_both_estimates_of_the_displacement_become_proofs(program):
    made = program("contradictory", 3)
    system = made.problem.lower(made.start)

    @jax.jit
    def further(state):
        return jax.lax.fori_loop(0, 100, lambda _, s: METHOD.step(system, s, made.data)[0], state)

    state = further(METHOD.init(system, made.zero, made.data))
    for estimate in (METHOD.displacement(state), METHOD.mean_displacement(state)):
        ray = st.methods.infeasibility_certificate(made.problem, estimate)
        assert ray.kind == "infeasible" and ray.proved


def test_a_displacement_that_proves_nothing_is_called_undetermined(program):
    made = program("feasible", 3)
    ray = st.methods.infeasibility_certificate(made.problem, made.zero)
    assert ray.kind == "undetermined" and not ray.proved
    wrong = st.Point(-jnp.ones(16), {"rows": jnp.ones(8)})
    ray = st.methods.infeasibility_certificate(made.problem, wrong)
    assert ray.kind == "undetermined" and "as multipliers" in ray.reason
    with pytest.raises(ValueError, match="the problem's are"):
        lacking = st.Point(made.start, {})
        st.methods.infeasibility_certificate(made.problem, lacking)


def test_a_direction_proves_unboundedness_from_a_feasible_point_only(program):
    made = program("endless", 5)
    solution = solve(made)
    v = METHOD.displacement(solution.state.state)
    x = linprog(np.zeros(16), A_eq=made.a, b_eq=made.b).x
    ray = st.methods.infeasibility_certificate(made.problem, v, jnp.asarray(x))
    assert ray.kind == "unbounded" and ray.proved
    ray = st.methods.infeasibility_certificate(made.problem, v, jnp.asarray(x + 1.0))
    assert ray.kind == "undetermined" and "feasible point" in ray.reason


def test_settings_and_problems_that_do_not_fit_are_refused(program):
    made = program("feasible")
    with pytest.raises(ValueError, match="inner_steps"):
        PrimalDualHybridGradient(inner_steps=0)
    with pytest.raises(ValueError, match="proof_tol"):
        PrimalDualHybridGradient(proof_tol=0.0)
    with pytest.raises(ValueError, match="must be below 1"):
        st.solve(made.problem, made.start, PrimalDualHybridGradient(primal_step=1e3, dual_step=1.0))
    with pytest.raises(ValueError, match="needs affine constraints"):
        ring = st.Minimize(jnp.sum, {"ring": st.at_most(lambda x: x @ x, 1.0)})
        st.solve(ring, jnp.zeros(2), METHOD)
