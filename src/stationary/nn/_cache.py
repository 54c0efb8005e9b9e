"""One token at a time: what a decoder keeps of the tokens before."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ._layers import UNROLLED, DecoderBlock, feed_forward, rms_norm, rotate, split_heads
from ._seq2seq import Seq2Seq


class Encoded(eqx.Module):
    """The keys and values that every layer of the decoder reads of the source, computed once."""

    keys: Float[Array, "layers b heads s e"]
    values: Float[Array, "layers b heads s e"]
    there: Bool[Array, "b s"]


class Cache(eqx.Module):
    """The keys and values of target tokens so far, of `m` targets for every source."""

    keys: Float[Array, "layers b m heads t e"]
    values: Float[Array, "layers b m heads t e"]


def prepare(model: Seq2Seq, source: Int[Array, "b s"], beams: int, room: int):
    """What decoding begins with: the encoded source, and an empty cache.

    **Arguments:**

    - `beams`: targets per source.
    - `room`: the longest target.
    """
    states, there = model.encode(source)
    decoder: DecoderBlock = model.computing(model.decoder)
    states = states.astype(decoder.cross_key_value.dtype)

    def project(weights: Array) -> Array:
        return split_heads(states @ weights, 2, model.heads)

    keys, values = jnp.swapaxes(jax.lax.map(project, decoder.cross_key_value), 0, 1)
    layers, b, heads, _, e = keys.shape
    empty = jnp.zeros((layers, b, beams, heads, room, e), keys.dtype)
    return Encoded(keys, values, there), Cache(empty, empty)


def step(
    model: Seq2Seq,
    tokens: Int[Array, "b m"],
    position: Int[Array, ""],
    cache: Cache,
    encoded: Encoded,
) -> tuple[Float[Array, "b m v"], Cache]:
    """Log-probabilities of the next token, and the cache with `tokens` at `position` in it."""
    x = model.embed(tokens)
    turn = None
    if model.target_positions is not None:
        row = jax.lax.dynamic_index_in_dim(model.target_positions, position, keepdims=False)
        x = x + math.sqrt(model.width) * row
    else:
        turn = model.angles(position)
    heads, room = model.heads, cache.keys.shape[-2]
    so_far = jnp.arange(room) <= position
    there = encoded.there[:, None, None, :]
    decoder = model.computing(model.decoder)

    def block(carry, layer):
        x, keys, values = carry
        number, parameters, source_keys, source_values = layer
        own = parameters.itself
        fused = rms_norm(x, own.attention_norm) @ own.query_key_value
        query, key, value = _heads(fused, 3, heads)
        if turn is not None:
            query, key = rotate(query, turn), rotate(key, turn)
        zero = jnp.zeros_like(position)
        at = (number, zero, zero, zero, position, zero)
        keys = jax.lax.dynamic_update_slice(keys, key[None, ..., None, :], at)
        values = jax.lax.dynamic_update_slice(values, value[None, ..., None, :], at)
        mixed = _weigh("bmhe,bmhte->bmht", query, keys[number], so_far, values[number])
        x = x + (_merged(mixed) @ own.attention_out).astype(x.dtype)
        query = _heads(rms_norm(x, parameters.cross_norm) @ parameters.cross_query, 1, heads)[0]
        mixed = _weigh("bmhe,bhte->bmht", query, source_keys, there, source_values)
        x = x + (_merged(mixed) @ parameters.cross_out).astype(x.dtype)
        x = x + feed_forward(x, own).astype(x.dtype)
        return (x, keys, values), None

    count = cache.keys.shape[0]
    layers = (jnp.arange(count, dtype=position.dtype), decoder, encoded.keys, encoded.values)
    start = (x, cache.keys, cache.values)
    (x, keys, values), _ = jax.lax.scan(block, start, layers, unroll=count <= UNROLLED)
    return jax.nn.log_softmax(model.logits(x), axis=-1), Cache(keys, values)


def _heads(
    x: Float[Array, "b m size"], parts: int, heads: int
) -> Float[Array, "parts b m heads e"]:
    b, m, size = x.shape
    return jnp.moveaxis(x.reshape(b, m, parts, heads, size // (parts * heads)), 2, 0)


def _weigh(product: str, query: Array, keys: Array, mask: Array, values: Array) -> Array:
    """Attention of single queries, whose products with the keys are `product`."""
    wide = jnp.promote_types(query.dtype, jnp.float32)
    scores = jnp.einsum(product, query, keys, preferred_element_type=wide)
    scores = jnp.where(mask, scores / math.sqrt(query.shape[-1]), jnp.finfo(wide).min)
    weights = jax.nn.softmax(scores, axis=-1).astype(values.dtype)
    before, after = product.split("->")
    one, other = before.split(",")
    return jnp.einsum(f"{after},{other}->{one}", weights, values)


def _merged(x: Float[Array, "b m heads e"]) -> Float[Array, "b m d"]:
    return x.reshape(*x.shape[:2], -1)
