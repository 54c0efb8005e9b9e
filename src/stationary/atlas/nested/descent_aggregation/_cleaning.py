"""Samples of which half are mislabelled, weighed by their use for clean ones."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Table
from stationary.methods import BilevelDescent

CLASSES, FEATURES, SAMPLES, HELD_OUT = 10, 50, 1000, 5000
SPREAD = 0.4
"""Of the class means, in units of the noise: about three in four can be told apart."""
INNER, OUTER = 200, 30


def cleaning(found, seed, _):
    """Wrong labels found by their weights, with the mixture and without, over five seeds."""
    rules = {"lower alone": None, "mixture": _weight}
    rows = {name: [] for name in rules}
    for own in range(5):
        samples, wrong, held_out = mixture(np.random.default_rng((seed, own)))
        for name, rule in rules.items():
            x, y = train(rule, samples)
            rows[name].append((_f1(x, wrong), 100 * _accuracy(y, held_out)))
    with_, without = (np.array(rows[name]) for name in ("mixture", "lower alone"))
    found.values["found labels"] = Measured.over((with_ - without)[:, 0])
    found.values["accuracy"] = Measured.over((with_ - without)[:, 1])
    found.tables["Wrong labels found, and accuracy on further samples, by seed"] = Table(
        ("seed", "F1, lower alone", "F1, mixture", "accuracy, lower alone", "accuracy, mixture"),
        tuple(
            (own, without[own, 0], with_[own, 0], without[own, 1], with_[own, 1])
            for own in range(5)
        ),
    )
    found.figures["Wrong labels found by their weights: F1 by seed"] = plot.scatter(
        {
            "lower alone": (np.arange(5), without[:, 0]),
            "mixture": (np.arange(5), with_[:, 0]),
        },
        title="F1 of wrong labels found",
        x_label="seed",
        y_label="F1",
        standalone=True,
    )
    found.notes.append(
        "Wrong labels: a weight is the logistic function of an entry of x, which starts at 0 and "
        "moves by Adam at rate 0.3. The inner steps start at 0 with rate 1; the weight of the "
        "upper objective among them is 2 / (k + 2)."
    )


def mixture(rng):
    """Training and validation samples, which training labels are wrong, and further samples."""
    means = SPREAD * rng.normal(size=(CLASSES, FEATURES))

    def draw(count):
        label = rng.integers(0, CLASSES, count)
        return means[label] + rng.normal(size=(count, FEATURES)), label

    (rows, truth), (valid, valid_label), held_out = draw(SAMPLES), draw(SAMPLES), draw(HELD_OUT)
    wrong = rng.random(SAMPLES) < 0.5
    label = np.where(wrong, (truth + rng.integers(1, CLASSES, SAMPLES)) % CLASSES, truth)
    samples = {
        "rows": jnp.asarray(rows),
        "labels": jnp.asarray(np.eye(CLASSES)[label]),
        "clean rows": jnp.asarray(valid),
        "clean labels": jnp.asarray(np.eye(CLASSES)[valid_label]),
    }
    return samples, wrong, held_out


def train(rule, samples):
    """x and y after all outer steps."""
    response = st.Unrolled(INNER, 1.0, upper_weight=rule, warm_start=False)
    problem = st.Nested(validation, training, response, data=samples)
    start = jnp.zeros(SAMPLES), jnp.zeros((FEATURES + 1, CLASSES))
    outcome = st.run(problem, start, _METHOD, tol=1e-12, max_steps=OUTER, differentiable=False)
    return outcome.point.primal[:2]


def losses(y, rows, labels):
    """The cross-entropy of each sample under a linear model."""
    scores = rows @ y[:-1] + y[-1]
    return jax.nn.logsumexp(scores, axis=1) - jnp.sum(scores * labels, axis=1)


def training(x, y, data):
    return jnp.mean(jax.nn.sigmoid(x) * losses(y, data["rows"], data["labels"]))


def validation(x, y, data):
    return jnp.mean(losses(y, data["clean rows"], data["clean labels"]))


_METHOD = BilevelDescent(optax.adam(0.3))


def _weight(k):
    return 2 / (k + 2)


def _f1(x, wrong):
    flagged = np.asarray(x) < 0
    return 2 * float((flagged & wrong).sum()) / float(flagged.sum() + wrong.sum())


def _accuracy(y, held_out):
    rows, label = held_out
    return float((np.argmax(rows @ np.asarray(y[:-1]) + np.asarray(y[-1]), axis=1) == label).mean())
