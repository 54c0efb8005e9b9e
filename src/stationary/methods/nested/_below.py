"""What follows x in a nested problem, solved at a fixed x."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Int, PyTree

from ..._dtypes import default_tolerance, working_dtype
from ..._levels import FirstTwo
from ..._linear import solve_linearized
from ..._method import AbstractMethod
from ..._nested import Nested
from ..._registry import choose_method
from ..._responses import AbstractPairOperator, Averaged, Implicit, Unrolled
from ..._run import run
from ..._statements import Minimize
from ..._status import Status


class Below(eqx.Module):
    """What follows x, to be solved at fixed x."""

    operator: Any
    response: Any
    problem: Nested
    data: PyTree
    method: AbstractMethod | None
    tol: float | None
    max_steps: int

    def solve(self, primal: tuple) -> tuple[tuple, Int[Array, ""]]:
        """The unknown with its followers solved, and how that ended."""
        x, y, *_ = primal
        if isinstance(self.response, Unrolled):
            # Its direction of x takes the steps, from where the unknown says.
            return primal, jnp.asarray(int(Status.CONVERGED), jnp.int32)
        if isinstance(self.response, Implicit):
            y, duals, status = self._minimize(x, y, 0.0, 1.0)
            return ((x, y, duals) if duals else (x, y)), status
        if isinstance(self.response, Averaged):
            weight = self.operator.weight
            y, _, status = self._minimize(x, y, weight, 1 - weight)
            return (x, y, self._adjoint(x, y)), status
        share = 1 / self.operator.penalty
        central = self.response.central
        y, _, status = self._minimize(x, y, share, 1.0)
        # From y, so that both are on the same branch of a lower problem with several.
        z, _, second = self._minimize(x, y, -share if central else 0.0, 1.0)
        return (x, y, z), jnp.maximum(status, second)

    def _minimize(self, x: PyTree, y: PyTree, up: Any, down: Any) -> tuple[PyTree, dict, Any]:
        """The minimiser of up * F + down * g at fixed x, its multipliers, and the status."""
        follower = self.problem.follower
        constraints = {
            name: eqx.tree_at(lambda c: c.fn, c, _GivenUpper(c.fn))
            for name, c in follower.subject_to.items()
        }
        parts = self.operator.parts
        dtype = working_dtype((x, y))
        weights = tuple(jnp.asarray(share, dtype) for share in (up, down))
        statement = Minimize(Mixture(parts), constraints, follower.over, (x, self.data, *weights))
        method = self.method
        if method is None:
            method, _ = choose_method(statement.lower(y))
        outcome = run(
            statement,
            y,
            method,
            tol=self._tolerance(dtype),
            max_steps=self.max_steps,
            differentiable=False,
        )
        return outcome.point.primal, outcome.point.duals, outcome.status

    def _tolerance(self, dtype: Any) -> float:
        if self.tol is not None:
            return self.tol
        usual = default_tolerance(dtype)
        penalty = getattr(self.response, "penalty", None)
        if penalty is None or callable(penalty) or isinstance(penalty, Tracer):
            return usual
        floor = 20 * float(jnp.finfo(dtype).eps)
        return float(min(usual, max(floor, 1e-3 / float(penalty) ** 2)))

    def _adjoint(self, x: PyTree, y: PyTree) -> PyTree:
        """The multiplier of the average's stationarity."""
        zero = jnp.zeros((), jnp.int32)
        upper = self.operator.lagrangian({}, (), lambda _: {}, self.data, zero)
        flat, unravel = ravel_pytree(y)
        slope_in_y = jax.grad(self.operator.average, argnums=1)

        def slope(flat: Array) -> Array:
            return ravel_pytree(slope_in_y(x, unravel(flat), self.data, zero, upper))[0]

        target = ravel_pytree(jax.grad(upper, argnums=1)(x, y))[0]
        return unravel(solve_linearized(slope, flat, target))


class Mixture(eqx.Module):
    """up * F + down * g as a function of y, with data (x, data, up, down)."""

    parts: Any

    def __call__(self, y: PyTree, data: tuple) -> Array:
        x, own, up, down = data
        zero = jnp.zeros((), jnp.int32)
        return up * self.parts.upper(x, y, own, zero) + down * self.parts.lower(x, y, own, zero)


class _GivenUpper(eqx.Module):
    """A lower constraint as a function of y, with data (x, data, ...)."""

    fn: Any

    def __call__(self, y: PyTree, data: tuple) -> Any:
        x, own, *_ = data
        return FirstTwo(self.fn)((x, y), own)


def check_independent(operator: AbstractPairOperator, unknown: tuple, data: PyTree) -> None:
    """Refuse active lower constraints whose gradients are dependent.

    **Raises:** `ValueError` naming them.
    """
    parts = operator.parts
    if not parts.constraints:
        return
    x, y, duals = unknown
    zero = jnp.zeros((), jnp.int32)
    values = parts.lower_constraints(x, y, data, zero)
    rows = jax.jacrev(lambda y: parts.lower_constraints(x, y, data, zero))(y)
    active, names = [], []
    for name, value in values.items():
        count = value.size
        leaves = [np.asarray(leaf).reshape(count, -1) for leaf in jax.tree.leaves(rows[name])]
        matrix = np.concatenate(leaves, axis=1)
        shifted = np.asarray(duals[name] + value).ravel()
        kept = np.asarray(parts.constraints[name].cone.polar(jnp.asarray(shifted))) != 0
        active.append(matrix[kept])
        names += [name] * bool(kept.any())
    stacked = np.concatenate(active)
    if len(stacked) and np.linalg.matrix_rank(stacked, tol=1e-8 * np.abs(stacked).max()) < len(
        stacked
    ):
        raise ValueError(
            f"the gradients of the active lower constraints {names} are dependent at this answer, "
            "so that it has no derivative there. Drop the redundant ones, or use "
            "st.ProximalLagrangian()."
        )
