"""The parts of a transformer: normalisation, attention, rotations, and blocks of parameters."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

ONE_HOT = 1024
"""Up to this many rows, a table is read by a matrix product: its gradient is then one too, which on
a CPU is faster than adding up rows one by one, and everywhere the same from run to run."""


UNROLLED = 4
"""Up to this many layers are compiled one by one, beyond that as a loop: a step of two layers takes
half the time without one on a CPU, but what there is to compile grows with every layer."""


class EncoderBlock(eqx.Module):
    """Parameters of self-attention and a two-layer perceptron; stacked along a leading axis."""

    attention_norm: Float[Array, "*layers d"]
    query_key_value: Float[Array, "*layers d fused"]
    attention_out: Float[Array, "*layers d d"]
    feed_forward_norm: Float[Array, "*layers d"]
    up: Float[Array, "*layers d f"]
    down: Float[Array, "*layers f d"]


class DecoderBlock(eqx.Module):
    """Those of an encoder block, and of attention to what was encoded."""

    itself: EncoderBlock
    cross_norm: Float[Array, "*layers d"]
    cross_query: Float[Array, "*layers d d"]
    cross_key_value: Float[Array, "*layers d fused"]
    cross_out: Float[Array, "*layers d d"]


def encoder_block(width: int, feed_forward: int, shrink: float, key: PRNGKeyArray) -> EncoderBlock:
    """A block at random; what is added to the residual stream is `shrink` times smaller."""
    keys = jax.random.split(key, 4)
    return EncoderBlock(
        jnp.ones(width, jnp.float32),
        _weights(keys[0], width, 3 * width),
        shrink * _weights(keys[1], width, width),
        jnp.ones(width, jnp.float32),
        _weights(keys[2], width, feed_forward),
        shrink * _weights(keys[3], feed_forward, width),
    )


def decoder_block(width: int, feed_forward: int, shrink: float, key: PRNGKeyArray) -> DecoderBlock:
    """The same for a decoder."""
    keys = jax.random.split(key, 4)
    return DecoderBlock(
        encoder_block(width, feed_forward, shrink, keys[0]),
        jnp.ones(width, jnp.float32),
        _weights(keys[1], width, width),
        _weights(keys[2], width, 2 * width),
        shrink * _weights(keys[3], width, width),
    )


def _weights(key: PRNGKeyArray, rows: int, columns: int) -> Float[Array, "rows columns"]:
    return jax.random.normal(key, (rows, columns), jnp.float32) / math.sqrt(rows)


def through(
    block: Callable[[Array, Any], Array], x: Float[Array, "*b d"], layers: Any
) -> Float[Array, "*b d"]:
    """x after every block in turn; `layers` holds their parameters, stacked."""
    count = jax.tree.leaves(layers)[0].shape[0]
    x, _ = jax.lax.scan(
        lambda x, layer: (block(x, layer), None), x, layers, unroll=count <= UNROLLED
    )
    return x


def rms_norm(x: Float[Array, "*b d"], scale: Float[Array, "d"]) -> Float[Array, "*b d"]:
    """x over its root mean square, times `scale`; in the dtype of `scale`.

    !!! cite "Reference"
        Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019.
    """
    mean_square = jnp.mean(jnp.square(x), axis=-1, keepdims=True)
    return (x * jax.lax.rsqrt(mean_square + 1e-6).astype(x.dtype)).astype(scale.dtype) * scale


def look_up(table: Float[Array, "n d"], index: Int[Array, "*b"]) -> Float[Array, "*b d"]:
    """Rows of a table; NaN where there is no such row, so that it does not go unnoticed."""
    rows = table.shape[0]
    if rows > ONE_HOT:
        return jnp.take(table, index, axis=0, mode="fill", fill_value=jnp.nan)
    chosen = jax.nn.one_hot(index, rows, dtype=table.dtype)
    found = jnp.matmul(chosen, table, precision=jax.lax.Precision.HIGHEST)
    there = (index >= 0) & (index < rows)
    return jnp.where(there[..., None], found, jnp.asarray(jnp.nan, table.dtype))


class Tables:
    """Where in a list of tokens each of several tables of them lies.

    What is done token by token is done to the tokens of all tables at once: tables of different
    lengths then cost one large product instead of several, and there is less to compile.

    **Arguments:**

    - `tables`: arrays whose first two axes are the rows and the length of each.
    """

    def __init__(self, tables: Sequence[Any]):
        self.shapes = [(table.shape[0], table.shape[1]) for table in tables]

    def join(self, tables: Sequence[Any]) -> Array:
        """Tables [b t *c] as one list [n *c]."""
        flat = [table.reshape(-1, *table.shape[2:]) for table in tables]
        return jnp.asarray(flat[0]) if len(flat) == 1 else jnp.concatenate(flat)

    def split(self, x: Array) -> list[Array]:
        """The tables of a list."""
        sizes = [rows * length for rows, length in self.shapes]
        parts = [x] if len(sizes) == 1 else jax.lax.split(x, sizes)
        return [
            part.reshape(*shape, *x.shape[1:])
            for part, shape in zip(parts, self.shapes, strict=True)
        ]


def split_heads(
    x: Float[Array, "b t size"], parts: int, heads: int
) -> Float[Array, "parts b heads t e"]:
    """What a fused projection yields, part by part and head by head."""
    b, t, size = x.shape
    x = x.reshape(b, t, parts, heads, size // (parts * heads))
    return x.transpose(2, 0, 3, 1, 4)


def attend(
    query: Float[Array, "b heads q e"],
    key: Float[Array, "b heads k e"],
    value: Float[Array, "b heads k e"],
    mask: Bool[Array, "#b #heads #q k"],
) -> Float[Array, "b q size"]:
    """Scaled dot-product attention; weights are in float32 at least.

    !!! cite "Reference"
        Vaswani et al., Attention is all you need, NeurIPS 2017, equation 1.
    """
    b, heads, q, e = query.shape
    wide = jnp.promote_types(query.dtype, jnp.float32)
    scores = jnp.einsum("bhqe,bhke->bhqk", query, key, preferred_element_type=wide)
    scores = jnp.where(mask, scores / math.sqrt(e), jnp.finfo(wide).min)
    weights = jax.nn.softmax(scores, axis=-1).astype(value.dtype)
    mixed = jnp.einsum("bhqk,bhke->bhqe", weights, value)
    return mixed.transpose(0, 2, 1, 3).reshape(b, q, heads * e)


def self_attention(
    x: Float[Array, "n d"],
    block: EncoderBlock,
    heads: int,
    tables: Tables,
    masks: list[Array],
    turns: list[Array] | None,
) -> Float[Array, "n d"]:
    """Attention of the tokens of every table to one another."""
    fused = rms_norm(x, block.attention_norm) @ block.query_key_value
    mixed = []
    for i, part in enumerate(tables.split(fused)):
        query, key, value = split_heads(part, 3, heads)
        if turns is not None:
            query, key = rotate(query, turns[i]), rotate(key, turns[i])
        mixed.append(attend(query, key, value, masks[i]))
    return tables.join(mixed) @ block.attention_out


def cross_attention(
    x: Float[Array, "n d"],
    block: DecoderBlock,
    heads: int,
    tables: Tables,
    states: Float[Array, "m d"],
    sources: Tables,
    masks: list[Array],
) -> Float[Array, "n d"]:
    """Attention of the tokens of every table to the states of its own source."""
    queries = tables.split(rms_norm(x, block.cross_norm) @ block.cross_query)
    fused = sources.split(states @ block.cross_key_value)
    mixed = []
    for query, part, mask in zip(queries, fused, masks, strict=True):
        key, value = split_heads(part, 2, heads)
        mixed.append(attend(split_heads(query, 1, heads)[0], key, value, mask))
    return tables.join(mixed) @ block.cross_out


def angles(positions: Int[Array, "*t"], size: int) -> Float[Array, "*t half"]:
    """The angles by which rotary positions turn the pairs of entries of a head."""
    rates = 10_000.0 ** (-jnp.arange(0, size, 2, dtype=jnp.float32) / size)
    return positions[..., None].astype(jnp.float32) * rates


def rotate(x: Float[Array, "*b e"], angle: Float[Array, "*c half"]) -> Float[Array, "*b e"]:
    """Turn the pairs of entries (i, i + e/2) by `angle`, which broadcasts against x.

    Products of a query and a key, each turned by its position, depend on the difference only.

    !!! cite "Reference"
        Su et al., RoFormer: enhanced transformer with rotary position embedding,
        Neurocomputing 568 (2024).
    """
    cos, sin = jnp.cos(angle).astype(x.dtype), jnp.sin(angle).astype(x.dtype)
    first, second = jnp.split(x, 2, axis=-1)
    return jnp.concatenate([first * cos - second * sin, first * sin + second * cos], axis=-1)


def feed_forward(x: Float[Array, "*b d"], block: EncoderBlock) -> Float[Array, "*b d"]:
    """The perceptron of a block, with what it reads normalised."""
    hidden = rms_norm(x, block.feed_forward_norm) @ block.up
    return jax.nn.gelu(hidden) @ block.down
