"""A bundle of subgradients of fixed capacity, and the shortest vector of their hull."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._faces import Faces


class Bundle(eqx.Module):
    """Subgradients sampled near one point, of which some places are free.

    **Arguments:**

    - `rows`: a subgradient per place.
    - `parts`: per place, how much of each function's subgradient it holds.
    - `held`, `fresh`: which places are taken, and which since the last `solve`.
    - `weights`: the convex combination that is `combined`.
    - `combined`, `shortest`: the vector of the hull whose part that no bound takes up is shortest,
        as it was last found, and this part.
    """

    rows: Float[Array, "capacity n"]
    parts: Float[Array, "capacity parts"]
    held: Bool[Array, "capacity"]
    fresh: Bool[Array, "capacity"]
    weights: Float[Array, "capacity"]
    combined: Float[Array, "n"]
    shortest: Float[Array, "n"]

    @classmethod
    def of(
        cls,
        rows: Float[Array, "k n"],
        parts: Float[Array, "k parts"],
        wanted: Bool[Array, "k"],
        capacity: int,
    ) -> "Bundle":
        """A bundle of the wanted ones of these rows, at least one, not yet solved."""
        k, n = rows.shape
        first = jnp.argmax(wanted)
        held = jnp.zeros(capacity, bool).at[:k].set(wanted)
        return cls(
            jnp.zeros((capacity, n), rows.dtype).at[:k].set(rows),
            jnp.zeros((capacity, parts.shape[1]), rows.dtype).at[:k].set(parts),
            held,
            held,
            jnp.zeros(capacity, rows.dtype).at[first].set(1),
            rows[first],
            rows[first],
        )

    @property
    def shares(self) -> Float[Array, "parts"]:
        """How much of each function's subgradients the combination holds."""
        return self.weights @ self.parts

    def solve(self, faces: Faces) -> "Bundle":
        """The bundle with its shortest vector found; it is no longer than the one before."""
        # A free place repeats a row that is held: the hull stays, and the weights are added up.
        row = jnp.where(self.held, jnp.arange(self.held.size), jnp.argmax(self.held))
        rows = self.rows[row]
        found = faces.weigh(rows, self.weights)
        weights = jnp.zeros_like(self.weights).at[row].add(found)
        combined = weights @ self.rows
        shortest = faces.reduce(combined)
        # Between the vector so far and the row most opposed to it there is a shorter one, however
        # well the weights above are found near the precision of the arithmetic.
        opposed = jnp.argmin(rows @ faces.reduce(self.combined))
        share = faces.mix(self.combined, rows[opposed] - self.combined)
        mixed = ((1 - share) * self.weights).at[row[opposed]].add(share)
        between = self.combined + share * (rows[opposed] - self.combined)
        part = faces.reduce(between)
        better = jnp.vdot(shortest, shortest) <= jnp.vdot(part, part)
        return Bundle(
            self.rows,
            self.parts,
            self.held,
            jnp.zeros_like(self.fresh),
            jnp.where(better, weights, mixed),
            jnp.where(better, combined, between),
            jnp.where(better, shortest, part),
        )

    def add(
        self, new: Float[Array, "k n"], parts: Float[Array, "k parts"], wanted: Bool[Array, "k"]
    ) -> "Bundle":
        """The bundle with some more rows, in free places as long as there are any.

        When there are none, rows of the smallest weights go and the combination takes one place,
        so that what it has reached is kept.
        """
        k = new.shape[0]
        order = jnp.argsort(jnp.where(self.held, self.weights + self.fresh, -1))
        places, spare = order[:k], order[k]
        lost = jnp.any(wanted & self.held[places] & (self.weights[places] > 0))

        def replace(old, new, combined):
            rows = old.at[places].set(jnp.where(wanted[:, None], new, old[places]))
            return rows.at[spare].set(jnp.where(lost, combined, rows[spare]))

        held = self.held.at[places].set(self.held[places] | wanted)
        fresh = self.fresh.at[places].set(self.fresh[places] | wanted)
        alone = jnp.zeros_like(self.weights).at[spare].set(1)
        return Bundle(
            replace(self.rows, new, self.combined),
            replace(self.parts, parts, self.shares),
            held.at[spare].set(held[spare] | lost),
            fresh,
            jnp.where(lost, alone, self.weights),
            self.combined,
            self.shortest,
        )
