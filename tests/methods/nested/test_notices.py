"""What a solve of a nested problem says of settings and problems that cannot serve it."""

import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary.methods import BilevelDescent


def upper(x, y):
    return jnp.sum((x - 1.0) ** 2) + jnp.sum((y - 2.0) ** 2)


def lower(x, y):
    return 2.0 * jnp.sum((y - x) ** 2)


def solve(response, method, start=None, lower=lower):
    start = (np.zeros(2), np.zeros(2)) if start is None else start
    problem = st.Nested(upper, lower, response)
    return st.solve(problem, start, method, max_steps=50, progress=False)


def test_a_neumann_series_that_does_not_converge_is_named():
    solution = solve(st.Implicit(st.Neumann(5, 0.6)), BilevelDescent(1e-4, 0.1))
    assert any("Neumann series needs a step" in notice for notice in solution.stats.notices)
    solution = solve(st.Implicit(st.Neumann(5, 0.2)), BilevelDescent(0.1, 0.1))
    assert not solution.stats.notices


@pytest.mark.parametrize("penalty", [1e5, lambda k: 1e2 * (k + 1)], ids=["number", "schedule"])
def test_penalties_that_cancel_in_float32_are_named(penalty):
    start = (np.zeros(2, np.float32), np.zeros(2, np.float32))
    with jax.enable_x64(False), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        solution = solve(st.ValueFunction(penalty), BilevelDescent(0.01, 0.1), start)
    assert any("cancels most digits" in notice for notice in solution.stats.notices)
    with jax.enable_x64(False):
        solution = solve(st.ValueFunction(100.0), BilevelDescent(0.01, 0.1), start)
    assert not solution.stats.notices


def test_a_singular_lower_problem_is_told_from_other_gradients_that_are_not_finite():
    def flat(x, y):
        return 0.5 * (y[0] - x[0]) ** 2

    with pytest.raises(ValueError, match=r"second derivatives are singular.*LeastSquares"):
        solve(st.Implicit(), BilevelDescent(0.1, 0.1), lower=flat)
