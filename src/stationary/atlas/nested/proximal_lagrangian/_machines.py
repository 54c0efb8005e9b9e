"""Costs of a support vector machine: accuracy beside a grid, and time beside a conic solver."""

import statistics
import time

import equinox as eqx
import jax
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Measured, Table

from ._machine import (
    METHOD,
    STEPS,
    accuracy,
    diabetes,
    from_a_grid,
    generated,
    start,
    statement,
)


def accuracies(found, seed, _):
    """Costs per sample against a single one from a grid, over seeds."""
    rows = _compare(seed, generated, 10)
    gains = [100 * (own - grid) for _, own, grid in rows]
    found.values["costs of a support vector machine"] = Measured.over(gains)
    caption = "Accuracy on further generated samples, by seed"
    found.tables[caption] = Table(("seed", "cost per sample", "one cost of a grid"), tuple(rows))
    order = np.arange(len(rows))
    found.figures["Accuracy of support vector machines by seed"] = plot.scatter(
        {
            "a cost per sample": (order, np.array([own for _, own, _ in rows])),
            "one cost of a grid": (order, np.array([grid for *_, grid in rows])),
        },
        title="Accuracy on further samples",
        x_label="seed",
        y_label="accuracy",
        standalone=True,
    )
    real = _compare(seed, diabetes, 10)
    if real:
        columns = ("seed", "cost per sample", "one cost of a grid")
        found.tables["Accuracy on the test part of the diabetes data"] = Table(columns, tuple(real))


def _compare(seed, make, seeds):
    """Seed, accuracy with a cost per sample, and with one of a grid."""
    rows = []
    for own in range(seeds):
        rng = np.random.default_rng((seed, own))
        split = make(rng)
        if split is None:
            return []
        y = _answer(statement(split), start(rng, split))
        rows.append((own, accuracy(y, split.test), float(from_a_grid(split).score(*split.test))))
    return rows


@eqx.filter_jit
def _answer(stated, pair):
    options = {"tol": 1e-12, "max_steps": STEPS, "differentiable": False}
    return st.run(stated, pair, METHOD, **options).point.primal[1]


def step_time(found, seed, laptop):
    """A step with its projection, beside the same projection by a conic solver."""
    rng = np.random.default_rng(seed)
    split = generated(rng)
    stated, pair, steps = statement(split), start(rng, split), 200 if laptop else 50
    system, unknown = stated.lower(pair), stated.embed(pair)
    point = st.Point(unknown, system.zero_duals(unknown))
    begun = jax.jit(lambda point: METHOD.init(system, point, stated.data))(point)

    @jax.jit
    def several(state):
        def step(_, state):
            return METHOD.step(system, state, stated.data)[0]

        return jax.lax.fori_loop(0, steps, step, state)

    project = conic_projection(split)
    target = rng.normal(size=split.train.rows.shape[1] + 1 + split.train.labels.size)
    jax.block_until_ready(several(begun))
    project(target)
    ours, ratios = [], []
    for _ in range(7 if laptop else 3):
        ours.append(_seconds(lambda: jax.block_until_ready(several(begun))) / steps)
        conic = _seconds(lambda: project(target))
        ratios.append(ours[-1] / conic)
    found.values["time of a step"] = statistics.median(ratios)
    found.notes.append(
        f"A step takes {1e3 * statistics.median(ours):.2g} ms, measured on {steps} in a row, up to "
        "20 products with the constraints' Jacobian for the projection included; the conic solver "
        "is Clarabel by way of CVXPY, with the point to project as a parameter."
    )


def conic_projection(split):
    """The nearest (w, b, slack) of the margins, by a conic solver; x is not in them."""
    import cvxpy as cp

    rows, labels = split.train
    count, features = rows.shape
    point, target = cp.Variable(features + 1 + count), cp.Parameter(features + 1 + count)
    score = (rows @ point[:features] + point[features]) / count**0.5
    margins = 1 - point[features + 1 :] - cp.multiply(labels, score)
    projection = cp.Problem(cp.Minimize(cp.sum_squares(point - target)), [margins <= 0])

    def project(at):
        target.value = at
        projection.solve(solver="CLARABEL")
        return point.value

    return project


def _seconds(task):
    began = time.perf_counter()
    task()
    return time.perf_counter() - began
