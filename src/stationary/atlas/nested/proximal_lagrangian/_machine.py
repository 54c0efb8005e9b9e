"""A support vector machine with a cost per sample, as a constrained lower problem.

min over (w, b, slack) of |w|^2 / 2 + sum exp(x_i) slack_i^2 / 2
subject to label_i (w . row_i + b) >= 1 - slack_i.

Beside the slacks the weights are kept times sqrt(rows), so that the constraints' slopes are about
1 each, and the lower objective times 100, which makes it as steep as the upper one; neither changes
the answer.
"""

import os
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary.methods import BilevelDescent

ROWS, VALID, FEATURES, FURTHER = 500, 150, 8, 5000
"""As many as the script of the authors takes of the LIBSVM diabetes data, and further ones."""
VARIABLE = "STATIONARY_DIABETES"
STEEPNESS = 100.0
STEPS = 2000
METHOD = BilevelDescent(0.1, (0.1, 0.1, None, None), projection_steps=20)


class Samples(NamedTuple):
    """Samples and their labels, -1 or 1."""

    rows: np.ndarray
    labels: np.ndarray


class Split(NamedTuple):
    """What a machine is trained, chosen and tested on."""

    train: Samples
    valid: Samples
    test: Samples


def generated(rng) -> Split:
    """Two Gaussians of one covariance, of which about three in four can be told apart."""
    mean = rng.normal(size=FEATURES)
    mean *= 0.75 / np.linalg.norm(mean)
    mix = np.eye(FEATURES) + 0.3 * rng.normal(size=(FEATURES, FEATURES)) / FEATURES**0.5

    def draw(count):
        label = np.where(rng.random(count) < 0.5, 1.0, -1.0)
        return Samples((label[:, None] * mean + rng.normal(size=(count, FEATURES))) @ mix.T, label)

    return Split(draw(ROWS), draw(VALID), draw(FURTHER))


def diabetes(rng) -> Split | None:
    """The LIBSVM data where the environment says where they are, in a random order."""
    path = os.environ.get(VARIABLE)
    if path is None:
        return None
    from sklearn.datasets import load_svmlight_file

    matrix, labels = load_svmlight_file(path)
    rows, order = np.asarray(matrix.todense()), rng.permutation(len(labels))
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    parts = np.split(order, [ROWS, ROWS + VALID])
    return Split(*(Samples(rows[part], labels[part]) for part in parts))


def validation(x, y, data):
    """A smooth count of errors: the logistic function of five times the distance to the plane."""
    score = data["valid rows"] @ y["w"] + y["b"]
    return jnp.mean(jax.nn.sigmoid(-5 * data["valid labels"] * score / jnp.linalg.norm(y["w"])))


def training(x, y, data):
    count = data["labels"].size
    return STEEPNESS * (
        0.5 * jnp.sum(y["w"] ** 2) / count + 0.5 * jnp.sum(jnp.exp(x) * y["slack"] ** 2)
    )


def shortfall(x, y, data):
    count = data["labels"].size
    score = (data["rows"] @ y["w"] + y["b"]) / count**0.5
    return 1 - y["slack"] - data["labels"] * score


def penalty(k):
    return 0.1 * (k + 1.0) ** 0.3


def statement(split: Split) -> st.Nested:
    """The whole as a nested problem."""
    data = {
        "rows": split.train.rows,
        "labels": split.train.labels,
        "valid rows": split.valid.rows,
        "valid labels": split.valid.labels,
    }
    return st.Nested(
        st.Minimize(validation, over=st.Box(-9.0, -2.0)),
        st.Minimize(training, {"margins": st.at_most(shortfall)}),
        st.ProximalLagrangian(penalty),
        data=jax.tree.map(jnp.asarray, data),
    )


def start(rng, split: Split):
    """Costs exp(-6) to exp(-5), as in the script of the authors."""
    count, features = split.train.rows.shape
    costs = jnp.asarray(rng.uniform(-6, -5, count))
    return costs, {"w": jnp.ones(features), "b": jnp.zeros(()), "slack": jnp.ones(count)}


def accuracy(y, samples: Samples) -> float:
    """The share of samples on the right side of the plane."""
    score = samples.rows @ np.asarray(y["w"]) + float(y["b"])
    return float(np.mean(samples.labels * score > 0))


def from_a_grid(split: Split):
    """The machine of one cost, the best of nine by validation accuracy."""
    from sklearn.svm import LinearSVC

    machines = [
        LinearSVC(C=cost, loss="squared_hinge", dual="auto", tol=1e-8).fit(*split.train)
        for cost in 10.0 ** np.arange(-5, 4)
    ]
    return max(machines, key=lambda machine: machine.score(*split.valid))
