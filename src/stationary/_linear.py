"""Linear systems with the Jacobian of a function, dense or matrix-free by size."""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

DENSE_LIMIT = 2000
"""Up to this many unknowns the Jacobian is formed and factorised; beyond, GMRES."""


def solve_linearized(
    fn: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    at: Float[Array, "n"],
    target: Float[Array, "n"],
    *,
    transpose: bool = False,
) -> Float[Array, "n"]:
    """The solution of J v = target, or J' v = target, with J the Jacobian of `fn` at `at`.

    Where J is singular the result is not finite.
    """
    import lineax as lx  # a tenth of a second that only derivatives need to spend

    operator = lx.JacobianLinearOperator(lambda v, _: fn(v), at)
    operator = operator.T if transpose else operator
    if at.size <= DENSE_LIMIT:
        operator, solver = lx.MatrixLinearOperator(operator.as_matrix()), lx.LU()
    else:
        tolerance = float(jnp.sqrt(jnp.finfo(at.dtype).eps))
        solver = lx.GMRES(rtol=tolerance, atol=tolerance)
    return lx.linear_solve(operator, target, solver, throw=False).value
