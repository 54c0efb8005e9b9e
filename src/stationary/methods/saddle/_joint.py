"""The operator of primal and dual variables together, whose zero in the set is the answer.

V(x, dual) = (direction(x, dual), -g(x)): the multipliers ascend on the Lagrangian, inside the polar
cone. It is monotone for convex problems and convex-concave saddles, gradient or not.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ..._linear import steepness
from ..._point import Point
from ..._start import prepare
from ..._statements import AbstractStatement
from ..._system import Linearization, System


def operator(
    system: System, point: Point, data: PyTree, index: Int[Array, ""] | int = 0
) -> tuple[Point, Linearization]:
    """V at a point, and the linearisation behind it."""
    at = system.linearize(point.primal, data, index)
    ascent = {name: -g for name, g in at.constraints.items()}
    return Point(at.direction(point.duals), ascent), at


def norm(tree: PyTree[Array]) -> Float[Array, ""]:
    """The Euclidean norm of a pytree."""
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)))


def lipschitz(
    problem: AbstractStatement | System,
    x0: PyTree,
    *,
    data: PyTree = None,
    duals: dict[str, Any] | None = None,
    iterations: int = 50,
    key: PRNGKeyArray | None = None,
) -> Float[Array, ""]:
    """How fast a problem's operator changes near a start: the largest stretch of its Jacobian.

    Power iteration on J'J with Jacobian-vector products, so the estimate comes from below. For an
    affine operator it is the Lipschitz constant L; for any other it holds near `x0` only. The
    operator is that of the primal and dual variables together.

    **Arguments:**

    - `problem`: a statement or a lowered system.
    - `x0`: where to look, a pytree of real floating arrays.
    - `data`: replaces the statement's data.
    - `duals`: multipliers there; default zero.
    - `iterations`: products with J and with J' each.
    - `key`: the direction to start from.

    **Returns:** the estimate, a scalar; 0 for a constant operator.

    **Raises:** what [`run`][stationary.run] raises for a malformed problem.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> game = st.Saddle(lambda x, y: 3.0 * x * y)
        >>> round(float(st.methods.lipschitz(game, (1.0, 1.0))), 6)
        3.0
    """
    system, point, data = prepare(problem, x0, data=data, duals=duals)
    return stretch(system, point, data, iterations, key)


def stretch(
    system: System,
    point: Point,
    data: PyTree,
    iterations: int = 50,
    key: PRNGKeyArray | None = None,
    weights: Point | None = None,
) -> Float[Array, ""]:
    """The largest singular value of V's Jacobian at a point, from below.

    **Arguments:**

    - `weights`: of the squared distance by which changes are measured; default 1.
    """

    def value(at: Point) -> Point:
        return operator(system, at, data)[0]

    if weights is None:
        return steepness(value, point, iterations, key)
    roots = jax.tree.map(jnp.sqrt, weights)

    def evened(at: Point) -> Point:
        """M^-1/2 V(M^-1/2 z): lengths in the distance become Euclidean."""
        found = value(jax.tree.map(lambda z, r: z / r, at, roots))
        return jax.tree.map(lambda v, r: v / r, found, roots)

    return steepness(evened, jax.tree.map(lambda x, r: x * r, point, roots), iterations, key)
