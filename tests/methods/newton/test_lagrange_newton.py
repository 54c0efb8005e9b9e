"""Newton's method on the Lagrangian: answers, local rates, honest endings, refusals."""

import itertools

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

import stationary as st
from stationary import Status, problems
from stationary.atlas.constrained.sketched_newton._problems import named
from stationary.methods import (
    AdaptiveAccuracy,
    DivergenceCriterion,
    ExactAugmentedLagrangian,
    GradientNorm,
    L1Merit,
    LagrangeNewton,
    SketchProject,
)

NINE = ["HS6", "HS7", "HS28", "HS40", "HS42", "HS48", "HS77", "HS78", "HS79"]
CIRCLE = st.Minimize(lambda x: x[0] + x[1], {"circle": st.equal(lambda x: x @ x, 2.0)})


def residuals(problem, x0, method, steps, tol=0.0):
    """The Euclidean norm of (grad L, c) at each reported point, by the system's own residual."""
    system = problem.lower(jnp.asarray(x0))
    point = st.Point(jnp.asarray(x0), system.zero_duals(jnp.asarray(x0)))

    @jax.jit
    def step(state):
        state, _ = method.step(system, state)
        root = system.root(method.point(state))
        return state, jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(root)))

    state, norms = method.init(system, point, key=jax.random.key(0)), []
    for _ in range(steps):
        state, norm = step(state)
        norms.append(float(norm))
        if norm <= tol:
            break
    return np.array(norms), state


@pytest.mark.parametrize("problem", named(*NINE), ids=NINE)
def test_exact_steps_reach_known_optima_in_few_iterations(problem):
    method = LagrangeNewton(ExactAugmentedLagrangian())
    found = st.run(problem.statement, problem.x0, method, tol=1e-8, differentiable=False)
    assert Status(int(found.status)) is Status.CONVERGED
    # A look at the start, one for multipliers, and one after each of at most 15 moves.
    assert int(found.steps) <= 17
    np.testing.assert_allclose(found.metrics.objective, problem.optimum, rtol=1e-7, atol=1e-8)


INEQUALITIES = ["HS14", "HS21", "HS35", "HS43", "HS71", "HS76"]


@pytest.mark.parametrize("name", [*INEQUALITIES, "HS39"])
def test_quadratic_programmes_reach_known_answers_and_multipliers(name):
    example = problems.get(name)
    method = LagrangeNewton(L1Merit())
    found = st.run(example.problem, example.x0, method, tol=1e-9, differentiable=False)
    assert Status(int(found.status)) is Status.CONVERGED and int(found.steps) <= 20
    assert example.error(found.point.primal) < 1e-8
    for constraint, dual in example.duals.items():
        np.testing.assert_allclose(found.point.duals[constraint], dual, atol=1e-7)


def test_convergence_is_quadratic_near_a_solution():
    (problem,) = named("HS79")
    norms, _ = residuals(problem.statement, problem.x0, LagrangeNewton(), 12, tol=1e-13)
    pairs = [(a, b) for a, b in itertools.pairwise(norms) if a < 0.3 and b > 1e-13]
    orders = [np.log(b) / np.log(a) for a, b in pairs]
    assert orders and max(orders) >= 1.8


@pytest.mark.parametrize("rate", ["linear", "superlinear"])
def test_the_accuracy_of_linear_solves_sets_the_local_rate(rate):
    (problem,) = named("HS42")
    accuracy = AdaptiveAccuracy(rate=rate)
    solver = SketchProject()
    method = LagrangeNewton(ExactAugmentedLagrangian(), solver, accuracy)
    norms, _ = residuals(problem.statement, problem.x0, method, 14, tol=1e-11)
    ratios = norms[1:] / norms[:-1]
    if rate == "linear":
        assert np.all(ratios[-4:] < 0.3) and np.min(ratios[-4:]) > 1e-4
    else:
        assert ratios[-1] < 1e-2 * ratios[-4]


