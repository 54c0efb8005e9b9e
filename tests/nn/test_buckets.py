"""Ragged arrays, and buckets whose batches estimate the mean over all tokens without bias."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st
from stationary import nn
from stationary.nn._buckets import _share_out, best_lengths


def pairs(rows=40, seed=0, longest=12):
    random = np.random.default_rng(seed)
    source = [random.integers(3, 12, random.integers(1, 9)) for _ in range(rows)]
    target = [
        [1, *random.integers(3, 12, random.geometric(0.25) % (longest - 1)), 2] for _ in range(rows)
    ]
    return nn.Ragged.of(source), nn.Ragged.of(target)


def test_ragged_holds_what_it_was_given():
    rows = [[4, 5, 6], [], [7], [8, 9]]
    ragged = nn.Ragged.of(rows)
    assert [row.tolist() for row in ragged] == rows
    assert [row.tolist() for row in ragged.take(np.array([3, 1, 0]))] == [rows[3], [], rows[0]]
    assert ragged[-1].tolist() == [8, 9]
    assert ragged.padded(length=4, padding=1).tolist()[3] == [8, 9, 1, 1]
    with pytest.raises(ValueError, match="1 of 4 sequences are longer than 2 tokens.*has 3"):
        ragged.padded(length=2)
    with pytest.raises(ValueError, match="offsets must rise from 0 to 3"):
        nn.Ragged(np.arange(3), np.array([0, 2]))
    with pytest.raises(TypeError):
        nn.Ragged(np.arange(3.0), np.array([0, 3]))


@pytest.mark.parametrize("seed", range(5))
def test_chosen_lengths_pad_the_least(seed):
    lengths = np.random.default_rng(seed).integers(2, 11, 30)

    def padded(edges):
        return sum(min(edge for edge in edges if edge >= length) for length in lengths)

    values = sorted(set(lengths.tolist()))
    for buckets in (1, 2, 3):
        choices = itertools.combinations(values[:-1], buckets - 1)
        least = min(padded((*choice, values[-1])) for choice in choices)
        assert padded(best_lengths(lengths, buckets)) == least
    assert best_lengths(lengths, 50) == values


def test_rows_are_shared_out_in_proportion():
    assert _share_out(np.array([300, 310, 290]), 64, 1).tolist() == [21, 22, 21]
    assert _share_out(np.array([1000, 1]), 8, 2).tolist() == [6, 2]
    with pytest.raises(ValueError, match="take at least 6"):
        _share_out(np.array([5, 5, 5]), 4, 2)


def test_every_example_comes_once_an_epoch_in_each_bucket():
    source, target = pairs(40)
    stream = nn.LengthBuckets(source, target, lengths=3, source_lengths=2, batch=12, seed=4)
    draw = jax.jit(lambda index: stream.batch(index))
    seen = {lengths: [] for lengths, _ in stream.rows}
    assert len(seen) == 6
    for index in range(60):
        batch, _ = draw(index)
        for lengths, part in batch.items():
            rows = zip(np.asarray(part["source"])[0], np.asarray(part["target"])[0], strict=True)
            seen[lengths] += [(*s, -1, *t) for s, t in rows]
    everything = []
    for lengths, found in seen.items():
        data, length = stream.data[lengths], lengths[1]
        held = [(*s, -1, *t) for s, t in zip(data["source"], data["target"], strict=True)]
        assert all(t[-length:].count(0) < length - 1 for t in held)
        for epoch in range(2):
            assert sorted(found[epoch * len(held) : (epoch + 1) * len(held)]) == sorted(held)
        assert len(held) < 8 or found[: len(held)] != found[len(held) : 2 * len(held)]
        everything += held
    assert len(everything) == 40


def mean_of(value, stream, batches):
    """The mean over batches of the weighted sum over rows of `value`, a function of a target."""
    draw, total = jax.jit(lambda index: stream.batch(index)), 0.0
    for index in range(batches):
        for part in draw(index)[0].values():
            weight = np.asarray(part["weight"]).ravel()
            rows = np.asarray(part["target"]).reshape(len(weight), -1)
            total += sum(w * value(row) for w, row in zip(weight, rows, strict=True))
    return total / batches / stream.batch_size


@pytest.mark.parametrize("parts", [1, 2])
def test_batches_estimate_the_token_mean_without_bias(parts):
    source, target = pairs(24, seed=2)
    stream = nn.LengthBuckets(source, target, lengths=3, source_lengths=2, batch=12, parts=parts)

    def value(row):  # of a whole row: the sum over its tokens but the first
        return float(np.sum(np.asarray(row[1:]) ** 2))

    exact = sum(map(value, target)) / sum(len(row) - 1 for row in target)
    # So many batches that every bucket is at the end of an epoch.
    rows = dict(stream.rows)
    sizes = {length: len(data["target"]) for length, data in stream.data.items()}
    whole = int(np.lcm.reduce([sizes[n] // np.gcd(sizes[n], rows[n] * parts) for n in rows]))
    assert mean_of(value, stream, whole) == pytest.approx(exact, rel=1e-5)
    thin = stream.thin()
    assert thin.rows == tuple((lengths, 1) for lengths in rows)
    whole = int(np.lcm.reduce(list(sizes.values())))
    assert mean_of(value, thin, whole) == pytest.approx(exact, rel=1e-5)


def test_sources_are_padded_to_the_bucket_that_is_nearest():
    source = nn.Ragged.of([[5] * n for n in (0, 1, 2, 8, 9)])
    target = nn.Ragged.of([[1, 2]] * 5)
    data = nn.LengthBuckets(source, target, lengths=1, source_lengths=2, batch=5).data
    assert {lengths: len(part["source"]) for lengths, part in data.items()} == {
        (2, 2): 3,
        (9, 2): 2,
    }
    empty = nn.LengthBuckets(source.take(np.array([0])), target.take(np.array([0])), batch=1).data
    assert empty[1, 2]["source"].tolist() == [[0]]


def test_fresh_draws_are_as_many_as_asked_for_and_depend_on_the_key():
    stream = nn.LengthBuckets(*pairs(300), lengths=[4, 12], batch=8, check=400)
    rows, counts = stream.thin().fresh(jax.random.key(0), 4096)
    assert counts.shape == (200,) and rows[8, 4]["target"].shape == (200, 1, 4)
    again, _ = stream.thin().fresh(jax.random.key(1), 4096)
    assert not np.array_equal(rows[8, 12]["source"], again[8, 12]["source"])
    assert stream.fresh(jax.random.key(0), 4096)[1].shape == (50,)
    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), rows)
    assert jax.tree.leaves(like) == jax.tree.leaves(stream.thin().sample)


def test_what_is_longer_than_the_last_bucket_is_refused():
    source, target = pairs()
    long = int(np.sum(target.lengths > 5))
    message = (
        f"{long} of 40 targets are longer than the last bucket of 5.*has {target.lengths.max()}"
    )
    with pytest.raises(ValueError, match=message):
        nn.LengthBuckets(source, target, lengths=[3, 5])
    with pytest.raises(ValueError, match="as many"):
        nn.LengthBuckets(source.take(np.arange(3)), target)
    with pytest.raises(ValueError, match="two tokens"):
        nn.LengthBuckets(nn.Ragged.of([[3]]), nn.Ragged.of([[1]]))


def test_the_certificate_estimates_the_mean_over_the_data():
    source, target = pairs(600, seed=5)
    stream = nn.LengthBuckets(source, target, lengths=3, batch=16, check=300)
    tokens = jnp.zeros(12).at[3:].set(jnp.arange(9.0))

    def mean_token(x, batch):
        total = [
            jnp.sum(part["weight"] * jnp.sum(tokens[part["target"]], axis=1))
            for part in batch.values()
        ]
        return sum(total) + 0.5 * x**2

    exact = np.sum(np.asarray(tokens)[target.tokens]) / stream.tokens
    problem = st.Minimize(st.Expectation(mean_token, stream.thin()))
    found = st.certify(problem, jnp.zeros(()))
    error = found.errors["objective"]
    assert 0 < error < 0.1 * exact
    assert found.objective == pytest.approx(exact, abs=4 * error)
