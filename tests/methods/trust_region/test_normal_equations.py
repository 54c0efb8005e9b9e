"""A A' from products: its band where there is one, in whatever order; else dense or by CG."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.methods.trust_region import _normal_equations
from stationary.methods.trust_region._normal_equations import Layout, normal_equations

DTYPE = np.dtype(float)


def matrix(rows, reach, seed=0):
    """A random positive definite band matrix, diagonally scaled over four orders of magnitude."""
    rng = np.random.default_rng(seed)
    places = np.arange(rows)
    near = np.abs(places[:, None] - places) <= reach
    whole = np.where(near, rng.normal(size=(rows, rows)), 0.0)
    whole = whole + whole.T + 6 * (reach + 1) * np.eye(rows)
    scale = 10.0 ** rng.uniform(-2, 2, rows)
    return scale[:, None] * whole * scale


def solved(layout, whole, attempt):
    """Whether an attempt fits, and the solution it gives for a random right-hand side."""
    whole = jnp.array(whole)
    target = jnp.array(np.random.default_rng(3).normal(size=layout.rows))

    @jax.jit
    def solution(attempt):
        product = lambda y: whole @ y  # noqa: E731
        equations = normal_equations(layout, product, attempt, DTYPE)
        scale = equations.scale
        return equations.sound, scale * equations.solve(layout, product, scale * target)

    sound, found = solution(jnp.array(attempt))
    return bool(sound), np.asarray(found), np.linalg.solve(whole, target)


def test_a_band_is_recovered_from_products_and_one_that_is_too_wide_is_noticed():
    layout = Layout([(300,)])
    assert layout.attempts == [(0, 8), (0, 32)]
    whole = matrix(300, reach=11)
    assert not solved(layout, whole, 0)[0]
    sound, found, expected = solved(layout, whole, 1)
    assert sound
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


def test_rows_of_several_constraints_are_put_side_by_side_in_time():
    # Stacked: 150 rows of two states, then 150 path rows; a band only once they are interleaved.
    layout = Layout([(150, 2), (150,)])
    assert layout.attempts == [(0, 8)]
    order = np.asarray(layout.order(jnp.array(0)))
    banded = matrix(450, reach=5)
    whole = np.empty_like(banded)
    whole[np.ix_(order, order)] = banded
    sound, found, expected = solved(layout, whole, 0)
    assert sound
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize("dense", [400, 100], ids=["dense", "conjugate gradients"])
def test_without_a_band_the_answer_is_the_same(dense, monkeypatch):
    monkeypatch.setattr(_normal_equations, "_DENSE", dense)
    rng = np.random.default_rng(5)
    root = rng.normal(size=(300, 900))
    layout = Layout([(300,)])
    sound, found, expected = solved(layout, root @ root.T, len(layout.attempts))
    assert sound
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max())


def test_few_rows_are_dense_at_once():
    assert Layout([(3,), (2, 2)]).attempts == []
