"""Conjugate gradients to the precision of the arithmetic."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Field = Float[Array, "..."]


def conjugate_gradients(
    multiply: Callable[[Field], Field],
    right: Field,
    precondition: Callable[[Field], Field],
    start: Field | None = None,
    *,
    max_steps: int = 200,
) -> Field:
    """The solution of a symmetric positive definite system, down to the rounding of its residual.

    To be wrapped in `jax.lax.custom_linear_solve` for derivatives. The solvers of other libraries
    carry a callback for their failures into compiled code, or cannot be transposed.

    **Arguments:**

    - `multiply`: the product with the matrix.
    - `right`: the right-hand side, an array of any shape.
    - `precondition`: the product with an approximate inverse, symmetric and positive definite.
    - `start`: a first guess; default zero.
    """
    x = jnp.zeros_like(right) if start is None else start
    residual = right - multiply(x)
    ahead = precondition(residual)
    floor = (4 * jnp.finfo(right.dtype).eps) ** 2 * jnp.vdot(right, precondition(right))

    def going(carry):
        *_, size, steps = carry
        return (size > floor) & (steps < max_steps)

    def step(carry):
        x, residual, direction, size, steps = carry
        product = multiply(direction)
        length = size / jnp.vdot(direction, product)
        x, residual = x + length * direction, residual - length * product
        ahead = precondition(residual)
        new = jnp.vdot(residual, ahead)
        return x, residual, ahead + new / size * direction, new, steps + 1

    begun = (x, residual, ahead, jnp.vdot(residual, ahead), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(going, step, begun)[0]
