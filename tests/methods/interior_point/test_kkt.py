"""The Newton systems, against dense solvers and eigenvalues."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.methods.interior_point._kkt import factorize, solve

FREE = jnp.ones(6, bool)
NONE = jnp.zeros(())


def system(seed, rows, equalities, weak=1.0):
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(6, 6))
    h = h @ h.T + np.eye(6)
    a = rng.normal(size=(rows, 6))
    equality = np.arange(rows) < equalities
    d = np.where(equality, 0.0, weak * rng.uniform(0.1, 1, rows))
    return jnp.asarray(h), jnp.asarray(a), jnp.asarray(d), equality


def matrix(h, a, d):
    return np.block([[np.asarray(h), np.asarray(a).T], [np.asarray(a), -np.diag(d)]])


@pytest.mark.parametrize("weak", [1.0, 1e-6, 1e-13])
@pytest.mark.parametrize(("rows", "equalities"), [(0, 0), (3, 3), (3, 0), (5, 2), (12, 3)])
def test_the_solution_is_that_of_the_whole_matrix(rows, equalities, weak):
    h, a, d, equality = system(1, rows, equalities, weak)
    factors = factorize(h, a, d, equality, FREE, NONE)
    right = jnp.arange(1.0, 7.0), jnp.linspace(-1, 1, rows)
    got = jnp.concatenate(solve(factors, equality, *right))
    np.testing.assert_allclose(
        matrix(h, a, d) @ got, np.concatenate(right), atol=1e-8 * float(1 + jnp.max(jnp.abs(got)))
    )
    assert factors.regularization == 0 and factors.sound


def test_curvature_is_needed_only_where_constraints_leave_room():
    # Indefinite, but positive along the constraint's null space.
    h = jnp.diag(jnp.array([-1.0, 1.0, 1.0, 1.0, 1.0, 1.0]))
    row = jnp.eye(6)[:1]
    held = factorize(h, row, jnp.zeros(1), np.array([True]), FREE, NONE)
    assert held.regularization == 0
    loose = factorize(h, jnp.eye(6)[1:2], jnp.zeros(1), np.array([True]), FREE, NONE)
    assert loose.regularization > 1


@pytest.mark.parametrize("seed", range(8))
def test_regularised_systems_have_the_right_inertia(seed):
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(6, 6))
    h, a = jnp.asarray(h + h.T), jnp.asarray(rng.normal(size=(3, 6)))
    equality = np.array([True, True, False])
    d = jnp.array([0.0, 0.0, 0.5])
    factors = factorize(h, a, d, equality, FREE, NONE)
    values = np.linalg.eigvalsh(matrix(factors.hessian, a, d))
    assert np.sum(values > 0) == 6 and np.sum(values < 0) == 3


def test_dependent_rows_are_solved_where_they_agree():
    h, a, d, equality = system(2, 2, 2)
    a = jnp.concatenate([a, a[:1] + a[1:]])
    d, equality = jnp.zeros(3), np.ones(3, bool)
    factors = factorize(h, a, d, equality, FREE, NONE)
    b = jnp.array([1.0, 2.0, 3.0])
    u, v = solve(factors, equality, jnp.ones(6), b)
    np.testing.assert_allclose(a @ u, b, atol=1e-8)
    np.testing.assert_allclose(h @ u + v @ a, np.ones(6), atol=1e-7)


def test_unknowns_that_are_not_free_keep_still():
    h, a, d, equality = system(3, 2, 1)
    free = FREE.at[2].set(False)
    factors = factorize(h, a, d, equality, free, NONE)
    u, _ = solve(factors, equality, jnp.where(free, 1.0, 0.0), jnp.ones(2))
    assert u[2] == 0 and jnp.all(jnp.isfinite(u))


def test_lanes_of_a_batch_are_regularised_each_for_itself():
    h = jnp.stack([jnp.eye(6), -jnp.eye(6)])
    rows = jnp.zeros((0, 6))
    shifts = jax.vmap(
        lambda h: factorize(h, rows, jnp.zeros(0), np.zeros(0, bool), FREE, NONE).regularization
    )(h)
    assert shifts[0] == 0 and shifts[1] > 1
