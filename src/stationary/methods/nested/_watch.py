"""Keeping estimated learning rates short enough where a problem turns out steeper."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

_REGROWTH = 1.01
"""How much a rate may grow back per step, up to what it was at the start."""


class Watch(eqx.Module):
    """The last two places where directions were looked at, and what rates began with.

    **Arguments:**

    - `watched`: which entries have an estimated rate.
    - `primal`, `directions`: the last unknown, and the directions there.
    - `longest`: the rates at the start.
    - `started`: whether there is a last place.
    """

    watched: tuple[bool, ...] = eqx.field(static=True)
    primal: tuple
    directions: tuple
    longest: tuple
    started: Array

    def after(
        self, primal: tuple, directions: tuple, rates: tuple, which: tuple[int, ...]
    ) -> tuple[tuple, "Watch"]:
        """Rates shortened to the inverse of the change of directions over that of the unknown.

        **Arguments:**

        - `primal`, `directions`: here.
        - `rates`: so far.
        - `which`: the entries that are about to move.
        """
        moved = _distance(primal, self.primal)
        # Between points that are equal to half of the digits the quotient is roundoff.
        least = jnp.sqrt(jnp.finfo(moved.dtype).eps) * (1 + _distance(primal))
        found = []
        for i, (rate, longest) in enumerate(zip(rates, self.longest, strict=True)):
            if i not in which or not self.watched[i]:
                found.append(rate)
                continue
            changed = _distance(directions[i], self.directions[i])
            bound = (0.5 if i == 0 else 1.0) * moved / jnp.where(changed > 0, changed, 1)
            known = self.started & (moved > least) & (changed > 0)
            grown = jnp.minimum(_REGROWTH * rate, longest)
            found.append(jnp.where(known, jnp.minimum(grown, bound), rate).astype(rate.dtype))
        here = Watch(self.watched, primal, directions, self.longest, jnp.array(True))
        return tuple(found), here


def begin_watch(watched: tuple[bool, ...], primal: tuple, rates: tuple) -> Watch:
    """A watch that has seen nothing yet."""
    return Watch(watched, primal, primal, rates, jnp.array(False))


def _distance(one: PyTree, other: PyTree = None) -> Float[Array, ""]:
    gap = one if other is None else jax.tree.map(jnp.subtract, one, other)
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(gap)))
