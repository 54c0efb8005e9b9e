"""The checks of the first-order conditions, from what was measured."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._compiled import Compiled, Split
from .._dtypes import working_dtype
from .._point import Point
from .._system import System, largest
from ..sets import Euclidean, Zero
from ._certificate import Check
from ._local import observe
from ._measure import Measured, entries, natural, pressure


class Assessment(NamedTuple):
    """What the driver asks before it calls a solve converged."""

    shortfall: Float[Array, ""]
    """The largest scaled first-order residual: what a certificate would measure."""
    objective: Float[Array, ""]


def judge(system: System, point: Point, data: PyTree) -> Assessment:
    """Judge a point as a certificate would, but in the precision of the point."""
    one = jnp.ones(1, working_dtype(point.primal))
    local = observe(system, point.primal, data)
    at = pressure(system, point.primal, data, one, point.duals, local)
    parts = [largest(natural(system, point.primal, at)) / at.extent]
    for _, found in entries(system, local, point.duals, at):
        parts.append(largest((found.relative, found.leaning, found.contact)))
    nothing = jnp.full((), jnp.nan, one.dtype)
    objective = next(iter(local.objectives.values()), nothing)
    return Assessment(jnp.max(jnp.stack(parts)), objective)


def _assess(split: Split, point: Point, data: PyTree) -> Assessment:
    return judge(split.whole, point, data)


assess = Compiled(_assess, once=True)


class Errors(NamedTuple):
    """Standard errors of scaled residuals, with the number of entries each is the largest of."""

    stationarity: list[tuple[float, int]]
    feasibility: dict[str, tuple[float, int]]


def checks(
    system: System, primal: PyTree, found: Measured, tol: float, errors: Errors | None = None
) -> tuple[Check, ...]:
    """Every first-order check, in the order a reader wants them."""
    made = []
    names = leaf_names(system, primal)
    for i, name in enumerate(names):
        error, count = errors.stationarity[i] if errors else (0.0, 1)
        made.append(
            _check(
                "stationarity",
                name,
                found.stationarity[i],
                found.scaled_stationarity[i],
                tol,
                error,
                count,
            )
        )
    for name in system.constraints:
        error, count = errors.feasibility[name] if errors else (0.0, 1)
        absolute, scaled = found.violation[name], found.scaled_violation[name]
        made.append(_check("feasibility", name, absolute, scaled, tol, error, count))
    for name, c in system.constraints.items():
        if isinstance(c.cone, Zero):
            continue  # free multipliers, and a product that is zero with the constraint
        error, count = errors.feasibility[name] if errors else (0.0, 1)
        made.append(_check("dual sign", name, found.dual[name], found.scaled_dual[name], tol))
        absolute, scaled = found.complementarity[name], found.scaled_complementarity[name]
        made.append(_check("complementarity", name, absolute, scaled, tol, error, count))
    for i, (name, s) in enumerate(zip(names, system.space.leaves, strict=True)):
        if not isinstance(s, Euclidean):
            made.append(_check("set", name, found.outside[i], found.scaled_outside[i], tol))
    return tuple(made)


def allowance(error: float, count: int) -> float:
    """What chance alone may add to the largest of `count` estimates: 3 standard errors for one."""
    return error * max(3.0, 1.5 + float(np.sqrt(2 * np.log(max(count, 1)))))


def _check(kind, name, absolute, scaled, tol, error=0.0, count=1) -> Check:
    scaled = float(scaled)
    passed = scaled <= tol + allowance(error, count)
    return Check(kind, name, float(absolute), scaled, passed, float(error))


def leaf_names(system: System, primal: PyTree) -> list[str]:
    """The variable's arrays as a reader would write them: `"x"`, `"x['w']"`, or `"y"`."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(primal)]
    if len(system.blocks) == 1:
        return [system.blocks[0].name + jax.tree_util.keystr(path) for path in paths]
    return [system.blocks[path[0].idx].name + jax.tree_util.keystr(path[1:]) for path in paths]
