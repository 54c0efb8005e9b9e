"""Optax rules on every kind of system, against the rules themselves and known answers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import stationary as st
from stationary import Status
from stationary.methods import from_optax
from stationary.sets import Box, Simplex, Sphere, Stiefel


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize(
    "rule",
    [
        optax.sgd(1e-3, momentum=0.9, nesterov=True),
        optax.adam(optax.exponential_decay(0.05, 10, 0.5)),
        optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(0.01)),
        optax.polyak_sgd(),
        optax.lbfgs(),
    ],
    ids=["momentum", "adam with a schedule", "chain", "value in the update", "line search"],
)
def test_free_of_sets_it_is_the_bare_rule(rule):
    start = {"a": jnp.array([-1.0, 0.5]), "b": jnp.array(0.3)}

    def loss(p):
        return rosenbrock(jnp.concatenate([p["a"], p["b"][None]]))

    @jax.jit
    def bare(params):
        def step(_, carry):
            params, state = carry
            value, grad = jax.value_and_grad(loss)(params)
            extra = {"value": value, "grad": grad, "value_fn": loss}
            transform = optax.with_extra_args_support(rule)
            updates, state = transform.update(grad, state, params, **extra)
            return optax.apply_updates(params, updates), state

        return jax.lax.fori_loop(0, 8, step, (params, rule.init(params)))[0]

    outcome = st.run(st.Minimize(loss), start, from_optax(rule), max_steps=8, differentiable=False)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), outcome.point.primal, bare(start)
    )
    assert outcome.steps == 8


def test_it_projects_onto_sets():
    target = jnp.array([0.9, 0.5, -0.2])
    problem = st.Minimize(
        lambda p: jnp.sum((p["mix"] - target) ** 2) + jnp.sum((p["box"] - 3) ** 2),
        over={"mix": Simplex(), "box": Box(0, 1)},
    )
    start = {"mix": jnp.ones(3) / 3, "box": jnp.zeros(2)}
    method = from_optax(optax.sgd(0.05, momentum=0.5))
    outcome = st.run(problem, start, method, tol=1e-8, differentiable=False)
    assert outcome.status == Status.CONVERGED
    np.testing.assert_allclose(outcome.point.primal["mix"], [0.7, 0.3, 0.0], atol=1e-7)
    np.testing.assert_allclose(outcome.point.primal["box"], 1.0)


@pytest.mark.parametrize("momentum", [None, 0.8])
def test_on_manifolds_it_finds_eigenvectors(momentum):
    matrix = jnp.diag(jnp.array([3.0, 2.0, 0.5, 0.1])) + 0.1
    values, vectors = np.linalg.eigh(matrix)
    method = from_optax(optax.sgd(0.1, momentum=momentum))
    sphere = st.Maximize(lambda x: x @ matrix @ x, over=Sphere())
    top = st.run(sphere, jnp.ones(4) / 2, method, tol=1e-8, differentiable=False)
    assert top.status == Status.CONVERGED
    np.testing.assert_allclose(np.abs(top.point.primal @ vectors[:, -1]), 1, atol=1e-10)
    frames = st.Maximize(lambda x: jnp.trace(x.T @ matrix @ x), over=Stiefel())
    start = jnp.linalg.qr(jnp.array([[1.0, 0.2], [0.3, 1.0], [1.0, 0.0], [0.0, 1.0]]))[0]
    pair = st.run(frames, start, method, tol=1e-8, differentiable=False)
    np.testing.assert_allclose(pair.metrics.objective, values[-2:].sum(), atol=1e-10)
    np.testing.assert_allclose(pair.point.primal.T @ pair.point.primal, np.eye(2), atol=1e-12)


def test_games_and_inequalities_follow_the_operator():
    saddle = st.Saddle(lambda x, y: x**2 / 2 + 2 * x * y - (y - 1) ** 2 / 2)
    method = from_optax(optax.sgd(0.1))
    x, y = st.run(saddle, (jnp.array(1.0), jnp.array(0.0)), method, tol=1e-9).point.primal
    np.testing.assert_allclose([x, y], [-0.4, 0.2], atol=1e-8)
    turn = jnp.array([[1.0, 2.0], [-2.0, 1.0]])
    equilibrium = st.VariationalInequality(lambda z: turn @ (z - 3.0), over=Box(-1, 1))
    z = st.run(equilibrium, jnp.zeros(2), method, tol=1e-9).point.primal
    np.testing.assert_allclose(z, Box(-1, 1).project(z - turn @ (z - 3.0)), atol=1e-8)


def test_balance_stops_at_a_pareto_stationary_point():
    problem = st.Balance(
        {"left": lambda x: jnp.sum((x + 1) ** 2), "right": lambda x: jnp.sum((x - 1) ** 2)}
    )
    outcome = st.run(problem, jnp.array([3.0, -0.5]), from_optax(optax.sgd(0.2)), tol=1e-8)
    first, second = outcome.point.primal
    # The front is the segment from (-1, -1) to (1, 1).
    np.testing.assert_allclose(first, second, atol=1e-7)
    assert abs(float(first)) <= 1 + 1e-6


def test_mini_batches_are_taken_in_order_one_per_step():
    rows = np.arange(10.0)
    stream = st.Batches(rows, batch_size=2, shuffle=False)
    problem = st.Minimize(st.Expectation(lambda x, row: (x - row) ** 2 / 2, stream))
    method, start = from_optax(optax.sgd(1.0)), jnp.array(0.0)
    system = problem.lower(start)
    state = method.init(system, st.Point(start, {}))
    seen = []
    for _ in range(7):  # a unit step on a square lands on the batch's mean
        state, _ = method.step(system, state)
        seen.append(float(method.point(state).primal))
    assert seen == [0.5, 2.5, 4.5, 6.5, 8.5, 0.5, 2.5]


def test_metrics_belong_to_the_point_that_is_reported():
    method, start = from_optax(optax.adam(0.1)), jnp.array([-1.0, 0.5])
    system = st.Minimize(rosenbrock).lower(start)
    state, metrics = method.step(system, method.init(system, st.Point(start, {})))
    point = method.point(state)
    np.testing.assert_allclose(metrics.objective, rosenbrock(point.primal), rtol=1e-12)
    slope = jax.grad(rosenbrock)(point.primal)
    np.testing.assert_allclose(metrics.stationarity, jnp.abs(slope).max(), rtol=1e-12)


def test_lanes_of_vmap_are_single_solves_and_float32_stays():
    method = from_optax(optax.adam(0.1))

    def answer(shift):
        problem = st.Minimize(lambda x: jnp.sum((x - shift) ** 2), over=Box(0, 1))
        return st.run(problem, jnp.zeros(2, jnp.float32), method, differentiable=False).point.primal

    shifts = jnp.array([-1.0, 0.25, 2.0], jnp.float32)
    together, alone = jax.jit(jax.vmap(answer))(shifts), jax.jit(answer)
    assert together.dtype == jnp.float32
    for i, shift in enumerate(shifts):
        np.testing.assert_allclose(together[i], alone(shift), atol=1e-6)
    np.testing.assert_allclose(together[:, 0], [0.0, 0.25, 1.0], atol=1e-3)


def test_a_step_that_is_too_long_ends_in_divergence():
    outcome = st.run(st.Minimize(lambda x: x**2), jnp.array(1.0), from_optax(optax.sgd(5.0)))
    assert outcome.status == Status.DIVERGED


def test_constraints_and_foreign_objects_are_refused():
    problem = st.Minimize(lambda x: x**2, subject_to={"one": st.equal(lambda x: x, 1.0)})
    with pytest.raises(TypeError, match="would ignore the constraints"):
        st.run(problem, jnp.array(0.0), from_optax(optax.sgd(0.1)))
    with pytest.raises(TypeError, match=r"optax.adam\(1e-3\)"):
        from_optax(0.1)
