"""Sets decided entry by entry: the whole space, boxes, and the positive numbers."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._base import AbstractSet, Capability, largest
from ._numbers import Numbers, as_numbers, check_broadcast, concrete, in_words


class Euclidean(AbstractSet):
    """The whole space: no restriction at all.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Euclidean
    >>> Euclidean().residual(jnp.zeros(2), jnp.array([1.0, -2.0])).tolist()
    [1.0, -2.0]
    """

    @property
    def elementwise(self) -> bool:
        return True

    def check(self, shape: tuple[int, ...], where: str) -> None:
        pass

    def describe(self) -> str:
        return "the whole space"

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return x

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        return natural(x, cotangent, -np.inf, np.inf)

    def free(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Bool[Array, "*shape"]:
        return jnp.ones(x.shape, bool)


class Box(AbstractSet):
    """Arrays with lower <= x <= upper, entry by entry.

    **Arguments:**

    - `lower`, `upper`: numbers, or arrays that broadcast to the variable. An infinite bound is no
      bound, and equal bounds fix the entry.

    **Raises:** `ValueError` for a NaN bound, bounds that leave an entry no room, and bounds that
    do not broadcast; `TypeError` for bounds that are not real numbers. Traced bounds are not
    checked, and are not known to be finite, so a box built from them has no `lmo`.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Box
    >>> Box(-1, [1.0, 2.0]).project(jnp.array([-3.0, 3.0])).tolist()
    [-1.0, 2.0]
    """

    lower: Numbers
    upper: Numbers
    bounded: bool = eqx.field(static=True)

    def __init__(self, lower=-np.inf, upper=np.inf):
        self.lower = as_numbers(lower, "Box(lower=...)")
        self.upper = as_numbers(upper, "Box(upper=...)")
        known = concrete(self.lower), concrete(self.upper)
        self.bounded = all(
            bound is not None and bool(np.all(np.isfinite(bound))) for bound in known
        )

    def __check_init__(self):
        try:
            np.broadcast_shapes(self.lower.shape, self.upper.shape)
        except ValueError:
            raise ValueError(
                f"Box: lower has shape {self.lower.shape} and upper has shape {self.upper.shape}, "
                "which do not broadcast together."
            ) from None
        lower, upper = concrete(self.lower), concrete(self.upper)
        for name, bound in (("lower", lower), ("upper", upper)):
            if bound is not None and np.any(np.isnan(bound)):
                place = _at(_first(np.isnan(bound)))
                raise ValueError(f"Box: {name}{place} is NaN. Use -inf or inf for no bound.")
        if lower is None or upper is None:
            return
        lower, upper = np.broadcast_arrays(lower, upper)
        empty = (lower > upper) | ((lower == upper) & np.isinf(lower))
        if np.any(empty):
            place = _first(empty)
            raise ValueError(
                f"Box: no number fits{_at(place)} between its lower bound {lower[place]:g} "
                f"and its upper bound {upper[place]:g}."
            )

    @property
    def capabilities(self) -> frozenset[Capability]:
        has = {Capability.PROJECT, Capability.RETRACT}
        return frozenset(has | {Capability.LMO} if self.bounded else has)

    @property
    def elementwise(self) -> bool:
        return True

    def check(self, shape: tuple[int, ...], where: str) -> None:
        check_broadcast(self.lower, shape, "Box(lower=...)", where)
        check_broadcast(self.upper, shape, "Box(upper=...)", where)

    def describe(self) -> str:
        return (
            f"the box with lower bound {in_words(self.lower)} "
            f"and upper bound {in_words(self.upper)}"
        )

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return clip(x, self.lower, self.upper)

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        return natural(x, cotangent, self.lower, self.upper)

    def free(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Bool[Array, "*shape"]:
        return can_move(x, cotangent, self.lower, self.upper)

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        if not self.bounded:
            self._lacks(Capability.LMO)
        lower = jnp.asarray(self.lower, cotangent.dtype)
        return jnp.where(cotangent > 0, lower, jnp.asarray(self.upper, cotangent.dtype))


class Positive(AbstractSet):
    """Arrays with every entry above zero: an open set, entered by its start and never left.

    There is no nearest point, so there is no projection. A step solves (y - x^2 / y) / 2 =
    tangent: it agrees to second order with the geodesic x exp(tangent / x) of the metric dx^2 /
    x^2, grows no faster than the tangent, and shrinks no faster than 1 / |tangent|, so that it
    neither overflows nor reaches zero.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Positive
    >>> Positive().retract(jnp.array([3.0, 3.0]), jnp.array([4.0, -4.0])).tolist()
    [9.0, 1.0]

    **Source:** Nesterov and Todd (2002), On the Riemannian geometry defined by self-concordant
    barriers.
    """

    @property
    def closed(self) -> bool:
        return False

    @property
    def elementwise(self) -> bool:
        return True

    def check(self, shape: tuple[int, ...], where: str) -> None:
        pass

    def describe(self) -> str:
        return "the positive numbers"

    def distance(self, x: Float[Array, "*shape"]) -> Float[Array, ""]:
        # Zero is at no distance from the set and yet outside it: say so by the smallest number
        # there is.
        outside = jnp.maximum(-x, jnp.finfo(x.dtype).tiny)
        return largest(jnp.where(x > 0, 0.0, outside))

    def retract(
        self, x: Float[Array, "*shape"], tangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        length = jnp.hypot(x, tangent)
        # Both branches are t + |(x, t)|; the first one is written so that it does not cancel.
        return jnp.where(tangent < 0, x * (x / (length - tangent)), tangent + length)

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        # The normal cone of an open set is {0}. Outside, the residual is x itself, kept away from
        # zero.
        return jnp.where(x > 0, cotangent, jnp.minimum(x, -jnp.finfo(x.dtype).tiny))

    def free(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Bool[Array, "*shape"]:
        return jnp.ones(x.shape, bool)


def clip(
    x: Float[Array, "*shape"], lower: Numbers | float, upper: Numbers | float
) -> Float[Array, "*shape"]:
    """`x` moved between bounds.

    An entry on a bound has derivative 0, so that a fixed entry always has. NaN stays NaN.
    """
    low, high = jnp.asarray(lower, x.dtype), jnp.asarray(upper, x.dtype)
    return jnp.where(x <= low, low, jnp.where(x >= high, high, x))


def natural(
    x: Float[Array, "*shape"],
    cotangent: Float[Array, "*shape"],
    lower: Numbers | float,
    upper: Numbers | float,
) -> Float[Array, "*shape"]:
    """The residual x - clip(x - cotangent), in which a small gradient survives a large x."""
    low, high = jnp.asarray(lower, x.dtype), jnp.asarray(upper, x.dtype)
    below, above = x - cotangent <= low, x - cotangent >= high
    inside = jnp.where(jnp.isnan(x), x, cotangent)
    return jnp.where(below, x - low, jnp.where(above, x - high, inside))


def can_move(
    x: Float[Array, "*shape"],
    cotangent: Float[Array, "*shape"],
    lower: Numbers | float,
    upper: Numbers | float,
) -> Bool[Array, "*shape"]:
    """Which entries are neither fixed nor pressed against a bound by the negative gradient."""
    low, high = jnp.asarray(lower, x.dtype), jnp.asarray(upper, x.dtype)
    held = ((x <= low) & (cotangent > 0)) | ((x >= high) & (cotangent < 0)) | (low == high)
    return ~held


def _first(mask: np.ndarray | np.bool_) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])


def _at(place: tuple[int, ...]) -> str:
    return f" at entry {place[0] if len(place) == 1 else place}" if place else ""