def test_lineax_solvers_and_direct_steps_agree():
    (problem,) = named("HS77")
    direct, _ = residuals(problem.statement, problem.x0, LagrangeNewton(), 5)
    krylov = LagrangeNewton(linear_solver=lx.GMRES(rtol=1e-12, atol=1e-12))
    np.testing.assert_allclose(
        residuals(problem.statement, problem.x0, krylov, 5)[0], direct, rtol=1e-6
    )
    loose = LagrangeNewton(
        linear_solver=lx.GMRES(rtol=1e-12, atol=1e-12), inexactness=AdaptiveAccuracy()
    )
    norms, state = residuals(problem.statement, problem.x0, loose, 30, tol=1e-8)
    assert norms[-1] <= 1e-8 and int(state.work) > 0


@pytest.mark.parametrize(
    "merit", [GradientNorm(), DivergenceCriterion(), DivergenceCriterion("golden"),
              DivergenceCriterion("reconstructed zigzag")], ids=repr
)  # fmt: skip
def test_merits_without_weights_find_stationary_points_of_either_kind(merit):
    starts = jnp.array([[-2.0, 0.5], [1.5, 0.2], [0.3, -1.7], [2.5, 2.0]])

    def solve(x0):
        return st.run(CIRCLE, x0, LagrangeNewton(merit), max_steps=60, differentiable=False)

    found = jax.jit(jax.vmap(solve))(starts)
    assert np.all(np.asarray(found.status) == Status.CONVERGED)
    np.testing.assert_allclose(np.abs(found.point.primal), 1, atol=1e-5)
    signs = np.sign(np.asarray(found.point.primal)[:, 0])
    np.testing.assert_allclose(found.point.duals["circle"], -0.5 * signs, atol=1e-5)


def test_corrections_keep_steps_full_where_the_l1_merit_would_refuse_them():
    # Powell's example of the Maratos effect: full steps raise objective and violation at once.
    problem = st.Minimize(
        lambda x: 2 * (x @ x - 1) - x[0], {"circle": st.equal(lambda x: x @ x, 1.0)}
    )
    x0 = jnp.array([jnp.cos(0.8), jnp.sin(0.8)])
    steps = {}
    for correction in (True, False):
        method = LagrangeNewton(L1Merit(correction=correction))
        found = st.run(problem, x0, method, tol=1e-10, duals={"circle": -1.5}, max_steps=100)
        assert Status(int(found.status)) is Status.CONVERGED
        np.testing.assert_allclose(found.point.primal, [1, 0], atol=1e-9)
        steps[correction] = int(found.steps)
    assert steps[True] < steps[False]


def test_multipliers_that_are_given_are_kept_and_others_come_from_least_squares():
    system = CIRCLE.lower(jnp.ones(2))
    method = LagrangeNewton()
    for given, after in ((0.0, -0.5), (0.25, None)):
        start = st.Point(jnp.ones(2), {"circle": jnp.array(given)})
        state, _ = method.step(system, method.init(system, start))
        if after is None:
            assert float(state.next.duals["circle"]) != given
        else:
            np.testing.assert_allclose(state.next.duals["circle"], after, rtol=1e-12)
            np.testing.assert_allclose(state.next.primal, [1, 1])


def test_dependent_constraints_are_named_and_solved_around():
    problem = st.Minimize(
        lambda x: jnp.sum((x - 2) ** 2),
        {
            "plane": st.equal(lambda x: jnp.stack([x[0] + x[1], x[2]]), 1.0),
            "twice": st.equal(lambda x: 2 * x[0] + 2 * x[1], 2.0),
        },
    )
    method = LagrangeNewton(ExactAugmentedLagrangian())
    solution = st.solve(problem, jnp.zeros(3), method, progress=False)
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.value, [0.5, 0.5, 1], atol=1e-6)
    notice = " ".join(solution.stats.notices)
    assert "'plane'[0], 'twice'" in notice and "'plane'[1]" not in notice
    assert "'plane'[0], 'twice' are linearly dependent" in method.explain(solution)
    # The shortest of all multipliers: 2 (0.5 - 2) + a + 2 b = 0 with b = 2 a.
    np.testing.assert_allclose(solution.duals["plane"], [0.6, 2], atol=1e-6)
    np.testing.assert_allclose(solution.duals["twice"], 1.2, atol=1e-6)


