"""The maximum mean discrepancy against closed forms, brute force and finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from stationary.measures import GaussianKernel, median_distance, mmd_squared


def brute_force(x, y, scales, unbiased):
    def k(a, b):
        return sum(np.exp(-np.sum((a - b) ** 2) / (2 * s * s)) for s in scales)

    def within(z):
        pairs = [(i, j) for i in range(len(z)) for j in range(len(z)) if i != j or not unbiased]
        return np.mean([k(z[i], z[j]) for i, j in pairs])

    return within(x) + within(y) - 2 * np.mean([k(a, b) for a in x for b in y])


@pytest.mark.parametrize("unbiased", [True, False])
def test_it_is_the_double_sum(unbiased):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(7, 3)) + 1
    value = mmd_squared(jnp.array(x), jnp.array(y), GaussianKernel([0.7, 2.0]), unbiased=unbiased)
    np.testing.assert_allclose(value, brute_force(x, y, [0.7, 2.0], unbiased), rtol=1e-12)


def test_two_shifted_normals_have_the_closed_form():
    shift, scale, count = 1.3, 0.8, 4000
    keys = jax.random.split(jax.random.key(0))
    x = jax.random.normal(keys[0], (count, 1))
    y = shift + jax.random.normal(keys[1], (count, 1))
    exact = 2 * scale / np.sqrt(scale**2 + 2) * (1 - np.exp(-(shift**2) / (2 * (scale**2 + 2))))
    # The spread of the estimate at this size is about 0.006.
    assert abs(float(mmd_squared(x, y, GaussianKernel(scale))) - exact) < 0.02


def test_the_unbiased_form_has_mean_zero_for_equal_distributions_and_the_biased_has_not():
    @jax.jit
    @jax.vmap
    def both(key):
        x = jax.random.normal(key, (40, 2))
        pair = x[:20], x[20:], GaussianKernel(1.0)
        return mmd_squared(*pair), mmd_squared(*pair, unbiased=False)

    unbiased, biased = both(jax.random.split(jax.random.key(1), 400))
    error = float(unbiased.std()) / 400**0.5
    assert abs(float(unbiased.mean())) < 4 * error
    assert float(unbiased.min()) < 0 < float(biased.min())
    assert float(biased.mean()) > 20 * error


def test_large_samples_are_summed_in_blocks_with_the_same_value_and_gradient():
    x = jax.random.normal(jax.random.key(2), (1500, 2))
    y = 0.5 + x[::3]
    kernel = GaussianKernel(1.0)

    def whole(x):
        def mean(a, b):
            return jnp.mean(kernel(a, b))

        return mean(x, x) + mean(y, y) - 2 * mean(x, y)

    @jax.jit
    def both(x):
        blocks = jax.value_and_grad(lambda x: mmd_squared(x, y, kernel, unbiased=False))(x)
        return blocks, jax.value_and_grad(whole)(x)

    (value, slope), (expected, expected_slope) = both(x)
    np.testing.assert_allclose(value, expected, rtol=1e-10)
    np.testing.assert_allclose(slope, expected_slope, atol=1e-12)


def test_derivatives_agree_with_finite_differences_also_at_coinciding_points():
    x = jnp.array([[0.0, 1.0], [0.0, 1.0], [2.0, 0.5]])
    y = jnp.array([[1.0, 1.0], [0.0, 1.0]])
    loss = jax.jit(lambda x: mmd_squared(x, y, GaussianKernel(1.0)))
    check_grads(loss, (x,), order=1, modes=["rev"])


def test_the_default_bandwidth_is_the_median_and_follows_the_units():
    x = jax.random.normal(jax.random.key(3), (30, 2))
    y = x[:20] * 1.5

    @jax.jit
    def every_form(x, y):
        own = median_distance(x, y)
        kernel = GaussianKernel(own * jnp.array([0.5, 1.0, 2.0]))
        scaled = mmd_squared(1000 * x, 1000 * y)
        return own, mmd_squared(x, y), scaled, mmd_squared(x, y, kernel)

    own, default, scaled, explicit = every_form(x, y)
    pooled = np.concatenate([x, y])
    every = np.linalg.norm(pooled[:, None] - pooled[None], axis=-1)
    np.testing.assert_allclose(own, np.median(every[np.triu_indices(50, 1)]), rtol=1e-12)
    np.testing.assert_allclose(default, scaled, rtol=1e-9)
    np.testing.assert_allclose(default, explicit, rtol=1e-12)


def test_float32_stays_float32_and_survives_a_far_origin():
    x = jax.random.normal(jax.random.key(4), (50, 2), jnp.float32)
    y = x + 1
    compiled = jax.jit(lambda x, y: mmd_squared(x, y, GaussianKernel(1.0)))
    near, far = compiled(x, y), compiled(x + 1000, y + 1000)
    assert near.dtype == jnp.float32
    np.testing.assert_allclose(near, far, atol=2e-3)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (np.zeros((1, 2)), np.zeros((3, 2)), "at least 2"),
        (np.zeros((3, 2)), np.zeros((3, 4)), "dimension 2 and y of 4"),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), "NaN or infinite entries in 3"),
        (np.zeros((3, 2)), np.zeros((3, 2)), "coincide"),
        (np.zeros(3), np.zeros(3), "one point per row"),
    ],
)
def test_samples_that_cannot_be_compared_are_refused(x, y, message):
    with pytest.raises(ValueError, match=message):
        mmd_squared(jnp.array(x), jnp.array(y))


@pytest.mark.parametrize("bandwidths", [0.0, -1.0, [1.0, np.inf], []])
def test_bandwidths_must_be_positive(bandwidths):
    with pytest.raises(ValueError, match="positive and finite"):
        GaussianKernel(bandwidths)
