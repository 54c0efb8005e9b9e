"""The loss of a sequence model: cross-entropy with the true tokens as inputs."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._layers import Tables
from ._seq2seq import Seq2Seq


def cross_entropy(model: Seq2Seq, batch: Mapping) -> Float[Array, ""]:
    """The mean negative log-likelihood of target tokens, each given those before it.

    **Arguments:**

    - `model`: the model.
    - `batch`: `"source"` [b s] and `"target"` [b t], token ids; targets run from `begin` to `end`
        and are then padded. With `"weight"` [b], the sum over rows of weight times the row's
        total instead of the mean. Or several such batches by name: the mean or
        sum over all of them, as for a batch of
        [`LengthBuckets`][stationary.nn.LengthBuckets].

    **Returns:** a scalar, accumulated in float32 at least.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> model = Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> batch = {"source": jnp.array([[5, 6]]), "target": jnp.array([[1, 6, 5, 2, 0]])}
        >>> 1 < float(cross_entropy(model, batch)) < 20
        True
    """
    parts: list[Mapping] = [batch] if "target" in batch else list(batch.values())
    losses, there = token_losses(
        model, [part["source"] for part in parts], [part["target"] for part in parts]
    )
    if "weight" not in parts[0]:
        return jnp.sum(losses) / jnp.sum(there)
    weights = [
        jnp.broadcast_to(part["weight"][:, None], part["target"][:, 1:].shape) for part in parts
    ]
    return jnp.sum(Tables(weights).join(weights) * losses)


def token_losses(
    model: Seq2Seq,
    sources: list[Int[Array | np.ndarray, "_ _"]],
    targets: list[Int[Array | np.ndarray, "_ _"]],
) -> tuple[Float[Array, "n"], Bool[Array, "n"]]:
    """Negative log-likelihood of every token of several tables; and which are no padding."""
    logits = model.decode_all([table[:, :-1] for table in targets], *model.encode_all(sources))
    after = [table[:, 1:] for table in targets]
    labels = Tables(after).join(after)
    # A comparison, because the gradient of a look-up would add up rows one by one.
    right = labels[:, None] == jnp.arange(model.vocabulary)
    likelihood = jnp.sum(jnp.where(right, logits, 0), axis=-1)
    there = labels != model.padding
    return jnp.where(there, jax.nn.logsumexp(logits, axis=-1) - likelihood, 0), there
