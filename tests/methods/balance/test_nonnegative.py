"""Quadratics over the nonnegative orthant against SciPy's active-set method, and by their laws."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import nnls

from stationary._nonnegative import minimize_over_nonnegative
from stationary._operators import minimum_norm_weights

many = jax.jit(jax.vmap(minimize_over_nonnegative))


def jacobian(seed, m, n, common=0.0, decades=0.0):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((m, n)) + common * rng.standard_normal(n)
    return rows * 10.0 ** rng.uniform(-decades, decades, (m, 1))


def projections(rows):
    """Each row on the dual cone of all, by nonnegative least squares on the rows themselves."""
    sizes = np.linalg.norm(rows, axis=1)
    sizes[sizes == 0] = 1
    unit = rows / sizes[:, None]
    return np.stack([(g + nnls(unit.T, -g)[0] @ unit) for g in unit]), sizes


def error(rows, found):
    want, sizes = projections(rows)
    got = (found + np.eye(len(rows))) @ rows / sizes[:, None]
    return np.max(np.linalg.norm(got - want, axis=1))


CASES = {
    "two": (2, 1),
    "two free": (2, 3),
    "eight": (8, 7),
    "eight of scales": (8, 7, 0.0, 4.0),
    "critical": (8, 3),
    "critical of scales": (32, 16, 0.0, 3.0),
    "alike": (32, 40, 3.0),
    "a common part": (32, 31, 0.2, 4.0),
    "many": (128, 127),
    "many of scales": (128, 127, 0.0, 4.0),
}


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_an_active_set_method_on_the_rows(case):
    rows = jacobian(0, *CASES[case])
    gram = jnp.asarray(rows @ rows.T)
    found, converged = jax.jit(minimize_over_nonnegative)(gram, gram)
    assert bool(jnp.all(converged))
    assert np.all(np.asarray(found) >= 0)
    assert error(rows, np.asarray(found)) < 1e-9


@pytest.mark.parametrize("gap", [1e-2, 1e-4, 0.0])
def test_rows_that_are_nearly_or_exactly_the_same(gap):
    base = jacobian(1, 4, 6)
    rows = np.concatenate([base, base + gap * jacobian(2, 4, 6), -base[:1]])
    gram = jnp.asarray(rows @ rows.T)
    found, converged = minimize_over_nonnegative(gram, gram)
    assert bool(jnp.all(converged))
    # The gap's square, beside rounding in the Gramian, is what tells the rows apart.
    assert error(rows, np.asarray(found)) < 1e-7


def hard_rows(kind, m, rng):
    """Rows on which active sets are hard to tell."""
    rows = rng.standard_normal((m, m - 1))
    if kind == "in conflict":
        return rows - 0.999 * rows.mean(axis=0)
    if kind == "critical":
        return rng.standard_normal((m, m // 2))
    if kind == "of rank 1":
        return rng.standard_normal((m, 1))
    if kind == "twice":
        return np.concatenate([rows[: m // 2]] * 2)
    if kind == "some 0":
        return rows * (np.arange(m) % 3 > 0)[:, None]
    if kind == "opposite":
        return np.concatenate([rows[: m // 2], -rows[: m // 2] * 3])
    assert kind == "of scales"
    return rows * 10.0 ** rng.uniform(-6, 6, (m, 1))


@pytest.mark.parametrize("m", [2, 8, 16])
@pytest.mark.parametrize(
    "kind", ["in conflict", "critical", "of rank 1", "twice", "some 0", "opposite", "of scales"]
)
def test_hard_rows_many_at_once(kind, m):
    rng = np.random.default_rng(7)
    rows = [hard_rows(kind, m, rng) for _ in range(24)]
    gram = jnp.asarray(np.stack([r @ r.T for r in rows]))
    found, converged = many(gram, gram)
    assert bool(jnp.all(converged))
    assert np.all(np.asarray(found) >= 0)
    assert max(error(r, z) for r, z in zip(rows, np.asarray(found), strict=True)) < 1e-9


@pytest.mark.parametrize("power", [2, 4, 6])
@pytest.mark.parametrize("m", [2, 8, 16])
def test_opposite_rows_with_a_gap_below_rounding(m, power):
    """Rows that differ from the opposites of others by a gap, whose square the Gramian can lose."""
    rng, gap = np.random.default_rng(8), 10.0**-power
    half = rng.standard_normal((24, m // 2, m))
    rows = np.concatenate([half, -half + gap * rng.standard_normal(half.shape)], axis=1)
    gram = jnp.asarray(rows @ rows.transpose(0, 2, 1))
    found, _ = many(gram, gram)
    # What rounding in the Gramian, of 1e-16, does to lengths of its square root at the least.
    allowed = max(1e-9, 1e-13 / gap)
    assert max(error(r, z) for r, z in zip(rows, np.asarray(found), strict=True)) < 10 * allowed


def test_quadratics_of_other_linear_parts():
    """Nonnegative least squares on columns and right sides that have nothing in common."""
    rng = np.random.default_rng(9)
    for m, n in ((2, 3), (3, 2), (8, 5), (24, 16)):
        columns, right = rng.standard_normal((n, m)), rng.standard_normal((40, n))
        found, converged = minimize_over_nonnegative(
            jnp.asarray(columns.T @ columns), jnp.asarray(-right @ columns)
        )
        assert bool(jnp.all(converged))
        for z, b in zip(np.asarray(found), right, strict=True):
            np.testing.assert_allclose(columns @ z, columns @ nnls(columns, b)[0], atol=1e-9)


def test_zero_rows_change_nothing():
    rows = np.concatenate([jacobian(3, 5, 4), np.zeros((2, 4))])
    gram = jnp.asarray(rows @ rows.T)
    found, converged = minimize_over_nonnegative(gram, gram)
    assert bool(jnp.all(converged))
    assert error(rows, np.asarray(found)) < 1e-12
    np.testing.assert_array_equal(found[:, 5:], 0.0)


def test_vmap_agrees_with_a_loop_over_matrices():
    rows = np.stack([jacobian(seed, 6, 5, decades=seed % 3) for seed in range(10)])
    gram = jnp.asarray(rows @ rows.transpose(0, 2, 1))
    batched, good = jax.jit(jax.vmap(minimize_over_nonnegative))(gram, gram)
    shared, _ = jax.vmap(minimize_over_nonnegative, in_axes=(None, 0))(gram[0], gram)
    nested, _ = jax.vmap(jax.vmap(minimize_over_nonnegative))(
        gram.reshape(2, 5, 6, 6), gram.reshape(2, 5, 6, 6)
    )
    assert bool(jnp.all(good))
    for i in range(10):
        alone, _ = minimize_over_nonnegative(gram[i], gram[i])
        np.testing.assert_allclose(batched[i] @ rows[i], alone @ rows[i], atol=1e-10)
        np.testing.assert_allclose(nested[i // 5, i % 5], batched[i], atol=1e-10)
    alone, _ = minimize_over_nonnegative(gram[0], gram[0])
    np.testing.assert_allclose(shared[0] @ rows[0], alone @ rows[0], atol=1e-10)


def test_single_precision_stays_single():
    rows = jacobian(4, 8, 6).astype(np.float32)
    gram = jnp.asarray(rows @ rows.T)
    found, converged = minimize_over_nonnegative(gram, gram)
    assert found.dtype == jnp.float32 and bool(jnp.all(converged))
    assert error(rows.astype(float), np.asarray(found, float)) < 1e-4


def test_what_is_not_finite_is_flagged_and_stops_at_once():
    rows = jacobian(5, 4, 3)
    gram = np.stack([rows @ rows.T] * 2)
    gram[0, 1, 2] = np.nan
    found, converged = jax.vmap(minimize_over_nonnegative)(jnp.asarray(gram), jnp.asarray(gram))
    assert not converged[0].any() and bool(converged[1].all())
    assert np.isnan(found[0]).all() and np.isfinite(found[1]).all()


@pytest.mark.parametrize("case", CASES)
def test_shortest_combination_meets_its_optimality_conditions(case):
    rows = jacobian(6, *CASES[case])
    weights = np.asarray(minimum_norm_weights(jnp.asarray(rows @ rows.T)))
    assert np.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(), 1, rtol=1e-12)
    shortest = weights @ rows
    # <g_i, d> >= |d|^2 for every i, against the length of the shortest row.
    least = np.linalg.norm(rows, axis=1)
    assert np.all(rows @ shortest - shortest @ shortest >= -1e-9 * least * least.min())


def test_shortest_combination_in_closed_form():
    def of(rows):
        rows = jnp.asarray(rows)
        return np.asarray(minimum_norm_weights(rows @ rows.T))

    np.testing.assert_allclose(of([[2.0, 0.0], [0.0, 1.0]]), [0.2, 0.8], atol=1e-12)
    np.testing.assert_allclose(of([[1.0, 0.0], [3.0, 0.0]]), [1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(of([[1e4, 0.0], [-1e-4, 0.0]]), [1e-8, 1.0], atol=1e-12)
    np.testing.assert_allclose(of([[1.0, 0.0], [0.0, 0.0], [0.0, 2.0]]), [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(of([[0.0], [0.0]]).sum(), 1.0)
    np.testing.assert_allclose(of([[5.0]]), [1.0])
