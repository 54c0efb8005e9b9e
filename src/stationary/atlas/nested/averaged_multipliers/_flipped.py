"""Two Gaussians of which half of the training labels are flipped, and a logistic model."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import minimize

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Table
from stationary.methods import BilevelDescent

FEATURES, SAMPLES, SEEDS, STEPS = 20, 400, 5, 5000
APART = 2.0
"""Distance of either mean from the middle, in units of the noise."""


def flipped(found, seed):
    """Half of the labels flipped: weights for the samples, by their use for clean ones."""
    rows, curves = [], []
    for own in range(SEEDS):
        data, wrong = samples(np.random.default_rng((seed, own)))
        x, y, losses = train(data)
        plain = float(validation(None, unweighted(data), data))
        weights = np.asarray(jax.nn.sigmoid(x))
        kinds = float(weights[wrong].mean()), float(weights[~wrong].mean())
        rows.append((own, plain, float(validation(None, y, data)), *kinds))
        curves.append(losses)
    _, plain, own, of_wrong, of_clean = np.array(rows).T
    found.values["wrong labels: loss"] = Measured.over(own / plain)
    found.values["wrong labels: weights"] = Measured.over(of_clean - of_wrong)
    found.tables["Half of the labels flipped, by seed"] = Table(
        (
            "seed",
            "loss, unweighted",
            "loss, weighted",
            "mean weight, flipped",
            "mean weight, clean",
        ),
        tuple(rows),
    )
    marks = np.unique(np.geomspace(1, STEPS, 120).astype(int)) - 1
    curves = np.array(curves)
    found.figures["Loss on clean validation samples, median of 5 seeds"] = plot.line(
        {
            "weighted by the averaged method": (marks + 1, np.median(curves, axis=0)[marks]),
            "unweighted fit": (marks + 1, np.full(marks.size, np.median(plain))),
        },
        title="Loss on clean validation samples",
        x_label="steps",
        y_label="loss",
        x_scale="log",
        standalone=True,
    )
    found.notes.append(
        "Flipped labels: a weight is the logistic function of an entry of x, which starts at 0 and "
        "moves by Adam at rate 0.05; the model has no ridge, so that its loss is not strongly "
        "convex, and neither is the validation loss, which the theory asks for. Rate 0.5 for y, "
        "exact steps for the multiplier, the weights of the theory."
    )


def samples(rng):
    """Training and validation samples with labels -1 and 1, and which of the first are flipped."""
    mean = rng.normal(size=FEATURES)
    mean *= APART / np.linalg.norm(mean)

    def draw():
        label = np.where(rng.random(SAMPLES) < 0.5, 1.0, -1.0)
        return label[:, None] * mean + rng.normal(size=(SAMPLES, FEATURES)), label

    (rows, label), (clean_rows, clean_label) = draw(), draw()
    wrong = rng.random(SAMPLES) < 0.5
    label = np.where(wrong, -label, label)
    named = {"rows": rows, "labels": label, "clean rows": clean_rows, "clean labels": clean_label}
    return {name: jnp.asarray(value) for name, value in named.items()}, wrong


def losses(y, rows, labels):
    """The logistic loss of each sample under a linear model."""
    return jax.nn.softplus(-labels * (rows @ y[:-1] + y[-1]))


def training(x, y, data):
    return jnp.mean(jax.nn.sigmoid(x) * losses(y, data["rows"], data["labels"]))


def validation(x, y, data):
    return jnp.mean(losses(y, data["clean rows"], data["clean labels"]))


_METHOD = BilevelDescent(optax.adam(0.05), (0.5, 1.0), order="simultaneous")


@jax.jit
def train(data):
    """x and y after all steps, and the validation loss at each."""
    problem = st.Nested(validation, training, st.Averaged(), data=data)
    pair = jnp.zeros(SAMPLES), jnp.zeros(FEATURES + 1)
    system = problem.lower(pair)
    begun = _METHOD.init(system, st.Point(problem.embed(pair), {}), data)

    def step(state, _):
        state, metrics = _METHOD.step(system, state, data)
        return state, metrics.objective

    last, values = jax.lax.scan(step, begun, None, length=STEPS)
    return *last.seen[:2], values


def unweighted(data):
    """The fit to all training samples alike."""

    @jax.jit
    def loss(y):
        return jnp.mean(losses(y, data["rows"], data["labels"]))

    slope = jax.jit(jax.grad(loss))
    start = np.zeros(FEATURES + 1)
    return jnp.asarray(minimize(loss, start, jac=lambda y: np.asarray(slope(y))).x)
