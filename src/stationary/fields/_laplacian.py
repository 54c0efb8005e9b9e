"""The negative Laplacian on a uniform grid, diagonal in sines."""

import math
from collections.abc import Sequence

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Field = Float[Array | np.ndarray, "..."]
"""A field of the grid's shape."""

SMALLEST = 3
"""The fewest inner grid points of an axis on which second differences say something."""


class DirichletLaplacian(eqx.Module):
    """Minus the Laplacian on the unit interval, square or cube, zero at the boundary.

    Second differences on the inner points of a uniform grid, `(i + 1) / (n + 1)` along an axis of n
    points. Solving takes sine transforms, of the order of N log N for N points.

    **Arguments:**

    - `shape`: inner grid points per axis; an int for an interval.

    **Raises:** `ValueError` for fewer than 3 points along an axis, or more than 3 axes.

    !!! example
        >>> import jax.numpy as jnp
        >>> laplacian = DirichletLaplacian(99)
        >>> (x,) = laplacian.points
        >>> bulge = laplacian.solve(jnp.ones(99))  # x (1 - x) / 2, exactly
        >>> float(jnp.max(jnp.abs(bulge - x * (1 - x) / 2))) < 1e-6
        True
    """

    shape: tuple[int, ...] = eqx.field(static=True)

    def __init__(self, shape: int | Sequence[int]) -> None:
        shape = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
        if not 1 <= len(shape) <= 3:
            raise ValueError(f"a grid has 1, 2 or 3 axes, got shape {shape}.")
        if min(shape) < SMALLEST:
            raise ValueError(
                f"the grid is too small: {shape} inner points; give at least {SMALLEST} per axis."
            )
        self.shape = tuple(int(n) for n in shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """The distance of grid points along each axis."""
        return tuple(1 / (n + 1) for n in self.shape)

    @property
    def cell(self) -> float:
        """The volume of one cell: what turns sums over grid points into integrals."""
        return math.prod(self.spacing)

    @property
    def points(self) -> tuple[Float[np.ndarray, "..."], ...]:
        """The coordinates of the grid points, one array of the grid's shape per axis."""
        axes = [np.arange(1, n + 1) / (n + 1) for n in self.shape]
        return tuple(np.meshgrid(*axes, indexing="ij"))

    @property  # not a cached one: what it kept would become part of the pytree's structure
    def eigenvalues(self) -> Float[np.ndarray, "..."]:
        """The eigenvalue of each product of sines, in an array of the grid's shape."""
        total = np.zeros(self.shape)
        for axis, (n, h) in enumerate(zip(self.shape, self.spacing, strict=True)):
            own = (2 / h * np.sin(np.pi * np.arange(1, n + 1) * h / 2)) ** 2
            total = total + own.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return total

    def inner(self, one: Field, other: Field) -> Float[Array, ""]:
        """The integral of the product of two fields."""
        return self.cell * jnp.sum(one * other)

    def apply(self, field: Field) -> Float[Array, "..."]:
        """Minus the Laplacian of a field of the grid's shape."""
        field = jnp.asarray(field)
        total = jnp.zeros_like(field)
        for axis, h in enumerate(self.spacing):
            padded = jnp.pad(field, [(1, 1) if i == axis else (0, 0) for i in range(field.ndim)])
            n = field.shape[axis]
            left = jnp.take(padded, np.arange(n), axis)
            right = jnp.take(padded, np.arange(2, n + 2), axis)
            total = total + (2 * field - left - right) / h**2
        return total

    def solve(self, source: Field, shift: float | Float[Array, ""] = 0.0) -> Float[Array, "..."]:
        """The field whose negative Laplacian, plus `shift` times itself, is `source`."""
        source = coefficients = jnp.asarray(source)
        for axis in range(len(self.shape)):
            coefficients = _sines(coefficients, axis)
        # A sine transform is its own inverse up to (n + 1) / 2 per axis.
        scale = math.prod(2 / (n + 1) for n in self.shape)
        field = coefficients * scale / (jnp.asarray(self.eigenvalues, source.dtype) + shift)
        for axis in range(len(self.shape)):
            field = _sines(field, axis)
        return field


def _sines(values: Float[Array, "..."], axis: int) -> Float[Array, "..."]:
    """The discrete sine transform of the first kind along an axis: sum_j v_j sin(pi j k / (n+1)).

    By the real Fourier transform of the odd extension, whose imaginary part is minus twice it.
    """
    values = jnp.moveaxis(values, axis, -1)
    n = values.shape[-1]
    zero = jnp.zeros((*values.shape[:-1], 1), values.dtype)
    odd = jnp.concatenate([zero, values, zero, -values[..., ::-1]], axis=-1)
    spectrum = jnp.fft.rfft(odd, axis=-1)[..., 1 : n + 1]
    return jnp.moveaxis((-0.5 * spectrum.imag).astype(values.dtype), -1, axis)
