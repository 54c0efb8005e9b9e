"""The front on an interval: weighted sums, warm and cold, and a moving reference point."""

import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Table
from stationary.fields import MaxTypeElliptic
from stationary.pareto import nondominated, pareto_front, simplex_lattice

from ._control import closed_form, problem

POINTS = 80


def measure(found, divisions, predictors):
    """The claims on walking along a front."""
    weights, start = simplex_lattice(2, divisions), jnp.zeros(POINTS)
    statement = problem(MaxTypeElliptic(10.0, POINTS))
    warm = pareto_front(statement, start, weights, predictor="tangent")
    # Each by itself, by the program that is there already.
    cold = [pareto_front(statement, start, row[None], predictor="tangent") for row in weights]
    if not (warm.converged.all() and all(front.converged.all() for front in cold)):
        raise RuntimeError(f"not all solves converged: {warm}, {cold}.")
    steps = {
        "zero": sum(int(front.steps[0]) for front in cold),
        "along the tangent": int(warm.steps.sum()),
    }
    others = (("secant", "along the secant"), ("none", "the last answer"))
    for predictor, name in others if predictors else ():
        front = pareto_front(statement, start, weights, predictor=predictor)
        steps[name] = int(front.steps.sum())
    found.values["nondominated"] = int(np.sum(~warm.nondominated))
    found.values["warm start"] = steps["along the tangent"] / steps["zero"]
    found.tables["Steps for the whole front"] = Table(
        ("start of a solve", "steps"), tuple(steps.items())
    )
    gap = max(
        float(np.max(np.abs(front.points[0] - point)))
        for front, point in zip(cold, warm.points, strict=True)
    )
    found.notes.append(
        f"{len(weights)} weights; controls from warm and cold starts agree to {gap:.1g}."
    )

    plain = MaxTypeElliptic(0.0, POINTS)
    linear = pareto_front(problem(plain), start, weights, predictor="tangent")
    exact = closed_form(plain.laplacian, weights)
    found.values["linear"] = float(np.max(np.abs(linear.table - exact)))

    moved = pareto_front(statement, start, spacing=0.1, predictor="tangent")
    both = np.concatenate([warm.table, moved.table])
    found.values["reference points"] = int(np.sum(~nondominated(both)))
    found.notes.append(f"The moving reference point found {len(moved)} points of the front.")
    found.figures["The front by weighted sums, and by a moving reference point"] = plot.front(
        {"weighted sums": warm.table, "nearest to them": moved.table},
        title="Front of the control problem",
        x_label="distance to the upper state",
        y_label="distance to the lower state",
        reference_points=moved.reference_points,
        standalone=True,
    )
