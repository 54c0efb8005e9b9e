"""The flat view of a system, against derivatives taken one by one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary._start import prepare
from stationary.methods.interior_point._program import DIRECTIONS, Program


def build(maximise=False):
    kind = st.Maximize if maximise else st.Minimize
    problem = kind(
        lambda p: jnp.sum(p["a"] ** 4) + p["b"] * jnp.prod(p["a"]),
        {
            "curve": st.equal(lambda p: p["a"] * p["b"], 1.0),
            "low": st.at_most(lambda p: jnp.sin(p["b"])),
            "high": st.in_cone(lambda p: p["a"] ** 2, st.sets.Nonnegative()),
        },
        over={"a": st.Box(jnp.array([0.0, -jnp.inf]), 3.0), "b": st.sets.Positive()},
    )
    start = {"a": jnp.array([1.0, 2.0]), "b": jnp.array(0.5)}
    system, point, data = prepare(problem, start)
    return Program(system, point.primal, data)


@pytest.mark.parametrize("maximise", [False, True])
def test_derivatives_are_those_of_the_values(maximise):
    program = build(maximise)
    x, y = jnp.array([1.0, 2.0, 0.5]), jnp.array([0.3, -1.0, 2.0, 0.7, 0.1])
    at = program.derivatives(x, y)
    f, c = program.values(x)

    def lagrangian(x):
        f, c = program.values(x)
        return f + y @ c

    np.testing.assert_allclose(at.objective, f)
    np.testing.assert_allclose(at.constraints, c)
    np.testing.assert_allclose(at.gradient, jax.grad(lambda x: program.values(x)[0])(x))
    np.testing.assert_allclose(at.jacobian, jax.jacobian(lambda x: program.values(x)[1])(x))
    np.testing.assert_allclose(at.hessian, jax.hessian(lagrangian)(x), atol=1e-12)


def test_rows_are_oriented_as_at_most_zero():
    program = build()
    _, c = program.values(jnp.array([1.0, 2.0, 0.5]))
    named = program.unstack(c)
    np.testing.assert_allclose(named["high"], [1.0, 4.0])
    np.testing.assert_allclose(program.stack(named), c)
    assert program.equality.tolist() == [True, True, False, False, False] or not jnp.all(c[:2] < 0)


def test_bounds_come_from_each_leaf():
    bounds = build().bounds
    assert bounds.lower.tolist() == [0.0, -np.inf, 0.0]
    assert bounds.upper.tolist() == [3.0, 3.0, np.inf]
    assert bounds.has_lower.tolist() == [True, False, True]


def test_starts_are_pushed_off_their_bounds():
    x = build().bounds.inside(jnp.array([0.0, 3.0, -1.0]), jnp.array(1e-2))
    np.testing.assert_allclose(x, [1e-2, 3 - 3e-2, 1e-2])


def test_many_unknowns_are_differentiated_in_parts():
    n = DIRECTIONS + 3
    problem = st.Minimize(lambda x: jnp.sum(x**3), {"sum": st.equal(jnp.sum, 1.0)})
    system, point, data = prepare(problem, jnp.arange(1.0, n + 1))
    program = Program(system, point.primal, data)
    at = jax.jit(program.derivatives)(point.primal, jnp.ones(1))
    np.testing.assert_allclose(jnp.diagonal(at.hessian), 6 * point.primal)
    np.testing.assert_allclose(at.jacobian, np.ones((1, n)))
    assert at.objective.shape == () and at.constraints.shape == (1,)
