"""Solving one problem after another along a path of data, each from where the last ended."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Float, PyTree

from .._adjoint import implicit
from .._compiled import jit_once
from .._method import AbstractMethod
from .._point import Point
from .._solution import Solution
from .._start import prepare
from .._statements import Minimize
from .._system import System
from ..driver import solve
from ..sets import Capability
from ._scalarize import Scalarized

PREDICTORS = ("tangent", "secant", "none")


class Settings(NamedTuple):
    """What the solves along a path have in common."""

    method: AbstractMethod | None
    predictor: str
    options: dict[str, Any]
    """Passed on to `solve`."""
    observe: Callable[[str], None]


class Path:
    """A walk along the answers of one scalarised problem.

    **Arguments:**

    - `problem`: the scalarised problem; its coefficients are what changes.
    - `start`: where the first solve starts.
    - `settings`: how to solve.
    """

    def __init__(self, problem: Minimize, start: PyTree, settings: Settings) -> None:
        self.problem = problem
        self._start, self._settings = start, settings
        self._points: list[Point] = []
        self._rows: list[np.ndarray] = []

    def go(self, coefficients: Float[np.ndarray, "k"]) -> Solution:
        """Solve for these coefficients, starting from what the path so far predicts."""
        data = _with(self.problem.data, coefficients)
        start, duals = self._start, None
        if self._points:
            there = self._predict(data)
            start, duals = there.primal, there.duals
        settings = self._settings
        solution = solve(
            self.problem, start, settings.method, data=data, duals=duals, **settings.options
        )
        self._points.append(solution.point)
        self._rows.append(np.asarray(coefficients))
        return solution

    def _predict(self, data: Scalarized) -> Point:
        last = self._points[-1]
        if self._settings.predictor == "none":
            return last
        system, last, data = prepare(self.problem, last.primal, data=data, duals=last.duals)
        if Capability.PROJECT not in system.space.capabilities:
            return last  # on a manifold a straight prediction has to be brought back otherwise
        if self._settings.predictor == "tangent":
            old = jnp.asarray(self._rows[-1], data.coefficients.dtype)
            return _along_tangent(system, last, data, old)
        if len(self._points) < 2:
            return last
        before, old, new = self._rows[-2], self._rows[-1], np.asarray(data.coefficients)
        square = float(np.sum((old - before) ** 2))
        # How far the new coefficients go on in the direction of the last change.
        ahead = float((new - old) @ (old - before)) / square if square > 0 else 0.0
        return _along_secant(system, self._points[-2], last, data, jnp.asarray(ahead))


def _with(data: Scalarized, coefficients: Any) -> Scalarized:
    return Scalarized(np.asarray(coefficients, float), data.scale, data.data)


@jit_once
def _along_tangent(system: System, last: Point, data: Scalarized, old: PyTree) -> Point:
    """The answer at new coefficients by its derivative at the old ones."""

    def answer(coefficients):
        # Sensitivities of the answer, not of the iterations that led to it.
        return implicit(last, system, eqx.tree_at(lambda d: d.coefficients, data, coefficients))

    _, change = jax.jvp(answer, (old,), (data.coefficients - old,))
    return _better(system, last, jax.tree.map(jnp.add, last, change), data)


@jit_once
def _along_secant(
    system: System, before: Point, last: Point, data: Scalarized, ahead: PyTree
) -> Point:
    """The answer at new coefficients by the last change, made once more."""
    there = jax.tree.map(lambda a, b: b + ahead.astype(b.dtype) * (b - a), before, last)
    return _better(system, last, there, data)


def _better(system: System, last: Point, there: Point, data: Scalarized) -> Point:
    """A prediction, or the last answer where that leaves the smaller residual."""
    duals = {name: system.constraints[name].cone.polar(dual) for name, dual in there.duals.items()}
    there = Point(system.space.project(there.primal), duals)

    def size(point: Point):
        return jnp.linalg.norm(ravel_pytree(system.root(point, data))[0])

    # A derivative that does not exist comes out as NaN, and loses.
    good = size(there) < size(last)
    return jax.tree.map(lambda new, old: jnp.where(good, new, old), there, last)
