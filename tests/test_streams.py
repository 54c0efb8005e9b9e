"""Streams: every row once per epoch, fixed shapes, masks, and batches that depend on the index."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st


def epoch(stream, number):
    per_epoch = -(-stream.rows // stream.batch_size)
    batches = [stream.batch(jnp.int32(number * per_epoch + i)) for i in range(per_epoch)]
    assert {rows.shape for rows, _ in batches} == {(stream.batch_size,)}
    return np.concatenate([np.asarray(rows)[np.asarray(mask)] for rows, mask in batches])


@pytest.mark.parametrize(("rows", "batch"), [(1, 1), (2, 2), (7, 5), (16, 16), (17, 5), (300, 16)])
def test_an_epoch_holds_every_row_once(rows, batch):
    stream = st.Batches(np.arange(rows), batch, seed=1)
    first, second = epoch(stream, 0), epoch(stream, 1)
    assert sorted(first) == sorted(second) == list(range(rows))
    assert rows < 10 or list(first) != list(second)


@pytest.mark.parametrize(("rows", "batch"), [(7, 2), (16, 16), (300, 16)])
def test_batches_can_keep_their_rows(rows, batch):
    stream = st.Batches(np.arange(rows), batch, seed=3, shuffle="batches")
    shares = np.asarray(stream.shares)
    orders, held = [], {}
    for number in range(4):
        assert sorted(epoch(stream, number)) == list(range(rows))
        order = []
        for i in range(number * stream.count, (number + 1) * stream.count):
            read, mask = stream.batch(jnp.int32(i))
            which = int(stream.number(jnp.int32(i)))
            order.append(which)
            held.setdefault(which, set()).add(tuple(np.asarray(read)[np.asarray(mask)].tolist()))
            assert np.sum(mask) / rows == pytest.approx(shares[which])
        orders.append(tuple(order))
    assert sorted(held) == list(range(len(shares)))
    assert all(len(rows_of_one) == 1 for rows_of_one in held.values())
    assert rows < 20 or len(set(orders)) == 4
    # Rows that are neighbours in the data are not kept together.
    assert rows < 20 or held[0] != {tuple(range(batch))}


def test_only_batches_that_come_again_have_numbers():
    assert st.Batches(np.arange(5), 2).shares is None
    assert st.Draws(jax.random.normal, 2).shares is None
    in_order = st.Batches(np.arange(5), 2, shuffle=False)
    np.testing.assert_allclose(in_order.shares, [0.4, 0.4, 0.2])
    assert [int(in_order.number(jnp.int32(i))) for i in range(4)] == [0, 1, 2, 0]


def test_shuffles_differ_by_seed_and_look_uniform():
    def order(seed):
        stream = eqx.tree_at(lambda s: s.seed, st.Batches(np.arange(64), 64), seed)
        return stream.batch(jnp.int32(0))[0]

    orders = np.asarray(jax.vmap(order)(jnp.arange(400, dtype=jnp.uint32)))
    assert len({tuple(order) for order in orders}) == 400
    # The row in first place is uniform over 64: chi-squared with 63 degrees of freedom.
    counts = np.bincount(orders[:, 0], minlength=64)
    assert np.sum((counts - 400 / 64) ** 2 / (400 / 64)) < 110
    # Neighbours in the data are not neighbours in the order.
    assert abs(np.corrcoef(orders[:, :-1].ravel(), orders[:, 1:].ravel())[0, 1]) < 0.05


def test_order_can_be_kept():
    assert epoch(st.Batches(np.arange(5), 2, shuffle=False), 3).tolist() == [0, 1, 2, 3, 4]


def test_batches_depend_on_the_index_alone():
    stream = st.Batches(np.arange(9), 4)
    jitted = jax.jit(lambda index: stream.batch(index))
    for index in (0, 5, 2):
        assert np.array_equal(jitted(index)[0], stream.batch(jnp.int32(index))[0])


def test_an_expectation_ignores_padding():
    rows = np.array([1.0, 2.0, 6.0])
    mean = st.Expectation(lambda x, row: x * row, st.Batches(rows, 2, shuffle=False))
    system = st.Minimize(mean).lower(jnp.array(1.0))
    values = [system.linearize(jnp.array(1.0), index=i).objective for i in (0, 1)]
    assert [float(v) for v in values] == [1.5, 6.0]


def test_draws_are_fresh_but_repeatable():
    stream = st.Draws(lambda key: jax.random.normal(key, (2,)), 3, seed=4)
    first, again, other = (stream.batch(i)[0] for i in (0, 0, 1))
    assert first.shape == (3, 2) and np.array_equal(first, again)
    assert not np.allclose(first, other)
    assert not stream.finite and stream.sample.shape == (2,)


def test_stochastic_solves_find_the_mean():
    rows = np.random.default_rng(0).normal(2.0, 1.0, size=(200, 2))
    loss = st.Expectation(lambda x, row: 0.5 * jnp.sum((x - row) ** 2), st.Batches(rows, 20))
    cap = st.at_most(st.Expectation(lambda x, row: x[0] - 0.1 * row[0], loss.stream), 1.0)
    method = st.methods.PrimalDual(0.05, 0.05)
    solution = st.solve(st.Minimize(loss, {"cap": cap}), np.zeros(2), method, max_steps=3000)
    mean = rows.mean(axis=0)
    limit = 1 + 0.1 * mean[0]
    np.testing.assert_allclose(solution.value, [limit, mean[1]], atol=0.15)
    np.testing.assert_allclose(solution.duals["cap"], mean[0] - limit, atol=0.3)
