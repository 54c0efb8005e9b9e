"""The boundary: from what a user passes to a system, a point and data that compiled code can run.

Everything that can be wrong with a problem is refused here, by name, before anything compiles.
"""

import copy
import math
import warnings
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from ._compiled import SMALL, jit_once
from ._dtypes import as_arrays, cast, is_floating, working_dtype
from ._hoist import identity, shape_of
from ._memory import remember
from ._point import Point
from ._statements import AbstractStatement
from ._system import System, all_finite


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
        system = as_arrays(problem)
    else:
        data = as_arrays(problem.data if data is None else data)
        statement = with_data(problem, data)
        primal = statement.embed(primal)
        system = _lower(problem, statement, primal)
    return Start(system, Point(primal, _duals(system, duals, dtype)), data)


def _lower(problem: AbstractStatement, statement: AbstractStatement, primal: PyTree) -> System:
    """The system of `statement`, which is `problem` with its data.

    It is the same object as last time when nothing that it depends on has changed: lowering walks
    over every function, constraint and set, which for a small problem takes longer than solving.
    """
    leaves, structure = jax.tree.flatten(with_data(problem, None))
    if any(isinstance(leaf, np.ndarray) and leaf.size > SMALL for leaf in leaves):
        return as_arrays(statement.lower(primal))
    given = (primal, statement.data)
    key = (
        structure,
        tuple(map(_content, leaves)),
        jax.tree.structure(given),
        tuple(map(shape_of, jax.tree.leaves(given))),
        bool(jax.config.jax_enable_x64),  # pyright: ignore[reportAttributeAccessIssue]
    )

    def lower() -> tuple[System, bool]:
        system = statement.lower(primal)
        # A NumPy array that a function closes over may be written to between two solves.
        fixed = not any(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(system))
        return (as_arrays(system) if fixed else system), fixed

    system, fixed = remember(problem, key, lower, unless=_is_traced)
    return system if fixed else as_arrays(system)


def _content(leaf: Any) -> Hashable:
    """A leaf of a statement for comparison: NumPy arrays by their entries, which can change."""
    if isinstance(leaf, np.ndarray):
        return (leaf.shape, str(leaf.dtype), leaf.tobytes())
    return identity(leaf)


def _is_traced(tree: PyTree) -> bool:
    return any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(tree))


def with_data(problem: AbstractStatement, data: PyTree) -> AbstractStatement:
    """`problem` with its data replaced."""
    # Not eqx.tree_at, which goes through all of the statement and takes as long as a small solve.
    problem = copy.copy(problem)
    object.__setattr__(problem, "data", data)
    return problem


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


def _duals(system: System, given: Mapping | None, dtype) -> dict[str, Any]:
    def zeros() -> dict[str, Any]:
        return as_arrays({n: np.zeros(c.shape, dtype) for n, c in system.constraints.items()})

    # Remembered: to make a zero on a device takes as long as a step of a small problem.
    duals = dict(remember(system, ("zero duals", dtype), zeros, unless=_is_traced))
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
        kept = isinstance(value, jax.Array) and value.dtype == dtype
        duals[name] = value if kept else jnp.asarray(value, dtype)
    return duals


class Probe(NamedTuple):
    """Values at a start, by which a malformed problem shows."""

    objectives: dict[str, Array]
    constraints: dict[str, Array]
    outside: Array
    gradient_finite: Array


def probe(system: System, point: Point, data: PyTree) -> Probe:
    """Look at a start; traceable."""
    at = system.linearize(point.primal, data)
    finite = all_finite(at.direction(point.duals))
    return Probe(at.objectives, at.constraints, system.space.distance(point.primal), finite)


_probe = jit_once(probe)


@jit_once
def _project(system: System, primal: PyTree) -> PyTree:
    return system.space.project(primal)


