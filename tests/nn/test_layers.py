"""Attention, rotations and look-ups, against JAX's own and against loops."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from stationary.nn._layers import (
    ONE_HOT,
    Tables,
    angles,
    attend,
    look_up,
    rms_norm,
    rotate,
    split_heads,
)


def test_attention_is_that_of_jax(getkey):
    query = jax.random.normal(getkey(), (3, 2, 5, 8))
    key, value = jax.random.normal(getkey(), (2, 3, 2, 7, 8))
    mask = jax.random.bernoulli(getkey(), 0.6, (3, 1, 5, 7)).at[..., 0].set(True)
    q, k, v = (jnp.swapaxes(x, 1, 2) for x in (query, key, value))  # JAX has heads after length
    expected = jax.nn.dot_product_attention(q, k, v, mask=mask)
    got = attend(query, key, value, mask).reshape(3, 5, 2, 8)
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)


def test_attention_is_a_weighted_mean(getkey):
    query, key, value = jax.random.normal(getkey(), (3, 1, 1, 4, 6))
    got = attend(query, key, value, jnp.ones((1, 1, 4, 4), bool))
    query, key, value = map(np.asarray, (query, key, value))
    for i in range(4):
        weights = [np.exp(query[0, 0, i] @ key[0, 0, j] / np.sqrt(6)) for j in range(4)]
        mean = sum(w * value[0, 0, j] for j, w in enumerate(weights)) / sum(weights)
        np.testing.assert_allclose(got[0, i], mean, rtol=1e-10)


def test_rotations_depend_on_the_difference_of_positions(getkey):
    query, key = jax.random.normal(getkey(), (2, 8))

    def product(i, j):
        turned = rotate(query, angles(jnp.array(i), 8)), rotate(key, angles(jnp.array(j), 8))
        return float(jnp.vdot(*turned))

    assert product(7, 3) == pytest.approx(product(104, 100), rel=1e-4)
    assert product(7, 3) != pytest.approx(product(7, 4), rel=1e-2)
    assert product(5, 5) == pytest.approx(float(jnp.vdot(query, key)), rel=1e-6)


def test_rotations_are_those_of_complex_numbers(getkey):
    x = np.asarray(jax.random.normal(getkey(), (6,)))
    turned = (x[:3] + 1j * x[3:]) * np.exp(4j * 10_000.0 ** (-np.arange(3) / 3))
    expected = np.concatenate([turned.real, turned.imag])
    np.testing.assert_allclose(rotate(jnp.asarray(x), angles(jnp.array(4), 6)), expected, 1e-5)


@pytest.mark.parametrize("rows", [5, ONE_HOT + 1])
def test_rows_are_looked_up_and_missing_ones_are_not_made_up(rows, getkey):
    table = jax.random.normal(getkey(), (rows, 3))
    index = jnp.array([[4, 0], [2, rows - 1]])
    np.testing.assert_array_equal(look_up(table, index), table[index])
    assert jnp.all(jnp.isnan(look_up(table, jnp.array([rows]))))
    weight = jax.random.normal(getkey(), (2, 2, 3))
    by_product = jax.grad(lambda t: jnp.sum(weight * look_up(t, index)))(table)
    by_adding = np.zeros((rows, 3))
    np.add.at(by_adding, np.asarray(index), np.asarray(weight))
    np.testing.assert_allclose(by_product, by_adding, rtol=1e-12)


def test_norm_makes_the_mean_square_one(getkey):
    x = 40 * jax.random.normal(getkey(), (4, 16))
    np.testing.assert_allclose(jnp.mean(rms_norm(x, jnp.ones(16)) ** 2, axis=-1), 1, rtol=1e-6)


def test_heads_and_tables_only_move_numbers():
    x = jnp.arange(72.0).reshape(2, 3, 12)
    parts = split_heads(x, 2, 3)
    assert parts.shape == (2, 2, 3, 3, 2)
    assert parts[1, 0, 2, 1].tolist() == x[0, 1, 10:12].tolist()
    tables = [jnp.arange(6).reshape(2, 3), 10 + jnp.arange(4).reshape(1, 4)]
    where = Tables(tables)
    again = where.split(where.join(tables))
    assert [a.tolist() for a in again] == [a.tolist() for a in tables]
