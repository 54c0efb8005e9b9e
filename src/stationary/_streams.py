"""Samples by index: mini-batches that a compiled, resumable solver can ask for at any step."""

import abc
from collections.abc import Callable
from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree, Shaped

from ._dtypes import as_arrays
from ._hoist import Program, hoist


class AbstractStream(eqx.Module):
    """A source of mini-batches of one fixed shape, addressed by index.

    The batch at an index is a pure function of the stream and the index, so a resumed solve sees
    the same batches as one that was never stopped.
    """

    batch_size: eqx.AbstractVar[int]

    @abc.abstractmethod
    def batch(
        self, index: Int[Array, ""]
    ) -> tuple[PyTree[Shaped[Array, "batch ..."]], Bool[Array, "batch"]]:
        """The mini-batch at `index`, and which of its rows count."""

    @abc.abstractmethod
    def fresh(
        self, key: PRNGKeyArray, count: int
    ) -> tuple[PyTree[Shaped[Array, "count ..."]], Bool[Array, "count"]]:
        """Rows for an independent check: the whole data when finite, else `count` new draws."""

    @property
    @abc.abstractmethod
    def sample(self) -> PyTree[jax.ShapeDtypeStruct]:
        """Shape and dtype of one row."""

    @property
    @abc.abstractmethod
    def finite(self) -> bool:
        """Whether `fresh` returns everything there is rather than a sample of it."""

    @property
    def shares(self) -> Float[np.ndarray, "batches"] | None:
        """The part of all rows that is in each batch; `None` where batches never come again."""
        return None

    def number(self, index: Int[Array, ""]) -> Int[Array, ""]:
        """Which of all batches the one at `index` is; indices from 0 name each once an epoch."""
        return index


