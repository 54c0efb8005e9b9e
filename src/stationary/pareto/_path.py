"""Solving one problem after another along a path of data, each from where the last ended."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._adjoint import implicit
from .._compiled import jit_once
from .._method import AbstractMethod, check_method
from .._point import Point
from .._registry import choose_method
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


class Trail(NamedTuple):
    """The last two answers, or the start twice, and the coefficients that they belong to."""

    before: Point
    last: Point
    old: Float[Array, "k"]
    new: Float[Array, "k"]

    def then(self, answer: Point, coefficients: Float[Array, "k"]) -> "Trail":
        """One answer further."""
        return Trail(self.last, answer, self.new, coefficients)


class Path:
    """A walk along the answers of one scalarised problem.

    **Arguments:**

    - `problem`: the scalarised problem; its coefficients are what changes.
    - `start`: where the first solve starts.
    - `settings`: how to solve.
    """

    def __init__(self, problem: Minimize, start: PyTree, settings: Settings) -> None:
        self.problem, self.settings = problem, settings
        self._start = start
        self._trail: Trail | None = None

    def go(self, coefficients: Float[np.ndarray, "k"], start: Point | None = None) -> Solution:
        """Solve for these coefficients, starting from what the path so far predicts.

        **Arguments:**

        - `start`: where to start instead.
        """
        settings, data = self.settings, self.data(coefficients)
        system, point, ready = prepare(self.problem, self._start, data=data)
        row = ready.coefficients
        trail = self._trail or Trail(point, point, row, row)
        there = start or predict(settings.predictor, system, trail, ready)
        solution = solve(
            self.problem,
            there.primal,
            settings.method,
            data=data,
            duals=there.duals,
            **settings.options,
        )
        self._trail = trail.then(solution.point, row)
        return solution

    def data(self, coefficients: Float[np.ndarray, "k"]) -> Scalarized:
        """The problem's data with other coefficients."""
        own = self.problem.data
        return Scalarized(np.asarray(coefficients, float), own.scale, own.data)

    def method(self, system: System) -> AbstractMethod:
        """How the scalarised problem is solved."""
        method = self.settings.method or choose_method(system)[0]
        check_method(method, system)
        return method

    def begin(self, coefficients: Float[np.ndarray, "k"]) -> tuple[System, Trail, Scalarized]:
        """The system, a trail that has only the start, and the data for these coefficients."""
        system, point, data = prepare(self.problem, self._start, data=self.data(coefficients))
        return system, Trail(point, point, data.coefficients, data.coefficients), data


@jit_once
def predict(predictor: str, system: System, trail: Trail, data: Scalarized) -> Point:
    """Where the answer for new coefficients may be: the last one wherever nothing better is known.

    **Arguments:**

    - `predictor`: one of `PREDICTORS`.
    - `trail`: the answers so far.
    - `data`: with the new coefficients.
    """
    # On a manifold a straight prediction would have to be brought back.
    if predictor == "none" or Capability.PROJECT not in system.space.capabilities:
        return trail.last
    way = _tangent if predictor == "tangent" else _secant
    there = jax.tree.map(jnp.add, trail.last, way(system, trail, data))
    return _better(system, trail.last, there, data)


def _tangent(system: System, trail: Trail, data: Scalarized) -> Point:
    """The change of the answer by its derivative at the last coefficients."""

    def answer(coefficients):
        # Sensitivities of the answer, not of the iterations that led to it.
        here = eqx.tree_at(lambda d: d.coefficients, data, coefficients)
        return implicit(trail.last, system, here)

    return jax.jvp(answer, (trail.new,), (data.coefficients - trail.new,))[1]


def _secant(system: System, trail: Trail, data: Scalarized) -> Point:
    """The last change once more, as far as the coefficients go on in its direction."""
    change = trail.new - trail.old
    square = jnp.sum(change**2)
    ahead = (data.coefficients - trail.new) @ change / jnp.where(square > 0, square, 1)
    return jax.tree.map(lambda a, b: ahead.astype(b.dtype) * (b - a), trail.before, trail.last)


def _better(system: System, last: Point, there: Point, data: Scalarized) -> Point:
    """A prediction, or the last answer where that leaves the smaller residual."""
    duals = {name: system.constraints[name].cone.polar(dual) for name, dual in there.duals.items()}
    there = Point(system.space.project(there.primal), duals)

    def size(point: Point):
        return jnp.linalg.norm(ravel_pytree(system.root(point, data))[0])

    # A derivative that does not exist comes out as NaN, and loses.
    good = size(there) < size(last)
    return jax.tree.map(lambda new, old: jnp.where(good, new, old), there, last)
