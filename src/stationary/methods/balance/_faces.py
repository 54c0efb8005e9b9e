"""The bounds of x within reach, and what they leave of a gradient."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from ..._operators import minimum_norm_weights
from ...sets import Euclidean, Product

_ROUNDS = 50


class Faces(eqx.Module):
    """Which entries of x, flat, have a bound within some distance.

    Minus a gradient, projected on the directions that do not press on such a bound, moves x by up
    to that distance and leaves it in its set. A gradient plus the normals of these bounds that make
    it shortest is what `reduce` returns, with the opposite sign.

    **Arguments:**

    - `lower`, `upper`: whether there is one below, and above.
    - `free`: whether x has no bounds at all.
    """

    lower: Bool[Array, "n"]
    upper: Bool[Array, "n"]
    free: bool = eqx.field(static=True)

    @classmethod
    def of(cls, space: Product, primal: PyTree[Array], reach: Float[Array, ""]) -> "Faces":
        """The bounds of elementwise sets within `reach` of a point."""
        free = all(isinstance(leaf, Euclidean) for leaf in space.leaves)
        below = space.project(jax.tree.map(lambda x: x - reach, primal))
        above = space.project(jax.tree.map(lambda x: x + reach, primal))
        lower = jax.tree.map(lambda moved, x: moved > x - reach, below, primal)
        upper = jax.tree.map(lambda moved, x: moved < x + reach, above, primal)
        return cls(ravel_pytree(lower)[0], ravel_pytree(upper)[0], free)

    def reduce(self, gradient: Float[Array, "n"]) -> Float[Array, "n"]:
        """The part of a gradient that no bound within reach takes up."""
        return jnp.where(self._held(gradient), 0, gradient)

    def mix(self, one: Float[Array, "n"], change: Float[Array, "n"]) -> Float[Array, ""]:
        """The share in [0, 1] of a change to a gradient that leaves the shortest part of it."""
        if self.free:
            square = jnp.vdot(change, change)
            return jnp.clip(-jnp.vdot(one, change) / jnp.where(square > 0, square, 1), 0, 1)

        def halve(_, ends):
            low, high = ends
            middle = (low + high) / 2
            rising = jnp.vdot(self.reduce(one + middle * change), change) > 0
            return jnp.where(rising, low, middle), jnp.where(rising, middle, high)

        ends = jnp.zeros((), one.dtype), jnp.ones((), one.dtype)
        ends = jax.lax.fori_loop(0, jnp.finfo(one.dtype).nmant, halve, ends)
        whole = jnp.vdot(self.reduce(one + change), change) <= 0
        return jnp.where(whole, 1, ends[0])

    def weigh(self, rows: Float[Array, "m n"], weights: Float[Array, "m"]) -> Float[Array, "m"]:
        """Weights on the simplex whose combination of gradients leaves the shortest part.

        Half its square is convex, and quadratic where the bounds in use stay the same: Newton's
        method with a search along the way, of which every step is a shortest vector of a hull.

        **Arguments:**

        - `rows`: the gradients.
        - `weights`: where to start.

        **Source:** Pang and Qi (1995), A globally convergent Newton method for convex SC1
        minimization problems.
        """
        if self.free:
            return minimum_norm_weights(rows @ rows.T)

        def going(carry):
            _, _, going, rounds = carry
            return going & (rounds < _ROUNDS)

        def body(carry):
            weights, size, _, rounds = carry
            combined = weights @ rows
            loose = jnp.where(self._held(combined), 0, rows)
            target = minimum_norm_weights(loose @ loose.T)
            share = self.mix(combined, target @ rows - combined)
            new = weights + share * (target - weights)
            after = self._size(new @ rows)
            better = after < size
            return jnp.where(better, new, weights), jnp.minimum(after, size), better, rounds + 1

        start = weights, self._size(weights @ rows), jnp.array(True), jnp.zeros((), jnp.int32)
        return jax.lax.while_loop(going, body, start)[0]

    def _held(self, gradient: Float[Array, "n"]) -> Bool[Array, "n"]:
        return (self.lower & (gradient > 0)) | (self.upper & (gradient < 0))

    def _size(self, gradient: Float[Array, "n"]) -> Float[Array, ""]:
        return jnp.linalg.norm(self.reduce(gradient))
