"""Sketch-and-project: what one action does, how fast many converge, and Lineax's protocol."""

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import pytest

from stationary.methods import SketchProject

SKETCHES = ["gaussian", "kaczmarz", 3]


def run(matrix, target, solver, **options):
    operator = lx.MatrixLinearOperator(jnp.asarray(matrix))
    return lx.linear_solve(operator, jnp.asarray(target), solver, options=options, throw=False)


def system(rng, n=8):
    return rng.normal(size=(n, n)) + 4 * np.eye(n), rng.normal(size=n)


@pytest.mark.parametrize("sketch", SKETCHES)
def test_answers_and_their_derivatives_are_those_of_numpy(sketch):
    matrix, target = system(np.random.default_rng(0))
    solver = SketchProject(sketch, rtol=1e-10)

    def answer(b):
        return run(matrix, b, solver).value

    np.testing.assert_allclose(answer(target), np.linalg.solve(matrix, target), atol=1e-8)
    jacobian = jax.jit(jax.jacrev(answer))(jnp.asarray(target))
    np.testing.assert_allclose(jacobian, np.linalg.inv(matrix), atol=1e-8)


@pytest.mark.parametrize("sketch", SKETCHES)
def test_an_action_is_the_shortest_move_to_a_few_of_the_equations(sketch):
    rng = np.random.default_rng(1)
    matrix, target = system(rng)
    start = rng.normal(size=8)
    # Two keys that draw different equations; each answer must satisfy some combination exactly.
    for seed in (0, 1):
        solver = SketchProject(sketch, rtol=0.0, max_steps=1)
        key = jax.random.key(seed)
        solution = run(matrix, target, solver, y0=jnp.asarray(start), key=key)
        move = np.asarray(solution.value) - start
        error = np.linalg.solve(matrix, target) - start
        # A projection: the move is orthogonal to what is left of the error.
        assert abs(move @ (error - move)) < 1e-10
        assert np.linalg.norm(move) > 1e-3
        assert int(solution.stats["num_steps"]) == 1
        residual = np.linalg.norm(matrix @ solution.value - target)
        np.testing.assert_allclose(solution.stats["residual"], residual, rtol=1e-10)


@pytest.mark.parametrize("sketch", ["gaussian", "kaczmarz"])
def test_orthogonal_systems_contract_at_the_rate_of_the_theory(sketch):
    # Hong et al.: E|d_t - d*|^2 = (1 - 1/N)^t |d_0 - d*|^2 exactly.
    n, steps = 8, 20
    matrix = np.linalg.qr(np.random.default_rng(2).normal(size=(n, n)))[0]
    target = np.ones(n) / n**0.5
    solver = SketchProject(sketch, rtol=0.0, max_steps=steps, check_every=steps)

    @jax.jit
    @jax.vmap
    def squared_error(key):
        found = run(matrix, target, solver, key=key).value
        return jnp.sum((found - matrix.T @ target) ** 2)

    errors = squared_error(jax.random.split(jax.random.key(3), 4000))
    spread = float(jnp.std(errors)) / 4000**0.5
    assert abs(float(jnp.mean(errors)) - (1 - 1 / n) ** steps) < 4 * spread
    assert spread < 0.02 * (1 - 1 / n) ** steps


def test_an_underdetermined_system_gets_the_solution_nearest_to_the_start():
    rng = np.random.default_rng(4)
    matrix, target = rng.normal(size=(3, 6)), rng.normal(size=3)
    for sketch in SKETCHES:
        found = run(matrix, target, SketchProject(sketch, rtol=1e-11)).value
        np.testing.assert_allclose(found, np.linalg.pinv(matrix) @ target, atol=1e-9)


def test_pytrees_and_transposes():
    point = (jnp.array(1.0), jnp.ones(3))
    operator = lx.JacobianLinearOperator(
        lambda x, _: {"u": 2 * x[0] + jnp.sum(x[1]), "v": 3 * x[1] - x[0]}, point
    )
    target = {"u": jnp.array(1.0), "v": jnp.arange(3.0)}
    matrix = np.block([[np.array([[2.0]]), np.ones((1, 3))], [-np.ones((3, 1)), 3 * np.eye(3)]])
    flat = np.array([1.0, 0, 1, 2])
    for sketch in SKETCHES:
        solver = SketchProject(sketch, rtol=1e-10)
        one, rest = lx.linear_solve(operator, target, solver).value
        np.testing.assert_allclose([one, *rest], np.linalg.solve(matrix, flat), atol=1e-8)
        state, _ = solver.transpose(solver.init(operator, {}), {})
        turned, _, _ = solver.compute(state, (jnp.array(1.0), jnp.arange(3.0)), {})
        found = [turned["u"], *turned["v"]]
        np.testing.assert_allclose(found, np.linalg.solve(matrix.T, flat), atol=1e-8)


def test_too_few_steps_and_contradictions_are_reported():
    matrix, target = system(np.random.default_rng(5))
    few = run(matrix, target, SketchProject(rtol=1e-12, max_steps=5))
    assert few.result == lx.RESULTS.max_steps_reached
    assert int(few.stats["num_steps"]) == 5
    rows = np.array([[1.0, 1.0], [1.0, 1.0]])
    contradiction = run(rows, [1.0, 2.0], SketchProject("kaczmarz", max_steps=1000))
    assert contradiction.result == lx.RESULTS.max_steps_reached


def test_malformed_solvers_are_refused():
    with pytest.raises(ValueError, match="gaussian.*block size"):
        SketchProject("rademacher")
    with pytest.raises(ValueError, match="block size of at least 1"):
        SketchProject(0)
    with pytest.raises(ValueError, match="rtol must not be negative"):
        SketchProject(rtol=-1.0)
    with pytest.raises(ValueError, match="max_steps must be at least 1"):
        SketchProject(max_steps=0)
    with pytest.raises(TypeError, match="real systems"):
        run(np.eye(2) * 1j, np.ones(2) * 1j, SketchProject())
