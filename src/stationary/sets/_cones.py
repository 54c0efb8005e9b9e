"""Closed convex cones: where the value of a constraint may lie."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._base import AbstractCone
from ._elementwise import can_move, clip, natural
from ._linalg import norm, positive_part, symmetric


class AbstractOrthant(AbstractCone):
    """A cone that bounds every entry by zero: from below, from above, or from both sides."""

    bounds: eqx.AbstractClassVar[tuple[float, float]]

    @property
    def elementwise(self) -> bool:
        return True

    def check(self, shape: tuple[int, ...], where: str) -> None:
        pass

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return clip(x, *self.bounds)

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        return natural(x, cotangent, *self.bounds)

    def free(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Bool[Array, "*shape"]:
        return can_move(x, cotangent, *self.bounds)


class Zero(AbstractOrthant):
    """The single point zero. Its polar cone is the whole space, so equality multipliers are free.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Zero
    >>> Zero().polar(jnp.array([-1.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, 0.0)

    def describe(self) -> str:
        return "the point zero"


class Nonnegative(AbstractOrthant):
    """Arrays with every entry at least zero. Its polar cone is `Nonpositive`.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Nonnegative
    >>> Nonnegative().project(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    bounds: ClassVar[tuple[float, float]] = (0.0, np.inf)

    def describe(self) -> str:
        return "the nonnegative orthant"


class Nonpositive(AbstractOrthant):
    """Arrays with every entry at most zero. Its polar cone is `Nonnegative`.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Nonpositive
    >>> Nonpositive().project(jnp.array([-1.0, 2.0])).tolist()
    [-1.0, 0.0]
    """

    bounds: ClassVar[tuple[float, float]] = (-np.inf, 0.0)

    def describe(self) -> str:
        return "the nonpositive orthant"


class SecondOrder(AbstractCone):
    """Arrays whose last axis is (t, z) with t at least the norm of z: one cone, or a stack of them.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import SecondOrder
    >>> SecondOrder().project(jnp.array([0.0, 6.0, 8.0])).tolist()
    [5.0, 3.0, 4.0]

    **Source:** Parikh and Boyd (2014), Proximal algorithms, section 6.3.
    """

    def check(self, shape: tuple[int, ...], where: str) -> None:
        if len(shape) == 0 or shape[-1] == 0:
            raise ValueError(
                f"{where}: the second-order cone needs a last axis (t, z) with at least t, "
                f"got shape {tuple(shape)}."
            )

    def describe(self) -> str:
        return "the second-order cone"

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        t, z = x[..., :1], x[..., 1:]
        length = norm(z, axis=-1)
        unit = z / jnp.where(length > 0, length, 1.0)
        edge = (t + length) / 2
        nearest = jnp.concatenate([edge, edge * unit], axis=-1)
        # The last case takes what compares with nothing, so that NaN stays NaN.
        return jnp.where(length <= t, x, jnp.where(length <= -t, 0.0, nearest))


class PositiveSemidefinite(AbstractCone):
    """Symmetric matrices, in the last two axes, without negative eigenvalues.

    A matrix that is not symmetric is outside, and is projected by way of its symmetric part.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import PositiveSemidefinite
    >>> PositiveSemidefinite().project(jnp.array([[2.0, 0.0], [0.0, -1.0]])).tolist()
    [[2.0, 0.0], [0.0, 0.0]]

    **Source:** Higham (1988), Computing a nearest symmetric positive semidefinite matrix; its
    derivative, Sun and Sun (2002), Semismooth matrix-valued functions.
    """

    def check(self, shape: tuple[int, ...], where: str) -> None:
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ValueError(
                f"{where}: positive semidefinite matrices need two equal last axes, got shape "
                f"{tuple(shape)}."
            )

    def describe(self) -> str:
        return "the positive semidefinite matrices"

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return positive_part(symmetric(x))
