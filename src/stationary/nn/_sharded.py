"""A stream whose batches are spread over several devices."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, PyTree

from .._streams import AbstractStream


class Sharded(AbstractStream):
    """The batches of a stream with every device holding a share of the samples.

    Compiled code follows its data: each device computes the loss and the gradient of its samples,
    and gradients are added up. Parameters are the same everywhere.

    **Arguments:**

    - `stream`: the batches; `LengthBuckets` is made with `parts` the number of devices.
    - `devices`: where to compute; default all there are.

    **Raises:** `ValueError` where a batch cannot be divided among the devices.
    """

    stream: AbstractStream
    sharding: NamedSharding = eqx.field(static=True)
    batch_size: int = eqx.field(static=True)

    def __init__(self, stream: AbstractStream, devices: Sequence[Any] | None = None) -> None:
        devices = jax.devices() if devices is None else list(devices)
        if stream.batch_size % len(devices):
            raise ValueError(
                f"a batch of {stream.batch_size} samples cannot be divided among {len(devices)} "
                f"devices. Make LengthBuckets with parts={len(devices)}."
            )
        self.sharding = NamedSharding(
            Mesh(np.array(devices), ("samples",)), PartitionSpec("samples")
        )
        self.stream = stream
        self.batch_size = stream.batch_size

    def batch(self, index):
        batch, mask = self.stream.batch(index)
        return jax.tree.map(self._spread, batch), mask

    def _spread(self, x: Array) -> Array:
        return jax.lax.with_sharding_constraint(x, self.sharding)

    def fresh(self, key, count):
        return self.stream.fresh(key, count)

    @property
    def sample(self) -> PyTree[jax.ShapeDtypeStruct]:
        return self.stream.sample

    @property
    def finite(self):
        return self.stream.finite

    @property
    def shares(self):
        return self.stream.shares

    def number(self, index):
        return self.stream.number(index)
