"""Claim: a Neumann series for the inverse Hessian converges at its known rate."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.methods import hypergradient

TERMS = (0, 5, 10, 20, 40, 80)


def problem(terms, step):
    """Ridge regression whose penalties, one per weight, are tuned on other rows."""

    def upper(x, y, data):
        rows, targets = data["valid"]
        return 0.5 * jnp.sum((rows @ y - targets) ** 2)

    def lower(x, y, data):
        rows, targets = data["train"]
        return 0.5 * jnp.sum((rows @ y - targets) ** 2) + 0.5 * jnp.sum(jnp.exp(x) * y**2)

    return st.Nested(upper, lower, st.Implicit(st.Neumann(terms, step)))


def neumann(found, scale, seed):
    """The error of the hypergradient by the number of terms, against its bound and exact value."""
    rng = np.random.default_rng(seed)

    def rows():
        inputs = rng.normal(size=(20, 5))
        return inputs, inputs @ rng.normal(size=5) + 0.5 * rng.normal(size=20)

    data = {"train": rows(), "valid": rows()}
    x = np.full(5, 0.5)
    inputs, targets = data["train"]
    hessian = inputs.T @ inputs + np.diag(np.exp(x))
    values = np.linalg.eigvalsh(hessian)
    step = 1 / values[-1]
    y = np.linalg.solve(hessian, inputs.T @ targets)
    other, wanted = data["valid"]
    push = other.T @ (other @ y - wanted)
    cross = np.exp(x) * y  # d/dx of the lower gradient, a diagonal
    exact = -cross * np.linalg.solve(hessian, push)

    counts = TERMS if scale == "laptop" else TERMS[1::2]  # each has a program of its own

    @partial(jax.jit, static_argnums=0)
    def gradient(terms):
        return hypergradient(problem(terms, step), x, y, data=data, tol=1e-12).gradient

    errors = np.array([np.linalg.norm(gradient(terms) - exact) for terms in counts])
    factor = 1 - step * values[0]
    size = np.linalg.norm(np.linalg.solve(hessian, push)) * np.abs(cross).max()
    bounds = np.array([factor ** (terms + 1) * size for terms in counts])
    tail = np.array(counts) >= 10
    seen = tail & (errors > 1e-11 * np.linalg.norm(exact))
    fitted = np.exp(np.polyfit(np.array(counts)[seen], np.log(errors[seen]), 1)[0])
    found.values["Neumann factor"] = float(abs(fitted / factor - 1))
    found.values["Neumann bound"] = float(np.max(errors / bounds))
    found.values["Neumann products"] = abs(products() - 7)
    found.figures["Hypergradient of ridge regression: error of the Neumann series"] = plot.line(
        {"error": (counts, errors), "bound": (counts, bounds)},
        title="Error by terms of the series",
        x_label="terms",
        y_label="error",
        y_scale="log",
        standalone=True,
    )


def products():
    """How often a series of seven terms multiplies."""
    count = 0

    def product(v):
        nonlocal count
        count += 1
        return 2.0 * v

    with jax.disable_jit():
        st.Neumann(7, 0.1).solve(product, jnp.ones(3))
    return count
