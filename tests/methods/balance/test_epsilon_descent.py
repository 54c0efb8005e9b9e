"""Common descent by sampled subgradients: exact answers, its own promises, and what it refuses."""

import cvxpy
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

import stationary as st
from stationary.methods import EpsilonDescent
from stationary.methods.balance._bundle import Bundle
from stationary.methods.balance._faces import Faces

CORNERS = {"a": jnp.array([0.0, 0.0]), "b": jnp.array([2.0, 1.0])}


def distance(corner):
    return lambda x: jnp.sum(jnp.abs(x - corner))


FREE = Faces(jnp.zeros(6, bool), jnp.zeros(6, bool), True)
RECTANGLE = st.Balance({name: distance(corner) for name, corner in CORNERS.items()})


def outside(x):
    """How far points are from [0, 2] x [0, 1], the Pareto set of `RECTANGLE`."""
    return np.max(np.maximum(np.maximum(-x, x - np.array([2.0, 1.0])), 0))


def test_all_starts_end_in_the_rectangle(getkey):
    starts = jax.random.uniform(getkey(), (20, 2), minval=-5, maxval=5)
    method = EpsilonDescent(capacity=8)
    ends = jax.jit(jax.vmap(lambda x: st.run(RECTANGLE, x, method, differentiable=False)))(starts)
    assert np.all(ends.status == st.Status.CONVERGED)
    assert outside(np.asarray(ends.point.primal)) < 1e-5


def test_each_move_improves_every_objective():
    method, start = EpsilonDescent(), jnp.array([3.3, -1.7])
    system = RECTANGLE.lower(start)
    state = method.init(system, st.Point(start, {}), None)
    step, values, moves = eqx.filter_jit(method.step), [state.values], 0
    while True:
        state, metrics = step(system, state)
        if int(state.moves) > moves:
            moves = int(state.moves)
            values.append(state.values)
        if metrics.residual <= 1e-6:
            break
    assert moves >= 2
    assert np.all(np.diff(np.array(values), axis=0) < 0)


def test_it_counts_the_subgradients_that_it_asks_for():
    calls = []

    def slope(x):
        jax.debug.callback(lambda: calls.append(1))
        return jnp.sign(x - CORNERS["a"])

    method = EpsilonDescent(subgradients={"a": slope}, capacity=4)
    start = jnp.array([-1.0, 2.0])
    system = st.Balance({"a": RECTANGLE.objectives["a"]}).lower(start)
    state, step = method.init(system, st.Point(start, {}), None), eqx.filter_jit(method.step)
    for _ in range(40):
        state, _ = step(system, state)
    jax.effects_barrier()
    assert len(calls) == int(state.subgradients) > 10


def test_the_largest_of_affine_functions_plus_a_quadratic(getkey):
    slopes, heights = jax.random.normal(getkey(), (6, 5)), jax.random.normal(getkey(), (6,))
    problem = st.Minimize(lambda x: jnp.max(slopes @ x + heights) + 0.5 * x @ x)
    found = st.solve(problem, jnp.ones(5), EpsilonDescent())
    x = cvxpy.Variable(5)
    best = cvxpy.Minimize(
        cvxpy.max(np.asarray(slopes) @ x + np.asarray(heights)) + 0.5 * cvxpy.sum_squares(x)
    )
    assert found.status is st.Status.CONVERGED
    np.testing.assert_allclose(found.objective, cvxpy.Problem(best).solve(), atol=1e-7)


def test_a_valley_with_a_kink_along_it():
    problem = st.Minimize(lambda x: jnp.abs(1 - x[0]) + 8 * jnp.abs(x[0] ** 2 - x[1]))
    found = st.solve(problem, jnp.array([-1.0, 1.5]), EpsilonDescent())
    assert found.status is st.Status.CONVERGED
    np.testing.assert_allclose(found.value, [1.0, 1.0], atol=1e-5)
    assert found.trace.log["subgradients"][-1] > found.trace.log["moves"][-1] > 0


