"""How the upper problem of a nested pair sees the answer of the lower one."""

import abc
from typing import TYPE_CHECKING

import equinox as eqx
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from ._constraints import ConstraintTerm, bind_constraint, equal
from ._dtypes import working_dtype
from ._nested_operators import (
    HypergradientOperator,
    KKTOperator,
    Parts,
    UnrolledOperator,
    ValueFunctionOperator,
)
from ._operators import AbstractOperator
from ._point import Point
from ._system import System

if TYPE_CHECKING:
    from ._nested import Nested


class AbstractResponse(eqx.Module):
    """How the upper problem sees the lower one's answer: a builder of the system."""

    @abc.abstractmethod
    def embed(self, problem: "Nested", x: PyTree, y: PyTree) -> PyTree:
        """The system's unknown, from a start for x and y."""

    @abc.abstractmethod
    def operator(self, parts: Parts) -> AbstractOperator:
        """The system's operator."""

    def constraints(self, parts: Parts, like: PyTree, data: PyTree) -> dict[str, ConstraintTerm]:
        """Constraints beyond those of the upper problem."""
        return {}


class KKT(AbstractResponse):
    """Replace the lower problem by its stationarity conditions, as constraints of the upper one.

    The lower problem may have constraints and a set. Its multipliers join the unknown, which is
    then `(x, y, multipliers)`, and `"lower"` is an equality constraint whose own multiplier is
    the adjoint state. The system has a potential, so every method for constrained problems
    applies.
    """

    def embed(self, problem, x, y):
        follower = problem.follower_at(x, y)
        return (x, y, follower.zero_duals(y)) if follower.constraints else (x, y)

    def operator(self, parts):
        return KKTOperator(parts)

    def constraints(self, parts, like, data):
        residual = equal(LowerResidual(parts.follower))
        return {"lower": bind_constraint("lower", residual, like, data, working_dtype(like))}


class Implicit(AbstractResponse):
    """Differentiate the lower answer by the implicit function theorem (one adjoint solve a step).

    The system's unknown is `(x, y)`: x follows the hypergradient at the present y, y descends the
    lower objective, so one loop moves both. The lower problem may have a set, no constraints.
    """

    def embed(self, problem, x, y):
        _refuse_constraints(problem, "Implicit")
        return x, y

    def operator(self, parts):
        return HypergradientOperator(parts)


class Unrolled(AbstractResponse):
    """Differentiate through a few gradient steps on the lower problem.

    **Arguments:**

    - `steps`: how many.
    - `learning_rate`: their length.
    """

    steps: int = eqx.field(static=True, default=10)
    learning_rate: float = 0.1

    def embed(self, problem, x, y):
        _refuse_constraints(problem, "Unrolled")
        return x, y

    def operator(self, parts):
        return UnrolledOperator(parts, self.steps, self.learning_rate)


class ValueFunction(AbstractResponse):
    """Penalise the lower problem's optimality gap g(x, y) - min g(x, .).

    The unknown is `(x, y, z)`, where z descends g(x, .) on its own: first-order only, no adjoint.
    Stationary points approach those of the nested problem as the penalty grows (Kwon et al.,
    2023, arXiv:2301.10945).

    **Arguments:**

    - `penalty`: the weight of the gap.
    """

    penalty: float = 10.0

    def embed(self, problem, x, y):
        _refuse_constraints(problem, "ValueFunction")
        return x, y, y

    def operator(self, parts):
        return ValueFunctionOperator(parts, self.penalty)


class LowerResidual(eqx.Module):
    """The lower problem's stationarity residual, as a function of the whole unknown."""

    follower: System

    def __call__(self, unknown: tuple, data: PyTree) -> Array:
        x, y, *multipliers = unknown
        duals = multipliers[0] if multipliers else {}
        return ravel_pytree(self.follower.root(Point(y, duals), (x, data)))[0]


def _refuse_constraints(problem: "Nested", response: str) -> None:
    if problem.follower.subject_to:
        raise TypeError(
            f"response={response} needs a lower problem without constraints (a set is fine), but "
            f"it has {sorted(problem.follower.subject_to)}. Use response=KKT()."
        )