def _trouble(system: System, values: Probe, where: str = "x0") -> str | None:
    """What is not finite at a point, and what to do about it."""
    for kind, terms in (("objective", values.objectives), ("constraint", values.constraints)):
        for name, value in terms.items():
            if not np.all(np.isfinite(value)):
                what = kind if name == "objective" else f"{kind} {name!r}"
                return (
                    f"{what} is not finite at {where} (got {np.asarray(value)}). Start where every "
                    "function is defined, or keep away from the rest with `over`."
                )
    if not bool(values.gradient_finite):
        advice = system.operator.undefined
        return f"the gradient is not finite at {where} although the values are: {advice}"
    return None


def describe_nonfinite(system: System, point: Point, data: PyTree, where: str) -> list[str]:
    """Which function, or whose gradient, is not finite at a point where a solve broke off.

    **Arguments:**

    - `where`: what to call the point.
    """
    trouble = _trouble(system, jax.tree.map(np.asarray, _probe(system, point, data)), where)
    return [] if trouble is None else [trouble]


def _nearby(
    system: System, point: Point, look: Callable[[Point], Probe]
) -> tuple[Point, float] | None:
    """A point of the set near a start at which everything is finite, and how far it is."""
    leaves, structure = jax.tree.flatten(point.primal)
    random = np.random.default_rng(0)
    for reach in _REACHES:
        for _ in range(_TRIES):
            moved = []
            for leaf in leaves:
                leaf = np.asarray(leaf)
                way = random.uniform(-1, 1, leaf.shape) * np.maximum(1.0, np.abs(leaf))
                moved.append(jnp.asarray(leaf + reach * way, leaf.dtype))
            primal = jax.tree.unflatten(structure, moved)
            if system.space.closed:
                primal = _project(system, primal)
            else:
                step = jax.tree.map(jnp.subtract, primal, point.primal)
                primal = system.space.retract(point.primal, step)
            there = Point(primal, point.duals)
            if _trouble(system, jax.tree.map(np.asarray, look(there))) is None:
                return there, reach
    return None


_REACHES, _TRIES = (1e-4, 1e-2, 0.1), 3
"""How far from a start without finite values another one is looked for, relative to its size."""


def settle(start: Start, look: Callable[[Point], Probe] | None = None) -> tuple[Start, list[str]]:
    """Check the values of a start, and move it into the set where that is possible.

    **Arguments:**

    - `start`: what `prepare` returned.
    - `look`: `probe` at a point, where the caller has a compiled program that does it.

    **Returns:** the start, and notices of what was changed.

    **Raises:** `ValueError` when x0 is not finite, lies outside an open set, or when the
    objective or a constraint (named) is not finite there and at no point tried nearby.
    """
    system, point, data = start
    look = look or (lambda point: _probe(system, point, data))
    notices = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(point.primal):
        if not np.all(np.isfinite(np.asarray(leaf))):
            raise ValueError(f"x0{jax.tree_util.keystr(path)} has NaN or infinite entries.")
    values = jax.tree.map(np.asarray, look(point))
    outside = float(values.outside)
    if not outside <= math.sqrt(jnp.finfo(working_dtype(point.primal)).eps):
        if not system.space.closed:
            raise ValueError(
                f"x0 lies outside {system.space.describe()} (by {outside:.3g}), which is open and "
                "has no nearest point. Start strictly inside it."
            )
        notice = f"x0 lay outside {system.space.describe()} (by {outside:.3g}); it was projected."
        notices.append(notice)
        warnings.warn(notice, stacklevel=4)
        point = Point(_project(system, point.primal), point.duals)
        values = jax.tree.map(np.asarray, look(point))
    trouble = _trouble(system, values)
    if trouble is not None:
        nearby = _nearby(system, point, look)
        if nearby is None:
            raise ValueError(trouble)
        point, moved = nearby
        notice = f"{trouble.split('.')[0]}; started from a point up to {moved:.2g} away."
        notices.append(notice)
        warnings.warn(notice, stacklevel=4)
    return Start(system, point, data), notices
