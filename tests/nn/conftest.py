"""Small models and tables of tokens, shared so that programs are compiled once."""

import equinox as eqx
import jax
import numpy as np
import pytest

from stationary import nn

VOCABULARY = 12
HEADS = (3, 6)
"""Tokens that begin an element."""


def tiny(positions="rotary", **options):
    """A model of a few thousand parameters, for tokens 0..11 with elements that begin with 3..6."""
    given = {"max_source": 9, "max_target": 8} if positions == "learned" else {}
    if positions == "set":
        given = {"element_tokens": HEADS, "element_length": 5}
    sizes = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "heads": 2, "feed_forward": 24}
    options = {"key": jax.random.key(3), **sizes, **given, **options}
    return nn.Seq2Seq(VOCABULARY, positions=positions, **options)


@eqx.filter_jit
def logits(model, source, target):
    """What a model says, compiled."""
    return model(source, target)


@eqx.filter_jit
def states(model, source):
    """The encoder's states, compiled."""
    return model.encode(source)[0]


def sources(rows=5, length=9, seed=0):
    """Padded sources in which every element is one of 3..6 and up to three tokens more."""
    random = np.random.default_rng(seed)
    table = np.zeros((rows, length), np.int32)
    for row in table:
        filled = random.integers(3, length + 1)
        row[:filled] = random.integers(7, VOCABULARY, filled)
        row[np.arange(0, filled, 4)] = random.integers(HEADS[0], HEADS[1] + 1, -(-filled // 4))
    return table


def targets(rows=5, length=8, seed=1):
    """Padded targets, from 1 to 2."""
    random = np.random.default_rng(seed)
    table = np.zeros((rows, length), np.int32)
    for row in table:
        filled = random.integers(2, length + 1)
        row[: filled - 1] = random.integers(3, VOCABULARY, filled - 1)
        row[0], row[filled - 1] = 1, 2
    return table


@pytest.fixture(params=["learned", "rotary", "set"])
def positions(request):
    return request.param
