"""Sensitivities against finite differences, and the reasons why there may be none."""

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st


def problem(t):
    return st.Minimize(
        lambda x, d: jnp.sum((x - d["to"]) ** 4) + x @ x,
        {
            "sum": st.equal(lambda x, d: jnp.sum(x) - d["total"]),
            "first": st.at_most(lambda x: x[0], 0.2),
        },
        over=st.Box(-1, 3),
        data={"to": jnp.array([1.0, 2.0, 0.5]), "total": jnp.asarray(t)},
    )


def solve(t):
    return st.solve(problem(t), np.array([0.1, 1.0, 0.0]), tol=1e-10)


def test_pushing_and_pulling_agree_with_differences():
    found, step = st.sensitivity(solve(1.0)), 1e-5
    up, down = solve(1.0 + step), solve(1.0 - step)
    pushed = found.push({"to": jnp.zeros(3), "total": 1.0})
    np.testing.assert_allclose(pushed.primal, (up.value - down.value) / (2 * step), atol=1e-5)
    for name in ("sum", "first"):
        slope = (up.duals[name] - down.duals[name]) / (2 * step)
        np.testing.assert_allclose(pushed.duals[name], slope, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        found.value["total"], (up.objective - down.objective) / (2 * step), rtol=1e-5
    )
    weights = st.Point(jnp.array([1.0, -2.0, 3.0]), {"sum": 0.5, "first": 0.0})
    pulled = found.pull(weights)["total"]
    direct = weights.primal @ pushed.primal + 0.5 * pushed.duals["sum"]
    np.testing.assert_allclose(pulled, direct, rtol=1e-9)


def shifted(objective, subject_to, x0, over=None):
    stated = st.Minimize(objective, subject_to, over, data=jnp.array(0.0))
    return st.solve(stated, np.asarray(x0), tol=1e-9)


def test_a_constraint_on_the_edge_is_named():
    solution = shifted(lambda x, t: x @ x + t, {"edge": st.at_most(lambda x: -x[0])}, [1.0, 1.0])
    with pytest.raises(st.IrregularPointError, match="constraint 'edge' .*edge of mattering"):
        st.sensitivity(solution)


def test_dependent_constraints_are_named():
    rows = {"a": st.equal(jnp.sum, 1.0), "b": st.equal(lambda x: 2 * jnp.sum(x), 2.0)}
    solution = shifted(lambda x, t: x @ x + t, rows, [1.0, 1.0])
    with pytest.raises(st.IrregularPointError, match="'a', constraint 'b' depend on each other"):
        st.sensitivity(solution)


def test_directions_without_curvature_are_named():
    solution = shifted(lambda x, t: (x[0] - t) ** 2 + 0 * x[1], {}, [0.5, 0.5])
    with pytest.raises(st.IrregularPointError, match=r"can move in x\[1\]"):
        st.sensitivity(solution)


def test_a_problem_without_data_is_refused():
    with pytest.raises(TypeError, match="no floating data"):
        st.sensitivity(st.solve(st.Minimize(lambda x: x @ x), np.ones(2)))
