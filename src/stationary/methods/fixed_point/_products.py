"""A convex quadratic program known by its products alone: no matrix is formed.

With f(x) = x'Qx/2 + c'x and g(x) = Ax - b, one forward and one backward pass over the user's
functions give everything that a primal-dual step needs.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..._operators import Duals
from ..._point import Point
from ..._system import System


class Evaluated(eqx.Module):
    """A point with what the problem's functions say there. All but `objective` is affine in it.

    **Arguments:**

    - `point`: x and y.
    - `gradient`: Qx + c, of what is minimised.
    - `pull`: A'y.
    - `values`: Ax - b by constraint.
    - `objective`: the user's objective.
    """

    point: Point
    gradient: PyTree[Array]
    pull: PyTree[Array]
    values: Duals
    objective: Float[Array, ""]


def evaluate(
    system: System,
    data: PyTree,
    primal: PyTree[Array],
    duals: Callable[[Duals], Duals],
) -> Evaluated:
    """Evaluate the problem at a primal, with multipliers that may depend on the constraints there.

    **Arguments:**

    - `duals`: the multipliers as a function of g(x).
    """
    at = system.operator.linearize(primal, data, jnp.asarray(0), lambda x: {})
    values, back = jax.vjp(lambda x: constraints(system, x, data), primal)
    chosen = duals(values)
    (pull,) = back(chosen)
    return Evaluated(Point(primal, chosen), at.direction({}), pull, values, at.objective)


def constraints(system: System, primal: PyTree[Array], data: PyTree) -> Duals:
    """g(x) by name."""
    return {name: c.value(primal, data, jnp.asarray(0)) for name, c in system.constraints.items()}


def gradient(system: System, primal: PyTree[Array], data: PyTree) -> PyTree[Array]:
    """The gradient of what is minimised."""
    at = system.operator.linearize(primal, data, jnp.asarray(0), lambda x: {})
    return at.direction({})


def push(
    system: System, primal: PyTree[Array], data: PyTree, move: PyTree[Array]
) -> tuple[PyTree[Array], Duals]:
    """Q times a move, and A times it."""

    def both(x):
        return gradient(system, x, data), constraints(system, x, data)

    return jax.jvp(both, (primal,), (move,))[1]


def pull(system: System, primal: PyTree[Array], data: PyTree, duals: Duals) -> PyTree[Array]:
    """A' times multipliers."""
    _, back = jax.vjp(lambda x: constraints(system, x, data), primal)
    return back(duals)[0]


def random_like(tree: PyTree[Array], key: PRNGKeyArray) -> PyTree[Array]:
    """A pytree of independent normal numbers."""
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(key, max(len(leaves), 1))
    return structure.unflatten(
        [jax.random.normal(k, x.shape, x.dtype) for k, x in zip(keys, leaves, strict=False)]
    )


def bounds(system: System, primal: PyTree[Array]) -> tuple[PyTree[Array], PyTree[Array]]:
    """The lower and upper bounds of an elementwise set, infinite where there are none."""

    def far(value):
        return system.space.project(jax.tree.map(lambda x: jnp.full_like(x, value), primal))

    return far(-jnp.inf), far(jnp.inf)


def largest_eigenvalue(
    product: Callable[[PyTree[Array]], PyTree[Array]], like: PyTree[Array], iterations: int = 100
) -> Float[Array, ""]:
    """The largest absolute eigenvalue of a symmetric operator, from below, by power iteration."""
    flat, unravel = ravel_pytree(like)
    tiny = jnp.finfo(flat.dtype).tiny

    def body(_, carry):
        vector, _ = carry
        vector = vector / jnp.maximum(jnp.linalg.norm(vector), tiny)
        image = ravel_pytree(product(unravel(vector)))[0]
        return image, jnp.linalg.norm(image)

    start = jax.random.normal(jax.random.key(0), flat.shape, flat.dtype)
    return jax.lax.fori_loop(0, iterations, body, (start, jnp.zeros((), flat.dtype)))[1]