@pytest.mark.parametrize("merit", [ExactAugmentedLagrangian(), GradientNorm(), L1Merit()], ids=repr)
def test_no_infeasible_problem_is_called_converged(merit):
    problem = st.Minimize(lambda x: jnp.sum(x), {"none": st.equal(lambda x: x @ x, -1.0)})
    found = st.run(problem, jnp.ones(2), LagrangeNewton(merit), max_steps=300, differentiable=False)
    endings = {Status.INFEASIBLE, Status.STALLED, Status.MAX_STEPS}
    assert Status(int(found.status)) in endings
    if isinstance(merit, L1Merit):
        assert Status(int(found.status)) is Status.INFEASIBLE
        np.testing.assert_allclose(found.point.primal, 0, atol=1e-3)


def test_contradictory_inequalities_are_called_infeasible():
    problem = st.Minimize(
        lambda x: jnp.sum(x**2),
        {"low": st.at_most(lambda x: x[0], -1.0), "high": st.at_most(lambda x: -x[0], -1.0)},
    )
    solution = st.solve(problem, jnp.zeros(2), LagrangeNewton(), progress=False)
    assert solution.status is Status.INFEASIBLE


def test_endless_descent_is_called_unbounded():
    problem = st.Minimize(lambda x: -x[0], {"line": st.equal(lambda x: x[0] - x[1])})
    for merit in (ExactAugmentedLagrangian(), L1Merit()):
        found = st.run(problem, jnp.zeros(2), LagrangeNewton(merit), differentiable=False)
        assert Status(int(found.status)) is Status.UNBOUNDED


def test_a_singular_newton_system_is_said_to_be_one():
    flat = st.Minimize(lambda x: x[0] + 0.0 * x[1] ** 2)
    method = LagrangeNewton(GradientNorm())
    solution = st.solve(flat, jnp.zeros(2), method, progress=False)
    assert solution.status is Status.STALLED
    assert "singular" in method.explain(solution) and "least-squares" in method.explain(solution)


def test_values_that_stop_being_finite_shorten_the_step():
    problem = st.Minimize(
        lambda x: x[0] - jnp.log(x[0]) + x[1] ** 2, {"sum": st.equal(jnp.sum, 3.0)}
    )
    found = st.run(problem, jnp.array([0.01, 0.5]), LagrangeNewton(), differentiable=False)
    assert Status(int(found.status)) is Status.CONVERGED
    x = found.point.primal[0]
    np.testing.assert_allclose(1 - 1 / x, 2 * (3 - x), rtol=1e-5)


def test_a_start_that_is_not_finite_ends_as_such():
    problem = st.Minimize(lambda x: jnp.sum(jnp.log(x)), {"sum": st.equal(jnp.sum, 3.0)})
    found = st.run(problem, -jnp.ones(2), LagrangeNewton(), differentiable=False)
    assert Status(int(found.status)) is Status.NONFINITE


def test_fixed_entries_and_entries_on_their_bounds_are_handled():
    problem = st.Minimize(
        lambda x: jnp.sum((x - jnp.array([3.0, -3.0, 1.0])) ** 2) + x[0] * x[2],
        over=st.Box(np.array([0.5, 0.0, -np.inf]), np.array([0.5, 1.0, np.inf])),
    )
    found = st.run(problem, jnp.array([0.5, 0.0, 0.0]), LagrangeNewton(), tol=1e-10)
    assert Status(int(found.status)) is Status.CONVERGED
    np.testing.assert_allclose(found.point.primal, [0.5, 0, 0.75], atol=1e-9)


