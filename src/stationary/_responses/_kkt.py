"""The lower problem's optimality conditions, as constraints of the upper one."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from .._constraints import bind_constraint, equal
from .._dtypes import working_dtype
from .._operators import AbstractOperator, Pull
from .._statements import Minimize
from ..sets import Euclidean
from ._base import AbstractResponse, Parts


class KKT(AbstractResponse):
    """Replace the lower problem by its stationarity conditions, as constraints of the upper one.

    The lower problem may have constraints and a set. Its multipliers join the unknown, which is
    then `(x, y, multipliers)`, and `"lower"` is an equality constraint whose own multiplier is
    the adjoint state. The system has a potential, so every method for constrained problems
    applies.
    """

    def embed(self, problem, x, y):
        duals = problem.lower_duals(x, y)
        return (x, y, duals) if duals else (x, y)

    def operator(self, parts):
        return KKTOperator(parts)

    def constraints(self, parts, like, data):
        residual = equal(LowerResidual(parts))
        return {"lower": bind_constraint("lower", residual, like, data, working_dtype(like))}

    def check(self, problem):
        if not isinstance(problem.leader, Minimize):
            raise TypeError(
                "response=KKT() needs one upper objective to minimise, but the upper problem is a "
                f"{type(problem.leader).__name__}. Use response=st.Implicit() or another response."
            )
        if problem.is_sampled:
            raise TypeError(
                "response=KKT() states the lower optimality conditions, which mini-batches only "
                "estimate. For an Expectation use response=st.Implicit() or st.ValueFunction()."
            )


class KKTOperator(AbstractOperator):
    """The gradient of the upper objective in (x, y): zero in any further unknowns."""

    parts: Parts

    @property
    def sign(self) -> float:
        """-1 when the upper objective is maximised."""
        return self.parts.signs[0]

    @property
    def has_potential(self) -> bool:
        return True

    @property
    def smooth(self) -> bool:
        """Whether the lower optimality conditions are smooth equations in x and y alone."""
        free = all(isinstance(leaf, Euclidean) for leaf in self.parts.space.leaves)
        return free and not self.parts.constraints

    @property
    def objective(self) -> Any:
        """The upper objective: of the whole unknown where the conditions are smooth."""
        return self.parts.pair.upper

    def linearize(self, primal, data, index, constraints) -> Pull:
        pair = self.parts.pair

        def both(p):
            return self.sign * pair.upper(p[:2], data, index), constraints(p)

        (value, g), pullback = jax.vjp(both, primal)
        objectives = {
            "upper": self.sign * value,
            "lower": pair.lower(primal[:2], data, index),
        }

        def direction(duals):
            return pullback((jnp.ones_like(value), duals))[0]

        return Pull(objectives["upper"], objectives, g, direction)


class LowerResidual(eqx.Module):
    """The lower problem's stationarity residual, as a function of the whole unknown."""

    parts: Parts

    def __call__(self, unknown: tuple, data: PyTree) -> Array:
        x, y, *multipliers = unknown
        duals: Any = multipliers[0] if multipliers else {}
        root = self.parts.lower_root(x, y, duals, data, jnp.asarray(0))
        return ravel_pytree(root)[0]
