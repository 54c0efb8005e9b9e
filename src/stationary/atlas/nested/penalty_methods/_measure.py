"""The experiments of paper 111: values, gradients, where they fail, and noise."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Measurements, Table
from stationary.methods import error_bound, hypergradient

from ._boxed import boxed
from ._noisy import noisy


def measure(scale, seed, observe):
    """All claims; `smoke` has fewer instances, and leaves out the noisy runs."""
    found = Measurements()
    laptop = scale == "laptop"
    observe("many lower answers")
    degenerate(found)
    observe("constrained lower problems")
    boxed(found, np.random.default_rng(seed), 20 if laptop else 4)
    observe("without an error bound")
    necessity(found)
    observe("a noisy single loop")
    if not laptop:
        return found
    runs, path = noisy(seed, 50_000)
    found.values["noisy single loop"] = Measured.over(runs)
    found.figures["Noisy single loop: squared gradient norm, mean over the seeds"] = plot.line(
        {"single loop": path},
        title="Squared gradient of the true objective under noise",
        x_label="steps",
        y_label="|grad psi|^2",
        x_scale="log",
        y_scale="log",
        standalone=True,
    )
    found.notes += [
        "Lower problems are solved to the smallest tolerance that float64 allows, because the "
        "error of a penalised gradient is the lower error over sigma.",
        "The noisy runs penalise with sigma = 0.05, whose stationary point is that of psi here; "
        "rates fall like k^(-1/2) and the momentum's memory is 1 - k^(-2/3).",
    ]
    return found


def upper(x, y):
    return 0.5 * jnp.sum((x - y[1]) ** 2) + 0.5 * jnp.sum((y[0] - 1) ** 2)


def lower(x, y):
    """Says nothing about y[1]."""
    return 0.5 * jnp.sum(y[0] ** 2) - jnp.sum(x * y[0])


def degenerate(found):
    """Values and gradients where the lower answer is not unique."""
    points = np.array([-1.0, 0.3, 2.0])

    @jax.jit
    @partial(jax.vmap, in_axes=(None, 0))
    def penalised(sigma, x):
        problem = st.Nested(upper, lower, st.ValueFunction(1 / sigma))
        return hypergradient(problem, x, jnp.zeros(2), tol=2e-15)

    values, gradients, rows = [], [], []
    for sigma in (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6):
        got = penalised(sigma, points)
        value = np.max(np.abs(got.value - 0.5 * (points - 1) ** 2 / (1 + sigma)))
        gradient = np.max(np.abs(got.gradient - (points - 1) / (1 + sigma)))
        values.append(value)
        gradients.append(gradient)
        rows.append((sigma, float(value), float(gradient)))
    found.values["penalised value"] = float(max(values))
    found.values["penalised gradient"] = float(max(gradients))
    found.tables["A lower problem with many answers: errors of the penalised objective"] = Table(
        ("sigma", "value", "gradient"), tuple(rows)
    )

    @partial(jax.jit, static_argnums=0)
    @partial(jax.vmap, in_axes=(None, 0, 0))
    def implicit(solver, x, start):
        return hypergradient(st.Nested(upper, lower, st.Implicit(solver)), x, start)

    best = np.stack([0 * points, points], 1)
    shortest = st.LeastSquares()
    found.values["pseudo-inverse"] = float(
        np.max(np.abs(implicit(shortest, points, best).gradient - (points - 1)))
    )
    elsewhere = [
        implicit(shortest, points, best + 1).gradient,
        implicit(None, points, best).gradient,
    ]
    found.values["singular"] = float(np.mean(np.isfinite(np.stack(elsewhere))))


def necessity(found):
    """f = x^2 + y^2, g = xy on [-1, 1]: an error bound that decays to nothing at x = 0."""
    sigma = 0.01
    square = st.Box(-1.0, 1.0)
    problem = st.Nested(
        st.Minimize(lambda x, y: x**2 + y**2, over=square),
        st.Minimize(lambda x, y: x * y, over=square),
        st.ValueFunction(1 / sigma),
    )
    grid = np.concatenate([np.linspace(1e-4, 0.1, 40), np.linspace(0.12, 1, 12)])

    @jax.jit
    @jax.vmap
    def value(x):
        return hypergradient(problem, x, jnp.array(0.0), tol=1e-10).value

    known = {sigma: 0.7501, 2 * sigma: 1.0004, 0.5: 1.25}
    got = np.asarray(value(np.array(list(known))))
    found.values["necessity"] = float(np.max(np.abs(got - np.array(list(known.values())))))

    @jax.jit
    def bound(x):
        return error_bound(problem, x, jnp.array(0.0), radius=0.3)

    bounds = {x: float(bound(x)) for x in (0.5, 0.0)}
    found.values["error bound"] = bounds[0.5] / bounds[0.0]
    found.figures["Without an error bound at x = 0: the penalised value and the true one"] = (
        plot.line(
            {
                "penalised, sigma 0.01": (grid, np.asarray(value(grid))),
                "true": (grid, grid**2 + 1),
            },
            title="f = x^2 + y^2, g = xy on [-1, 1]^2",
            x_label="x",
            y_label="value",
            standalone=True,
        )
    )
