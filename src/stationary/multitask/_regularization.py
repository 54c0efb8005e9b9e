"""Regularization from theory: no samples are held out."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._solution import Solution
from .._statements import Minimize
from ..driver import solve
from ..methods import LBFGS, AugmentedLagrangian
from ..sets import Box
from ._arguments import check_positive
from ._risk import AbstractRiskModel, TaskRisk, asymptotic_risk

_RANGE = 1e6
"""How far from their natural scale regularizations are looked for, in either direction."""
_GRID = np.geomspace(1e-4, 1e4, 5)


@dataclasses.dataclass(frozen=True, eq=False)
class Regularization:
    """What [`choose_regularization`][stationary.multitask.choose_regularization] returns.

    **Arguments:**

    - `shared`, `own`: for [`multitask_ridge`][stationary.multitask.multitask_ridge].
    - `risk`: the risk that they promise.
    - `solution`: the descent, in the logarithms of both: status, certificate, steps.
    """

    shared: Float[Array, ""]
    own: Float[Array, "T"]
    risk: TaskRisk
    solution: Solution


def choose_regularization(
    model: AbstractRiskModel,
    *,
    weights: Any = None,
    tol: float | None = None,
    max_steps: int = 300,
) -> Regularization:
    """The regularizations at which multi-task ridge regression predicts best, by its risk.

    Minimises the logarithm of the weighted mean of `TaskRisk.prediction` over tasks and outputs,
    by L-BFGS in the logarithms of `shared` and of `own`, one per task. The gradient goes through
    the fixed point by its equation. Where it is best to share nothing, or everything, the
    numbers end very small, a factor 1e-6 from the scale of the inputs at the least.

    **Arguments:**

    - `model`: a [`Sample`][stationary.multitask.Sample], or a
        [`Population`][stationary.multitask.Population].
    - `weights`: what an error in each task costs, positive, shape `(T,)`; default equal.
    - `tol`: for the gradient of the logarithm; default 1e-6 in float64, 1e-4 in float32.
    - `max_steps`: the step limit.

    **Returns:** a [`Regularization`][stationary.multitask.Regularization].

    **Raises:** `ValueError` for weights that are not positive, or of another shape.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import Population
        >>> # One task with normal weights of variance 0.1: the best ridge is the Bayesian one.
        >>> w = 0.1**0.5 * np.random.default_rng(0).normal(size=(1, 50))
        >>> model = Population([30], np.eye(50)[None], w, np.array([1.0]))
        >>> found = choose_regularization(model)
        >>> round(float((found.shared + found.own[0]) / np.mean(w**2)), 3)
        1.0

    !!! cite "Reference"
        Analysing multi-task regression via random matrix theory, arXiv 2406.10327 (2024),
        section 5.
    """
    if weights is None:
        weights = np.ones(model.tasks)
    if np.shape(weights) != (model.tasks,):
        raise ValueError(
            f"weights must have a number for each of the {model.tasks} tasks, got shape "
            f"{np.shape(weights)}."
        )
    check_positive("weights", weights)
    scale = model.size()
    data = (model, jnp.asarray(weights, scale.dtype))
    middle, reach = -float(jnp.log(scale)), float(np.log(_RANGE))
    start = _start(data, -jnp.log(scale))
    problem = Minimize(_objective, over=Box(middle - reach, middle + reach), data=data)
    method = AugmentedLagrangian(direction=LBFGS())
    solution = solve(problem, start, method, tol=tol, max_steps=max_steps)
    shared, own = (jnp.exp(jnp.asarray(solution.value[name])) for name in ("shared", "own"))
    return Regularization(shared, own, asymptotic_risk(model, shared, own), solution)


def _objective(logs: dict[str, Array], data: tuple[AbstractRiskModel, Array]) -> Float[Array, ""]:
    model, weights = data
    risk = model.risk(jnp.exp(logs["shared"]), jnp.exp(logs["own"]))
    per_task = jnp.mean(risk.prediction.reshape(model.tasks, -1), axis=1)
    # A Python branch would not compile; what was not solved for is no minimum.
    mean = jnp.sum(weights * per_task) / jnp.sum(weights)
    return jnp.where(risk.converged, jnp.log(mean), jnp.nan)


@eqx.filter_jit
def _start(data: tuple[AbstractRiskModel, Array], middle: Float[Array, ""]) -> dict[str, Array]:
    """The best point of a coarse grid: far from it, the risk is flat."""
    shared, own = (x.ravel() for x in jnp.meshgrid(jnp.log(_GRID), jnp.log(_GRID)))
    tasks = data[0].tasks

    def value(pair):
        return _objective({"shared": pair[0], "own": jnp.full(tasks, pair[1])}, data)

    pairs = (jnp.stack([shared, own], axis=1) + middle).astype(middle.dtype)
    values = jax.lax.map(value, pairs)
    best = pairs[jnp.argmin(jnp.where(jnp.isnan(values), jnp.inf, values))]
    return {"shared": best[0], "own": jnp.full(tasks, best[1])}
