"""Two distances in the 1-norm, whose Pareto set is a rectangle."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import stationary as st
from stationary import plot
from stationary.atlas import Table
from stationary.methods import EpsilonDescent

LOW, HIGH = np.array([0.0, 0.0]), np.array([2.0, 1.0])
STEPS, TOL = 64, 1e-6


def distance(corner):
    """|x - corner|_1."""
    return lambda x: jnp.sum(jnp.abs(x - corner))


def problem():
    """Both distances."""
    return st.Balance({"a": distance(LOW), "b": distance(HIGH)})


def outside(points):
    """The distance of points from the rectangle, in the maximum norm."""
    return np.max(np.maximum(np.maximum(LOW - points, points - HIGH), 0), axis=-1)


def walks(starts):
    """Every state on the way from each start: points, values, counts and residuals by step."""
    method, statement = EpsilonDescent(capacity=8), problem()

    @eqx.filter_jit
    def run(system, starts):
        def walk(start):
            def step(state, _):
                new, metrics = method.step(system, state)
                counts = new.moves, new.subgradients
                return new, (new.primal, new.values, *counts, metrics.residual)

            first = method.init(system, st.Point(start, {}), None)
            return jax.lax.scan(step, first, None, length=STEPS)[1], first.values

        return jax.vmap(walk)(starts)

    return jax.tree.map(np.asarray, run(statement.lower(starts[0]), starts))


def measure(found, seed, count):
    """The two claims on descent, a table of what it cost, and the picture."""
    starts = np.random.default_rng(seed).uniform(-5, 5, (count, 2))
    (points, values, moves, subgradients, residuals), first = walks(jnp.asarray(starts))
    done = residuals <= TOL
    if not done.any(axis=1).all():
        raise RuntimeError(f"{int((~done.any(axis=1)).sum())} starts need over {STEPS} steps.")
    last = done.argmax(axis=1)
    lane = np.arange(count)
    ends = points[lane, last]
    found.values["rectangle"] = float(outside(ends).max())
    wrong, total = 0, 0
    for i in range(count):
        path = np.concatenate([first[i][None], values[i, : last[i] + 1]])
        made = np.diff(np.concatenate([[0], moves[i, : last[i] + 1]])) > 0
        fell = np.all(np.diff(path, axis=0) < 0, axis=1)
        wrong, total = wrong + int(np.sum(made & ~fell)), total + int(made.sum())
    found.values["common descent"] = wrong
    asked, made = subgradients[lane, last], moves[lane, last]
    rows = [
        (name, float(np.median(each)), int(each.max()))
        for name, each in (("moves", made), ("subgradients", asked))
    ]
    found.tables["Cost of a start"] = Table(("", "median", "most"), tuple(rows))
    found.notes.append(
        f"{total} moves from {count} starts; the residual asked for is {TOL:g}: subgradients "
        "within that distance of the point, and a convex combination of them no longer than that."
    )
    found.figures["Where descent ends: in the rectangle between the two corners"] = plot.scatter(
        {
            "starts": tuple(starts.T),
            "ends": tuple(ends.T),
            "corners": tuple(np.stack([LOW, HIGH]).T),
        },
        title="Starts and ends",
        x_label="first entry",
        y_label="second entry",
        standalone=True,
    )
