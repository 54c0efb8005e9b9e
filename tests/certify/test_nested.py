"""Certificates of nested problems whose lower answer is not unique, or large."""

import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import Verdict


def upper(x, y):
    return 0.5 * (x - y[1]) ** 2 + 0.5 * (y[0] - 1) ** 2


def lower(x, y):  # any y[1] will do
    return 0.5 * y[0] ** 2 - x * y[0]


PROBLEM = st.Nested(upper, lower, st.Averaged(0.1))


def test_the_best_of_many_lower_answers_passes():
    found = st.certify(PROBLEM, (np.array(1.0), np.array([1.0, 1.0])))
    assert found.passed
    assert any("not unique (1 free" in note for note in found.notes)


def test_a_point_that_is_stationary_for_one_lower_answer_only_fails():
    # Where unrolling from y = 0 ends: x is best for y[1] = 0, but y[1] is not best for x.
    found = st.certify(PROBLEM, (np.array(0.5), np.array([0.5, 0.0])))
    assert found.verdict is Verdict.NOT_STATIONARY
    assert [c.name for c in found.checks if not c.passed] == ["y among lower answers"]


def test_lower_equations_without_a_derivative_are_undetermined():
    # y^4 has a singular Hessian at its answer y = 0, and x moves the answer like a cube root.
    problem = st.Nested(
        lambda x, y: jnp.sum(x**2) + y[0] ** 2, lambda x, y: y[0] ** 4 / 4 - x * y[0]
    )
    found = st.certify(problem, (np.array(0.0), np.array([0.0])))
    assert found.verdict is Verdict.UNDETERMINED


def test_large_lower_problems_without_their_matrix():
    slopes = np.random.default_rng(0).normal(size=4000)
    problem = st.Nested(
        lambda x, y: jnp.sum((y - 1) ** 2) + 0.1 * jnp.sum(x**2),
        lambda x, y: jnp.sum((y - slopes * x) ** 2),
        st.Implicit(),
    )
    x = slopes / (slopes**2 + 0.1)
    assert st.certify(problem, (x, slopes * x)).passed
    assert not st.certify(problem, (x + 0.01, slopes * (x + 0.01))).passed