def test_answers_are_differentiable_and_batched():
    problem = st.Minimize(
        lambda x, t: jnp.sum((x - t) ** 2),
        {"sphere": st.equal(lambda x: x @ x, 1.0)},
        data=jnp.ones(2),
    )

    def answer(t):
        return st.run(problem, jnp.array([0.5, 0.5]), LagrangeNewton(), data=t, tol=1e-10)

    targets = jnp.array([[2.0, 1.0], [-1.0, 3.0]])
    found = jax.jit(jax.vmap(lambda t: answer(t).point.primal))(targets)
    exact = targets / jnp.linalg.norm(targets, axis=1, keepdims=True)
    np.testing.assert_allclose(found, exact, atol=1e-8)
    jacobian = jax.jit(jax.jacrev(lambda t: answer(t).point.primal))(targets[0])
    expected = jax.jacfwd(lambda t: t / jnp.linalg.norm(t))(targets[0])
    np.testing.assert_allclose(jacobian, expected, atol=1e-7)


def test_what_a_merit_or_method_cannot_handle_is_refused_in_words():
    x0 = jnp.zeros(2)
    capped = st.Minimize(lambda x: x @ x, {"cap": st.at_most(jnp.sum, 1.0)})
    with pytest.raises(ValueError, match=r"ExactAugmentedLagrangian .*\['cap'\].*L1Merit"):
        st.run(capped, x0, LagrangeNewton(ExactAugmentedLagrangian()))
    boxed = st.Minimize(lambda x: x @ x, over=st.Box(0.0, 1.0))
    with pytest.raises(ValueError, match="GradientNorm .* has bounds .*L1Merit"):
        st.solve(boxed, x0, LagrangeNewton(GradientNorm()))
    crowded = st.Minimize(lambda x: x @ x, {"rows": st.equal(lambda x: jnp.ones(3) * x[0])})
    with pytest.raises(ValueError, match="3 equalities for 2 unknowns"):
        st.run(crowded, x0, LagrangeNewton())
    ball = st.Minimize(lambda x: x @ x, over=st.L2Ball(1.0))
    with pytest.raises(TypeError, match="bounds on entries.*l2 ball"):
        st.run(ball, x0, LagrangeNewton())
    cone = st.Minimize(lambda x: x @ x, {"cone": st.in_cone(lambda x: x, st.SecondOrder())})
    with pytest.raises(TypeError, match="'cone' must lie in the second-order cone"):
        st.run(cone, x0, LagrangeNewton())
    stood_in = st.Minimize(
        lambda x: x @ x, {"sign": st.equal(lambda x: jnp.sign(x[0]), surrogate=lambda x: x[0])}
    )
    with pytest.raises(ValueError, match="'sign' has a surrogate"):
        st.run(stood_in, x0, LagrangeNewton())
    with pytest.raises(ValueError, match="linear_solver cannot be used"):
        st.run(boxed, x0, LagrangeNewton(linear_solver=SketchProject()))
    with pytest.raises(TypeError, match="int"):
        st.run(CIRCLE, jnp.zeros(2, int), LagrangeNewton())


def test_parts_that_do_not_fit_together_are_refused():
    with pytest.raises(TypeError, match="merit"):
        LagrangeNewton("l1")  # pyright: ignore
    with pytest.raises(TypeError, match="linear_solver"):
        LagrangeNewton(linear_solver="cg")  # pyright: ignore
    with pytest.raises(ValueError, match="no use for a linear_solver"):
        LagrangeNewton(L1Merit(), SketchProject())
    with pytest.raises(ValueError, match="iterative linear_solver with rtol and atol"):
        LagrangeNewton(linear_solver=lx.LU(), inexactness=AdaptiveAccuracy())
    with pytest.raises(ValueError, match="practical mode"):
        LagrangeNewton(GradientNorm(), SketchProject(), AdaptiveAccuracy("theory"))
    with pytest.raises(ValueError, match="patience must be at least 1"):
        LagrangeNewton(patience=0)
