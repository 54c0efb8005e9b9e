"""Manifolds: sets without an interior, on which a step follows the curve of the set."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._base import AbstractSet, largest
from ._linalg import inner, matmul, norm, orthonormal_factor, polar_factor, symmetric, transpose
from ._numbers import Numbers, in_words, positive_scalar


class AbstractManifold(AbstractSet):
    """A smooth manifold in Euclidean space, with the metric of that space."""

    @property
    def curved(self) -> bool:
        return True

    @abc.abstractmethod
    def gradient(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """The tangent part of the Euclidean gradient at a point of the manifold."""

    def residual(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        """How far `x` is from stationary, and from the manifold.

        The tangent part of the gradient at the nearest point y of the manifold, plus x - y, which
        is normal there. The two are orthogonal, so neither hides the other; together they are as
        many equations as unknowns, and their Jacobian is singular only where the Riemannian
        Hessian is.

        **Source:** Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix
        Manifolds, chapter 3.
        """
        nearest = self.project(x)
        return self.gradient(nearest, cotangent) + (x - nearest)


class Sphere(AbstractManifold):
    """Arrays whose Euclidean norm, over all entries, is `radius`.

    **Arguments:**

    - `radius`: positive.

    **Raises:** `ValueError` unless `radius` is one positive, finite number.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Sphere
    >>> Sphere(5.0).retract(jnp.array([3.0, 4.0]), jnp.array([4.0, -3.0]) / 4).round(2).tolist()
    [3.88, 3.15]

    **Source:** Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds,
    example 4.1.1.
    """

    radius: Numbers = eqx.field(
        default=1.0, converter=lambda value: positive_scalar(value, "Sphere(radius=...)")
    )

    def check(self, shape: tuple[int, ...], where: str) -> None:
        if 0 in shape:
            raise ValueError(
                f"{where}: a sphere needs at least one entry, got shape {tuple(shape)}."
            )

    def describe(self) -> str:
        return f"the sphere of radius {in_words(self.radius)}"

    def distance(self, x: Float[Array, "*shape"]) -> Float[Array, ""]:
        return jnp.abs(norm(x) - self._radius(x))

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        length = norm(x)
        # Every point is nearest to zero; the first axis stands for them all.
        pole = jnp.zeros(x.size, x.dtype).at[0].set(1.0).reshape(x.shape)
        unit = jnp.where(length == 0, pole, x / jnp.where(length == 0, 1.0, length))
        return self._radius(x) * unit

    def gradient(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        length = norm(x)
        unit = x / jnp.where(length == 0, 1.0, length)
        return cotangent - unit * inner(unit, cotangent)

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return self.project(-cotangent)

    def price(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, ""]:
        return -inner(cotangent, x) / self._radius(x)

    def _radius(self, like: Float[Array, "..."]) -> Float[Array, ""]:
        return jnp.asarray(self.radius, like.dtype)


class Stiefel(AbstractManifold):
    """Matrices, in the last two axes, with orthonormal columns: x'x = I.

    **Example:**

    >>> import jax.numpy as jnp
    >>> from stationary.sets import Stiefel
    >>> Stiefel().project(jnp.array([[2.0, 0.0], [0.0, 3.0], [0.0, 0.0]])).tolist()
    [[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]

    **Source:** Absil, Mahony and Sepulchre (2008), Optimization Algorithms on Matrix Manifolds,
    example 4.1.3.
    """

    def check(self, shape: tuple[int, ...], where: str) -> None:
        if len(shape) < 2 or shape[-2] < shape[-1]:
            raise ValueError(
                f"{where}: orthonormal columns need matrices at least as tall as wide in the "
                f"last two axes, got shape {tuple(shape)}. Transpose for orthonormal rows."
            )

    def describe(self) -> str:
        return "the matrices with orthonormal columns"

    def distance(self, x: Float[Array, "*shape"]) -> Float[Array, ""]:
        return largest(matmul(transpose(x), x) - jnp.eye(x.shape[-1], dtype=x.dtype))

    def project(self, x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return polar_factor(x)

    def retract(
        self, x: Float[Array, "*shape"], tangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        # A tangent step never lowers a singular value below 1, so the factor is well conditioned.
        return orthonormal_factor(x + tangent)

    def gradient(
        self, x: Float[Array, "*shape"], cotangent: Float[Array, "*shape"]
    ) -> Float[Array, "*shape"]:
        return cotangent - matmul(x, symmetric(matmul(transpose(x), cotangent)))

    def lmo(self, cotangent: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return polar_factor(-cotangent)
