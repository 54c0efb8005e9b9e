"""The derivative of a nested problem's upper objective, with the lower problem solved first."""

import warnings
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._dtypes import as_arrays, working_dtype
from ..._method import AbstractMethod
from ..._nested import Nested
from ..._responses import Averaged, Implicit, Unrolled, ValueFunction
from ..._responses._value_function import CANCELS
from ..._start import prepare, with_data
from ..._statements import Minimize
from ..._status import Status
from ...certify._exact import widen
from ._below import Below, check_independent


class Hypergradient(eqx.Module):
    """d/dx F(x, y(x)) as a response sees it, and what it was computed from.

    **Arguments:**

    - `value`: the upper objective at the lower answer, with the penalised gap of `ValueFunction`:
        what `gradient` is the gradient of.
    - `gradient`: a pytree like x; NaN where the lower problem was not solved, or where the
        derivative does not exist.
    - `unknown`: x and what follows it, at the lower answer; for `Unrolled` where its steps begin.
    - `status`: how the lower solves ended, the worst of them; where they converged, `NONFINITE`
        says that the lower answer has no derivative, and `DIVERGED` that a Neumann series grows.
    - `defect`: the relative defect of the adjoint system; 0 where there is none.
    """

    value: Float[Array, ""]
    gradient: PyTree[Array]
    unknown: tuple
    status: Int[Array, ""]
    defect: Float[Array, ""]

    @property
    def exists(self) -> Bool[Array, ""]:
        """Whether the gradient is finite."""
        leaves = jax.tree.leaves(self.gradient)
        return jnp.all(jnp.stack([jnp.all(jnp.isfinite(leaf)) for leaf in leaves]))


def hypergradient(
    problem: Nested,
    x: PyTree,
    y: PyTree,
    *,
    data: PyTree = None,
    method: AbstractMethod | None = None,
    tol: float | None = None,
    max_steps: int = 10_000,
) -> Hypergradient:
    """The gradient of a nested problem's upper objective along the lower answer.

    Solves what follows x at the given x, from y, and then evaluates the response's direction once.
    Pure, so that it works under `jit` and `vmap`. Only the objectives count: upper constraints are
    left out.

    **Arguments:**

    - `problem`: a `Nested` of full data, whose response is `Implicit`, `Unrolled`,
        `ValueFunction` or `Averaged`.
    - `x`: where.
    - `y`: where the lower solve starts; with `Unrolled` where its steps start.
    - `data`: replaces the statement's data.
    - `method`: for the lower problem, a minimisation; default chosen by what it is.
    - `tol`: of the lower solves; default the usual one, and for `ValueFunction` a thousandth of
        1 / penalty^2 where the precision allows, because the error of the gradient is the lower
        problem's times the penalty.
    - `max_steps`: of each lower solve.

    **Returns:** a [`Hypergradient`][stationary.methods.Hypergradient]. Its gradient is NaN, and
    `status` says why, where the lower problem is infeasible, unbounded or was not solved, where
    its answer has no derivative, and where the adjoint system was not solved at all.

    **Raises:** `TypeError` for another response or an `Expectation`; `ValueError` naming the lower
    constraints whose gradients are dependent where they are active.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> def upper(x, y):
        ...     return (x - 1.0) ** 2 + y**2
        >>> def lower(x, y):
        ...     return (y - x) ** 2
        >>> for response in (st.Implicit(), st.ValueFunction(1e4), st.Unrolled(50, 0.3)):
        ...     found = st.methods.hypergradient(
        ...         st.Nested(upper, lower, response), jnp.array(2.0), jnp.array(0.0)
        ...     )
        ...     print(round(float(found.gradient), 3))
        6.0
        6.0
        6.0

    !!! cite "Reference"
        Pedregosa (2016), arXiv:1602.02355; Kwon et al. (2024), arXiv:2309.01753, theorem 3.7.
    """
    response = problem.response
    if not isinstance(response, Implicit | Unrolled | ValueFunction | Averaged):
        raise TypeError(
            f"hypergradient needs response=Implicit, Unrolled, ValueFunction or Averaged, got "
            f"{response}."
        )
    if not isinstance(problem.leader, Minimize):
        raise TypeError(
            "hypergradient needs one upper objective to minimise, but the upper problem is a "
            f"{type(problem.leader).__name__}; call it for one objective at a time."
        )
    if problem.is_sampled:
        raise TypeError("hypergradient needs functions of all the data, not an Expectation.")
    traced = any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves((x, y, data)))
    dtype = working_dtype((as_arrays(x), as_arrays(y)))
    if isinstance(response, ValueFunction) and not traced and dtype == np.float32:
        penalty = response.penalty
        if not callable(penalty) and float(penalty) > CANCELS:
            return _widened(problem, x, y, data, method, tol, max_steps)
    data = as_arrays(problem.data if data is None else data)
    system, point, data = prepare(with_data(problem, data), (x, y))
    operator: Any = system.operator
    below = Below(operator.at(0, dtype), response, problem, data, method, tol, max_steps)
    unknown, status = below.solve(point.primal)
    zero = jnp.zeros((), jnp.int32)
    upper = below.operator.lagrangian({}, unknown[2:], lambda _: {}, data, zero)
    value = below.operator.value(unknown, data, zero, upper)
    defect = jnp.zeros((), dtype)
    if isinstance(response, Implicit):
        if not isinstance(status, Tracer) and int(status) == Status.CONVERGED:
            check_independent(below.operator, unknown, data)
        by_y = jax.grad(upper, argnums=1)(*unknown[:2])
        found, _ = below.operator.adjoint(unknown, by_y, data, zero)
        defect = found.defect
        status = _then(status, ~found.sound, Status.NONFINITE)
        status = _then(status, found.grows, Status.DIVERGED)
    gradient = below.operator.lead(unknown, data, zero, upper)
    solved = status == Status.CONVERGED
    sign = operator.parts.signs[0]
    gradient = jax.tree.map(
        lambda g, a: jnp.where(solved, sign * g, jnp.nan).astype(a.dtype), gradient, unknown[0]
    )
    return Hypergradient(sign * value, gradient, unknown, status, defect)


def _then(status: Array, failed: Array, instead: Status) -> Int[Array, ""]:
    """A status, or another one where something failed after the lower problem was solved."""
    solved = status == Status.CONVERGED
    return jnp.where(solved & failed, int(instead), status).astype(jnp.int32)


def _widened(problem, x, y, data, method, tol, max_steps) -> Hypergradient:
    """The same in float64, narrowed again."""
    warnings.warn(
        f"a penalty of {float(problem.response.penalty):g} cancels most digits of float32 "
        "gradients: the hypergradient is evaluated in float64.",
        stacklevel=3,
    )
    with jax.enable_x64(True):
        data = problem.data if data is None else data
        found = hypergradient(
            widen(problem), widen(x), widen(y), data=widen(data), method=method, tol=tol,
            max_steps=max_steps,
        )  # fmt: skip
        narrow = jax.tree.map(
            lambda leaf: leaf.astype(jnp.float32) if leaf.dtype == np.float64 else leaf, found
        )
    return narrow
