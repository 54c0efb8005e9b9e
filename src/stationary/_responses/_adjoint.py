"""Linear systems of the implicit function theorem: which solver, and how far it got."""

from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from .._linear import DENSE_LIMIT, solve_linearized

Product = Callable[[Float[Array, "n"]], Float[Array, "n"]]


class Adjoint(NamedTuple):
    """The solution of J' w = v, and what it leaves over."""

    value: Float[Array, "n"]
    defect: Float[Array, ""]
    """|J' w - v| / |v|."""
    sound: Bool[Array, ""]
    """Whether it is finite and, where that is asked, the system has a solution."""

    @property
    def grows(self) -> Bool[Array, ""]:
        """Whether it is further from a solution than zero is: a series that does not converge."""
        return self.defect > 1 + jnp.sqrt(jnp.finfo(self.defect.dtype).eps)


class Neumann(eqx.Module):
    """The inverse as a truncated Neumann series: step * sum (I - step H)^j v, j = 0 ... terms.

    One Hessian-vector product per term and no inner products, so it suits networks: `terms=0` is
    the identity, and at the lower optimum `terms` are worth `terms + 1` unrolled gradient steps of
    length `step`. The relative error falls like (1 - step * smallest eigenvalue)^(terms + 1).
    Where the series grows (step beyond 2 / |H|, or H not positive definite) it is cut off.

    **Arguments:**

    - `terms`: products with the Hessian, at least 0.
    - `step`: below 2 / |H|, such as the learning rate that trains the lower problem.

    **Raises:** `ValueError` for fewer terms than 0 or a step that is not positive.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> def upper(x, y):
        ...     return (y - 1.0) ** 2
        >>> def lower(x, y):
        ...     return 2.0 * (y - x) ** 2
        >>> neumann = st.Implicit(st.Neumann(terms=20, step=0.1))
        >>> problem = st.Nested(upper, lower, neumann)
        >>> pair = (jnp.array(0.5), jnp.array(0.5))
        >>> round(float(problem.lower(pair).linearize(pair).direction({})[0]), 4)
        -1.0

    !!! cite "Reference"
        Lorraine, Vicol and Duvenaud (2020), Optimizing millions of hyperparameters by implicit
        differentiation, arXiv:1911.02590, algorithm 3.
    """

    terms: int = eqx.field(static=True, default=10)
    step: Any = 0.1

    def __check_init__(self):
        if self.terms < 0:
            raise ValueError(f"Neumann(terms=...) must be at least 0, got {self.terms}.")
        if not isinstance(self.step, Tracer) and not self.step > 0:
            raise ValueError(f"Neumann(step=...) must be positive, got {self.step}.")

    def solve(self, product: Product, target: Float[Array, "n"]) -> Float[Array, "n"]:
        """The truncated series."""
        size, step = jnp.linalg.norm(target), jnp.asarray(self.step, target.dtype)

        def add(_, carry):
            power, total, going = carry
            power = power - step * product(power)
            going &= jnp.linalg.norm(power) <= 10 * size
            return power, jnp.where(going, total + power, total), going

        begun = (target, target, jnp.array(True))
        total = jax.lax.fori_loop(0, self.terms, add, begun)[1]
        return step * total


