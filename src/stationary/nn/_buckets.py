"""A stream of mini-batches in which every sequence is padded to a length near its own."""

import copy
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Integer

from .._streams import AbstractStream, _permute
from ._ragged import Ragged

_SPREAD = 32
"""Samples that a certificate needs to tell how much they spread."""

Bucket = dict[str, Any]
Lengths = tuple[int, int]  # of sources and targets


class LengthBuckets(AbstractStream):
    """Mini-batches of pairs of sequences, each time with as many rows out of every length bucket.

    A batch is `{(s, t): {"source": [b s], "target": [b t], "weight": [b]}}`, with a fixed number
    of rows per bucket, so that one program is compiled and little is spent on padding. Rows are
    shared out in proportion to how many examples each bucket holds, and `weight` evens out what
    cannot be shared out exactly: [`cross_entropy`][stationary.nn.cross_entropy] of a batch is an
    unbiased estimate of its mean over all target tokens of the data. Every bucket goes through its
    examples in an order of its own, anew when it comes to the end.

    As an [`Expectation`][stationary.Expectation] sees it, a sample is a whole batch, or one of the
    equal `parts` that a batch is made up of.

    **Arguments:**

    - `source`, `target`: the sequences; a target runs from `begin` to `end`.
    - `lengths`: the target length of every bucket, or how many buckets to choose so that the least
        is padded.
    - `source_lengths`: how many buckets to divide each of these into by the lengths of sources,
        again so that the least is padded. Every bucket is compiled.
    - `batch`: rows per mini-batch.
    - `seed`: which order.
    - `padding`: the token to fill up with.
    - `parts`: how many samples a batch is made up of, such as one for each device; rows per bucket
        are a multiple of it.
    - `check`: about how many examples a certificate's estimate is made from. Each costs about as
        much as a dozen in training.

    **Raises:** `ValueError` for sources and targets of different number, for targets longer than
    the last bucket (how many, and how long), and for a batch that has no row for each bucket.

    !!! example
        >>> source = Ragged.of([[5, 6], [7], [8, 9, 5]])
        >>> target = Ragged.of([[1, 6, 2], [1, 7, 2], [1, 5, 9, 8, 2]])
        >>> stream = LengthBuckets(source, target, lengths=[3, 5], batch=3)
        >>> rows, _ = stream.batch(0)
        >>> {lengths: part["target"].shape for lengths, part in rows.items()}
        {(2, 3): (1, 2, 3), (3, 5): (1, 1, 5)}
    """

    data: dict[Lengths, Bucket]
    seed: Int[Array, ""]
    rows: tuple[tuple[Lengths, int], ...] = eqx.field(static=True)
    """Per bucket, its lengths and its rows in a sample."""
    tokens: int = eqx.field(static=True)
    """Target tokens of the whole data that a loss is the mean over."""
    check: int = eqx.field(static=True)
    batch_size: int = eqx.field(static=True)

    def __init__(
        self,
        source: Ragged,
        target: Ragged,
        *,
        lengths: int | Sequence[int] = 4,
        source_lengths: int = 1,
        batch: int = 64,
        seed: int = 0,
        padding: int = 0,
        parts: int = 1,
        check: int = 512,
    ) -> None:
        if len(source) != len(target) or len(source) == 0:
            raise ValueError(
                f"sources and targets must be as many and at least one, got {len(source)} and "
                f"{len(target)}."
            )
        if int(np.min(target.lengths)) < 2:
            raise ValueError("every target needs two tokens at least, its begin and its end.")
        if isinstance(lengths, int):
            lengths = best_lengths(target.lengths, lengths)
        edges = sorted({int(length) for length in lengths})
        _refuse_longer(target.lengths, edges[-1] if edges else 0)
        members = _members(source.lengths, target.lengths, edges, source_lengths)
        counts = np.array([len(own) for own in members.values()])
        rows = _share_out(counts, batch, parts) // parts
        self.data = {}
        self.tokens = int(np.sum(target.lengths - 1))
        for ((s, t), chosen), own in zip(members.items(), rows, strict=True):
            self.data[s, t] = {
                "source": source.take(chosen).padded(length=s, padding=padding),
                "target": target.take(chosen).padded(length=t, padding=padding),
                "weight": np.float32(chosen.size / (own * self.tokens)),
            }
        self.rows = tuple((own, int(n)) for own, n in zip(members, rows, strict=True))
        self.seed = np.uint32(seed)  # pyright: ignore[reportAttributeAccessIssue]
        self.check = check
        self.batch_size = parts

    def batch(self, index):
        first = jnp.asarray(index).astype(jnp.uint32) * self.batch_size
        each = first + jnp.arange(self.batch_size, dtype=jnp.uint32)
        return jax.vmap(self._draw)(each), jnp.ones(self.batch_size, bool)

    def _draw(self, index: Integer[Array, ""]) -> dict[Lengths, Bucket]:
        """One sample: its rows of every bucket, in that bucket's own order."""
        drawn = {}
        for place, (lengths, rows) in enumerate(self.rows):
            bucket = self.data[lengths]
            size = bucket["target"].shape[0]
            position = index * rows + jnp.arange(rows, dtype=jnp.uint32)
            # Every bucket has an epoch of its own, which may begin within a batch.
            chosen = _permute(position % size, size, self.seed + np.uint32(place), position // size)
            drawn[lengths] = {
                "source": jnp.asarray(bucket["source"])[chosen],
                "target": jnp.asarray(bucket["target"])[chosen],
                "weight": jnp.full(rows, bucket["weight"]),
            }
        return drawn

    def fresh(self, key, count):
        per_sample = sum(rows for _, rows in self.rows)
        samples = max(_SPREAD, min(count, self.check) // per_sample)
        # Consecutive samples have no example twice within an epoch of their bucket.
        first = jax.random.bits(key, (), jnp.uint32) >> 8
        index = first + jnp.arange(samples, dtype=jnp.uint32)
        return jax.lax.map(self._draw, index), jnp.ones(samples, bool)

    def thin(self) -> "LengthBuckets":
        """The same data with one row per bucket in a sample, which costs less to look at.

        Its mean is the same: a certificate of one is a certificate of the other.
        """
        one = {}
        for lengths, rows in self.rows:
            bucket = self.data[lengths]
            one[lengths] = {**bucket, "weight": bucket["weight"] * np.float32(rows)}
        rows = tuple((lengths, 1) for lengths in one)
        return eqx.tree_at(lambda s: s.data, _with_rows(self, rows), one)

    @property
    def sample(self):
        return jax.eval_shape(self._draw, jax.ShapeDtypeStruct((), jnp.uint32))

    @property
    def finite(self):
        return False


def _with_rows(stream: LengthBuckets, rows: tuple[tuple[Lengths, int], ...]) -> LengthBuckets:
    stream = copy.copy(stream)
    object.__setattr__(stream, "rows", rows)
    object.__setattr__(stream, "batch_size", 1)
    return stream


def _members(
    sources: Integer[np.ndarray, "rows"],
    targets: Integer[np.ndarray, "rows"],
    edges: list[int],
    source_lengths: int,
) -> dict[Lengths, Int[np.ndarray, "_"]]:
    """The rows of every bucket that is not empty, by its lengths."""
    members: dict[Lengths, np.ndarray] = {}
    sources = np.maximum(sources, 1)  # an empty source is one token of padding
    which = np.searchsorted(edges, targets)
    for i in np.unique(which).tolist():
        rows = np.flatnonzero(which == i)
        inner = best_lengths(sources[rows], source_lengths)
        place = np.searchsorted(inner, sources[rows])
        for j, length in enumerate(inner):
            members[length, edges[i]] = rows[place == j]
    return members


def _refuse_longer(lengths: Integer[np.ndarray, "rows"], longest: int) -> None:
    too_long = lengths[lengths > longest]
    if too_long.size:
        raise ValueError(
            f"{too_long.size} of {lengths.size} targets are longer than the last bucket of "
            f"{longest} tokens; the longest has {int(too_long.max())}. Add a bucket, or leave them "
            "out and say so."
        )


def _share_out(
    counts: Int[np.ndarray, "buckets"], batch: int, multiple: int
) -> Int[np.ndarray, "buckets"]:
    """Rows per bucket in proportion to `counts`, at least one unit each, `batch` in all."""
    units = batch // multiple
    if batch < 1 or batch % multiple or units < counts.size:
        raise ValueError(
            f"a batch of {batch} rows cannot be a multiple of {multiple} in each of {counts.size} "
            f"buckets; take at least {multiple * counts.size}, in steps of {multiple}, or fewer "
            "buckets."
        )
    ideal = units * counts / counts.sum()
    rows = np.maximum(np.floor(ideal).astype(int), 1)
    while rows.sum() > units:  # what the smallest were given, the largest give up
        rows[np.argmax(np.where(rows > 1, rows - ideal, -np.inf))] -= 1
    while rows.sum() < units:
        rows[np.argmax(ideal - rows)] += 1
    return rows * multiple


def best_lengths(lengths: Int[np.ndarray, "rows"], buckets: int) -> list[int]:
    """Bucket lengths for which the least is padded, by dynamic programming over the lengths."""
    if buckets < 1:
        raise ValueError(f"there must be at least one bucket, got {buckets}.")
    values, counts = np.unique(lengths, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)])
    # cost[j]: the padded tokens of the j shortest lengths in the buckets so far.
    cost = np.where(np.arange(values.size + 1) == 0, 0.0, np.inf)
    choices = []
    for _ in range(min(buckets, values.size)):
        total = cost[:, None] + (below[None, 1:] - below[:, None]) * values[None, :]
        upper = np.arange(values.size + 1)[:, None] > np.arange(values.size)[None, :]
        total = np.where(upper, np.inf, total)
        choices.append(np.argmin(total, axis=0))
        cost = np.concatenate([[np.inf], np.min(total, axis=0)])
    edges, end = [], values.size
    for choice in reversed(choices):
        edges.append(int(values[end - 1]))
        end = int(choice[end - 1])
        if end == 0:
            break
    return edges[::-1]
