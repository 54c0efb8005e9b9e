"""Tune a hundred thousand hyper-parameters: a decay of its own for each weight of a network.

    python examples/weight_decays.py                          # and weight_decays.png
    stationary solve examples/weight_decays.py --max-steps 100

Few digits to train on, and pixels that are partly noise: the network learns its training samples by
heart. Below, its weights descend on the training loss plus a penalty w'Dw/2, D a decay for each
weight. Above, the logarithms of D answer to the loss on other samples. Their gradient is that of
the implicit function theorem: a few terms of a Neumann series, each one product with second
derivatives. Nothing is unrolled, so that it costs a few gradients, however many decays there are.

To tune decays of your own, replace `load`, `SIZES` and `scores`.
"""

import itertools
import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.datasets import load_digits

import stationary as st

SIZES = (64, 1400, 10)
"""Inputs, hidden units and classes: 103 600 weights."""
TRAIN, VALID = 150, 300
NOISE = 0.4
STEPS, INNER, RATE = 100, 10, 0.1
START = -4.0
"""The logarithm of every decay to begin with: the best of `GRID` where all are alike."""
GRID = (-6.0, -5.0, -4.0, -3.0, -2.0)


def load(seed=0):
    """Digits to train on, others to tune on, and held-out ones; all with noise in their pixels."""
    rng = np.random.default_rng(seed)
    rows, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(rows))
    rows, digits = rows[order] / 16, digits[order]
    rows = (rows + NOISE * rng.normal(size=rows.shape)).astype(np.float32)
    ends = [TRAIN, TRAIN + VALID]
    parts = zip(np.split(rows, ends), np.split(digits.astype(np.int32), ends), strict=True)
    train, valid, held_out = parts
    return {"train": train, "valid": valid}, held_out


def network(sizes, seed=0):
    """Weights to begin with, a matrix per layer."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32)
        for shape in itertools.pairwise(sizes)
    ]


def scores(weights, rows):
    """The logits of every class."""
    for matrix in weights[:-1]:
        rows = jnp.tanh(rows @ matrix)
    return rows @ weights[-1]


def loss(weights, rows, digits):
    """The mean cross-entropy."""
    return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(scores(weights, rows), digits))


def on_validation(decays, weights, data):
    return loss(weights, *data["valid"])


def on_training(decays, weights, data):
    """The training loss with a penalty on every weight, by the logarithms of its decay."""
    penalties = jax.tree.map(lambda d, w: jnp.sum(jnp.exp(d) * w**2), decays, weights)
    return loss(weights, *data["train"]) + sum(penalties) / 2


def state(sizes):
    """Where the solve starts: the decays, all alike, and the weights."""
    weights = network(sizes)
    return [np.full_like(matrix, START) for matrix in weights], weights


data, held_out = load()
problem = st.Nested(on_validation, on_training, st.Implicit(st.Neumann(10, RATE)), data=data)
x0 = state(SIZES)
method = st.methods.BilevelDescent(
    optax.adam(0.03), optax.sgd(RATE, momentum=0.9), inner_steps=INNER
)


def accuracy(weights, rows, digits):
    """The share of samples that a network gets right."""
    return float(np.mean(np.argmax(scores(weights, rows), axis=1) == digits))


def with_one_decay(weights, data):
    return on_training([data["decay"]] * len(weights), weights, data)


@jax.jit
def train(decay, weights):
    """The same descent on the weights at one decay for all of them, its logarithm given."""
    fit = st.Minimize(with_one_decay, data={**data, "decay": jnp.asarray(decay, jnp.float32)})
    rule = st.methods.from_optax(optax.sgd(RATE, momentum=0.9))
    steps = {"max_steps": STEPS * INNER, "tol": 0.0}
    return st.run(fit, weights, rule, differentiable=False, **steps).point.primal


def best_decay(weights):
    """Of one decay for all weights, the logarithm that does best on the validation samples."""
    return min(GRID, key=lambda decay: float(loss(train(decay, weights), *data["valid"])))


def tuned(solution):
    """The decays and the weights after the last step: tuning is stopped, and at no zero."""
    return solution.last.primal[:2]


def summary(solution):
    """Printed at the end of `stationary solve`."""
    decays, weights = tuned(solution)
    start = network([len(weights[0]), *(matrix.shape[1] for matrix in weights)])
    one = best_decay(start)
    lines = {"hyper-parameters": f"{sum(matrix.size for matrix in decays):,}"}
    for name, found in (
        ("without decay", train(-np.inf, start)),
        (f"one decay for all, exp({one:g})", train(one, start)),
        ("a decay for each weight", weights),
    ):
        lines[name] = (
            f"validation loss {float(loss(found, *data['valid'])):.3f}, "
            f"held-out loss {float(loss(found, *held_out)):.3f}, "
            f"held-out digits right {accuracy(found, *held_out):.1%}"
        )
    return lines


def draw(path, solution):
    """How much each pixel tells, how much its weights decay, and how the decays are spread."""
    import matplotlib.pyplot as pyplot

    pixels = load_digits(return_X_y=True)[0] / 16
    decays = [np.asarray(matrix) for matrix in tuned(solution)[0]]
    figure, panels = pyplot.subplots(1, 3, figsize=(9, 3), layout="constrained")
    panels[0].imshow(pixels.std(axis=0).reshape(8, 8), cmap="Blues")
    panels[0].set_title("spread of each pixel, without noise", fontsize=9)
    image = panels[1].imshow(decays[0].mean(axis=1).reshape(8, 8), cmap="Blues_r")
    panels[1].set_title("mean logarithm of its decays", fontsize=9)
    figure.colorbar(image, ax=panels[1], shrink=0.8)
    every = np.concatenate([matrix.ravel() for matrix in decays])
    panels[2].hist(every, 60, color="#0068b0")
    panels[2].axvline(START, color="#c9682b")
    panels[2].set(xlabel="logarithm of a decay", title="weights")
    for panel in panels[:2]:
        panel.axis("off")
    figure.savefig(path, dpi=150)


def main(path="weight_decays.png"):
    """Tune the decays, say what they are worth, and draw them."""
    solution = st.solve(problem, x0, method, max_steps=STEPS)
    for name, words in summary(solution).items():
        print(f"{name}: {words}")
    draw(path, solution)
    print(path)


if __name__ == "__main__":
    main(*sys.argv[1:2])
