"""The loss: its value by hand, its parts, and its gradient by differences."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from stationary import nn

from .conftest import logits, sources, targets, tiny

loss_of = eqx.filter_jit(nn.cross_entropy)


def test_loss_is_the_mean_over_tokens(positions):
    model, source, target = tiny(positions), sources(), targets()
    total = tokens = 0
    said = np.asarray(logits(model, source, target[:, :-1]), np.float64)
    for row, after in zip(said, target[:, 1:], strict=True):
        for scores, token in zip(row, after, strict=True):
            if token != 0:
                total += np.log(np.sum(np.exp(scores))) - scores[token]
                tokens += 1
    loss = loss_of(model, {"source": source, "target": target})
    assert loss.dtype == jnp.float32
    assert float(loss) == pytest.approx(total / tokens, rel=1e-5)


def test_tables_of_a_batch_add_up(positions):
    model = tiny(positions)
    one = {"source": sources(3, 8), "target": targets(3, 5)}
    other = {"source": sources(4, 6, 5), "target": targets(4, 8, 6)}
    weights = np.array([0.5, 1.0, 0.1], np.float32), np.array([1.0, 0.0, 2.0, 3.0], np.float32)
    parts = [{**b, "weight": w} for b, w in zip((one, other), weights, strict=True)]
    apart = sum(float(loss_of(model, part)) for part in parts)
    assert float(loss_of(model, dict(enumerate(parts)))) == pytest.approx(apart, rel=1e-5)
    # Row by row, from the logits of the whole table.
    by_row, total, count = 0.0, 0.0, 0
    for part in parts:
        said = logits(model, part["source"], part["target"][:, :-1])
        after = part["target"][:, 1:]
        losses = -jnp.take_along_axis(jax.nn.log_softmax(said), after[..., None], -1)[..., 0]
        losses = np.where(after > 0, losses, 0).sum(axis=1)
        by_row += float(part["weight"] @ losses)
        total, count = total + losses.sum(), count + np.sum(after > 0)
    assert apart == pytest.approx(by_row, rel=1e-5)
    mean = float(loss_of(model, {1: one, 2: other}))
    assert mean == pytest.approx(total / count, rel=1e-5)


def test_gradient_is_that_of_differences(positions, getkey):
    model = jax.tree.map(lambda x: x.astype(jnp.float64), tiny(positions))
    batch = {"source": jnp.asarray(sources()), "target": jnp.asarray(targets())}
    flat, unravel = ravel_pytree(model)

    @jax.jit
    def loss(x):
        return nn.cross_entropy(unravel(x), batch)

    gradient = jax.grad(loss)(flat)
    assert gradient.dtype == jnp.float64
    for _ in range(4):
        along = jax.random.normal(getkey(), flat.shape)
        step = 1e-5 * along
        difference = (loss(flat + step) - loss(flat - step)) / 2e-5
        assert float(difference) == pytest.approx(float(gradient @ along), rel=1e-6)
