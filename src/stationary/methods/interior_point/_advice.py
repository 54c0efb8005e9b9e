"""What the instructions of a problem's functions say about it, before anything is solved."""

from collections.abc import Iterable, Iterator
from typing import Any

import jax
import numpy as np
from jax.extend import core as jex_core

from ..._constraints import ConstraintTerm
from ..._functions import Term
from ..._operators import GradientOperator
from ..._responses._kkt import KKTOperator
from ..._system import System
from ...sets import Box, Euclidean, Nonnegative, Nonpositive, Positive, Zero

BOUNDING = (Euclidean, Box, Positive, Zero, Nonnegative, Nonpositive)
"""Sets that do no more than bound entries."""

ORTHANTS = (Zero, Nonpositive, Nonnegative)
"""Cones of equalities and inequalities."""

_KINKED = {
    "abs": "abs",
    "max": "maximum",
    "min": "minimum",
    "sign": "sign",
    "floor": "floor",
    "ceil": "ceil",
    "round": "round",
    "reduce_max": "max",
    "reduce_min": "min",
    "sort": "sort",
}
_DENSE = 1000
"""Up to this many unknowns a few square matrices cost less than what they save."""
_OPAQUE = frozenset({"custom_vjp_call", "custom_vjp_call_jaxpr", "pure_callback", "io_callback"})


def obstacle(system: System, method: str) -> str | None:
    """Why a method of smooth rows and bounds cannot take a system, in words; None if it can."""
    if not isinstance(system.operator, GradientOperator | KKTOperator):
        return f"{method} minimises one objective, and this statement has none."
    if isinstance(system.operator, KKTOperator) and not system.operator.smooth:
        return (
            f"{method} needs the lower optimality conditions to be smooth, but a lower set or "
            "lower constraints give them kinks. Use AugmentedLagrangian."
        )
    for leaf in system.space.leaves:
        if not isinstance(leaf, BOUNDING):
            return (
                f"{method} handles bounds on entries, but `over` is {leaf.describe()}. State "
                "it as constraints, or use AugmentedLagrangian, which projects onto it."
            )
    for name, constraint in system.constraints.items():
        if not isinstance(constraint.cone, ORTHANTS):
            return (
                f"{method} handles equalities and inequalities entry by entry, but constraint "
                f"{name!r} lies in {constraint.cone.describe()}. Use AugmentedLagrangian."
            )
        if constraint.surrogate is not None:
            return (
                f"constraint {name!r} has a surrogate, which {method} would ignore. Use "
                "PrimalDual or AugmentedLagrangian."
            )
    for name, term in _terms(system):
        opaque = sorted({e.primitive.name for e in _equations(term)} & _OPAQUE)
        if opaque:
            return (
                f"{name} has a derivative rule of its own ({opaque[0]}) that cannot be "
                "differentiated again. Use AugmentedLagrangian, which needs gradients only."
            )
    return None


def refuse(system: System, method: str) -> None:
    """Turn away what such a method cannot see as smooth functions, rows and bounds.

    **Raises:** `TypeError` saying what is in the way, and what to use instead.
    """
    reason = obstacle(system, method)
    if reason is not None:
        raise TypeError(reason)


def is_dense(system: System) -> bool:
    """Whether matrices of unknowns by unknowns, and of constraints by unknowns, are affordable."""
    size, rows = _unknowns(system), _rows(system.constraints.values())
    return size <= _DENSE and size * rows <= _DENSE**2


def remarks(system: System) -> list[str]:
    """What a user should know about the problem before trusting its answer."""
    found = []
    size = _unknowns(system)
    equalities = _rows(c for c in system.constraints.values() if isinstance(c.cone, Zero))
    if equalities > size:
        found.append(
            f"there are more equalities ({equalities}) than unknowns ({size}): unless some follow "
            "from others, no point satisfies them all."
        )
    instead = "" if equalities else "; EpsilonDescent() looks at the gradients around a kink"
    for name, term in _terms(system):
        if name != "the objective" and not _depends_on(term, len(system.space.leaves)):
            found.append(f"{name} does not depend on x: it holds everywhere or nowhere.")
        kinks = _kinks(term)
        if kinks:
            found.append(
                f"{name} uses {', '.join(kinks)}, which has kinks: if the answer lies on one, "
                f"steps from second derivatives may end short of it{instead}."
            )
    return found


def _unknowns(system: System) -> int:
    objective = system.operator.objective  # pyright: ignore[reportAttributeAccessIssue]
    start, leaves = len(objective.program.arrays), len(system.space.leaves)
    inputs = objective.program.code.jaxpr.invars[start : start + leaves]
    return sum(int(np.prod(x.aval.shape)) for x in inputs)


def _rows(constraints: Iterable[ConstraintTerm]) -> int:
    return sum(int(np.prod(c.shape)) for c in constraints)


def _terms(system: System) -> Iterator[tuple[str, Term]]:
    operator = system.operator
    assert isinstance(operator, GradientOperator | KKTOperator)
    yield "the objective", operator.objective
    for name, constraint in system.constraints.items():
        yield f"constraint {name!r}", constraint.term


def _equations(term: Term) -> Iterator[Any]:
    """Every instruction of a term, inner functions included, except behind derivative rules."""
    waiting = [term.program.code.jaxpr]
    while waiting:
        for equation in waiting.pop().eqns:
            yield equation
            if equation.primitive.name.startswith("custom_"):
                continue  # smooth as its rule says, whatever it computes with
            for value in jax.tree.leaves(list(equation.params.values())):
                if isinstance(value, jex_core.ClosedJaxpr):
                    waiting.append(value.jaxpr)
                elif isinstance(value, jex_core.Jaxpr):
                    waiting.append(value)


def _kinks(term: Term) -> list[str]:
    """What a term uses that has kinks in real unknowns."""
    used = {
        equation.primitive.name
        for equation in _equations(term)
        if all(np.issubdtype(x.aval.dtype, np.floating) for x in equation.outvars)
    }
    if "stop_gradient" in used:  # as in a log-sum-exp, which subtracts a maximum and adds it again
        return []
    return sorted(_KINKED[name] for name in used if name in _KINKED)


def _depends_on(term: Term, leaves: int) -> bool:
    """Whether any output follows from the first leaves of the inputs: the unknown."""
    jaxpr, start = term.program.code.jaxpr, len(term.program.arrays)
    reached = set(jaxpr.invars[start : start + leaves])

    def known(variable):
        return not isinstance(variable, jex_core.Literal) and variable in reached

    for equation in jaxpr.eqns:
        if any(map(known, equation.invars)):
            reached.update(equation.outvars)
    return any(map(known, jaxpr.outvars))
