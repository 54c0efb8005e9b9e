"""Claim: as many hyper-parameters as weights, tuned with truncated series, without unrolling."""

import itertools
import time
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary.methods import BilevelDescent

SIZES = (784, 100, 10)
TRAIN, VALID = 500, 500
INNER, RATE, NOISE = 20, 0.1, 4.0


def draw(rng):
    """Classes that differ in 40 of 784 inputs, few rows: a network that overfits."""
    centres = np.zeros((SIZES[-1], SIZES[0]))
    centres[:, :40] = rng.normal(size=(SIZES[-1], 40))

    def rows(count):
        labels = rng.integers(SIZES[-1], size=count)
        inputs = centres[labels] + rng.normal(size=(count, SIZES[0]))
        return (inputs / np.sqrt(40)).astype(np.float32), labels

    return {"train": rows(TRAIN), "valid": rows(VALID)}


def network(key):
    """Weights of a network with one hidden layer."""
    keys = jax.random.split(key, len(SIZES) - 1)
    return [
        jax.random.normal(k, shape, jnp.float32) / np.float32(np.sqrt(shape[0]))
        for k, shape in zip(keys, itertools.pairwise(SIZES), strict=True)
    ]


def loss(weights, rows):
    """The mean cross entropy."""
    inputs, labels = rows
    logits = jnp.tanh(inputs @ weights[0]) @ weights[1]
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))


def upper(x, y, data):
    return loss(y, data["valid"])


def lower(x, y, data):
    """Training loss with a penalty of its own on every weight."""
    penalties = jax.tree.map(lambda log, w: jnp.sum(jnp.exp(log) * w**2), x, y)
    return loss(y, data["train"]) + 0.5 * sum(penalties)


RULE, BELOW = optax.adam(0.1), optax.sgd(RATE, momentum=0.9)
METHOD = BilevelDescent(RULE, BELOW, inner_steps=INNER)
RESPONSE = st.Implicit(st.Neumann(10, RATE))


@partial(jax.jit, static_argnums=3)
def tuned(x, y, data, steps):
    """Penalties and weights after upper steps."""
    problem = st.Nested(upper, lower, RESPONSE, data=data)
    options = {"tol": 0.0, "max_steps": steps, "differentiable": False}
    return st.run(problem, (x, y), METHOD, **options).point.primal[:2]


@partial(jax.jit, static_argnums=3)
def trained(x, y, data, steps):
    """Weights after as many lower steps at fixed penalties."""
    state = BELOW.init(y)

    def step(carry, _):
        y, state = carry
        updates, state = BELOW.update(jax.grad(lower, argnums=1)(x, y, data), state)
        return (optax.apply_updates(y, updates), state), None

    return jax.lax.scan(step, (y, state), None, steps * INNER)[0][0]


def tuning(found, scale, seed):
    """Validation loss with tuned penalties, with none, and by random search in the same time."""
    steps = 200 if scale == "laptop" else 20
    data = draw(np.random.default_rng(seed))
    y = network(jax.random.key(seed))

    def penalties(log):
        return jax.tree.map(lambda w: jnp.full_like(w, log), y)

    x = penalties(-7.0)
    run = tuned.lower(x, y, data, steps).compile()
    began = time.perf_counter()
    after = jax.block_until_ready(run(x, y, data))
    budget = time.perf_counter() - began
    ours = float(loss(after[1], data["valid"]))
    train = trained.lower(x, y, data, steps).compile()
    plain = float(loss(train(penalties(-30.0), y, data), data["valid"]))
    best, rng = plain, np.random.default_rng(seed + 1)
    began, tried = time.perf_counter(), 0
    while time.perf_counter() - began < budget or tried < 2:
        layers = [jnp.full_like(w, v) for w, v in zip(y, rng.uniform(-12, 0, 2), strict=True)]
        best = min(best, float(loss(train(layers, y, data), data["valid"])))
        tried += 1
    found.values["tuned loss"] = ours / plain
    found.values["random search"] = ours / best
    one = jax.jit(jax.grad(lower, argnums=1)).lower(x, y, data).compile()
    step = tuned.lower(x, y, data, 1).compile()
    found.values["memory"] = float(memory(step) / memory(one))
    count = sum(w.size for w in y)
    found.notes.append(
        f"{count} penalties, one per weight of a {'-'.join(map(str, SIZES))} network, {TRAIN} rows "
        f"to train on and {VALID} to tune on; {steps} upper steps with {INNER} lower ones each. "
        f"Random search drew {tried} pairs of penalties, one per layer, in the same time."
    )


def memory(compiled):
    """Bytes that a program works in, its arguments and results included."""
    sizes = compiled.memory_analysis()
    return sizes.temp_size_in_bytes + sizes.argument_size_in_bytes + sizes.output_size_in_bytes
