"""Beam search: the most probable sequence among many that are written side by side."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._cache import prepare, step
from ._check import check_tokens
from ._constraint import AbstractConstraint, Unconstrained
from ._greedy import Decoded, decoding_length, where_rows, writable
from ._seq2seq import Seq2Seq


def beam(
    model: Seq2Seq,
    source: Int[Array | np.ndarray, "b s"],
    *,
    beams: int = 4,
    max_length: int | None = None,
    constraint: AbstractConstraint | None = None,
    length_penalty: float = 0.0,
) -> Decoded:
    """Write the most probable sequence that a search with a few beams finds.

    At each step the best `beams` of all continuations are kept; a finished sequence keeps its place
    for as long as it is among them. With one beam this is [`greedy`][stationary.nn.greedy]; with as
    many as there are sequences it is exact.

    **Arguments:**

    - `model`, `source`, `max_length`, `constraint`: as for `greedy`.
    - `beams`: how many sequences per source.
    - `length_penalty`: sequences are compared by log-probability / length ** length_penalty: 0 is
        the most probable, 1 the most probable per token, which favours long ones.

    **Returns:** the best for every source: of those that have ended, or if none has, of all. The
    log-probability is without the penalty.

    **Raises:** what `greedy` raises; `ValueError` for fewer than one beam or a negative penalty.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> model = Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> found = beam(model, jnp.array([[5, 6, 7]]), beams=3, max_length=4)
        >>> found.tokens.shape
        (1, 4)
    """
    source = check_tokens(model, source, "source")
    length = decoding_length(model, max_length)
    if beams < 1 or not length_penalty >= 0:
        raise ValueError(
            f"beams must be at least 1 and length_penalty at least 0, got {beams} and "
            f"{length_penalty}."
        )
    rule = Unconstrained(model.vocabulary) if constraint is None else constraint
    return _beam(model, source, beams, length, rule, float(length_penalty))


class _Beams(eqx.Module):
    """Sequences under way, best first, `m` for every source."""

    tokens: Int[Array, "b m t"]
    lengths: Int[Array, "b m"]
    likely: Float[Array, "b m"]
    """Log-probabilities; minus infinity for a place that no sequence takes."""
    ended: Bool[Array, "b m"]

    def scores(self, penalty: float) -> Float[Array, "b m"]:
        return _penalised(self.likely, self.lengths, penalty)

    @property
    def active(self) -> Bool[Array, "b m"]:
        return ~self.ended & (self.likely > -jnp.inf)


@eqx.filter_jit
def _beam(
    model: Seq2Seq,
    source: Int[Array, "b s"],
    beams: int,
    length: int,
    rule: AbstractConstraint,
    penalty: float,
) -> Decoded:
    rows, vocabulary = source.shape[0], model.vocabulary
    encoded, cache = prepare(model, source, beams, length)
    can = writable(model)
    first = jnp.arange(beams) == 0

    def over_beams(fn: Callable) -> Callable:
        return jax.vmap(jax.vmap(fn, axis_size=beams), axis_size=rows)

    dtype = jnp.promote_types(model.embedding.dtype, jnp.float32)
    state = jax.vmap(rule.init)(source)
    state = jax.tree.map(lambda x: jnp.repeat(x[:, None], beams, axis=1), state)
    begun = _Beams(
        jnp.full((rows, beams, length), model.padding, jnp.int32),
        jnp.zeros((rows, beams), jnp.int32),
        jnp.broadcast_to(jnp.where(first, 0, -jnp.inf).astype(dtype), (rows, beams)),
        jnp.zeros((rows, beams), bool),
    )
    last = jnp.full((rows, beams), model.begin, jnp.int32)

    def going(carry: Any) -> Bool[Array, ""]:
        position, _, _, _, found = carry
        open_rows = jnp.any(found.active, axis=1)
        if penalty == 0:  # what goes on can only become less probable
            open_rows = open_rows & found.active[:, 0]
        return (position < length) & jnp.any(open_rows)

    def write(carry: Any) -> Any:
        position, last, cache, state, found = carry
        likely, cache = step(model, last, position, cache, encoded)
        allowed = can & over_beams(rule.allowed)(state)
        onwards = jnp.where(allowed, found.likely[..., None] + likely, -jnp.inf)
        # What has ended stays as it is: it goes on with padding only, at no cost.
        stays = jnp.where(
            jnp.arange(vocabulary) == model.padding, found.likely[..., None], -jnp.inf
        )
        total = jnp.where(found.active[..., None], onwards, stays)
        after = found.lengths + found.active
        scores = _penalised(total, after[..., None], penalty).reshape(rows, -1)
        _, chosen = jax.lax.top_k(scores, beams)
        parent, token = chosen // vocabulary, (chosen % vocabulary).astype(jnp.int32)
        active = _pick(found.active, parent, 0)
        moved = _Beams(
            _pick(found.tokens, parent, 0).at[:, :, position].set(token),
            _pick(after, parent, 0),
            jnp.take_along_axis(total.reshape(rows, -1), chosen, axis=1),
            _pick(found.ended, parent, 0) | (active & (token == model.end)),
        )
        cache = jax.tree.map(lambda x: _pick(x, parent, 1), cache)
        state = jax.tree.map(lambda x: _pick(x, parent, 0), state)
        advanced = over_beams(rule.advance)(state, token)
        state = jax.tree.map(lambda new, old: where_rows(active, new, old), advanced, state)
        return position + 1, token, cache, state, moved

    start = (jnp.zeros((), jnp.int32), last, cache, state, begun)
    found: _Beams = jax.lax.while_loop(going, write, start)[4]
    return _best(found, penalty)


def _best(found: _Beams, penalty: float) -> Decoded:
    """The best beam of every row, one that has ended if there is any."""
    scores = found.scores(penalty)
    finished = jnp.where(found.ended, scores, -jnp.inf)
    some = jnp.any(finished > -jnp.inf, axis=1, keepdims=True)
    best = jnp.argmax(jnp.where(some, finished, scores), axis=1)[:, None]
    return Decoded(
        *(_pick(x, best, 0)[:, 0] for x in (found.tokens, found.lengths, found.likely, found.ended))
    )


def _penalised(
    likely: Float[Array, "*b"], lengths: Int[Array, "*c"], penalty: float
) -> Float[Array, "*b"]:
    return likely / jnp.maximum(lengths, 1).astype(likely.dtype) ** penalty


def _pick(x: Array, which: Int[Array, "b m"], axis: int) -> Any:
    """Beams of x, whose rows lie along `axis` and whose beams along the next."""
    rows = jnp.arange(which.shape[0])[:, None]
    return x[rows, which] if axis == 0 else x[:, rows, which]
