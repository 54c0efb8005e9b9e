"""Convex quadratics of very different scales, improved together."""

import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Table
from stationary.methods import MGDA, JacobianDescent, Mean, UPGrad


def quadratics(found, seed, laptop):
    """Eight convex quadratics of very different scales."""
    rng = np.random.default_rng(seed)
    scales = np.geomspace(1e-2, 1e2, 8)
    data = []
    for scale in scales:
        half = rng.standard_normal((10, 10)) / 10**0.5
        hessian = half @ half.T + 0.1 * np.eye(10)
        data.append((scale * hessian, rng.standard_normal(10)))
    matrices, centres = (jnp.asarray(np.stack(part)) for part in zip(*data, strict=True))
    largest = float(max(np.linalg.norm(m, 2) for m in np.asarray(matrices)))
    problem = st.Balance(
        {
            f"scale {scale:.2g}": lambda x, d, i=i: (x - d[1][i]) @ d[0][i] @ (x - d[1][i]) / 2
            for i, scale in enumerate(scales)
        },
        data=(matrices, centres),
    )
    # Near the best point of the objective with the smallest scale, which the others outweigh.
    x0 = centres[0] + 0.3 * jnp.asarray(rng.standard_normal(10))

    def values(x):
        off = x - centres
        return jnp.einsum("ij,ijk,ik->i", off, matrices, off) / 2

    @jax.jit
    def shortest(x):
        rows = jnp.einsum("ijk,ik->ij", matrices, x - centres)
        return jnp.linalg.norm(MGDA().combine(rows).gradient)

    def descend(aggregator, x0, rate):
        method = JacobianDescent(rate, aggregator)
        system = problem.lower(x0)
        start = method.init(system, st.Point(x0, {}), problem.data)

        def step(state, _):
            state, _ = method.step(system, state, problem.data)
            return state, values(state.primal)

        state, curve = jax.lax.scan(step, start, None, length=2000)
        return state.primal, curve

    first = np.asarray(values(x0))
    together = jax.jit(lambda x, rate: descend(UPGrad(), x, rate))
    alone = jax.jit(lambda x, rate: descend(Mean(), x, rate))
    x, curve = together(x0, 1 / largest)
    curves = {
        "UPGrad": np.vstack([first, np.asarray(curve)]),
        "mean": np.vstack([first, np.asarray(alone(x0, 1 / largest)[1])]),
    }
    for _ in range(9):
        x, _ = together(x, 1 / largest)
    found.values["criticality"] = float(shortest(x) / shortest(x0))
    found.values["monotone"], _, _ = _rises(curves["UPGrad"])
    found.values["mean rises"] = int(np.sum(curves["mean"][-1] > first))
    rows = [("mean", 1.0, *_rises(curves["mean"])), ("UPGrad", 1.0, *_rises(curves["UPGrad"]))]
    for part in (0.1, 0.01):
        curve = np.vstack([first, np.asarray(together(x0, part / largest)[1])])
        rows.append(("UPGrad", part, *_rises(curve)))
    found.tables["Rises of an objective from one step to the next, and at the end"] = Table(
        ("rule", "step times L", "steps with a rise", "largest, relative", "worse at the end"),
        tuple(rows),
    )
    marks = np.unique(np.geomspace(1, 2001, 120).astype(int)) - 1
    for name, curve in curves.items():
        found.figures[f"Eight quadratics over their start, descent with the {name}"] = plot.line(
            {
                f"scale {scale:.2g}": (marks + 1, curve[marks, i] / curve[0, i])
                for i, scale in enumerate(scales)
                if i in (0, 2, 5, 7)
            },
            title=f"Objectives over their start: {name}",
            x_label="step",
            y_label="objective / start",
            x_scale="log",
            y_scale="log",
            standalone=True,
        )


def _rises(curve):
    """Steps at which an objective rises, the largest such rise, and objectives worse at the end."""
    change = np.diff(curve, axis=0) / np.maximum(curve[:-1], 1e-300)
    steps = int(np.sum(np.any(change > 1e-12, axis=1)))
    return steps, float(max(np.max(change), 0)), int(np.sum(curve[-1] > curve[0]))
