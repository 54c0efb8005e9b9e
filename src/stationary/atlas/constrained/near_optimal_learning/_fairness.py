"""Counterfactual fairness: a classifier whose answer must not feel a protected change."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.methods import DualAscent, from_optax

from ._data import Data, Split

LEVEL = 1e-3
"""The largest mean divergence between the predictions before and after a change."""
DECAY = 1e-3


class Trained(NamedTuple):
    """What one network came to: numbers of the last and of the randomised iterate."""

    accuracy: float
    objective: float
    """Of the last iterate, on the training rows, like all that follows."""
    divergence: np.ndarray
    """E KL(f(x) || f(changed x)) per change."""
    objective_random: float
    """The mean over the second half of all iterates: what a random one of them has."""
    divergence_random: np.ndarray
    multipliers: np.ndarray


def network(width: int, inputs: int, key: Any) -> dict[str, Any]:
    """Weights of a network with one hidden layer."""
    one, two = jax.random.split(key)
    return {
        "in": jax.random.normal(one, (inputs, width)) / np.sqrt(inputs),
        "bias": jnp.zeros(width),
        "out": jax.random.normal(two, (width,)) / np.sqrt(width),
        "shift": jnp.zeros(()),
    }


def logits(weights: Any, rows: Any) -> Any:
    """Log odds, a row each."""
    return jnp.tanh(rows @ weights["in"] + weights["bias"]) @ weights["out"] + weights["shift"]


def loss(weights: Any, data: Split) -> Any:
    """The mean negative log likelihood, with a little decay so that a wide fit is well posed."""
    odds = logits(weights, data.rows)
    decay = sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(weights))
    return jnp.mean(jnp.logaddexp(0, odds) - data.labels * odds) + DECAY / 2 * decay


def divergence(name: str) -> Any:
    """E KL(f(x) || f(changed x)), from log odds, so that nothing needs clipping."""

    def change(weights: Any, data: Split) -> Any:
        before, after = logits(weights, data.rows), logits(weights, data.changed[name])
        yes = jax.nn.sigmoid(before) * (jax.nn.log_sigmoid(before) - jax.nn.log_sigmoid(after))
        no = jax.nn.sigmoid(-before) * (jax.nn.log_sigmoid(-before) - jax.nn.log_sigmoid(-after))
        return jnp.mean(yes + no)

    return change


def adam(steps: int) -> optax.GradientTransformation:
    """Adam at a rate that falls twenty-fold, so that its own noise has settled at the end."""
    return optax.adam(optax.cosine_decay_schedule(5e-3, steps, 0.05))


def problem(data: Split) -> st.Minimize:
    """Fit the labels, with every change's divergence at most `LEVEL`."""
    return st.Minimize(
        loss,
        subject_to={name: st.at_most(divergence(name), LEVEL) for name in data.changed},
        data=data,
    )


def train(data: Data, width: int, key: Any, updates: int, inner_steps: int = 5) -> Trained:
    """Dual ascent with a few Adam steps per update."""
    split = jax.tree.map(jnp.asarray, data.train)
    start = network(width, split.rows.shape[1], key)
    last, objective, values = _ascend(start, split, key, updates, inner_steps)
    values = np.stack([np.asarray(values[name]) for name in split.changed], 1) + LEVEL
    half = updates // 2
    return Trained(
        accuracy=accuracy(last.primal, data.test),
        objective=float(objective[-1]),
        divergence=values[-1],
        objective_random=float(objective[half:].mean()),
        divergence_random=values[half:].mean(0),
        multipliers=np.array([float(last.duals[name]) for name in split.changed]),
    )


@partial(jax.jit, static_argnames=("updates", "inner_steps"))
def _ascend(start: Any, split: Split, key: Any, updates: int, inner_steps: int) -> Any:
    """The last iterate, and every iterate's objective and constraint values."""
    stated = problem(split)
    system = stated.lower(start)
    method = DualAscent(adam(updates * inner_steps), inner_steps=inner_steps, dual=10.0)

    def step(state, _):
        state, _ = method.step(system, state, split)
        at = system.linearize(method.last(state).primal, split)
        return state, (at.objective, at.constraints)

    state = method.init(system, st.Point(start, system.zero_duals(start)), split, key=key)
    state, (objective, values) = jax.lax.scan(step, state, None, length=updates)
    return method.last(state), objective, values


def train_freely(data: Data, width: int, key: Any, steps: int) -> tuple[float, np.ndarray]:
    """Test accuracy and divergences without constraints, by the same Adam."""
    split = jax.tree.map(jnp.asarray, data.train)
    weights = _descend(network(width, split.rows.shape[1], key), split, steps)
    found = np.array([float(divergence(name)(weights, split)) for name in split.changed])
    return accuracy(weights, data.test), found


@partial(jax.jit, static_argnames="steps")
def _descend(start: Any, split: Split, steps: int) -> Any:
    method = from_optax(adam(steps))
    free = st.Minimize(loss, data=split)
    return st.run(free, start, method, max_steps=steps, differentiable=False).point.primal


def accuracy(weights: Any, data: Split) -> float:
    """The share of labels that the larger probability gets right."""
    return float(jnp.mean((logits(weights, jnp.asarray(data.rows)) > 0) == (data.labels > 0)))
