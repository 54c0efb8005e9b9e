"""The boundary: what a remembered system must not hide, and what a start is refused for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary._start import prepare


def distance(x, target):
    return jnp.sum((x - target) ** 2)


def test_a_statement_is_lowered_once_per_shape():
    problem = st.Minimize(distance, {"sum": st.at_most(jnp.sum, 1.0)}, data=np.zeros(2))
    first = prepare(problem, np.zeros(2)).system
    assert prepare(problem, np.ones(2), data=np.ones(2)).system is first
    assert prepare(problem, np.zeros(2, np.float32)).system is not first
    assert prepare(problem, np.zeros(3), data=np.zeros(3)).system is not first


def test_arrays_written_to_between_solves_are_seen():
    bound, target = np.array([1.0, 1.0]), np.array([3.0, 3.0])
    problem = st.Minimize(
        lambda x: jnp.sum((x - target) ** 2), {"cap": st.at_most(lambda x: x, bound)}
    )
    assert np.allclose(st.solve(problem, np.zeros(2)).value, 1, atol=1e-5)
    bound[:] = 2
    assert np.allclose(st.solve(problem, np.zeros(2)).value, 2, atol=1e-5)
    target[:] = 0.5
    assert np.allclose(st.solve(problem, np.zeros(2)).value, 0.5, atol=1e-5)


def test_a_replaced_closure_is_seen_by_the_next_solve():
    scale = 1.0

    def loss(x):
        return jnp.sum((x - scale) ** 2)

    problem = st.Minimize(loss)
    assert np.allclose(st.solve(problem, np.zeros(2)).value, 1, atol=1e-5)
    scale = 2.0
    assert np.allclose(st.solve(problem, np.zeros(2)).value, 2, atol=1e-5)


def test_statements_over_traced_values_are_not_remembered():
    problem = st.Minimize(distance, data=np.zeros(2))
    method = st.methods.AugmentedLagrangian()

    @jax.jit
    def answer(t):
        inner = st.Minimize(lambda x: jnp.sum((x - t) ** 2))
        return (
            st.run(inner, jnp.zeros(2), method).point.primal
            + st.run(problem, jnp.zeros(2), method, data=t).point.primal
        )

    for t in (1.0, 2.0):
        assert np.allclose(answer(jnp.full(2, t)), 2 * t, atol=1e-5)
    assert np.allclose(st.solve(problem, np.ones(2), method).value, 0, atol=1e-5)


@pytest.mark.parametrize(
    ("fn", "x0", "message"),
    [
        (jnp.sum, [np.nan, 0.0], "x0 has NaN"),
        (lambda x: jnp.sum(jnp.log(x)), [-1.0, 1.0], "objective is not finite at x0"),
        (lambda x: jnp.sqrt(-x @ x), [0.0, 0.0], "gradient is not finite at x0"),
    ],
)
def test_a_start_that_is_not_finite_is_refused(fn, x0, message):
    with pytest.raises(ValueError, match=message):
        st.solve(st.Minimize(fn), np.array(x0))


def test_a_start_on_the_edge_of_the_domain_is_moved_off_it():
    problem = st.Minimize(lambda x: jnp.sum(x - jnp.log(x)))
    with pytest.warns(UserWarning, match="objective is not finite at x0"):
        found = st.solve(problem, np.array([0.0, 2.0]))
    np.testing.assert_allclose(found.value, [1, 1], atol=1e-5)
    assert "started from a point up to 0.0001 away" in found.stats.notices[0]
