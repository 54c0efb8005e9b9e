"""Logistic regression under linear constraints and on a sphere."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ._form import UNKNOWN, Problem

ROWS = 10


def regression(seed: int) -> Problem:
    """Mean logistic loss on the tumours of scikit-learn, subject to A x = b and |x|^2 = 1.

    A has ten rows; A and b are standard normal, drawn anew while they contradict the sphere. The
    columns of the data are standardised. The start is all ones, as in the paper.
    """
    from sklearn.datasets import load_breast_cancer

    found: Any = load_breast_cancer()
    rows = (found.data - found.data.mean(0)) / found.data.std(0)
    signed = jnp.asarray(rows * (2.0 * found.target[:, None] - 1))
    rng, n = np.random.default_rng(seed), rows.shape[1]
    while True:
        a, b = rng.normal(size=(ROWS, n)), rng.normal(size=ROWS)
        if np.linalg.norm(np.linalg.lstsq(a, b, rcond=None)[0]) < 1:
            break

    def f(x):
        return jnp.mean(jnp.logaddexp(0.0, -signed @ x))

    def c(x):
        return jnp.concatenate([jnp.asarray(a) @ x - b, (x @ x - 1)[None]])

    return Problem("regression", f, c, np.ones(n), UNKNOWN)
