"""From what was measured to a verdict."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .._operators import CommonDescentOperator
from .._statements import AbstractStatement
from .._system import System
from ._certificate import Certificate, Check, Curvature, Verdict
from ._exact import Exact, exactly
from ._first_order import checks, leaf_names
from ._measure import Local, Measured, force_scales, look, measure
from ._multipliers import estimate
from ._second_order import curvatures

DENSE_HESSIAN = 300
"""Up to this many unknowns `second_order="auto"` looks at the curvature."""


class Request(NamedTuple):
    """What `certify` was asked for."""

    tol: float
    second_order: bool | str
    ray: Any
    samples: int
    seed: int


def conclude(
    problem: AbstractStatement, primal: PyTree, given: dict, data: PyTree, request: Request
) -> Certificate:
    """The certificate of a point. Runs in `enable_x64`."""
    exact = exactly(problem, primal, data, samples=request.samples, seed=request.seed)
    system, primal = exact.system, exact.primal
    local = look(system, primal, exact.data)
    values = {name: float(v) for name, v in local.objectives.items()}
    several = isinstance(system.operator, CommonDescentOperator)
    objective = values if several else next(iter(values.values()), float("nan"))
    duals = given_duals(system, local, given)
    if not bool(local.finite):
        return not_finite(exact, local, objective, duals, request)

    scales = force_scales(system, primal, exact.data, local) if several else np.ones(1)
    label = "given" if duals is not None else "estimated"
    label = label if system.constraints else "none"
    weights = np.ones(1)
    if duals is None or several:
        duals, weights = estimate(
            system, primal, exact.data, local, scales, max(1e-6, 10 * request.tol)
        )
    duals = {name: jnp.asarray(dual, jnp.float64) for name, dual in duals.items()}
    found = measure(system, primal, exact.data, jnp.asarray(weights), duals, local)
    if not bool(found.finite):
        return not_finite(exact, local, objective, duals, request)
    made = checks(system, primal, found, request.tol)
    notes = list(exact.notes)
    surrogates = [name for name, c in system.constraints.items() if c.surrogate is not None]
    if surrogates:
        notes.append(
            f"the gradients of {', '.join(surrogates)} are those of their surrogates; feasibility "
            "is that of the true functions"
        )
    curvature: dict[str, Curvature] = {}
    if all(check.passed for check in made):
        curvature, remark = second_order(exact, weights, duals, local, found, request)
        notes += remark
    verdict = decide(problem, made, found, curvature, request.tol)
    return Certificate(
        verdict=verdict,
        tol=request.tol,
        checks=made,
        objective=objective,
        duals={name: np.asarray(dual) for name, dual in duals.items()},
        multipliers=label,
        curvature=curvature,
        set_prices=prices(system, primal, found),
        weights=dict(zip(values, map(float, weights), strict=True)) if several else {},
        notes=tuple(notes),
    )


def given_duals(system: System, local: Local, given: dict) -> dict[str, Any] | None:
    """The given multipliers in float64, or None when some are missing."""
    for name, dual in given.items():
        if name not in system.constraints:
            raise ValueError(
                f"duals name {name!r}, but the constraints are {sorted(system.constraints)}."
            )
        shape = np.shape(local.values[name])
        if np.shape(dual) != shape:
            raise ValueError(f"duals[{name!r}] has shape {np.shape(dual)}, not {shape}.")
    if set(given) != set(system.constraints):
        return None
    return {name: jnp.asarray(given[name], jnp.float64) for name in system.constraints}


def second_order(
    exact: Exact, weights, duals, local: Local, found: Measured, request: Request
) -> tuple[dict[str, Curvature], list[str]]:
    """The curvatures by player, or why they were not looked at."""
    size = sum(leaf.size for leaf in jax.tree.leaves(exact.primal))
    if request.second_order is False:
        return {}, ["first order only: curvature was not asked for"]
    if request.second_order == "auto" and size > DENSE_HESSIAN:
        return {}, [f"first order only: {size} unknowns; second_order=True looks at the curvature"]
    found_curvature = curvatures(
        exact.system, exact.primal, exact.data, weights, duals, local, found, request.tol
    )
    return found_curvature, []


def decide(
    problem: AbstractStatement,
    made: tuple[Check, ...],
    found: Measured,
    curvature: dict[str, Curvature],
    tol: float,
) -> Verdict:
    """The verdict on a point from its checks and curvatures."""
    failed = {check.kind for check in made if not check.passed}
    if failed & {"feasibility", "set"}:
        inside = "set" not in failed
        stuck = inside and float(found.blocked) <= tol
        return Verdict.LOCALLY_INFEASIBLE if stuck else Verdict.INFEASIBLE_POINT
    if failed:
        return Verdict.NOT_STATIONARY
    signs = [c.sign for c in curvature.values()]
    players = len(signs) > 1
    if any(sign < 0 for sign in signs):
        return Verdict.NOT_A_SADDLE if players else Verdict.SADDLE
    if getattr(problem, "convex", False):
        return Verdict.OPTIMAL
    if signs and all(sign > 0 for sign in signs):
        return Verdict.LOCAL_SADDLE if players else Verdict.LOCAL_MINIMUM
    return Verdict.STATIONARY


def not_finite(exact: Exact, local: Local, objective, duals, request: Request) -> Certificate:
    """The certificate of a point at which something is NaN or infinite."""
    made = []
    for name, leaf in zip(
        leaf_names(exact.system, exact.primal), jax.tree.leaves(exact.primal), strict=True
    ):
        made.append(_finite(name, leaf))
    made += [_finite(f"value of {name}", value) for name, value in local.objectives.items()]
    made += [_finite(f"value of {name}", value) for name, value in local.values.items()]
    made += [_finite(f"multiplier of {name}", dual) for name, dual in (duals or {}).items()]
    made.append(_finite("gradients", local.gradients))
    made += [_finite(f"gradient of {name}", size) for name, size in local.sizes.items()]
    return Certificate(
        verdict=Verdict.UNDETERMINED,
        tol=request.tol,
        checks=tuple(check for check in made if not check.passed),
        objective=objective,
        duals={name: np.asarray(dual) for name, dual in (duals or {}).items()},
        multipliers="given" if duals else "none",
        notes=tuple(exact.notes),
    )


def _finite(name: str, value) -> Check:
    good = bool(np.all(np.isfinite(np.asarray(value))))
    size = 0.0 if good else float("nan")
    return Check("finite", name, size, size, good)


def prices(system: System, primal: PyTree, found: Measured) -> dict[str, float]:
    """The multiplier of each leaf's set, where it has a size."""
    if found.prices is None:
        return {}
    names = leaf_names(system, primal)
    each = jax.tree.leaves(found.prices, is_leaf=lambda x: x is None)
    return {name: float(p) for name, p in zip(names, each, strict=True) if p is not None}
