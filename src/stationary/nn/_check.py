"""The boundary: token ids that a model can read."""

from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Integer

from ._seq2seq import Seq2Seq


def check_tokens(model: Seq2Seq, tokens: Any, what: str) -> Int[Array, "b t"]:
    """Token ids [b t] as an array, when the model can read them as `what`, source or target.

    **Raises:** `TypeError` for what is no table of integers; `ValueError` for tokens outside the
    vocabulary, rows that are too long, and elements that are.
    """
    shape, kind = np.shape(tokens), np.dtype(getattr(tokens, "dtype", np.object_)).kind
    if len(shape) != 2 or kind not in "iu":
        raise TypeError(
            f"{what} must be a table [rows length] of integers, got shape {shape}. Make one of "
            "ragged sequences with Ragged.padded."
        )
    longest = model.max_source if what == "source" else model.max_target
    if longest is not None and shape[1] > longest:
        raise ValueError(
            f"the {what} has {shape[1]} tokens, but this model was made for at most {longest}."
        )
    if not isinstance(tokens, jax.core.Tracer) and 0 not in shape:
        host = np.asarray(tokens)
        check_vocabulary(model, host, what)
        if what == "source" and model.places is not None:
            check_elements(model, host)
    return jnp.asarray(tokens, jnp.int32)


def check_vocabulary(model: Seq2Seq, tokens: Integer[np.ndarray, "..."], what: str) -> None:
    """Refuse tokens that are not in the vocabulary."""
    if tokens.min() < 0 or tokens.max() >= model.vocabulary:
        raise ValueError(
            f"{what} tokens must lie in 0..{model.vocabulary - 1}, got {tokens.min()} to "
            f"{tokens.max()}."
        )


def check_elements(model: Seq2Seq, source: Int[np.ndarray, "b s"]) -> None:
    """Refuse elements with more tokens than the model has places for."""
    assert model.element_tokens is not None and model.places is not None
    first, last = model.element_tokens
    index = np.arange(source.shape[1])
    begins = (source >= first) & (source <= last)
    start = np.maximum.accumulate(np.where(begins, index, -1), axis=1)
    special = np.isin(source, (model.padding, model.begin, model.end))
    place = np.where((start >= 0) & ~special, index - start, 0)
    if place.max() >= model.places.shape[0]:
        raise ValueError(
            f"an element has {int(place.max()) + 1} tokens, but this model has {len(model.places)} "
            "places. Make it with a larger element_length."
        )
