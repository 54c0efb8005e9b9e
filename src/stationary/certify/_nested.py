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

from .._functions import Expectation
from .._levels import FirstTwo, Players, over
from .._levels import constraints as stated
from .._nested import Nested
from .._statements import Balance, Function, Minimize, Saddle
from ._certificate import Certificate, Verdict
from ._exact import exactly, widen
from ._response import Reduced, Response, adjoint_state, respond

_DENSE = 3000
"""Up to this many lower unknowns and multipliers the lower equations are formed."""


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
    below = _Below(problem)(x, data)
    names = set(problem.follower.subject_to)
    multipliers = primal[2] if len(primal) > 2 and isinstance(primal[2], dict) else {}
    known = multipliers if set(multipliers) == names else {}
    plain = request._replace(ray=None)
    lower = conclude(below, y, known, None, plain)

    kept = {name: given[name] for name in stated(problem.leader) if name in given}
    plain = plain._replace(second_order=False)
    size = sum(leaf.size for leaf in jax.tree.leaves((y, lower.duals)))
    if size > _DENSE:
        return _join(*_of_many(problem, x, y, lower, data, plain), lower, request)
    response = respond(_Below(problem), x, y, lower.duals, data, request)
    above = _alone(problem.leader, _AlongResponse(x, y, response.slope), data)
    upper = conclude(above, x, kept, None, plain)
    if isinstance(problem.leader, Saddle):
        upper = _of_players(upper)
    freedom = response.free.shape[1]
    if freedom and isinstance(problem.leader, Saddle):
        doubt = "the lower answer is not unique, and players above it may want different ones"
        return _join(upper, doubt, lower, request)
    if freedom and response.consistent:
        # Lower answers nearby that are as good: y must be the best of them for the upper problem.
        choice = _alone(problem.leader, _Among(x, y, response.free), data)
        found = conclude(choice, jnp.zeros(freedom), kept, None, plain)
        upper = _with_choice(upper, found, freedom)
    return _join(upper, _doubt(response), lower, request)


class _Below(NamedTuple):
    """The lower problem alone, a statement in y, at a given x."""

    problem: Nested

    def __call__(self, x: PyTree, data: PyTree) -> Minimize:
        return _alone(self.problem.follower, _AtUpper(x), data)


class _Objective(NamedTuple):
    """The upper objective, with expectations over all the data."""

    problem: Nested
    samples: int
    seed: int

    def __call__(self, x: PyTree, y: PyTree, data: PyTree) -> Array:
        leader: Any = self.problem.leader
        level = Minimize(leader.objective, has_aux=leader.has_aux)
        alone = _alone(level, _AtUpper(x), data)
        exact = exactly(alone, y, None, samples=self.samples, seed=self.seed)
        return exact.system.linearize(exact.primal, exact.data).objective


