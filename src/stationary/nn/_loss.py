"""The loss of a sequence model: cross-entropy with the true tokens as inputs."""

import operator
from collections.abc import Mapping
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ._seq2seq import Seq2Seq


def cross_entropy(model: Seq2Seq, batch: Mapping) -> Float[Array, ""]:
    """The mean negative log-likelihood of target tokens, each given those before it.

    **Arguments:**

    - `model`: the model.
    - `batch`: `"source"` [b s] and `"target"` [b t], token ids; targets run from `begin` to `end`
        and are then padded. With `"weight"` [b], the sum over rows of weight times the row's
        total instead of the mean. Or several such batches by name: their sum, as a batch of
        [`LengthBuckets`][stationary.nn.LengthBuckets] needs it.

    **Returns:** a scalar, accumulated in float32 at least.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> model = Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> batch = {"source": jnp.array([[5, 6]]), "target": jnp.array([[1, 6, 5, 2, 0]])}
        >>> 1 < float(cross_entropy(model, batch)) < 6
        True
    """
    if "target" not in batch:
        parts = [cross_entropy(model, part) for part in batch.values()]
        return reduce(operator.add, parts)
    totals, counts = row_losses(model, batch["source"], batch["target"])
    weight: Any = batch.get("weight")
    if weight is None:
        return jnp.sum(totals) / jnp.sum(counts)
    return jnp.sum(weight * totals)


def row_losses(
    model: Seq2Seq, source: Int[Array, "b s"], target: Int[Array, "b t"]
) -> tuple[Float[Array, "b"], Int[Array, "b"]]:
    """Negative log-likelihood of every target, and how many tokens it is the sum over."""
    logits, labels = model(source, target[:, :-1]), target[:, 1:]
    # A comparison, because the gradient of a look-up would add up rows one by one.
    right = labels[..., None] == jnp.arange(model.vocabulary)
    likelihood = jnp.sum(jnp.where(right, logits, 0), axis=-1)
    there = labels != model.padding
    losses = jnp.where(there, jax.nn.logsumexp(logits, axis=-1) - likelihood, 0)
    return jnp.sum(losses, axis=-1), jnp.sum(there, axis=-1)
