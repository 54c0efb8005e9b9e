"""Certificates of nested problems: each level judged as a problem of its own.

The lower level is an ordinary problem in y at the given x. The upper one is an ordinary problem in
x, along the answer y(x) of the lower one, whose derivative comes from the lower one's optimality
conditions; so neither judgement depends on how the nested problem was solved.

**Source:** Dempe (2002), Foundations of Bilevel Programming, chapters 4 and 5.
"""

import dataclasses
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._functions import takes_data
from .._nested import Nested
from .._point import Point
from .._statements import Minimize
from .._system import System
from ._certificate import Certificate, Verdict
from ._exact import widen

_SINGULAR = 1e-7
_DENSE = 3000


def certify_nested(
    problem: Nested, primal: tuple, given: dict, data: PyTree, request: Any
) -> Certificate:
    """The certificate of a nested problem at `(x, y, ...)`. Runs in `enable_x64`.

    **Arguments:**

    - `problem`: the nested statement.
    - `primal`: a tuple that begins with x and y; a third entry, if there is one, holds the lower
        multipliers by name.
    - `given`: multipliers of the upper constraints, by name; others in it are ignored, for they
        belong to the response.
    """
    from ._conclude import conclude

    if not (isinstance(primal, tuple) and len(primal) >= 2):
        raise TypeError(
            "the point of a Nested problem begins with the pair (x, y), got "
            f"{type(primal).__name__}."
        )
    data = problem.data if data is None else data
    x, y = widen(primal[:2])
    below = _lower_statement(problem, x, data)
    names = set(problem.follower.subject_to)
    multipliers = primal[2] if len(primal) > 2 and isinstance(primal[2], dict) else {}
    known = multipliers if set(multipliers) == names else {}
    plain = request._replace(ray=None)
    lower = conclude(below, y, known, None, plain)

    response = _response(below.lower(y), x, y, lower.duals, widen(data))
    above = _upper_statement(problem, x, y, response.slope, data)
    kept = {name: given[name] for name in problem.leader.subject_to if name in given}
    upper = conclude(above, x, kept, None, plain._replace(second_order=False))
    return _join(upper, lower, response, request)


class _Response(NamedTuple):
    """dy/dx, and how well the lower problem determines it."""

    slope: Float[Array, "ny nx"]
    condition: float
    """The smallest over the largest singular value of the lower problem's equations."""


def _lower_statement(problem: Nested, x: PyTree, data: PyTree) -> Minimize:
    follower = problem.follower
    constraints = {
        name: eqx.tree_at(lambda c: c.fn, c, _AtUpper(c.fn))
        for name, c in follower.subject_to.items()
    }
    return Minimize(
        _AtUpper(follower.objective),
        constraints,
        follower.over,
        (x, data),
        convex=follower.convex,
        has_aux=follower.has_aux,
        flipped=follower.flipped,
    )


def _upper_statement(problem: Nested, x, y, slope, data) -> Minimize:
    leader = problem.leader
    constraints = {
        name: eqx.tree_at(lambda c: c.fn, c, _AlongResponse(c.fn))
        for name, c in leader.subject_to.items()
    }
    return Minimize(
        _AlongResponse(leader.objective),
        constraints,
        leader.over,
        (x, y, slope, data),
        has_aux=leader.has_aux,
        flipped=leader.flipped,
    )


class _AtUpper(eqx.Module):
    """A function of (x, y) as one of y at a fixed x."""

    fn: Any

    def __call__(self, y: PyTree, data: tuple) -> Any:
        x, own = data
        return self.fn(x, y, own) if takes_data(self.fn, 2) else self.fn(x, y)


class _AlongResponse(eqx.Module):
    """A function of (x, y) as one of x alone, where y follows its response to first order."""

    fn: Any

    def __call__(self, x: PyTree, data: tuple) -> Any:
        x0, y0, slope, own = data
        flat, unravel = ravel_pytree(y0)
        moved = ravel_pytree(x)[0] - ravel_pytree(x0)[0]
        y = unravel(flat + slope @ moved)
        return self.fn(x, y, own) if takes_data(self.fn, 2) else self.fn(x, y)


def _response(lower: System, x: PyTree, y: PyTree, duals: dict, data: PyTree) -> _Response:
    duals = {name: jnp.asarray(dual) for name, dual in duals.items()}
    size = sum(v.size for v in jax.tree.leaves((y, duals)))
    if size > _DENSE:
        raise ValueError(
            f"the lower problem has {size} unknowns and multipliers; certificates of nested "
            f"problems form its equations, and go up to {_DENSE}."
        )
    by_answer, by_x = map(np.asarray, _equations(lower, x, y, duals, data))
    rows = np.linalg.norm(by_answer, axis=1)
    rows = np.where(rows > 0, rows, 1.0)[:, None]  # units of a constraint do not matter
    left, values, right = np.linalg.svd(by_answer / rows)
    some = values > 1e-12 * values[0]
    moved = right.T @ (
        np.where(some, 1 / np.where(some, values, 1.0), 0.0)[:, None] * (left.T @ (by_x / rows))
    )
    count = sum(v.size for v in jax.tree.leaves(y))
    return _Response(jnp.asarray(-moved[:count]), float(values[-1] / values[0]))


@eqx.filter_jit
def _equations(lower: System, x: PyTree, y: PyTree, duals: dict, data: PyTree):
    """The derivatives of the lower problem's root in its answer and in x."""
    flat_answer, unravel_answer = ravel_pytree(Point(y, duals))
    flat_x, unravel_x = ravel_pytree(x)

    def root(answer, x):
        return ravel_pytree(lower.root(unravel_answer(answer), (unravel_x(x), data)))[0]

    return jax.jacfwd(root, argnums=(0, 1))(flat_answer, flat_x)


def _join(upper: Certificate, lower: Certificate, response: _Response, request: Any) -> Certificate:
    def under(name: str) -> str:
        return "y" + name[1:] if name == "x" or name.startswith("x[") else f"lower {name}"

    checks = (
        *upper.checks,
        *(dataclasses.replace(check, name=under(check.name)) for check in lower.checks),
    )
    curvature = {"y": lower.curvature["x"]} if "x" in lower.curvature else {}
    notes = [
        *(f"lower problem: {note}" for note in lower.notes),
        "upper problem: gradients are along the lower answer y(x), from the lower problem's own "
        "equations; its curvature is not looked at",
    ]
    singular = not response.condition > _SINGULAR
    if singular:
        notes.append(
            "the lower equations are nearly singular (no strict complementarity, or dependent "
            "constraints): y(x) may have no derivative, and the upper gradient no meaning"
        )
    return Certificate(
        verdict=_verdict(upper.verdict, lower.verdict, singular),
        tol=request.tol,
        checks=checks,
        objective={
            "upper": float(np.asarray(upper.objective)),
            "lower": float(np.asarray(lower.objective)),
        },
        duals={**upper.duals, **{f"lower {name}": dual for name, dual in lower.duals.items()}},
        multipliers=_label(upper.multipliers, lower.multipliers),
        curvature=curvature,
        set_prices={
            **upper.set_prices,
            **{under(name): price for name, price in lower.set_prices.items()},
        },
        notes=tuple(notes),
    )


def _verdict(upper: Verdict, lower: Verdict, singular: bool) -> Verdict:
    if not lower.passed:
        return lower
    if singular and upper.passed:
        return Verdict.UNDETERMINED
    return upper


def _label(upper: str, lower: str) -> str:
    return max((upper, lower), key=("none", "given", "estimated").index)