def test_smooth_objectives_end_pareto_stationary_by_the_certificate():
    problem = st.Balance(
        {
            "left": lambda x: jnp.sum((x["w"] + 1) ** 2) + x["b"] ** 2,
            "right": lambda x: jnp.sum((x["w"] - 1) ** 4) + (x["b"] - 1) ** 2,
        }
    )
    x0 = {"w": jnp.array([3.0, -2.0]), "b": jnp.array(4.0)}
    found = st.solve(problem, x0, EpsilonDescent(), tol=1e-5)
    assert found.status is st.Status.CONVERGED
    assert found.certificate.passed


def test_maximising_flips_the_objective():
    problem = st.Maximize(lambda x: -jnp.abs(x - 2.0) + 1.0)
    found = st.solve(problem, jnp.array(0.3), EpsilonDescent())
    np.testing.assert_allclose(found.value, 2.0, atol=1e-5)
    np.testing.assert_allclose(found.objective, 1.0, atol=1e-5)


def test_a_small_bundle_reaches_the_same_answer():
    weights = jnp.arange(1.0, 9.0)
    problem = st.Minimize(lambda x: jnp.max(weights * jnp.abs(x)) + 0.01 * jnp.sum(x**2))
    found = st.solve(problem, jnp.ones(8), EpsilonDescent(capacity=3), max_steps=20_000, tol=1e-4)
    np.testing.assert_allclose(found.value, 0, atol=1e-3)


def test_the_shortest_vector_of_a_bundle(getkey):
    rows = jax.random.normal(getkey(), (4, 6)) + 0.5
    parts, both = jnp.eye(4), jnp.ones(2, bool)
    bundle = Bundle.of(rows[:2], parts[:2], both, 8).add(rows[2:], parts[2:], both)
    bundle = bundle.solve(FREE)
    # Nonnegative least squares on [rows' ; 1 ... 1] w = [0 ; 1] with a heavy last row.
    heavy = 1e5
    system = np.vstack([np.asarray(rows).T, heavy * np.ones(4)])
    weights, _ = scipy.optimize.nnls(system, np.append(np.zeros(6), heavy))
    shortest = weights / weights.sum() @ np.asarray(rows)
    np.testing.assert_allclose(bundle.shortest, shortest, atol=1e-4)
    np.testing.assert_allclose(jnp.sum(bundle.weights), 1, rtol=1e-12)
    np.testing.assert_allclose(bundle.weights @ bundle.rows, bundle.shortest, atol=1e-12)
    np.testing.assert_allclose(bundle.shares, weights / weights.sum(), atol=1e-4)


def test_a_full_bundle_keeps_what_it_has_reached(getkey):
    rows = jax.random.normal(getkey(), (12, 9)) + 0.3
    parts, wanted = jnp.eye(12), jnp.array([True])
    bundle = Bundle.of(rows[:1], parts[:1], wanted, 4)
    free = Faces(jnp.zeros(9, bool), jnp.zeros(9, bool), True)
    extend = jax.jit(lambda bundle, *row: bundle.add(*row, wanted).solve(free))
    lengths = [jnp.linalg.norm(bundle.shortest)]
    for i in range(1, 12):
        bundle = extend(bundle, rows[i : i + 1], parts[i : i + 1])
        lengths.append(jnp.linalg.norm(bundle.shortest))
    assert np.all(np.diff(np.array(lengths)) <= 1e-12)
    np.testing.assert_allclose(bundle.weights @ bundle.rows, bundle.shortest, atol=1e-12)
    # What has left is still accounted for, row by row.
    np.testing.assert_allclose(bundle.shares @ rows, bundle.shortest, atol=1e-12)