def _alone(level: Any, pair: "_Way", data: PyTree) -> Any:
    """One level as a problem in its own variable, the other being given by `pair`."""

    def own(fn: Function) -> Function:
        if isinstance(fn, Expectation):
            return Expectation(_OfSample(fn.fn, pair), fn.stream)
        return _OfData(fn)

    if isinstance(level, Saddle):
        first, second = over(level)
        return Saddle(_OfPlayers(level.objective), first, second, (pair, data))
    constraints = {
        name: eqx.tree_at(
            lambda c: (c.fn, c.surrogate),
            c,
            (own(c.fn), None if c.surrogate is None else own(c.surrogate)),
            is_leaf=lambda leaf: leaf is None,
        )
        for name, c in level.subject_to.items()
    }
    inside = None if isinstance(pair, _Among) else level.over
    if isinstance(level, Balance):
        objectives = {name: own(fn) for name, fn in level.objectives.items()}
        return Balance(objectives, constraints, inside, (pair, data))
    return Minimize(
        own(level.objective),
        constraints,
        inside,
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


class _Among(eqx.Module):
    """The pair (x, y) at a fixed x, from coordinates of the lower answers near y."""

    x: PyTree
    y: PyTree
    free: Float[Array, "ny k"]

    def __call__(self, coordinates: PyTree) -> tuple[PyTree, PyTree]:
        flat, unravel = ravel_pytree(self.y)
        return self.x, unravel(flat + self.free @ coordinates)


_Way = _AtUpper | _AlongResponse | _Among


class _OfData(eqx.Module):
    """A function of (x, y) and perhaps data; its data carry the way to the pair."""

    fn: Any

    def __call__(self, own: PyTree, data: tuple) -> Any:
        pair, rest = data
        return FirstTwo(self.fn)(pair(own), rest)


class _OfPlayers(eqx.Module):
    """A function of (u, v, y) and perhaps data as one of u and v; its data carry the way to y."""

    fn: Any

    def __call__(self, u: PyTree, v: PyTree, data: tuple) -> Any:
        pair, rest = data
        x, y = pair((u, v))
        return Players(self.fn)(x, y, rest)


class _OfSample(eqx.Module):
    """A function of the pair (x, y) and a sample, as one of a single level's variable."""

    fn: Any
    pair: _Way

    def __call__(self, own: PyTree, sample: PyTree) -> Any:
        return self.fn(self.pair(own), sample)


def _doubt(response: Response) -> str:
    """Why the upper gradient may have no meaning, in words; empty if it has one."""
    if response.consistent:
        return ""
    return (
        "the lower equations are nearly singular (no strict complementarity, or dependent "
        "constraints): y(x) may have no derivative, and the upper gradient no meaning"
    )


def _with_choice(upper: Certificate, found: Certificate, freedom: int) -> Certificate:
    """The upper certificate, with that of y among the lower answers."""
    check = next(check for check in found.checks if check.kind == "stationarity")
    note = (
        f"the lower answer is not unique ({freedom} free directions): y is judged as the best of "
        "them for the upper problem"
    )
    return dataclasses.replace(
        upper,
        verdict=upper.verdict if check.passed or not upper.passed else Verdict.NOT_STATIONARY,
        checks=(*upper.checks, dataclasses.replace(check, name="y among lower answers")),
        notes=(*upper.notes, note),
    )


def _of_many(
    problem: Nested, x: PyTree, y: PyTree, lower: Certificate, data: PyTree, request: Any
) -> tuple[Certificate, str]:
    """The upper certificate of a large lower problem, and what casts doubt on it.

    Without dy/dx: F(x, y) - <w, equations(x, y)> with the adjoint state w has, at fixed y, the
    hypergradient as its gradient in x.
    """
    from ._conclude import conclude

    leader = problem.leader
    if not isinstance(leader, Minimize) or leader.subject_to or problem.follower.subject_to:
        raise ValueError(
            "certificates of nested problems with constraints, or with several upper objectives or "
            f"players, form the lower equations, and go up to {_DENSE} lower unknowns and "
            "multipliers."
        )
    below, objective = _Below(problem), _Objective(problem, request.samples, request.seed)
    adjoint, defect = adjoint_state(below, objective, x, y, data, request)
    above = Minimize(
        Reduced(below, objective, request),
        over=leader.over,
        data=(y, adjoint, data),
        flipped=leader.flipped,
    )
    upper = conclude(above, x, {}, None, request)
    sound = defect <= max(1e-6, request.tol)
    doubt = f"the adjoint system was solved to a relative defect of {defect:.1g} only"
    return upper, "" if sound else doubt


def _join(upper: Certificate, doubt: str, lower: Certificate, request: Any) -> Certificate:
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
    notes += [note for note in upper.notes if note not in notes and "lower answer" in note]
    if doubt:
        notes.append(doubt)
    return Certificate(
        verdict=_verdict(upper.verdict, lower.verdict, bool(doubt)),
        tol=request.tol,
        checks=checks,
        objective={
            **_named(upper.objective, "upper"),
            "lower": float(np.asarray(lower.objective)),
        },
        duals={**upper.duals, **{f"lower {name}": dual for name, dual in lower.duals.items()}},
        multipliers=_label(upper.multipliers, lower.multipliers),
        curvature=curvature,
        set_prices={
            **upper.set_prices,
            **{under(name): price for name, price in lower.set_prices.items()},
        },
        weights=upper.weights,
        notes=tuple(notes),
    )


def _of_players(upper: Certificate) -> Certificate:
    """The upper certificate with its players called x[0] and x[1], because y is below."""
    names = {"x": "x[0]", "y": "x[1]"}
    checks = [
        dataclasses.replace(check, name=names.get(check.name[:1], check.name[:1]) + check.name[1:])
        for check in upper.checks
    ]
    return dataclasses.replace(upper, checks=tuple(checks))


def _named(objective: Any, name: str) -> dict[str, float]:
    if isinstance(objective, dict):
        return objective
    return {name: float(np.asarray(objective))}


def _verdict(upper: Verdict, lower: Verdict, doubtful: bool) -> Verdict:
    if not lower.passed:
        return lower
    if doubtful and upper.passed:
        return Verdict.UNDETERMINED
    return upper


def _label(upper: str, lower: str) -> str:
    return max((upper, lower), key=("none", "given", "estimated").index)
