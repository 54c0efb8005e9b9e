"""Jacobian descent: with certificates, constraints, sets, mini-batches, and bad input."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary._operators import products
from stationary.methods import MGDA, JacobianDescent, Mean, UPGrad, from_optax, gramian_of

A, B = jnp.array([1.0, 0.0]), jnp.array([0.0, 2.0])


def near_a(x):
    return jnp.sum((x - A) ** 2)


def near_b(x):
    return 50 * jnp.sum((x - B) ** 2)


def solve(problem, x0, method, **options):
    return st.solve(problem, x0, method, progress=False, **options)


def test_constraints_compose_and_the_certificate_passes():
    # No point between A and B has a sum of at most 1/2, so the constraint binds.
    problem = st.Balance(
        {"near a": near_a, "near b": near_b}, {"sum": st.at_most(jnp.sum, 0.5)}, over=st.Box(-3, 3)
    )
    solution = solve(problem, jnp.array([2.0, 2.0]), JacobianDescent(0.01, dual=1.0), tol=1e-7)
    assert solution.status == st.Status.CONVERGED
    assert solution.certificate.passed
    np.testing.assert_allclose(jnp.sum(solution.value), 0.5, atol=1e-6)
    assert float(solution.duals["sum"]) > 0.1
    weights = np.array(list(solution.certificate.weights.values()))
    slopes = np.stack([jax.grad(f)(solution.value) for f in (near_a, near_b)])
    np.testing.assert_allclose(weights @ slopes + float(solution.duals["sum"]), 0, atol=1e-4)


def test_no_objective_rises_where_the_mean_makes_one_rise():
    def other(x):
        return jnp.sum((x - B) ** 2)

    problem = st.Balance({"near a": near_a, "other": other})

    def values(aggregator):
        method = JacobianDescent(0.02, aggregator)
        x0 = jnp.array([1.0, 0.8])
        system = problem.lower(x0)
        state = method.init(system, st.Point(x0, {}))
        step = jax.jit(lambda s: method.step(system, s)[0])
        seen = []
        for _ in range(50):
            seen.append([float(near_a(state.primal)), float(other(state.primal))])
            state = step(state)
        return np.diff(np.array(seen), axis=0)

    assert np.all(values(UPGrad()) <= 1e-12)
    assert np.any(values(Mean()) > 1e-3)


def test_the_mean_is_plain_descent_on_the_mean():
    problem = st.Balance({"near a": near_a, "near b": near_b})
    one = st.Minimize(lambda x: (near_a(x) + near_b(x)) / 2)
    rule = optax.adam(0.05)
    got = st.run(problem, jnp.ones(2), JacobianDescent(rule, Mean()), max_steps=20).point.primal
    want = st.run(one, jnp.ones(2), from_optax(rule), max_steps=20).point.primal
    np.testing.assert_allclose(got, want, atol=1e-12)


def test_on_a_manifold_conflicts_are_those_of_tangents():
    sphere = st.sets.Sphere()
    problem = st.Balance({"x": lambda x: x[0], "y": lambda x: x[1] + 0.5 * x[2]}, over=sphere)
    start = jnp.array([0.6, 0.0, 0.8])
    solution = solve(problem, start, JacobianDescent(0.2), tol=1e-9, max_steps=3000)
    assert st.certify(problem, solution.value, tol=1e-7).passed
    np.testing.assert_allclose(jnp.linalg.norm(solution.value), 1.0, rtol=1e-12)


def loss(params, row):
    return (row[0] @ params["w"] + params["b"] - row[1]) ** 2


def regression(batch=8, rows=40):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 3))
    data = (x, x @ np.array([1.0, -2.0, 0.5]) + 0.3)
    return st.Minimize(st.Expectation(loss, st.Batches(data, batch)))


def test_samples_of_a_batch_are_balanced():
    problem, start = regression(), {"w": jnp.zeros(3), "b": jnp.zeros(())}
    method = JacobianDescent(0.1)
    system = problem.lower(start)
    state = method.init(system, st.Point(start, {}))
    rows, _ = problem.objective.stream.batch(jnp.asarray(0))
    explicit = jax.vmap(jax.grad(loss), in_axes=(None, 0))(start, rows)
    want = UPGrad().combine(explicit).gradient
    for a, b in zip(jax.tree.leaves(state.update), jax.tree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-10)
    outcome = st.run(problem, start, method, max_steps=400)
    np.testing.assert_allclose(outcome.point.primal["w"], [1.0, -2.0, 0.5], atol=1e-3)


def test_samples_with_a_constraint_on_the_parameters():
    problem = st.Minimize(
        regression().objective, {"size": st.at_most(lambda p: jnp.sum(p["w"] ** 2), 1.0)}
    )
    start = {"w": jnp.zeros(3), "b": jnp.zeros(())}
    method = JacobianDescent(0.02, MGDA(), dual=0.2)
    outcome = st.run(problem, start, method, max_steps=1500)
    assert float(jnp.sum(outcome.point.primal["w"] ** 2)) < 1.1


def test_products_agree_with_rows_when_these_are_too_many(monkeypatch):
    def losses(x):
        return jnp.stack([jnp.sum(x**2), jnp.sum(jnp.sin(x)), jnp.prod(x)])

    x = jnp.array([0.3, -1.2, 0.7, 2.0])
    jacobian = jax.jacobian(losses)(x)
    np.testing.assert_allclose(gramian_of(losses, x), jacobian @ jacobian.T, atol=1e-12)
    monkeypatch.setattr("stationary._operators._ENTRIES", 3)
    np.testing.assert_allclose(gramian_of(losses, x), jacobian @ jacobian.T, atol=1e-12)
    moved = jacobian + jnp.arange(4.0)
    got = products(lambda w: w @ jacobian + jnp.arange(4.0), lambda v: jacobian @ v, 3, x.dtype)
    np.testing.assert_allclose(got, moved @ moved.T, atol=1e-12)


def test_one_program_serves_other_data():
    def near(x, target):
        return jnp.sum((x - target) ** 2)

    method = JacobianDescent(0.1)
    traces = []
    for shift in (0.0, 1.0):
        problem = st.Balance({"a": near, "b": lambda x: jnp.sum(x**2)}, data=jnp.ones(3) + shift)
        traces.append(solve(problem, jnp.zeros(3), method).stats.traces)
    assert traces[1] == 0


def test_bad_input_is_named():
    with pytest.raises(TypeError, match="is an aggregator such as UPGrad"):
        JacobianDescent(0.1, "upgrad")
    with pytest.raises(ValueError, match="must be positive"):
        JacobianDescent(-1.0)
    with pytest.raises(TypeError, match="balances several objectives"):
        solve(st.Minimize(near_a), jnp.zeros(2), JacobianDescent(0.1))
    with pytest.raises(ValueError, match="at least one objective"):
        st.Balance({})
    with pytest.raises(TypeError, match="objective 'b' must return one real floating scalar"):
        solve(st.Balance({"a": near_a, "b": lambda x: x}), jnp.zeros(2), JacobianDescent(0.1))
    with pytest.raises(ValueError, match="is for 3 objectives, but there are 2"):
        problem = st.Balance({"a": near_a, "b": near_b})
        solve(problem, jnp.zeros(2), JacobianDescent(0.1, UPGrad([1.0, 1.0, 1.0])))
    with pytest.raises(TypeError, match="one real floating vector"):
        gramian_of(lambda x: jnp.outer(x, x), jnp.ones(2))
    with pytest.raises(ValueError, match="no objectives"):
        gramian_of(lambda x: x[:0], jnp.ones(2))


def test_an_objective_that_is_not_finite_is_named():
    problem = st.Balance({"fine": near_a, "broken": lambda x: jnp.sum(jnp.log(x - 5))})
    with pytest.raises(ValueError, match="objective 'broken' is not finite at x0"):
        solve(problem, jnp.ones(2), JacobianDescent(0.1), max_steps=5)
