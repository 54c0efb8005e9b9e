"""Linear systems with the Jacobian of a function, dense or matrix-free by size."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

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


def steepness(
    fn: Callable[[PyTree], PyTree],
    at: PyTree[Array],
    iterations: int = 30,
    key: PRNGKeyArray | None = None,
) -> Float[Array, ""]:
    """The largest singular value of a function's Jacobian, from below: power iteration on J'J.

    **Arguments:**

    - `fn`: from a pytree to one of the same structure and shapes, or others.
    - `at`: where.
    - `iterations`: products with J and with J' each.
    - `key`: the direction to start from.
    """
    _, push = jax.linearize(fn, at)
    pull = jax.linear_transpose(push, at)
    leaves, structure = jax.tree.flatten(at)
    keys = jax.random.split(jax.random.key(0) if key is None else key, len(leaves))
    start = [
        jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in zip(keys, leaves, strict=True)
    ]
    tiny = jnp.finfo(leaves[0].dtype).tiny

    def size(tree: PyTree) -> Float[Array, ""]:
        return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))

    def body(_, carry):
        vector, _ = carry
        vector = jax.tree.map(lambda v: v / jnp.maximum(size(vector), tiny), vector)
        pushed = push(vector)
        return pull(pushed)[0], size(pushed)

    first = jax.tree.unflatten(structure, start)
    return jax.lax.fori_loop(0, iterations, body, (first, jnp.zeros((), leaves[0].dtype)))[1]