class LeastSquares(eqx.Module):
    """The shortest least-squares solution, for lower problems whose answer is not unique.

    The hypergradient exists only where the right-hand side lies in the range of the system: where
    y is the best of the lower answers for the upper objective. The range is tested, and where the
    test fails the result is NaN, never a wrong hypergradient.

    **Arguments:**

    - `cutoff`: singular values below this fraction of the largest are zero; default the square
        root of the precision. Beyond 2000 unknowns it is LSMR's bound on the condition instead.
    - `range_tolerance`: the relative part of the right-hand side that may lie outside the range;
        `jnp.inf` accepts any.

    **Raises:** `ValueError` for a cutoff outside (0, 1) or a tolerance that is not positive.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> def upper(x, y):
        ...     return jnp.sum((y - x) ** 2)
        >>> def lower(x, y):  # says nothing about y[1]
        ...     return 0.5 * (y[0] - 1.0) ** 2
        >>> problem = st.Nested(upper, lower, st.Implicit(st.LeastSquares()))
        >>> def hypergradient(*pair):
        ...     return problem.lower(pair).linearize(pair).direction({})[0].tolist()
        >>> hypergradient(jnp.array(2.0), jnp.array([1.0, 2.0]))  # y[1] is best for the upper one
        2.0
        >>> hypergradient(jnp.array(2.0), jnp.array([1.0, 0.0]))
        nan

    !!! cite "Reference"
        Kwon, Kwon, Wright and Nowak (2024), On penalty methods for nonconvex bilevel optimization,
        arXiv:2309.01753, theorem 3.7.
    """

    cutoff: float | None = eqx.field(static=True, default=None)
    range_tolerance: Any = 1e-6

    def __check_init__(self):
        if self.cutoff is not None and not 0 < self.cutoff < 1:
            raise ValueError(f"LeastSquares(cutoff=...) must lie in (0, 1), got {self.cutoff}.")
        tolerance = self.range_tolerance
        if not isinstance(tolerance, Tracer) and not tolerance > 0:
            raise ValueError(
                f"LeastSquares(range_tolerance=...) must be positive, got {tolerance}."
            )

    def solve(self, product: Product, target: Float[Array, "n"]) -> Float[Array, "n"]:
        """The shortest w with the smallest |J' w - target|; `product` is J'."""
        cutoff = float(jnp.finfo(target.dtype).eps) ** 0.5 if self.cutoff is None else self.cutoff
        if target.size <= DENSE_LIMIT:
            matrix = jax.vmap(product, out_axes=1)(jnp.eye(target.size, dtype=target.dtype))
            left, values, right = jnp.linalg.svd(matrix)
            some = values > cutoff * values[0]
            inverse = jnp.where(some, 1 / jnp.where(some, values, 1), 0)
            return right.T @ (inverse * (left.T @ target))
        import lineax as lx  # a tenth of a second that only derivatives need to spend

        shape = jax.ShapeDtypeStruct(target.shape, target.dtype)
        operator = lx.FunctionLinearOperator(product, shape)
        accuracy = float(jnp.finfo(target.dtype).eps) ** 0.75
        solver = lx.LSMR(rtol=accuracy, atol=accuracy, conlim=1 / cutoff)
        return lx.linear_solve(operator, target, solver, throw=False).value


def solve_adjoint(
    solver: Any,
    root: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    at: Float[Array, "n"],
    target: Float[Array, "n"],
) -> Adjoint:
    """The solution of J' w = target, with J the Jacobian of `root` at a point.

    **Arguments:**

    - `solver`: a `Neumann`, a `LeastSquares`, a Lineax solver, or `None`: by size.
    """
    _, pullback = jax.vjp(root, at)

    def product(vector: Float[Array, "n"]) -> Float[Array, "n"]:
        return pullback(vector)[0]

    if solver is None:
        value = solve_linearized(root, at, target, transpose=True)
    elif isinstance(solver, Neumann | LeastSquares):
        value = solver.solve(product, target)
    else:
        import lineax as lx  # a tenth of a second that only derivatives need to spend

        shape = jax.ShapeDtypeStruct(target.shape, target.dtype)
        tags = lx.positive_semidefinite_tag if isinstance(solver.solver, lx.CG) else ()
        operator = lx.FunctionLinearOperator(product, shape, tags)
        value = lx.linear_solve(operator, target, solver.solver, throw=False).value
    size = jnp.linalg.norm(target)
    left = jnp.linalg.norm(product(value) - target)
    defect = left / jnp.where(size > 0, size, 1)
    sound = jnp.all(jnp.isfinite(value))
    if isinstance(solver, LeastSquares):
        sound &= defect <= solver.range_tolerance
    return Adjoint(value, defect, sound)


class _Lineax(eqx.Module):
    """A Lineax solver, whose numbers are settings and not arrays."""

    solver: Any = eqx.field(static=True)


def as_solver(solver: Any) -> Any:
    """A solver of adjoint systems as this package keeps it.

    **Raises:** `TypeError` saying what to pass.
    """
    if solver is None or isinstance(solver, Neumann | LeastSquares | _Lineax):
        return solver
    if not (callable(getattr(solver, "init", None)) and callable(getattr(solver, "compute", None))):
        raise TypeError(
            "Implicit(solver=...) takes st.Neumann(...), st.LeastSquares(...), a Lineax solver "
            f"such as lineax.CG(1e-6, 1e-6), or None, got {solver!r}."
        )
    return _Lineax(solver)
