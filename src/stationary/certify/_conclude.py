"""From what was measured to a verdict."""

import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .._nested import Nested
from .._operators import CommonDescentOperator
from .._statements import AbstractStatement, Minimize, Saddle
from .._system import System
from ._certificate import Certificate, Check, Curvature, Kink, Ray, Verdict
from ._classify import boundary, default_rtol, minimax_at
from ._exact import Exact, exactly
from ._first_order import allowance, checks, leaf_names
from ._gap import duality_gap
from ._kinks import Found, look_around
from ._kinks import supported as supported_hull
from ._matrix_free import extreme_curvature, supported
from ._measure import Local, Measured, force_scales, look, measure
from ._minimax import MinimaxPoint, MinimaxVerdict
from ._multipliers import estimate
from ._nested import certify_nested
from ._rays import infeasibility, read_claim, stuck, unboundedness
from ._sampling import standard_errors
from ._second_order import curvatures

DENSE_HESSIAN = 300
"""Up to this many unknowns `second_order="auto"` looks at the curvature."""


MATRIX_FREE = 2000
"""Beyond this many unknowns the curvature is found without forming a Hessian."""


class Request(NamedTuple):
    """What `certify` was asked for."""

    tol: float
    second_order: bool | str
    ray: Any
    samples: int
    seed: int
    last: dict[str, Any] | None = None
    """The multipliers that a method ended with when it took the problem for infeasible."""


def conclude(
    problem: AbstractStatement, primal: PyTree, given: dict, data: PyTree, request: Request
) -> Certificate:
    """The certificate of a point. Runs in `enable_x64`."""
    if isinstance(problem, Nested):
        return certify_nested(problem, primal, given, data, request)
    exact = exactly(problem, primal, data, samples=request.samples, seed=request.seed)
    system, primal = exact.system, exact.primal
    local = look(system, primal, exact.data)
    values = {name: float(v) for name, v in local.objectives.items()}
    several = isinstance(system.operator, CommonDescentOperator)
    objective = values if several else next(iter(values.values()), float("nan"))
    duals = given_duals(system, local, given)
    if not bool(local.finite):
        return not_finite(exact, local, objective, duals, request)

    scales = np.ones(1)
    if several:
        scales = np.asarray(force_scales(system, primal, exact.data, local))
    label = "given" if duals is not None else "estimated"
    label = label if system.constraints else "none"
    weights = np.ones(1)
    if duals is None or several:
        near = nearness(exact, local, scales, request)
        duals, weights = estimate(system, primal, exact.data, local, scales, near)
    duals = {name: jnp.asarray(dual, jnp.float64) for name, dual in duals.items()}
    found = measure(system, primal, exact.data, jnp.asarray(weights), duals, local)
    if not bool(found.finite):
        return not_finite(exact, local, objective, duals, request)
    errors, named_errors = None, {}
    if exact.sampled:
        errors, named_errors = standard_errors(
            system, primal, exact.data, jnp.asarray(weights), duals, local, found
        )
    made = checks(system, primal, found, request.tol, errors)
    failed = {check.kind for check in made if not check.passed}
    around = at_kink(exact, local, scales, duals if label == "given" else None, failed, request)
    if around is not None:
        duals, weights, made = around.duals, around.weights, around.checks
        failed = set()
    notes = [*exact.notes, *remarks(exact, request)]
    # Rays and dual bounds speak of one objective, and of exact functions with their own gradients.
    plain = problem if isinstance(problem, Minimize) else None
    plain = None if exact.sampled or surrogates(system) else plain
    ray = None
    if plain is not None:
        ray = find_ray(exact, local, duals, failed, plain.convex, request)
    elif request.ray is not None:
        notes.append("the given ray was not checked: that takes a Minimize of exact functions")
    curvature: dict[str, Curvature] = {}
    if around is not None:
        notes.append("first order only: curvature says nothing at a kink")
    elif not failed:
        curvature, remark = second_order(exact, weights, duals, local, found, request)
        notes += remark
    minimax = in_order(problem, exact, curvature, request)
    if minimax is not None:
        notes.append(f"when x moves first and y answers: {minimax}")
    kink = around.kink if around is not None else None
    verdict = decide(problem, failed, found, curvature, ray, request.tol, minimax, kink)
    if verdict is Verdict.LOCALLY_INFEASIBLE:
        held = duals if float(found.held) <= min(request.tol, float(found.blocked)) else None
        notes.append(stuck(system, local, held))
    gap = None
    if (
        around is None
        and plain is not None
        and plain.convex
        and not failed & {"feasibility", "set"}
    ):
        gap = duality_gap(system, primal, exact.data, duals, local, found)
    return Certificate(
        verdict=verdict,
        tol=request.tol,
        checks=made,
        objective=objective,
        duals={name: np.asarray(dual) for name, dual in duals.items()},
        multipliers=label,
        gap=gap.value if gap else None,
        gap_reason=gap.reason if gap else "",
        curvature=curvature,
        kink=kink,
        ray=ray,
        set_prices=prices(system, primal, found),
        weights=dict(zip(values, map(float, weights), strict=True)) if several else {},
        errors=named_errors,
        notes=tuple(notes),
    )


