"""The boundary: from what a user passes to a system, a point and data that compiled code can run.

Everything that can be wrong with a problem is refused here, by name, before anything compiles.
"""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from ._dtypes import as_arrays, cast, is_floating, working_dtype
from ._point import Point
from ._statements import AbstractStatement
from ._system import System


class Start(NamedTuple):
    """A problem made ready: its system, where to start, and its data."""

    system: System
    point: Point
    data: PyTree


def prepare(
    problem: AbstractStatement | System,
    x0: PyTree,
    *,
    data: PyTree = None,
    duals: Mapping[str, Any] | None = None,
) -> Start:
    """Lower a problem at a start; pure, so it works on traced values too.

    **Arguments:**

    - `problem`: a statement, or a system that one was lowered to.
    - `x0`: the start, a pytree of real floating arrays or numbers.
    - `data`: replaces the statement's data.
    - `duals`: multipliers to start from, by constraint name; the rest start at zero.

    **Raises:** `TypeError` for a start that is not real floating; `ValueError` for unknown names
    or wrong shapes of duals; whatever lowering finds wrong.
    """
    primal = _primal(x0)
    dtype = working_dtype(primal)
    if isinstance(problem, System):
        system = problem
    else:
        data = as_arrays(problem.data if data is None else data)
        statement = with_data(problem, data)
        primal = statement.embed(primal)
        system = statement.lower(primal)
    return Start(as_arrays(system), Point(primal, _duals(system, primal, duals, dtype)), data)


def with_data(problem: AbstractStatement, data: PyTree) -> AbstractStatement:
    """`problem` with its data replaced."""
    return eqx.tree_at(lambda p: p.data, problem, data, is_leaf=lambda x: x is None)


def _primal(x0: PyTree) -> PyTree[Array]:
    if x0 is None or not jax.tree.leaves(x0):
        raise TypeError("x0 is empty; pass the start as an array or a pytree of arrays.")
    for path, leaf in jax.tree_util.tree_leaves_with_path(x0):
        where = f"x0{jax.tree_util.keystr(path)}"
        if isinstance(leaf, float):
            continue
        if not hasattr(leaf, "dtype"):
            raise TypeError(f"{where} is {leaf!r}; an unknown must be a real floating array.")
        if not is_floating(leaf):
            raise TypeError(
                f"{where} has dtype {leaf.dtype}; an unknown must be real and floating. "
                "Write 1.0 for 1, or x0.astype(float)."
            )
    primal = as_arrays(x0)
    return cast(primal, working_dtype(primal))


def _duals(system: System, primal: PyTree, given: Mapping | None, dtype) -> dict[str, Array]:
    duals = system.zero_duals(primal)
    for name, value in (given or {}).items():
        if name not in duals:
            raise ValueError(
                f"duals name {name!r}, but the constraints are {sorted(duals)}. Drop or rename it."
            )
        shape = np.shape(value)
        if shape != duals[name].shape:
            raise ValueError(
                f"duals[{name!r}] has shape {shape}, but the constraint has {duals[name].shape}."
            )
        duals[name] = jnp.asarray(value, dtype)
    return duals


def settle(start: Start) -> tuple[Start, list[str]]:
    """Check the values of a start, and move it into the set where that is possible.

    **Returns:** the start, and notices of what was changed.

    **Raises:** `ValueError` when x0 is not finite, lies outside an open set, or when the
    objective or a constraint is not finite there (named).
    """
    system, point, data = start
    notices = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(point.primal):
        if not bool(jnp.all(jnp.isfinite(leaf))):
            raise ValueError(f"x0{jax.tree_util.keystr(path)} has NaN or infinite entries.")
    values = _probe(system, point, data)
    outside = float(values.outside)
    if not outside <= float(jnp.sqrt(jnp.finfo(working_dtype(point.primal)).eps)):
        if not system.space.closed:
            raise ValueError(
                f"x0 lies outside {system.space.describe()} (by {outside:.3g}), which is open and "
                "has no nearest point. Start strictly inside it."
            )
        notice = f"x0 lay outside {system.space.describe()} (by {outside:.3g}); it was projected."
        notices.append(notice)
        warnings.warn(notice, stacklevel=4)
        point = Point(_project(system, point.primal), point.duals)
        values = _probe(system, point, data)
    for kind, terms in (("objective", values.objectives), ("constraint", values.constraints)):
        for name, value in terms.items():
            if not np.all(np.isfinite(value)):
                what = kind if name == "objective" else f"{kind} {name!r}"
                raise ValueError(
                    f"{what} is not finite at x0 (got {np.asarray(value)}). Start where every "
                    "function is defined, or keep away from the rest with `over`."
                )
    if not bool(values.gradient_finite):
        raise ValueError(
            "the gradient is not finite at x0 although the values are: look for sqrt, norm or "
            "division at 0, and start elsewhere or smooth it."
        )
    return Start(system, point, data), notices


class _Probe(NamedTuple):
    objectives: dict[str, Array]
    constraints: dict[str, Array]
    outside: Array
    gradient_finite: Array


@eqx.filter_jit
def _probe(system: System, point: Point, data: PyTree) -> _Probe:
    at = system.linearize(point.primal, data)
    leaves = jax.tree.leaves(at.direction(point.duals))
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))
    return _Probe(at.objectives, at.constraints, system.space.distance(point.primal), finite)


@eqx.filter_jit
def _project(system: System, primal: PyTree) -> PyTree:
    return system.space.project(primal)
