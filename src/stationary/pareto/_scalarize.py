"""Problems with one objective whose answers are Pareto points of a problem with several."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._constraints import Constraint
from .._functions import Expectation, WithData
from .._statements import AbstractStatement, Balance, Minimize


class Scalarized(eqx.Module):
    """The data of a scalarised problem: what picks the point of the front, and the user's own.

    **Arguments:**

    - `coefficients`: the weights, or the reference point, shape `(k,)` in the order of the
        objectives; in a batch with a leading axis, as all else.
    - `scale`: what counts as one unit of each objective, shape `(k,)`.
    - `data`: the data of the problem with several objectives.
    """

    coefficients: Float[Array | np.ndarray, "*lanes k"]
    scale: Float[Array | np.ndarray, "*lanes k"]
    data: PyTree


def weighted_sum(problem: AbstractStatement, weights: Any) -> Minimize:
    """Minimise a weighted sum of the objectives of a problem, under its constraints and set.

    Its minimisers are Pareto points for positive weights; those of convex problems are all found
    so. The weights are data: `problem.data` of the result holds them, and replacing them compiles
    nothing.

    **Arguments:**

    - `problem`: a [`Balance`][stationary.Balance].
    - `weights`: one per objective, in their order.

    **Raises:** `TypeError` for another statement, or objectives estimated from mini-batches;
    `ValueError` for a wrong number of weights.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Balance({"a": lambda x: x**2, "b": lambda x: (x - 1) ** 2})
        >>> st.solve(weighted_sum(problem, [0.75, 0.25]), jnp.array(0.0)).value.round(6).item()
        0.25
    """
    return _scalarize(problem, _WeightedSum, "weighted_sum", weights, None)


def reference_distance(problem: AbstractStatement, target: Any, scale: Any = None) -> Minimize:
    """Minimise half the squared distance of the objectives from a reference point.

    From a target below the front (better than it can be had in every objective) the nearest
    attainable values are Pareto optimal, on parts of the front that are not convex too, where no
    weighted sum has a minimum. The difference to the target is the weights there.

    **Arguments:**

    - `problem`: a [`Balance`][stationary.Balance].
    - `target`: one number per objective, in their order.
    - `scale`: what counts as one unit of each objective; default 1 for all.

    **Raises:** as `weighted_sum`.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Balance({"a": lambda x: x**2, "b": lambda x: (x - 1) ** 2})
        >>> nearest = st.solve(reference_distance(problem, [-1.0, -1.0]), jnp.array(0.0))
        >>> nearest.value.round(6).item()
        0.5

    !!! cite "Reference"
        Wierzbicki (1980), The use of reference objectives in multiobjective optimization.
    """
    return _scalarize(problem, _ReferenceDistance, "reference_distance", target, scale)


def _scalarize(
    problem: AbstractStatement, kind: Callable, where: str, row: Any, scale: Any
) -> Minimize:
    problem = as_balance(problem, where)
    objectives = tuple(problem.objectives.values())
    k = len(objectives)
    row = np.asarray(row, float)
    scale = np.ones(k) if scale is None else np.asarray(scale, float)
    for name, given in (("numbers", row), ("scales", scale)):
        if given.shape != (k,):
            raise ValueError(
                f"{where}: {list(problem.objectives)} need {k} {name}, got shape {given.shape}."
            )
    constraints = {name: _under(each) for name, each in problem.subject_to.items()}
    data = Scalarized(row, scale, problem.data)
    return Minimize(
        kind(objectives), constraints, problem.over, data, convex=_stays_convex(problem, kind)
    )


def as_balance(problem: AbstractStatement, where: str) -> Balance:
    """A problem with several objectives that can be combined.

    **Raises:** `TypeError` for another statement, or an objective that is an expectation.
    """
    if not isinstance(problem, Balance):
        raise TypeError(
            f"{where} takes a Balance, several objectives by name; got {type(problem).__name__}."
        )
    for name, fn in problem.objectives.items():
        if isinstance(fn, Expectation):
            raise TypeError(
                f"{where}: objective {name!r} is an Expectation over mini-batches, which cannot be "
                "added to others; state it as a function of all data."
            )
    return problem


def _stays_convex(problem: Balance, kind: Callable) -> bool:
    # A squared distance is convex only where the target is below all values, which nobody knows.
    return problem.convex and kind is _WeightedSum


def is_distance(problem: Minimize) -> bool:
    """Whether a scalarised problem is a distance to a reference point."""
    return isinstance(problem.objective, _ReferenceDistance)


class _WeightedSum(eqx.Module):
    objectives: tuple[Callable, ...]

    def __call__(self, x: PyTree, data: Scalarized) -> Float[Array, ""]:
        values = _values(self.objectives, x, data)
        return jnp.vdot(data.coefficients.astype(values.dtype), values)


class _ReferenceDistance(eqx.Module):
    objectives: tuple[Callable, ...]

    def __call__(self, x: PyTree, data: Scalarized) -> Float[Array, ""]:
        values = _values(self.objectives, x, data)
        target, scale = (row.astype(values.dtype) for row in (data.coefficients, data.scale))
        return 0.5 * jnp.sum(((values - target) / scale) ** 2)


def _values(objectives: tuple[Callable, ...], x: PyTree, data: Scalarized) -> Float[Array, "k"]:
    return jnp.stack([jnp.asarray(WithData(fn)(x, data.data)) for fn in objectives])


class _Under(eqx.Module):
    """A function of the user's data as one of a scalarised problem's."""

    fn: Callable

    def __call__(self, x: PyTree, data: Scalarized) -> Array:
        return WithData(self.fn)(x, data.data)


def _under(constraint: Constraint) -> Constraint:
    def wrap(fn: Any) -> Any:
        return fn if fn is None or isinstance(fn, Expectation) else _Under(fn)

    return Constraint(
        wrap(constraint.fn), constraint.bound, constraint.cone, wrap(constraint.surrogate)
    )
