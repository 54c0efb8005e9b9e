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

from .._dtypes import as_arrays
from .._functions import Expectation, takes_data
from .._nested import Nested
from .._point import Point
from .._statements import Function, Minimize
from ._certificate import Certificate, Verdict
from ._exact import exactly, widen

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

    response = _response(problem, x, y, lower.duals, data, request)
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
    return _alone(problem.follower, _AtUpper(x), data)


def _upper_statement(problem: Nested, x, y, slope, data) -> Minimize:
    return _alone(problem.leader, _AlongResponse(x, y, slope), data)


def _alone(level: Minimize, pair: "_AtUpper | _AlongResponse", data: PyTree) -> Minimize:
    """One level as a problem in its own variable, the other being given by `pair`."""

    def own(fn: Function) -> Function:
        if isinstance(fn, Expectation):
            return Expectation(_OfSample(fn.fn, pair), fn.stream)
        return _OfData(fn)

    constraints = {
        name: eqx.tree_at(
            lambda c: (c.fn, c.surrogate),
            c,
            (own(c.fn), None if c.surrogate is None else own(c.surrogate)),
            is_leaf=lambda leaf: leaf is None,
        )
        for name, c in level.subject_to.items()
    }
    return Minimize(
        own(level.objective),
        constraints,
        level.over,
        (pair, data),
        convex=level.convex and isinstance(pair, _AtUpper),
        has_aux=level.has_aux,
        flipped=level.flipped,
    )


class _AtUpper(eqx.Module):
    """The pair (x, y) from y, at a fixed x."""

    x: PyTree

    def __call__(self, y: PyTree) -> tuple[PyTree, PyTree]:
        return self.x, y


class _AlongResponse(eqx.Module):
    """The pair (x, y) from x, where y follows its response to first order."""

    x: PyTree
    y: PyTree
    slope: Float[Array, "ny nx"]

    def __call__(self, x: PyTree) -> tuple[PyTree, PyTree]:
        flat, unravel = ravel_pytree(self.y)
        moved = ravel_pytree(x)[0] - ravel_pytree(self.x)[0]
        return x, unravel(flat + self.slope @ moved)


class _OfData(eqx.Module):
    """A function of (x, y) and perhaps data; its data carry the way to the pair."""

    fn: Any

    def __call__(self, own: PyTree, data: tuple) -> Any:
        pair, rest = data
        pair = pair(own)
        return self.fn(*pair, rest) if takes_data(self.fn, 2) else self.fn(*pair)


class _OfSample(eqx.Module):
    """A function of the pair (x, y) and a sample, as one of a single level's variable."""

    fn: Any
    pair: _AtUpper | _AlongResponse

    def __call__(self, own: PyTree, sample: PyTree) -> Any:
        return self.fn(self.pair(own), sample)


def _response(problem: Nested, x, y, duals: dict, data: PyTree, request: Any) -> _Response:
    duals = {name: jnp.asarray(dual) for name, dual in duals.items()}
    flat_answer, unravel_answer = ravel_pytree(Point(y, duals))
    flat_x, unravel_x = ravel_pytree(x)
    if flat_answer.size > _DENSE:
        raise ValueError(
            f"the lower problem has {flat_answer.size} unknowns and multipliers; certificates of "
            f"nested problems form its equations, and go up to {_DENSE}."
        )

    @jax.jit
    def equations(answer, x, data):
        def root(answer, x):
            below = _lower_statement(problem, unravel_x(x), data)
            exact = exactly(below, y, None, samples=request.samples, seed=request.seed)
            return ravel_pytree(exact.system.root(unravel_answer(answer), exact.data))[0]

        return jax.jacfwd(root, argnums=(0, 1))(answer, x)

    by_answer, by_x = map(np.asarray, equations(flat_answer, flat_x, as_arrays(widen(data))))
    rows = np.linalg.norm(by_answer, axis=1)
    rows = np.where(rows > 0, rows, 1.0)[:, None]  # the units of a constraint do not matter
    left, values, right = np.linalg.svd(by_answer / rows)
    some = values > 1e-12 * values[0]
    inverse = np.where(some, 1 / np.where(some, values, 1.0), 0.0)
    moved = right.T @ (inverse[:, None] * (left.T @ (by_x / rows)))
    count = ravel_pytree(y)[0].size
    return _Response(jnp.asarray(-moved[:count]), float(values[-1] / values[0]))


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
    if not lower.passed:
        notes.append("the verdict is that of the lower problem, whose answer y is not one")
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
