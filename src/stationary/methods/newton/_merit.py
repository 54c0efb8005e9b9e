"""What decides how far a Newton step goes: the slot for merits, and what they are shown."""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from ..._dtypes import as_arrays
from ..._point import Point
from ..._start import prepare
from ..._statements import AbstractStatement
from ..._system import System
from ..interior_point._program import Local, Program


class Place(NamedTuple):
    """A point with the program's values and derivatives there.

    **Arguments:**

    - `x`, `y`: unknowns and multipliers, flat.
    - `local`: objective, constraints, gradient, Jacobian and the Lagrangian's Hessian.
    """

    x: Float[Array, "n"]
    y: Float[Array, "m"]
    local: Local

    @property
    def force(self) -> Float[Array, "n"]:
        """The Lagrangian's gradient by x."""
        return self.local.gradient + self.y @ self.local.jacobian

    @property
    def residual(self) -> Float[Array, "k"]:
        """The Lagrangian's gradient by x and by y: what Newton's method drives to zero."""
        return jnp.concatenate([self.force, self.local.constraints])


class Move(NamedTuple):
    """A step to be searched along.

    **Arguments:**

    - `x`, `y`: the full step of unknowns and multipliers.
    - `working`: the rows that the step treats as equalities.
    - `held`: the entries that it holds at a bound.
    """

    x: Float[Array, "n"]
    y: Float[Array, "m"]
    working: Bool[Array, "m"]
    held: Bool[Array, "n"]


class Found(NamedTuple):
    """Where a search along a step ended.

    **Arguments:**

    - `x`, `y`: the next point; the present one when nothing was accepted.
    - `weights`: the merit's weights from now on.
    - `length`: the accepted share of the step.
    - `accepted`: whether any was.
    """

    x: Float[Array, "n"]
    y: Float[Array, "m"]
    weights: PyTree[Array]
    length: Float[Array, ""]
    accepted: Bool[Array, ""]


class AbstractMerit(eqx.Module):
    """Whether one point is better than another, for steps of unknowns and multipliers together.

    What a merit learns on the way (penalties, say) is in its *weights*, a pytree of arrays of one
    structure. `measure`, `adapt` and `search` are pure.
    """

    inequalities: ClassVar[bool]
    """Whether it can judge inequalities and bounds."""
    convexify: ClassVar[bool]
    """Whether steps must come from a Hessian made positive definite where constraints allow moves.

    Merits that are zero at every stationary point, of whatever kind, want Newton's step itself.
    """

    @abc.abstractmethod
    def first_weights(self, dtype: Any) -> PyTree[Array]:
        """The weights before the first step."""

    @abc.abstractmethod
    def measure(
        self, program: Program, weights: PyTree[Array], x: Float[Array, "n"], y: Float[Array, "m"]
    ) -> Float[Array, ""]:
        """The merit at a point; lower is better."""

    @abc.abstractmethod
    def adapt(
        self, program: Program, weights: PyTree[Array], at: Place, move: Move
    ) -> tuple[PyTree[Array], Bool[Array, ""]]:
        """Weights under which a step is one of descent, and whether it was under the old ones."""

    @abc.abstractmethod
    def search(self, program: Program, weights: PyTree[Array], at: Place, move: Move) -> Found:
        """How far to go along a step."""

    def value(
        self, problem: AbstractStatement | System, point: Point, data: PyTree = None
    ) -> Float[Array, ""]:
        """The merit of a point under the first weights: differentiable, to look at or to minimise.

        **Arguments:**

        - `problem`: a statement or a lowered system.
        - `point`: unknowns, and multipliers by constraint name (those left out count as zero).
        - `data`: replaces the statement's data.

        **Raises:** what [`run`][stationary.run] raises for a malformed problem.
        """
        system, point, data = as_arrays(
            prepare(problem, point.primal, data=data, duals=point.duals)
        )
        program = Program(system, point.primal, data)
        weights = self.first_weights(program.dtype)
        return self.measure(
            program, weights, program.flatten(point.primal), program.stack(point.duals)
        )


class FirstOrder(NamedTuple):
    """Values, and the Lagrangian's gradient by x."""

    objective: Float[Array, ""]
    constraints: Float[Array, "m"]
    force: Float[Array, "n"]


def first_order(program: Program, x: Float[Array, "n"], y: Float[Array, "m"]) -> FirstOrder:
    """A program's values and the gradient of f + <y, c>: one reverse sweep."""
    at = program.system.linearize(program.unravel(x), program.data)
    force = program.flatten(at.direction(program.unstack(y)))
    return FirstOrder(program.system.sign * at.objective, program.stack(at.constraints), force)


class Backtracked(NamedTuple):
    """An accepted step length, or 0."""

    length: Float[Array, ""]
    accepted: Bool[Array, ""]


def backtrack(
    value: Callable[[Float[Array, ""]], Float[Array, ""]],
    here: Float[Array, ""],
    slope: Float[Array, ""],
    decrease: Any,
    halvings: int = 40,
) -> Backtracked:
    """Armijo's rule: halve the step until the merit falls by a share of what its slope promises.

    Where the promise is below rounding, a merit that stays level will do.

    **Arguments:**

    - `value`: the merit by step length.
    - `here`, `slope`: the merit and its derivative along the step at length zero.
    - `decrease`: the share, in (0, 1/2).
    """
    noise = 10 * jnp.finfo(here.dtype).eps * jnp.abs(here)
    slope = jnp.minimum(slope, 0.0)

    def good(length, found):
        return found <= here + decrease * length * slope + noise

    def refused(carry):
        _, count, accepted = carry
        return ~accepted & (count < halvings)

    def halve(carry):
        length, count, _ = carry
        length = jnp.where(count == 0, length, length / 2)
        return length, count + 1, good(length, value(length))

    start = jnp.ones_like(here), jnp.zeros((), jnp.int32), jnp.array(False)
    length, _, accepted = jax.lax.while_loop(refused, halve, start)
    return Backtracked(jnp.where(accepted, length, 0.0), accepted)


def along(at: Place, move: Move, length: Float[Array, ""]):
    """The point a share of the way along a step."""
    return at.x + length * move.x, at.y + length * move.y


def choose(condition: Bool[Array, ""], yes: PyTree[Array], no: PyTree[Array]) -> Any:
    """`jnp.where` on whole pytrees."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
