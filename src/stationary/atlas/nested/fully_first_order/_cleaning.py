"""Hyper-cleaning: half of the training labels are wrong, and a weight per row is learned."""

import time
from functools import partial

import jax
import jax.numpy as jnp
import lineax as lx
import numpy as np
import optax

import stationary as st
from stationary.methods import BilevelDescent

CLASSES, INPUTS, ROWS, RIDGE = 10, 50, 2000, 1e-3
STEPS = 400


def draw(rng):
    """Rows of a Gaussian mixture: training ones with wrong labels, validation ones without."""
    centres = rng.normal(size=(CLASSES, INPUTS)) * 0.5

    def rows(count):
        labels = rng.integers(CLASSES, size=count)
        return centres[labels] + rng.normal(size=(count, INPUTS)), labels

    inputs, labels = rows(ROWS)
    wrong = rng.random(ROWS) < 0.5
    labels = np.where(wrong, (labels + rng.integers(1, CLASSES, ROWS)) % CLASSES, labels)
    return {"train": (inputs, labels), "valid": rows(ROWS), "wrong": wrong}


def losses(weights, rows):
    """Cross entropies, one per row."""
    inputs, labels = rows
    return optax.softmax_cross_entropy_with_integer_labels(inputs @ weights, labels)


def upper(x, y, data):
    return jnp.mean(losses(y, data["valid"]))


def lower(x, y, data):
    weighted = jnp.mean(jax.nn.sigmoid(x) * losses(y, data["train"]))
    return weighted + RIDGE / 2 * jnp.sum(y**2)


RULE, BELOW = optax.adam(0.1), optax.sgd(1.0, momentum=0.9, nesterov=True)
WAYS = {
    "fully first order": (
        st.ValueFunction(100.0),
        BilevelDescent(RULE, BELOW, inner_steps=10),
    ),
    "implicit, conjugate gradients": (
        st.Implicit(lx.CG(1e-6, 1e-6)),
        BilevelDescent(RULE, BELOW, inner_steps=10),
    ),
}


def clean(rng):
    """Validation loss, seconds, and how well wrong labels are told, by method."""
    data = draw(rng)
    given = {"train": data["train"], "valid": data["valid"]}
    found = {}
    for name, (response, method) in WAYS.items():
        run = _descend.lower(response, method, given).compile()
        began = time.perf_counter()
        x, y = jax.block_until_ready(run(given))
        seconds = time.perf_counter() - began
        weight = np.asarray(jax.nn.sigmoid(x))
        found[name] = {
            "loss": float(upper(x, y, given)),
            "seconds": seconds,
            "told": float(weight[~data["wrong"]].mean() - weight[data["wrong"]].mean()),
        }
    return found


@partial(jax.jit, static_argnums=(0, 1))
def _descend(response, method, data):
    problem = st.Nested(upper, lower, response, data=data)
    start = (jnp.zeros(ROWS), jnp.zeros((INPUTS, CLASSES)))
    options = {"tol": 0.0, "max_steps": STEPS, "differentiable": False}
    return st.run(problem, start, method, **options).point.primal[:2]