def at_kink(
    exact: Exact,
    local: Local,
    scales: np.ndarray,
    duals: dict | None,
    failed: set[str],
    request: Request,
) -> Found | None:
    """What gradients around the point show, where the one at the point does not vanish.

    Only where nothing else is wrong: with multipliers that were given, only stationarity may fail;
    others are estimated once more, and must pass all checks of their own.
    """
    accused = (
        {"stationarity", "dual sign", "complementarity"} if duals is None else {"stationarity"}
    )
    if "stationarity" not in failed or failed - accused:
        return None
    system, primal, tol = exact.system, exact.primal, request.tol
    if exact.sampled or not supported_hull(system, local):
        return None
    found = look_around(exact, local, scales, duals, nearness(exact, local, scales, request), tol)
    if found is None:
        return None
    at = measure(system, primal, exact.data, jnp.asarray(found.weights), found.duals, local)
    others = [c for c in checks(system, primal, at, tol) if c.kind != "stationarity"]
    if not all(check.passed for check in others):
        return None
    return found._replace(checks=(*found.checks, *others))


def nearness(exact: Exact, local: Local, scales: np.ndarray, request: Request) -> float:
    """The relative distance within which a constraint counts as active."""
    near = max(1e-6, 10 * request.tol)
    if not (exact.sampled and exact.system.constraints):
        return near
    # Their values are only known to their standard errors, which do not depend on multipliers.
    system, primal, data = exact.system, exact.primal, exact.data
    duals = {name: jnp.zeros_like(value) for name, value in local.values.items()}
    weights = jnp.ones(len(scales))
    found = measure(system, primal, data, weights, duals, local)
    errors, _ = standard_errors(system, primal, data, weights, duals, local, found)
    return max(near, *(allowance(*error) for error in errors.feasibility.values()))


def surrogates(system: System) -> list[str]:
    """The constraints whose gradients are a stand-in's."""
    return [name for name, c in system.constraints.items() if c.surrogate is not None]


def remarks(exact: Exact, request: Request) -> list[str]:
    """What the reader should know about how the functions were evaluated."""
    made = []
    if names := surrogates(exact.system):
        made.append(
            f"the gradients of {', '.join(names)} are those of their surrogates; feasibility is "
            "that of the true functions"
        )
    if exact.sampled:
        made.append(
            f"expectations are means of {request.samples} fresh draws (seed {request.seed}); a "
            "check passes within the tolerance and three standard errors, more for many entries"
        )
    return made


def find_ray(
    exact: Exact, local: Local, duals: dict, failed: set[str], convex: bool, request: Request
) -> Ray | None:
    """A proof that there is no answer, where one was claimed or the point suggests it."""
    multipliers, direction = read_claim(exact.system, exact.primal, request.ray)
    claimed = request.ray is not None
    if multipliers is not None or (not claimed and "feasibility" in failed):
        tol, last = request.tol, request.last
        ray = infeasibility(exact, local, multipliers, duals, convex, tol, last)
        if not failed & {"feasibility", "set"}:
            reason = "the given ray: the point itself is feasible within the tolerance"
            return dataclasses.replace(ray, proved=False, reason=reason)
        return ray if ray.proved or claimed else None
    if direction is not None or not claimed:
        ray = unboundedness(exact, local, direction, request.tol)
        return ray if ray is not None and (ray.proved or claimed) else None
    return None


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
    if request.second_order == "auto" and (size > DENSE_HESSIAN or local.rows is None):
        return {}, [f"first order only: {size} unknowns; second_order=True looks at the curvature"]
    system, primal, data = exact.system, exact.primal, exact.data
    tol = request.tol if not exact.sampled else max(request.tol, 0.3 / np.sqrt(request.samples))
    if local.rows is None or size > MATRIX_FREE:
        if len(system.blocks) > 1 or not supported(system, local):
            return {}, [
                f"first order only: {size} unknowns and sets or cones beyond entrywise ones"
            ]
        try:
            return {"x": extreme_curvature(system, primal, data, duals, local, found, tol)}, []
        except TypeError:
            return {}, ["first order only: a function has no forward derivative"]
    return curvatures(system, primal, data, weights, duals, local, found, tol), []


def in_order(
    problem: AbstractStatement, exact: Exact, curvature: dict[str, Curvature], request: Request
) -> MinimaxPoint | None:
    """What a saddle's point is when x moves first, where its players' curvatures leave that open.

    Inside the sets and for exact functions only, where curvature was looked at.
    """
    if not (isinstance(problem, Saddle) and curvature) or exact.sampled:
        return None
    # y is at no maximum, or each player is at its best already: nothing is left open.
    if curvature["y"].sign < 0 or all(c.sign > 0 for c in curvature.values()):
        return None
    size = sum(leaf.size for leaf in jax.tree.leaves(exact.primal))
    if size > MATRIX_FREE or boundary(exact) is not None:
        return None
    return minimax_at(exact, default_rtol(request.tol))


def decide(
    problem: AbstractStatement,
    failed: set[str],
    found: Measured,
    curvature: dict[str, Curvature],
    ray: Ray | None,
    tol: float,
    minimax: MinimaxPoint | None = None,
    kink: Kink | None = None,
) -> Verdict:
    """The verdict on a point from the kinds of its failed checks, its curvatures and its ray."""
    if ray is not None and ray.proved:
        return Verdict.INFEASIBLE if ray.kind == "infeasible" else Verdict.UNBOUNDED
    if failed & {"feasibility", "set"}:
        stuck = "set" not in failed and min(float(found.blocked), float(found.held)) <= tol
        return Verdict.LOCALLY_INFEASIBLE if stuck else Verdict.INFEASIBLE_POINT
    if failed:
        return Verdict.NOT_STATIONARY
    if kink is not None:
        return Verdict.SADDLE if kink.better else Verdict.EPSILON_STATIONARY
    signs = [c.sign for c in curvature.values()]
    players = len(signs) > 1
    if minimax is not None and minimax.verdict is MinimaxVerdict.STRICT:
        return Verdict.LOCAL_MINIMAX
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
