"""Clean a data set: find the wrong labels by how much their samples help on a few checked ones.

    python examples/hyper_cleaning.py                          # and hyper_cleaning.png
    stationary solve examples/hyper_cleaning.py --max-steps 2000

Half of the training labels are wrong, and nobody knows which; the labels of some other samples have
been checked. Every training sample gets a weight. Below, a model learns from the weighted samples;
above, the weights answer to the model's loss on the checked ones. The lower problem may have many
answers (there is no ridge), where implicit derivatives do not exist: the averaged method of
multipliers needs none, and takes one step on weights, model and multiplier at a time.

To clean data of your own, replace `load`.
"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import stationary as st

TRAIN, CHECKED = 700, 400
CLASSES = 10
STEPS = 2000
WRONG = 0.5
"""The share of training labels that are replaced by another digit's."""


def load(seed=0):
    """Digits to train on, checked ones and held-out ones; and which training labels are wrong."""
    rng = np.random.default_rng(seed)
    rows, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(rows))
    rows, digits = rows[order] / 16, digits[order]
    train, checked, rest = np.split(np.arange(len(rows)), [TRAIN, TRAIN + CHECKED])
    wrong = rng.random(TRAIN) < WRONG
    other = (digits[train] + rng.integers(1, CLASSES, TRAIN)) % CLASSES
    given = np.where(wrong, other, digits[train])
    data = {
        "rows": rows[train],
        "labels": np.eye(CLASSES)[given],
        "checked rows": rows[checked],
        "checked labels": np.eye(CLASSES)[digits[checked]],
    }
    return data, wrong, (rows[rest], digits[rest])


def losses(model, rows, labels):
    """The cross-entropy of each sample under a linear model."""
    scores = rows @ model["weights"] + model["bias"]
    return jax.nn.logsumexp(scores, axis=1) - jnp.sum(scores * labels, axis=1)


def on_checked(x, model, data):
    return jnp.mean(losses(model, data["checked rows"], data["checked labels"]))


def on_training(x, model, data):
    """The loss on training samples, weighed by the logistic function of x."""
    return jnp.mean(jax.nn.sigmoid(x) * losses(model, data["rows"], data["labels"]))


data, wrong, held_out = load()
problem = st.Nested(on_checked, on_training, st.Averaged(), data=data)
blank = {
    "weights": np.zeros((data["rows"].shape[1], CLASSES)),
    "bias": np.zeros(CLASSES),
}
x0 = (np.zeros(TRAIN), blank)
# Rates of the weights, of the model, and of the multiplier, whose steps are exact.
method = st.methods.BilevelDescent(optax.adam(0.05), (0.5, 1.0), order="simultaneous")


def weights(solution):
    """One for each training sample, between 0 and 1."""
    return np.asarray(jax.nn.sigmoid(solution.value[0]))


def accuracy(model, rows, digits):
    """The share of samples that a model gets right."""
    scores = rows @ np.asarray(model["weights"]) + np.asarray(model["bias"])
    return float(np.mean(np.argmax(scores, axis=1) == digits))


def from_all_alike(model, data):
    return jnp.mean(losses(model, data["rows"], data["labels"]))


def from_checked_alone(model, data):
    return on_checked(None, model, data)


def plain_accuracy(loss):
    """Of the same model by one loss alone, with as many steps at the same rate."""
    fit = st.Minimize(loss, data=data)
    model = st.solve(fit, blank, _descent, max_steps=STEPS, progress=False).value
    return accuracy(model, *held_out)


_descent = st.methods.from_optax(optax.sgd(0.5))


def summary(solution):
    """Printed at the end of `stationary solve`."""
    dropped = weights(solution) < 0.5
    found = (dropped & wrong).sum()
    return {
        "labels held to be wrong": f"{dropped.sum()} of {TRAIN}, {found / dropped.sum():.1%} of "
        "them rightly",
        "wrong labels found": f"{found} of {wrong.sum()} ({found / wrong.sum():.1%})",
        "held-out digits right": f"{accuracy(solution.value[1], *held_out):.1%}",
        "by all samples alike": f"{plain_accuracy(from_all_alike):.1%}",
        "by the checked ones alone": f"{plain_accuracy(from_checked_alone):.1%}",
    }


def draw(path, solution, shown=12):
    """Weights of right and wrong labels, and the samples that were dropped and kept first."""
    import matplotlib.pyplot as pyplot

    own, given = weights(solution), np.argmax(data["labels"], axis=1)
    figure = pyplot.figure(figsize=(8, 4), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=(1, 1.3))
    axes = left.subplots()
    bins = np.linspace(0, 1, 21)
    axes.hist(own[~wrong], bins, alpha=0.8, color="#0068b0", label="label right")
    axes.hist(own[wrong], bins, alpha=0.8, color="#c9682b", label="label wrong")
    axes.set(xlabel="weight", ylabel="training samples")
    axes.legend(loc="upper center")
    panels, order = right.subplots(4, shown // 2), np.argsort(own)
    right.suptitle("least weights above, largest below, with the given labels", fontsize=9)
    chosen = np.concatenate([order[:shown], order[-shown:]])
    for panel, i in zip(panels.ravel(), chosen, strict=True):
        panel.imshow(data["rows"][i].reshape(8, 8), cmap="gray_r")
        panel.set_title(given[i], fontsize=8, color="#c9682b" if wrong[i] else "black", pad=2)
        panel.axis("off")
    figure.savefig(path, dpi=150)


def main(path="hyper_cleaning.png"):
    """Clean the digits, say what was found, and draw it."""
    jax.config.update("jax_enable_x64", True)
    solution = st.solve(problem, x0, method, max_steps=STEPS)
    for name, words in summary(solution).items():
        print(f"{name}: {words}")
    draw(path, solution)
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