def test_the_shortest_vector_between_bounds(getkey):
    """Against a quadratic program over the rows and the normals of the bounds."""
    rows = jax.random.normal(getkey(), (7, 12)) + 0.3
    lower, upper = jax.random.bernoulli(getkey(), 0.5, (2, 12))
    faces = Faces(lower, upper, False)
    parts, wanted = jnp.eye(7), jnp.ones(7, bool)
    bundle = Bundle.of(rows, parts, wanted, 9).solve(faces)
    weights, normal = cvxpy.Variable(7, nonneg=True), cvxpy.Variable(12)
    signs = [
        normal[i] == 0 if not (down or up) else normal[i] <= 0 if not up else normal[i] >= 0
        for i, (down, up) in enumerate(zip(lower.tolist(), upper.tolist(), strict=True))
        if not (down and up)
    ]
    left = np.asarray(rows).T @ weights + normal
    least = cvxpy.Problem(cvxpy.Minimize(cvxpy.norm(left)), [cvxpy.sum(weights) == 1, *signs])
    least.solve(cvxpy.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    assert least.value > 0.05
    np.testing.assert_allclose(jnp.linalg.norm(bundle.shortest), least.value, rtol=1e-8)
    np.testing.assert_allclose(bundle.shortest, left.value, atol=1e-6)
    # No row objects to going against it, and no bound is pressed on.
    assert jnp.min(rows @ bundle.shortest) >= least.value**2 * (1 - 1e-9)
    assert not jnp.any(lower & (bundle.shortest > 0)) and not jnp.any(upper & (bundle.shortest < 0))


@pytest.mark.parametrize(
    ("objective", "subgradients"),
    [
        (distance(CORNERS["b"]), {"b": lambda x: -jnp.sign(x - CORNERS["b"])}),
        (lambda x: jnp.sum(x) + 10.0 * jnp.sum(x < 0), None),
    ],
    ids=["wrong subgradient", "a jump"],
)
def test_a_bisection_that_finds_nothing_is_told(objective, subgradients):
    problem = st.Balance({"b": objective, "a": lambda x: 2 * jnp.sum(x)})
    found = st.solve(problem, jnp.array([0.03, 0.04]), EpsilonDescent(subgradients=subgradients))
    assert found.status is st.Status.INCONSISTENT
    assert found.status.is_failure
    assert any("objective 'b': 50 bisections" in notice for notice in found.stats.notices)


def test_rounding_ends_a_solve_as_stalled():
    problem = st.Minimize(lambda x: jnp.abs(x) + jnp.float32(1e4))
    found = st.run(problem, jnp.float32(0.3), EpsilonDescent(), tol=1e-7, differentiable=False)
    assert found.status == st.Status.STALLED


def test_bad_input_is_named():
    start = jnp.ones(2)
    with pytest.raises(ValueError, match="subgradient of objective 'a' must have .* has \\(\\)"):
        st.solve(RECTANGLE, start, EpsilonDescent(subgradients={"a": lambda x: jnp.sum(x)}))
    with pytest.raises(ValueError, match="names 'c', but the objectives are \\['a', 'b'\\]"):
        st.solve(RECTANGLE, start, EpsilonDescent(subgradients={"c": jnp.sign}))
    with pytest.raises(ValueError, match="capacity=3\\) is too small for 2 objectives"):
        st.solve(RECTANGLE, start, EpsilonDescent(capacity=3))
    with pytest.raises(TypeError, match="takes bounds on entries, but x is in the simplex"):
        st.solve(st.Minimize(jnp.sum, over=st.sets.Simplex()), start, EpsilonDescent())
    with pytest.raises(TypeError, match="state a Balance or a Minimize"):
        st.solve(st.Saddle(lambda x, y: x * y), (jnp.array(1.0),) * 2, EpsilonDescent())
    with pytest.raises(TypeError, match="constraint 'c' asks for a value in the point zero"):
        st.solve(st.Minimize(jnp.sum, {"c": st.equal(jnp.sum)}), start, EpsilonDescent())
    with pytest.raises(TypeError, match="constraint 'c' has a surrogate"):
        stood_in = st.at_most(jnp.sum, surrogate=jnp.sum)
        st.solve(st.Minimize(jnp.sum, {"c": stood_in}), start, EpsilonDescent())
    with pytest.raises(ValueError, match="2 objectives and the constraints; .* at least 5"):
        inside = st.Balance(RECTANGLE.objectives, {"c": st.at_most(jnp.sum)})
        st.solve(inside, start, EpsilonDescent(capacity=4))
    with pytest.raises(ValueError, match="objective .a. is .*not finite|objective .a."):
        st.solve(st.Balance({"a": lambda x: jnp.log(jnp.sum(x) - 5)}), start, EpsilonDescent())
    for wrong in ({"epsilon": 0.0}, {"delta": -1.0}, {"decrease": 1.0}, {"shrink": 0.0}):
        with pytest.raises(ValueError, match=f"EpsilonDescent\\({next(iter(wrong))}=...\\)"):
            EpsilonDescent(**wrong)
    with pytest.raises(ValueError, match="bisections"):
        EpsilonDescent(bisections=0)
