"""Greedy decoding: the most probable token, again and again."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._cache import prepare, step
from ._check import check_tokens
from ._constraint import AbstractConstraint, Unconstrained
from ._seq2seq import Seq2Seq


class Decoded(eqx.Module):
    """Sequences that a model has written, one for every source.

    **Arguments:**

    - `tokens`: the sequences without `begin` and with `end`, padded.
    - `lengths`: how many tokens each has.
    - `log_probabilities`: the model's log-probability of each, as far as it goes.
    - `ended`: whether it ends with `end`; else it was cut off at `max_length`, or a constraint
        left nothing that could follow.
    """

    tokens: Int[Array, "b t"]
    lengths: Int[Array, "b"]
    log_probabilities: Float[Array, "b"]
    ended: Bool[Array, "b"]

    def sequences(self) -> list[np.ndarray]:
        """The sequences one by one, without padding."""
        rows = zip(np.asarray(self.tokens), np.asarray(self.lengths), strict=True)
        return [row[:length] for row, length in rows]


def greedy(
    model: Seq2Seq,
    source: Int[Array | np.ndarray, "b s"],
    *,
    max_length: int | None = None,
    constraint: AbstractConstraint | None = None,
) -> Decoded:
    """Write the most probable next token until every sequence has ended.

    `padding` and `begin` are never written.

    **Arguments:**

    - `model`: the model.
    - `source`: token ids, padded.
    - `max_length`: the most tokens to write, `end` included; default the model's `max_target`.
    - `constraint`: which tokens are allowed; see
        [`AbstractConstraint`][stationary.nn.AbstractConstraint].

    **Returns:** a [`Decoded`][stationary.nn.Decoded].

    **Raises:** `ValueError` for tokens outside the vocabulary, for a source that is too long, and
    for a `max_length` that is missing or larger than `max_target`.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> model = Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> greedy(model, jnp.array([[5, 6, 0], [7, 8, 9]]), max_length=4).tokens.shape
        (2, 4)
    """
    source = check_tokens(model, source, "source")
    length = decoding_length(model, max_length)
    rule = Unconstrained(model.vocabulary) if constraint is None else constraint
    return _greedy(model, source, length, rule)


def decoding_length(model: Seq2Seq, max_length: int | None) -> int:
    """How many tokens to write at most.

    **Raises:** `ValueError` when nothing says so, or the model cannot.
    """
    if max_length is None:
        max_length = model.max_target
    if max_length is None:
        raise ValueError("this model sets no limit to targets: pass max_length, say 256.")
    if max_length < 1 or (model.max_target is not None and max_length > model.max_target):
        raise ValueError(
            f"max_length must lie in 1..{model.max_target or 'any'} for this model, got "
            f"{max_length}."
        )
    return max_length


def writable(model: Seq2Seq) -> Bool[Array, "v"]:
    """Which tokens can be written at all."""
    tokens = jnp.arange(model.vocabulary)
    return (tokens != model.padding) & (tokens != model.begin)


@eqx.filter_jit
def _greedy(
    model: Seq2Seq, source: Int[Array, "b s"], length: int, rule: AbstractConstraint
) -> Decoded:
    rows = source.shape[0]
    encoded, cache = prepare(model, source, 1, length)
    can = writable(model)
    begun = (
        jnp.zeros((), jnp.int32),
        jnp.full(rows, model.begin, jnp.int32),
        cache,
        jax.vmap(rule.init)(source),
        Decoded(
            jnp.full((rows, length), model.padding, jnp.int32),
            jnp.zeros(rows, jnp.int32),
            jnp.zeros(rows, jnp.promote_types(model.embedding.dtype, jnp.float32)),
            jnp.zeros(rows, bool),
        ),
        jnp.ones(rows, bool),
    )

    def going(carry: Any) -> Bool[Array, ""]:
        position, *_, active = carry
        return (position < length) & jnp.any(active)

    def write(carry: Any) -> Any:
        position, last, cache, state, so_far, active = carry
        likely, cache = step(model, last[:, None], position, cache, encoded)
        allowed = can & jax.vmap(rule.allowed, axis_size=rows)(state)
        likely = jnp.where(allowed, likely[:, 0], -jnp.inf)
        best = jnp.max(likely, axis=-1)
        # A constraint that allows nothing leaves a sequence where it is.
        active = active & (best > -jnp.inf)
        token = jnp.where(active, jnp.argmax(likely, axis=-1), model.padding).astype(jnp.int32)
        moved = jax.vmap(rule.advance)(state, token)
        state = jax.tree.map(lambda new, old: where_rows(active, new, old), moved, state)
        ends = active & (token == model.end)
        so_far = Decoded(
            so_far.tokens.at[:, position].set(token),
            so_far.lengths + active,
            so_far.log_probabilities + jnp.where(active, best, 0),
            so_far.ended | ends,
        )
        return position + 1, token, cache, state, so_far, active & ~ends

    return jax.lax.while_loop(going, write, begun)[4]


def where_rows(mask: Bool[Array, "*b"], new: Array, old: Array) -> Array:
    """`new` where the mask holds along the leading axes, in the dtype of `old`."""
    mask = mask.reshape(mask.shape + (1,) * (old.ndim - mask.ndim))
    return jnp.where(mask, new, old).astype(old.dtype)
