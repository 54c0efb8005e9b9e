"""Mixtures: nonnegative entries of a given total."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._base import AbstractSet
from ._linalg import inner
from ._numbers import Numbers, in_words, positive_scalar


class Simplex(AbstractSet):
    """Nonnegative arrays whose last axis sums to `total`: one mixture, or a stack of them.

    **Arguments:**

    - `total`: what the entries sum to; positive. 1 makes them probabilities.

    **Raises:** `ValueError` unless `total` is one positive, finite number.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Simplex
    >>> Simplex().project(jnp.array([0.75, 0.75, -1.0])).tolist()
    [0.5, 0.5, 0.0]

    **Source:** Duchi, Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the
    l1-ball for learning in high dimensions.
    """

    total: Numbers = eqx.field(
        default=1.0, converter=lambda value: positive_scalar(value, "Simplex(total=...)")
    )

    def check(self, shape: tuple[int, ...], where: str) -> None:
        if len(shape) == 0 or shape[-1] == 0:
            raise ValueError(
                f"{where}: a simplex needs a last axis with at least one entry, "
                f"got shape {tuple(shape)}."
            )

    def describe(self) -> str:
        return f"the simplex of total {in_words(self.total)}"

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return onto_simplex(x, jnp.asarray(self.total, x.dtype))

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        best = jax.nn.one_hot(
            jnp.argmin(cotangent, axis=-1), cotangent.shape[-1], dtype=cotangent.dtype
        )
        return jnp.asarray(self.total, cotangent.dtype) * best

    def price(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, ""]:
        return -inner(cotangent, x) / jnp.asarray(self.total, x.dtype)


def onto_simplex(x: Float[Array, "*batch n"], total: Float[Array, ""]) -> Float[Array, "*batch n"]:
    """The nearest nonnegative arrays of a given total along the last axis, in O(n log n)."""
    # Subtracting the largest entry moves no answer, and keeps a small total visible next to large
    # entries.
    x = x - jax.lax.stop_gradient(jnp.max(x, axis=-1, keepdims=True))
    # Sorting only finds the support; the threshold is then recomputed from it, so that
    # derivatives do not go through the sort.
    ordered = jnp.sort(jax.lax.stop_gradient(x), axis=-1, descending=True)
    sums = jnp.cumsum(ordered, axis=-1) - jax.lax.stop_gradient(total)
    ranks = jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    count = jnp.sum(ordered * ranks > sums, axis=-1, keepdims=True)
    last = jnp.maximum(count - 1, 0)
    threshold = jnp.take_along_axis(sums / ranks, last, axis=-1)
    outside = x <= threshold
    inside = jnp.sum(jnp.where(outside, 0.0, x), axis=-1, keepdims=True)
    threshold = (inside - total) / jnp.sum(~outside, axis=-1, keepdims=True, dtype=x.dtype)
    above = x - threshold
    return jnp.where(outside | (above < 0), 0.0, above)
