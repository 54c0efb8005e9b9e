"""A bundle of subgradients of fixed capacity, and the shortest vector of their hull."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..._operators import minimum_norm_weights


class Bundle(eqx.Module):
    """Subgradients sampled near one point, of which some places are free.

    **Arguments:**

    - `rows`: a subgradient per place.
    - `held`, `fresh`: which places are taken (the first always is), and which since the last
        `solve`.
    - `weights`: the convex combination that is `shortest`.
    - `shortest`: the shortest vector of the hull, as it was last found.
    """

    rows: Float[Array, "capacity n"]
    held: Bool[Array, "capacity"]
    fresh: Bool[Array, "capacity"]
    weights: Float[Array, "capacity"]
    shortest: Float[Array, "n"]

    @classmethod
    def of(cls, rows: Float[Array, "k n"], capacity: int) -> "Bundle":
        """A bundle of these rows alone, not yet solved."""
        k, n = rows.shape
        places = jnp.zeros((capacity, n), rows.dtype).at[:k].set(rows)
        first = jnp.zeros(capacity, rows.dtype).at[0].set(1)
        held = jnp.arange(capacity) < k
        return cls(places, held, held, first, rows[0])

    def solve(self) -> "Bundle":
        """The bundle with its shortest vector found; it is no longer than the one before."""
        # A free place repeats the first row: the hull stays, and the weights are added up.
        row = jnp.where(self.held, jnp.arange(self.held.size), 0)
        rows = self.rows[row]
        found = minimum_norm_weights(rows @ rows.T)
        weights = jnp.zeros_like(self.weights).at[row].add(found)
        # Between the vector so far and the row most opposed to it there is a shorter one, however
        # well the weights above are found near the precision of the arithmetic.
        opposed = jnp.argmin(rows @ self.shortest)
        apart = self.shortest - rows[opposed]
        square = jnp.vdot(apart, apart)
        share = jnp.vdot(self.shortest, apart) / jnp.where(square > 0, square, 1)
        share = jnp.clip(share, 0, 1)
        mixed = ((1 - share) * self.weights).at[row[opposed]].add(share)
        between = self.shortest - share * apart
        shortest = weights @ self.rows
        better = jnp.vdot(shortest, shortest) <= jnp.vdot(between, between)
        return Bundle(
            self.rows,
            self.held,
            jnp.zeros_like(self.fresh),
            jnp.where(better, weights, mixed),
            jnp.where(better, shortest, between),
        )

    def add(self, new: Float[Array, "k n"], wanted: Bool[Array, "k"]) -> "Bundle":
        """The bundle with some more rows, in free places as long as there are any.

        When there are none, rows of the smallest weights go and the shortest vector takes one
        place, so that what it has reached is kept.
        """
        k = new.shape[0]
        order = jnp.argsort(jnp.where(self.held, self.weights + self.fresh, -1))
        places, spare = order[:k], order[k]
        lost = jnp.any(wanted & self.held[places] & (self.weights[places] > 0))
        rows = self.rows.at[places].set(jnp.where(wanted[:, None], new, self.rows[places]))
        rows = rows.at[spare].set(jnp.where(lost, self.shortest, rows[spare]))
        held = self.held.at[places].set(self.held[places] | wanted)
        fresh = self.fresh.at[places].set(self.fresh[places] | wanted)
        alone = jnp.zeros_like(self.weights).at[spare].set(1)
        return Bundle(
            rows,
            held.at[spare].set(held[spare] | lost),
            fresh,
            jnp.where(lost, alone, self.weights),
            self.shortest,
        )
