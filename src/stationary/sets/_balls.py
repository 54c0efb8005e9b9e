"""Balls of the l1, l2 and l-infinity norms, around any centre."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._base import AbstractSet, largest
from ._elementwise import can_move, clip, natural
from ._linalg import inner, norm
from ._numbers import Numbers, check_broadcast, concrete, finite, in_words, positive_scalar
from ._simplex import onto_simplex


class AbstractBall(AbstractSet):
    """Arrays whose difference from a centre, as a whole, has a norm of at most the radius."""

    radius: eqx.AbstractVar[Numbers]
    center: eqx.AbstractVar[Numbers]

    @abc.abstractmethod
    def size(self, difference: Float[Array, "*shape"]) -> Float[Array, ""]:
        """The ball's norm."""

    def check(self, shape: tuple[int, ...], where: str) -> None:
        check_broadcast(self.center, shape, f"{type(self).__name__}(center=...)", where)

    def price(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, ""]:
        radius, difference = self._radius(x), x - self._center(x)
        tight = self.size(difference) >= radius * (1 - np.sqrt(jnp.finfo(x.dtype).eps))
        return jnp.where(tight, jnp.maximum(-inner(cotangent, difference), 0.0) / radius, 0.0)

    def _radius(self, like: Float[Array, "..."]) -> Float[Array, ""]:
        return jnp.asarray(self.radius, like.dtype)

    def _center(self, like: Float[Array, "..."]) -> Float[Array, "..."]:
        return jnp.asarray(self.center, like.dtype)

    def _words(self, name: str) -> str:
        known = concrete(self.center)
        around = "" if known is not None and not known.any() else f" around {in_words(self.center)}"
        return f"the {name} ball of radius {in_words(self.radius)}{around}"


def _radius_of(kind: str) -> Callable[[object], Numbers]:
    return lambda value: positive_scalar(value, f"{kind}(radius=...)")


def _center_of(kind: str) -> Callable[[object], Numbers]:
    return lambda value: finite(value, f"{kind}(center=...)")


class L1Ball(AbstractBall):
    """Arrays within an l1 distance of a centre: the sum of |x - center| is at most `radius`.

    **Arguments:**

    - `radius`: positive.
    - `center`: a number, or an array that broadcasts to the variable.

    **Raises:** `ValueError` unless `radius` is one positive, finite number and `center` is finite.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import L1Ball
    >>> L1Ball(1.0).project(jnp.array([1.5, -1.0, 0.25])).tolist()
    [0.75, -0.25, 0.0]

    **Source:** Duchi, Shalev-Shwartz, Singer and Chandra (2008), Efficient projections onto the
    l1-ball for learning in high dimensions.
    """

    radius: Numbers = eqx.field(converter=_radius_of("L1Ball"))
    center: Numbers = eqx.field(default=0.0, converter=_center_of("L1Ball"))

    def size(self, difference: Float[Array, "*shape"]) -> Float[Array, ""]:
        return jnp.sum(jnp.abs(difference))

    def describe(self) -> str:
        return self._words("l1")

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        if x.size == 0:
            return x
        radius, center = self._radius(x), self._center(x)
        difference = x - center
        moved = onto_simplex(jnp.abs(difference).reshape(-1), radius).reshape(x.shape)
        return jnp.where(self.size(difference) > radius, center + jnp.sign(difference) * moved, x)

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        if cotangent.size == 0:
            return cotangent
        flat = cotangent.reshape(-1)
        steepest = jnp.argmax(jnp.abs(flat))
        step = jnp.where(jnp.arange(flat.size) == steepest, -jnp.sign(flat), 0.0)
        return self._center(flat) + self._radius(flat) * step.reshape(cotangent.shape)


class L2Ball(AbstractBall):
    """Arrays within a Euclidean distance of a centre: the norm of x - center is at most `radius`.

    **Arguments:**

    - `radius`: positive.
    - `center`: a number, or an array that broadcasts to the variable.

    **Raises:** `ValueError` unless `radius` is one positive, finite number and `center` is finite.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import L2Ball
    >>> L2Ball(5.0).project(jnp.array([6.0, 8.0])).tolist()
    [3.0, 4.0]

    **Source:** Parikh and Boyd (2014), Proximal algorithms, section 6.5.
    """

    radius: Numbers = eqx.field(converter=_radius_of("L2Ball"))
    center: Numbers = eqx.field(default=0.0, converter=_center_of("L2Ball"))

    def size(self, difference: Float[Array, "*shape"]) -> Float[Array, ""]:
        return norm(difference)

    def describe(self) -> str:
        return self._words("l2")

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        radius, center = self._radius(x), self._center(x)
        length = norm(x - center)
        outside = length > radius
        shrink = radius / jnp.where(outside, length, 1.0)
        return jnp.where(outside, center + (x - center) * shrink, x)

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        length = norm(cotangent)
        unit = cotangent / jnp.where(length > 0, length, 1.0)
        return self._center(cotangent) - self._radius(cotangent) * unit


class LinfBall(AbstractBall):
    """Arrays within a distance of a centre in every entry: |x - center| is at most `radius`.

    **Arguments:**

    - `radius`: positive.
    - `center`: a number, or an array that broadcasts to the variable.

    **Raises:** `ValueError` unless `radius` is one positive, finite number and `center` is finite.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import LinfBall
    >>> LinfBall(2.0, center=1.0).project(jnp.array([4.0, -4.0])).tolist()
    [3.0, -1.0]

    **Source:** Parikh and Boyd (2014), Proximal algorithms, section 6.5.
    """

    radius: Numbers = eqx.field(converter=_radius_of("LinfBall"))
    center: Numbers = eqx.field(default=0.0, converter=_center_of("LinfBall"))

    @property
    def elementwise(self) -> bool:
        return True

    def size(self, difference: Float[Array, "*shape"]) -> Float[Array, ""]:
        return largest(difference)

    def describe(self) -> str:
        return self._words("l-infinity")

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return clip(x, *self._bounds(x))

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        return natural(x, cotangent, *self._bounds(x))

    def free(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Bool[Array, "*shape"]:
        return can_move(x, cotangent, *self._bounds(x))

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return self._center(cotangent) - self._radius(cotangent) * jnp.sign(cotangent)

    def _bounds(self, like: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
        return self._center(like) - self._radius(like), self._center(like) + self._radius(like)
