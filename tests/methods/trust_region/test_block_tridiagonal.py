"""The block-tridiagonal factorisation: NumPy's answers, at every way to cut the blocks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.methods.trust_region._block_tridiagonal import factorize, multiply, solve


def blocks(count, size, seed=0):
    """A random positive definite block-tridiagonal matrix: its blocks, and the whole."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(count, size, size))
    lower = 0.3 * rng.normal(size=(count, size, size))
    diagonal = root @ np.swapaxes(root, 1, 2) + 4 * size * np.eye(size)
    whole = np.zeros((count * size, count * size))
    for k in range(count):
        own, before = slice(k * size, (k + 1) * size), slice((k - 1) * size, k * size)
        whole[own, own] = diagonal[k]
        if k > 0:
            whole[own, before], whole[before, own] = lower[k], lower[k].T
    return jnp.array(diagonal), jnp.array(lower), whole


@pytest.mark.parametrize(("count", "size"), [(1, 3), (2, 2), (3, 2), (37, 3), (64, 1), (70, 16)])
def test_solutions_and_products_are_those_of_numpy(count, size):
    diagonal, lower, whole = blocks(count, size)
    target = np.random.default_rng(1).normal(size=(count, size))
    found = solve(factorize(diagonal, lower), jnp.array(target)).ravel()
    np.testing.assert_allclose(found, np.linalg.solve(whole, target.ravel()), atol=1e-13)
    product = multiply(diagonal, lower, jnp.array(target)).ravel()
    np.testing.assert_allclose(product, whole @ target.ravel(), atol=1e-12)


def test_loops_are_as_long_as_the_root_of_the_matrix():
    spec = jax.ShapeDtypeStruct((10_000, 2, 2), float)
    lengths = [
        equation.params["length"]
        for equation in jax.make_jaxpr(factorize)(spec, spec).jaxpr.eqns
        if equation.primitive.name == "scan"
    ]
    assert lengths == [99]


def test_an_indefinite_matrix_gives_factors_that_are_not_finite():
    diagonal, lower, _ = blocks(9, 2)
    factors = factorize(diagonal.at[4].set(-jnp.eye(2)), lower)
    assert not np.all(np.isfinite(factors.rest))
