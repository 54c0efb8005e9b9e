"""An encoder-decoder transformer as one Equinox module."""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from ._layers import (
    DecoderBlock,
    EncoderBlock,
    Tables,
    angles,
    cross_attention,
    decoder_block,
    encoder_block,
    feed_forward,
    look_up,
    rms_norm,
    self_attention,
    through,
)

_SIZES = ("width", "encoder_layers", "decoder_layers", "heads", "feed_forward")
PRESETS: dict[str, dict[str, int]] = {
    name: dict(zip(_SIZES, sizes, strict=True))
    for name, sizes in {
        "nano": (128, 2, 2, 4, 256),
        "small": (256, 4, 4, 8, 1024),
        "base": (512, 6, 6, 8, 2048),
        "large": (1024, 12, 12, 16, 4096),
    }.items()
}
"""Sizes by name; `large` has the dimensions of BART-large."""

POSITIONS = ("learned", "rotary", "set")


class Seq2Seq(eqx.Module):
    """A transformer that maps a sequence of tokens to another: an encoder and a decoder.

    Root-mean-square normalisation before every part, GELU perceptrons, no biases, one table of
    embeddings for input and output, and attention to the encoder's states in every block of the
    decoder. All array leaves are parameters, so a model can be the unknown of a statement.

    **Arguments:**

    - `vocabulary`: how many tokens there are.
    - `width`, `heads`, `feed_forward`: the size of states, heads that share it, and the
        perceptrons' hidden size.
    - `encoder_layers`, `decoder_layers`: how many blocks there are of each kind.
    - `positions`: `"learned"` has a table of absolute positions for each of source and target, as
        BART has. `"rotary"` turns queries and keys by their positions in both. `"set"` reads the
        source as a set of elements, each of which begins with a token in `element_tokens`: what a
        token is embedded as depends on itself, on the token that its element begins with, and on
        its place in the element, so the order of elements does not matter; the target is rotary.
    - `max_source`, `max_target`: the longest source and the longest target (without its first
        token); learned tables need both, and otherwise `None` sets no limit.
    - `element_tokens`: the first and the last token that begin an element.
    - `element_length`: the longest element.
    - `padding`, `begin`, `end`: the tokens that fill up, begin and end a sequence. They belong to
        no element.
    - `compute_dtype`: what products are computed in, for example `jnp.bfloat16`; default that of
        the parameters, which are float32.
    - `key`: a PRNG key for the initial parameters.

    **Raises:** `ValueError` for sizes that do not fit together, and for missing limits or elements.

    !!! example
        >>> import jax, jax.numpy as jnp
        >>> model = Seq2Seq.preset("nano", 20, positions="rotary", key=jax.random.key(0))
        >>> source, target = jnp.array([[5, 6, 7, 0]]), jnp.array([[1, 7, 6]])
        >>> model(source, target).shape
        (1, 3, 20)

    !!! cite "Reference"
        Vaswani et al., Attention is all you need, NeurIPS 2017. Lewis et al., BART: denoising
        sequence-to-sequence pre-training, ACL 2020.
    """

    embedding: Float[Array, "v d"]
    source_positions: Float[Array, "s d"] | None
    target_positions: Float[Array, "t d"] | None
    places: Float[Array, "p d"] | None
    encoder: EncoderBlock
    decoder: DecoderBlock
    encoder_norm: Float[Array, "d"]
    decoder_norm: Float[Array, "d"]
    heads: int = eqx.field(static=True)
    positions: str = eqx.field(static=True)
    max_source: int | None = eqx.field(static=True)
    max_target: int | None = eqx.field(static=True)
    element_tokens: tuple[int, int] | None = eqx.field(static=True)
    padding: int = eqx.field(static=True)
    begin: int = eqx.field(static=True)
    end: int = eqx.field(static=True)
    compute_dtype: Any = eqx.field(static=True)

    def __init__(
        self,
        vocabulary: int,
        *,
        width: int,
        encoder_layers: int,
        decoder_layers: int,
        heads: int,
        feed_forward: int,
        positions: str = "learned",
        max_source: int | None = None,
        max_target: int | None = None,
        element_tokens: tuple[int, int] | None = None,
        element_length: int = 32,
        padding: int = 0,
        begin: int = 1,
        end: int = 2,
        compute_dtype: Any = None,
        key: PRNGKeyArray,
    ) -> None:
        _check_sizes(
            vocabulary=vocabulary,
            width=width,
            encoder_layers=encoder_layers,
            decoder_layers=decoder_layers,
            heads=heads,
            feed_forward=feed_forward,
            element_length=element_length,
            max_source=max_source,
            max_target=max_target,
        )
        if width % (2 * heads):
            raise ValueError(f"width must be a multiple of 2 heads = {2 * heads}, got {width}.")
        _check_positions(positions, max_source, max_target, element_tokens, vocabulary)
        special = (padding, begin, end)
        if len(set(special)) < 3 or not all(0 <= token < vocabulary for token in special):
            raise ValueError(
                f"padding, begin and end must be three tokens in 0..{vocabulary - 1}, got "
                f"{special}."
            )
        keys = jax.random.split(key, 6)

        def table(key: PRNGKeyArray, rows: int) -> Array:
            return jax.random.normal(key, (rows, width), jnp.float32) / math.sqrt(width)

        learned = positions == "learned"
        self.embedding = table(keys[0], vocabulary)
        self.source_positions = table(keys[1], max_source or 0) if learned else None
        self.target_positions = table(keys[2], max_target or 0) if learned else None
        self.places = table(keys[3], element_length) if positions == "set" else None
        shrink = 1 / math.sqrt(2 * encoder_layers)
        self.encoder = jax.vmap(lambda k: encoder_block(width, feed_forward, shrink, k))(
            jax.random.split(keys[4], encoder_layers)
        )
        shrink = 1 / math.sqrt(3 * decoder_layers)
        self.decoder = jax.vmap(lambda k: decoder_block(width, feed_forward, shrink, k))(
            jax.random.split(keys[5], decoder_layers)
        )
        self.encoder_norm = jnp.ones(width, jnp.float32)
        self.decoder_norm = jnp.ones(width, jnp.float32)
        self.heads = heads
        self.positions = positions
        self.max_source, self.max_target = max_source, max_target
        self.element_tokens = element_tokens
        self.padding, self.begin, self.end = padding, begin, end
        self.compute_dtype = None if compute_dtype is None else np.dtype(compute_dtype)

    @classmethod
    def preset(cls, name: str, vocabulary: int, *, key: PRNGKeyArray, **options: Any) -> "Seq2Seq":
        """A model of a named size.

        **Arguments:**

        - `name`: `"nano"` (0.7 million parameters), `"small"` (7 million), `"base"` (44 million)
            or `"large"` (357 million with 2048 learned positions).
        - `vocabulary`, `key`, `options`: as for the class; options override the sizes.

        **Raises:** `ValueError` for another name.
        """
        if name not in PRESETS:
            raise ValueError(f"there is no preset {name!r}; there are {', '.join(PRESETS)}.")
        return cls(vocabulary, **{**PRESETS[name], **options}, key=key)

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""
        return self.embedding.shape[0]

    @property
    def width(self) -> int:
        """The size of a state."""
        return self.embedding.shape[1]

    def encode(
        self, source: Int[Array | np.ndarray, "b s"]
    ) -> tuple[Float[Array, "b s d"], Bool[Array, "b s"]]:
        """The encoder's states, and which of them are of tokens rather than padding.

        **Raises:** `ValueError` for a source longer than `max_source`.
        """
        states, there = self.encode_all([source])
        return states.reshape(*source.shape, self.width), there[0]

    def encode_all(
        self, sources: list[Int[Array | np.ndarray, "_ _"]]
    ) -> tuple[Float[Array, "m d"], list[Bool[Array, "_ _"]]]:
        """The states of several tables of sources as one list, and which tokens are no padding."""
        sources = [jnp.asarray(table) for table in sources]
        tables = Tables(sources)
        for _, length in tables.shapes:
            _check_length("source", length, self.max_source)
        there = [table != self.padding for table in sources]
        masks = [mask[:, None, None, :] for mask in there]
        turns = self._turns(tables) if self.positions == "rotary" else None

        def block(x: Array, layer: EncoderBlock) -> Array:
            mixed = self_attention(x, layer, self.heads, tables, masks, turns)
            x = x + mixed.astype(x.dtype)
            return x + feed_forward(x, layer).astype(x.dtype)

        x = through(block, self._embed_sources(sources, tables), self.computing(self.encoder))
        return rms_norm(x, self.encoder_norm), there

    def decode(
        self,
        target: Int[Array | np.ndarray, "b t"],
        states: Float[Array, "b s d"],
        there: Bool[Array, "b s"],
    ) -> Float[Array, "b t v"]:
        """Logits of the token after every token of `target`, given what was encoded.

        **Arguments:**

        - `target`: beginning with `begin`.
        - `states`, `there`: what `encode` returned.

        **Raises:** `ValueError` for a target longer than `max_target`.
        """
        flat = states.reshape(-1, self.width)
        return self.decode_all([target], flat, [there]).reshape(*target.shape, -1)

    def decode_all(
        self,
        targets: list[Int[Array | np.ndarray, "_ _"]],
        states: Float[Array, "m d"],
        there: list[Bool[Array, "_ _"]],
    ) -> Float[Array, "n v"]:
        """Logits for several tables of targets as one list, given what `encode_all` returned."""
        targets = [jnp.asarray(table) for table in targets]
        tables = Tables(targets)
        for _, length in tables.shapes:
            _check_length("target", length, self.max_target)
        sources = Tables(there)
        x = self.embed(tables.join(targets))
        if self.target_positions is not None:
            x = x + self._absolute(self.target_positions, tables)
        turns = None if self.positions == "learned" else self._turns(tables)
        causal = [jnp.tril(jnp.ones((t, t), bool))[None, None] for _, t in tables.shapes]
        masks = [mask[:, None, None, :] for mask in there]
        decoder = self.computing(self.decoder)
        states = states.astype(decoder.cross_key_value.dtype)

        def block(x: Array, layer: DecoderBlock) -> Array:
            own = layer.itself
            mixed = self_attention(x, own, self.heads, tables, causal, turns)
            x = x + mixed.astype(x.dtype)
            mixed = cross_attention(x, layer, self.heads, tables, states, sources, masks)
            x = x + mixed.astype(x.dtype)
            return x + feed_forward(x, own).astype(x.dtype)

        return self.logits(through(block, x, decoder))

    def __call__(
        self, source: Int[Array | np.ndarray, "b s"], target: Int[Array | np.ndarray, "b t"]
    ) -> Float[Array, "b t v"]:
        """Logits of the token after every token of `target`; `target` begins with `begin`."""
        return self.decode(target, *self.encode(source))

    def embed(self, tokens: Int[Array, "*b"]) -> Float[Array, "*b d"]:
        """Embeddings of tokens, of unit size, without positions."""
        return math.sqrt(self.width) * look_up(self.embedding, tokens)

    def logits(self, x: Float[Array, "*b d"]) -> Float[Array, "*b v"]:
        """Logits from the decoder's last states, in float32 at least."""
        x = rms_norm(x, self.computing(self.decoder_norm))
        wide = jnp.promote_types(x.dtype, jnp.float32)
        table = self.embedding.astype(x.dtype)
        return jnp.einsum("...d,vd->...v", x, table, preferred_element_type=wide)

    def computing(self, parameters: Any) -> Any:
        """Parameters in the dtype of computations."""
        if self.compute_dtype is None:
            return parameters
        return jax.tree.map(lambda x: x.astype(self.compute_dtype), parameters)

    def elements(
        self, source: Int[Array | np.ndarray, "b s"]
    ) -> tuple[Int[Array, "b s"], Int[Array, "b s"], Bool[Array, "b s"]]:
        """For every token: the token that its element begins with, its place, and if it has one."""
        assert self.element_tokens is not None
        first, last = self.element_tokens
        index = jnp.broadcast_to(jnp.arange(source.shape[1]), source.shape)
        begins = (source >= first) & (source <= last)
        start = jax.lax.cummax(jnp.where(begins, index, -1), axis=1)
        special = (source == self.padding) | (source == self.begin) | (source == self.end)
        inside = (start >= 0) & ~special
        heads = jnp.take_along_axis(source, jnp.maximum(start, 0), axis=1)
        return heads, jnp.where(inside, index - start, 0), inside

    def _embed_sources(self, sources: list[Any], tables: Tables) -> Float[Array, "m d"]:
        x = self.embed(tables.join(sources))
        if self.source_positions is not None:
            return x + self._absolute(self.source_positions, tables)
        if self.places is None:
            return x
        found = [self.elements(table) for table in sources]
        heads, places, inside = (tables.join(list(part)) for part in zip(*found, strict=True))
        also = self.embed(heads) + math.sqrt(self.width) * look_up(self.places, places)
        return x + jnp.where(inside[:, None], also, 0)

    def _absolute(self, positions: Float[Array, "_ d"], tables: Tables) -> Float[Array, "n d"]:
        parts = []
        for rows, length in tables.shapes:
            parts.append(jnp.broadcast_to(positions[:length], (rows, length, self.width)))
        return math.sqrt(self.width) * tables.join(parts)

    def _turns(self, tables: Tables) -> list[Float[Array, "_ _"]]:
        return [self.angles(jnp.arange(length)) for _, length in tables.shapes]

    def angles(self, positions: Int[Array, "*t"]) -> Float[Array, "*t half"]:
        """The angles that rotary positions turn by."""
        return angles(positions, self.width // self.heads)


def _check_length(what: str, length: int, longest: int | None) -> None:
    if longest is not None and length > longest:
        raise ValueError(
            f"the {what} has {length} tokens, but this model was made for at most {longest}. Make "
            f"it with max_{what}={length}, or leave out what is longer."
        )


def _check_sizes(**sizes: int | None) -> None:
    for name, size in sizes.items():
        if size is not None and size < 1:
            raise ValueError(f"{name} must be at least 1, got {size}.")


def _check_positions(positions, max_source, max_target, element_tokens, vocabulary) -> None:
    if positions not in POSITIONS:
        raise ValueError(f"positions must be one of {POSITIONS}, got {positions!r}.")
    if positions == "learned" and (max_source is None or max_target is None):
        raise ValueError(
            "learned positions need max_source and max_target, the sizes of their tables."
        )
    if (positions == "set") != (element_tokens is not None):
        raise ValueError(
            "element_tokens=(first, last), the tokens that begin an element, belongs to "
            f"positions='set' and to no other; got {element_tokens!r} with {positions!r}."
        )
    if element_tokens is not None:
        first, last = element_tokens
        if not 0 <= first <= last < vocabulary:
            raise ValueError(
                f"element_tokens must be a range within 0..{vocabulary - 1}, got {element_tokens}."
            )
