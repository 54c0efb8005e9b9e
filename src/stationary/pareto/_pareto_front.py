"""From a problem with several objectives to its front."""

from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import PyTree

from .._method import AbstractMethod
from .._statements import AbstractStatement
from ._front import ParetoFront
from ._path import PREDICTORS, Settings
from ._requests import checked_targets, checked_weights
from ._scalarize import as_balance, reference_distance, weighted_sum
from ._walk import Walk


def pareto_front(
    problem: AbstractStatement,
    x0: PyTree,
    weights: Any = None,
    *,
    reference_points: Any = None,
    spacing: float | None = None,
    scale: Any = None,
    method: AbstractMethod | None = None,
    warm_start: bool = True,
    predictor: str = "secant",
    tol: float | None = None,
    max_steps: int = 10_000,
    certificates: bool = False,
    observe: Callable[[str], None] | None = None,
) -> ParetoFront:
    """Points of the Pareto front of a problem, one scalarised problem after another.

    Give one of `weights`, `reference_points` and `spacing`. Weighted sums find every point of a
    convex front. Reference points below the front find those of a front that is not convex, too.
    With `spacing` and two objectives, one reference point is moved along the front by itself.

    Each solve starts from the answer before it, moved along the path of answers: order the weights
    so that neighbours follow one another, as
    [`simplex_lattice`][stationary.pareto.simplex_lattice] does. All solves share one compiled
    program.

    **Arguments:**

    - `problem`: a [`Balance`][stationary.Balance], with its constraints, set and data.
    - `x0`: the start of the first solve.
    - `weights`: shape `(m, k)`, rows summing to one, columns in the order of the objectives; or
        a column of m weights by objective name.
    - `reference_points`: targets of shape `(m, k)` that are better than the front in every
        objective.
    - `spacing`: the distance of neighbouring points in units of the front's extent, in (0, 0.5].
    - `scale`: what counts as one unit of each objective in distances to `reference_points`, shape
        `(k,)`; default 1.
    - `method`: for the scalarised problems; default: chosen as by [`solve`][stationary.solve].
    - `warm_start`: `False` solves all weights or reference points from `x0`, in one batch.
    - `predictor`: how a start is predicted: `"secant"` makes the last change once more; `"tangent"`
        takes the derivative of the answer in the weights (the implicit one, from the optimality
        conditions), which saves a few steps and costs a linear system with second derivatives, by
        dense factors up to 2000 unknowns; `"none"` starts from the last answer as it is. A
        prediction that is no better than the last answer is not used.
    - `tol`, `max_steps`: for every solve.
    - `certificates`: judge every point, as by [`certify`][stationary.certify].
    - `observe`: called with a line of progress after each solve.

    **Returns:** a [`ParetoFront`][stationary.pareto.ParetoFront].

    **Raises:** `ValueError` for weights that are negative, do not sum to one or name unknown
    objectives, reference points of the wrong length, or none or several of the three requests;
    `TypeError` for another statement; what `solve` raises for a malformed problem.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.pareto import simplex_lattice
        >>> problem = st.Balance({"a": lambda x: x**2, "b": lambda x: (x - 1) ** 2})
        >>> front = pareto_front(problem, jnp.array(0.0), simplex_lattice(2, 4))
        >>> front.points.round(3).tolist(), front.nondominated.all().item()
        ([0.0, 0.25, 0.5, 0.75, 1.0], True)

    !!! cite "Reference"
        Hillermeier (2001), Nonlinear multiobjective optimization: a generalized homotopy approach;
        Banholzer, Gebken, Dellnitz, Peitz and Volkwein (2023), arXiv:2308.01113.
    """
    problem = as_balance(problem, "pareto_front")
    names = list(problem.objectives)
    asked = {"weights": weights, "reference_points": reference_points, "spacing": spacing}
    given = [name for name, value in asked.items() if value is not None]
    if len(given) != 1:
        raise ValueError(
            f"pareto_front needs one of {', '.join(asked)}; got {' and '.join(given) or 'none'}."
        )
    if predictor not in PREDICTORS:
        raise ValueError(f"predictor must be one of {', '.join(PREDICTORS)}; got {predictor!r}.")
    if scale is not None and not np.all(np.asarray(scale, float) > 0):
        raise ValueError(f"scale must be positive, got {scale!r}.")
    options = {"tol": tol, "max_steps": max_steps, "progress": False}
    settings = Settings(method, predictor, options, observe or (lambda line: None))
    walk = Walk(problem, x0, settings)
    if weights is not None:
        rows = checked_weights(weights, names)
        walk.along(weighted_sum(problem, rows[0]), rows, warm_start)
    elif reference_points is not None:
        rows = checked_targets(reference_points, names)
        walk.along(reference_distance(problem, rows[0], scale), rows, warm_start)
    elif spacing is not None:
        walk.march(spacing)
    return walk.front(certificates)