class Batches(AbstractStream):
    """Mini-batches of an array data set, in a new order in every epoch.

    **Arguments:**

    - `data`: a pytree of arrays that share their leading axis (the rows).
    - `batch_size`: rows per batch; the last batch of an epoch is padded and masked.
    - `seed`: which shuffle.
    - `shuffle`: `True` draws new batches in every epoch, in O(batch) work per batch. `"batches"`
        shuffles a copy of the rows once, and from then on only the order of the batches: reading
        one is then a slice, and methods may remember batches by number. `False` goes through the
        rows in order.

    **Raises:** `ValueError` when the arrays disagree about the number of rows, when there are
    none, when `batch_size` does not lie in 1..rows, or for another `shuffle`.

    !!! example
        >>> import numpy as np, jax.numpy as jnp
        >>> stream = Batches(np.arange(5.0), batch_size=2, shuffle=False)
        >>> rows, mask = stream.batch(jnp.array(2))
        >>> rows[mask].tolist()
        [4.0]
    """

    data: PyTree[Shaped[Array | np.ndarray, "rows ..."]]
    seed: Int[Array, ""]
    orders: Int[np.ndarray, "2 batches"] | None
    batch_size: int = eqx.field(static=True)
    shuffle: bool | str = eqx.field(static=True)

    def __init__(
        self, data: PyTree, batch_size: int, *, seed: int = 0, shuffle: bool | str = True
    ) -> None:
        leaves = jax.tree.leaves(data)
        sizes = {np.shape(leaf)[:1] for leaf in leaves}
        if len(sizes) != 1 or sizes == {()} or sizes == {(0,)}:
            raise ValueError(
                "Batches needs arrays that share a non-empty leading axis of rows, got leading "
                f"axes {sorted(sizes)}."
            )
        (rows,) = sizes.pop()
        if not 1 <= batch_size <= rows:
            raise ValueError(f"batch_size must lie in 1..{rows} (the rows), got {batch_size}.")
        if shuffle not in (True, False, "batches"):
            raise ValueError(f"Batches(shuffle=...) is True, False or 'batches', got {shuffle!r}.")
        orders = None
        if shuffle == "batches":
            rng, count = np.random.default_rng(seed), -(-rows // batch_size)
            rank = rng.permutation(rows)
            data = jax.tree.map(lambda leaf: _as_array(leaf)[rank], data)
            orders = np.stack([rng.permutation(count) for _ in range(2)]).astype(np.int32)
        self.data = data
        self.seed = np.uint32(seed)  # pyright: ignore[reportAttributeAccessIssue]
        self.orders = orders
        self.batch_size = batch_size
        self.shuffle = shuffle

    @property
    def rows(self) -> int:
        """The number of rows in an epoch."""
        return np.shape(jax.tree.leaves(self.data)[0])[0]

    @property
    def count(self) -> int:
        """The number of batches in an epoch."""
        return -(-self.rows // self.batch_size)

    @property
    def shares(self):
        if self.shuffle is True:
            return None
        starts = np.arange(self.count) * self.batch_size
        return np.minimum(self.batch_size, self.rows - starts) / self.rows

    def number(self, index):
        index = jnp.asarray(index)
        if self.shuffle is True:
            return index
        place = index % self.count
        if self.orders is None:
            return place
        # Two fixed permutations, each behind a shift of the epoch's own.
        one = _mix(self.seed ^ _mix((index // self.count).astype(jnp.uint32)))
        for order, shift in zip(self.orders, (one, _mix(one)), strict=True):
            moved = place + (shift % self.count).astype(place.dtype)
            place = jnp.asarray(order)[moved % self.count].astype(place.dtype)
        return place

    def batch(self, index):
        index = jnp.asarray(index)
        if self.shuffle is True:
            return self._reshuffled(index)
        begin = self.number(index) * self.batch_size
        start, mask = begin, jnp.ones(self.batch_size, bool)
        if self.rows % self.batch_size:
            # The last batch begins early enough to be whole.
            start = jnp.minimum(begin, self.rows - self.batch_size)
            mask = start + jnp.arange(self.batch_size) >= begin

        def read(leaf: Array | np.ndarray) -> Array:
            return jax.lax.dynamic_slice_in_dim(jnp.asarray(leaf), start, self.batch_size)

        return jax.tree.map(read, self.data), mask

    def _reshuffled(self, index: Int[Array, ""]) -> tuple:
        position = (index % self.count) * self.batch_size + jnp.arange(self.batch_size)
        mask = position < self.rows
        where = jnp.where(mask, position, 0).astype(jnp.uint32)
        where = _permute(where, self.rows, self.seed, (index // self.count).astype(jnp.uint32))
        return jax.tree.map(lambda x: jnp.asarray(x)[where], self.data), mask

    def fresh(self, key, count):
        return as_arrays(self.data), jnp.ones(self.rows, bool)

    @property
    def sample(self):
        return jax.tree.map(_row_shape, self.data)

    @property
    def finite(self):
        return True


class Draws(AbstractStream):
    """Mini-batches drawn afresh from a sampler: simulated data, noise, random collocation points.

    **Arguments:**

    - `sampler`: maps a PRNG key to one sample, a pytree of arrays.
    - `batch_size`: samples per batch.
    - `seed`: which sequence of draws.

    !!! example
        >>> import jax
        >>> stream = Draws(jax.random.normal, batch_size=3)
        >>> stream.batch(0)[0].shape
        (3,)
    """

    sampler: Program
    seed: Int[Array, ""]
    batch_size: int = eqx.field(static=True)

    def __init__(self, sampler: Callable, batch_size: int, *, seed: int = 0) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
        self.sampler = hoist(sampler, jax.eval_shape(lambda: jax.random.key(0)))
        self.seed = np.uint32(seed)  # pyright: ignore[reportAttributeAccessIssue]
        self.batch_size = batch_size

    def batch(self, index):
        key = jax.random.fold_in(jax.random.key(self.seed), index)
        return self.fresh(key, self.batch_size)

    def fresh(self, key, count):
        return jax.vmap(self.sampler)(jax.random.split(key, count)), jnp.ones(count, bool)

    @property
    def sample(self):
        return self.sampler.out

    @property
    def finite(self):
        return False


def _as_array(leaf: Any) -> Any:
    return leaf if isinstance(leaf, jax.Array) else np.asarray(leaf)


def _row_shape(x) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(np.shape(x)[1:], jnp.asarray(x).dtype)


@partial(jax.jit, static_argnums=1)
def _permute(position, size: int, seed, epoch):
    """A pseudo-random permutation of 0..size-1, entry by entry: a Feistel network, cycle-walked.

    Costs O(len(position)) per call instead of the O(size log size) of a shuffled index.
    """
    half = max(1, (max(size - 1, 1).bit_length() + 1) // 2)
    mask = jnp.uint32(2**half - 1)
    keys = [_mix(seed ^ _mix(epoch + jnp.uint32(r * 0x9E3779B9 & 0xFFFFFFFF))) for r in range(6)]

    def network(x):
        left, right = x >> half, x & mask
        for key in keys:
            left, right = right, left ^ (_mix(right + key) & mask)
        return (left << half) | right

    def outside(x):
        return jnp.any(x >= size)

    return jax.lax.while_loop(
        outside, lambda x: jnp.where(x >= size, network(x), x), network(position)
    )


def _mix(x):
    x = (x ^ (x >> 16)) * jnp.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * jnp.uint32(0x846CA68B)
    return x ^ (x >> 16)
