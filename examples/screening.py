"""Screen for breast cancer: as few false alarms as possible while missing at most 1 % of cancers.

Run it with

    stationary solve examples/screening.py --out report

A linear score raises the alarm when it is positive. Rates of errors are steps in the weights, so
both are replaced by their logistic bounds: log2(1 + exp(-s)) is at least 1 wherever s <= 0. The
bounds lie above the rates, so weights that meet the constraint miss at most 1 % of the cancers
they were fitted to. The problem is convex, and its certificate bounds the distance to the optimum.
"""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_breast_cancer

import stationary as st

MISSED = 0.01
"""The share of cancers that may be missed."""
BUDGET = 15.0
"""The largest sum of absolute weights: few large weights, so few measurements that matter."""


def score(x, rows):
    return rows @ x["weights"] + x["bias"]


def false_alarms(x, data):
    """A bound on the share of healthy people who are alarmed."""
    return jnp.mean(jax.nn.softplus(score(x, data["healthy"]))) / jnp.log(2.0)


def missed(x, data):
    """A bound on the share of cancers that raise no alarm."""
    return jnp.mean(jax.nn.softplus(-score(x, data["cancer"]))) / jnp.log(2.0)


def load():
    """The cases by diagnosis: 400 to fit, the other 169 held out, in units of the fitted ones."""
    rows, benign = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(rows))
    fitted, held_out = order[:400], order[400:]
    rows = (rows - rows[fitted].mean(axis=0)) / rows[fitted].std(axis=0)
    return tuple(
        {"cancer": rows[part][benign[part] == 0], "healthy": rows[part][benign[part] == 1]}
        for part in (fitted, held_out)
    )


data, held_out = load()
problem = st.Minimize(
    false_alarms,
    subject_to={"missed": st.at_most(missed, MISSED)},
    over={"weights": st.sets.L1Ball(BUDGET), "bias": st.sets.Euclidean()},
    data=data,
    convex=True,
)
x0 = {"weights": np.zeros(30), "bias": np.zeros(())}


def summary(solution):
    """What the answer means: printed at the end of `stationary solve`."""
    lines = {}
    for name, cases in (("fitted cases", data), ("held-out cases", held_out)):
        silent = np.asarray(score(solution.value, cases["cancer"])) <= 0
        alarmed = np.asarray(score(solution.value, cases["healthy"])) > 0
        lines[name] = (
            f"{silent.sum()} of {silent.size} cancers missed ({silent.mean():.1%}), "
            f"{alarmed.sum()} of {alarmed.size} healthy alarmed ({alarmed.mean():.1%})"
        )
    used = np.abs(np.asarray(solution.value["weights"])) > 1e-6
    lines["measurements used"] = f"{used.sum()} of {used.size}"
    return lines
