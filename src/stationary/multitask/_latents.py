"""Latent functions that interact: their covariances, own and mutual."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from ._arguments import check_positive, floating


class AbstractLatents(eqx.Module):
    """A family of stationary latent functions with one white noise behind all of them.

    Latent i is white noise through a filter whose transfer function is the root of its spectral
    density, so latents i and j have a covariance at every lag: the inverse Fourier transform of
    the root of the product of their densities.
    """

    count: eqx.AbstractVar[int]
    dimension: eqx.AbstractVar[int]

    @abc.abstractmethod
    def covariance(
        self, i: int, j: int, inputs: Float[Array, "n d"], other_inputs: Float[Array, "m d"]
    ) -> Float[Array, "n m"]:
        """The covariance of latent i at the first inputs and latent j at the others."""

    @abc.abstractmethod
    def variance(self) -> Float[Array, "Q Q"]:
        """The covariance of every two latents at lag 0."""

    @abc.abstractmethod
    def free(self) -> PyTree[Array]:
        """The parameters in a form in which any real number is allowed."""

    @abc.abstractmethod
    def bound(self, free: PyTree[Array]) -> "AbstractLatents":
        """These latents with the parameters that `free` stands for."""


def _lags(inputs: Float[Array, "n d"], other: Float[Array, "m d"], axis: int):
    return inputs[:, None, axis] - other[None, :, axis]


class SquaredExponential(AbstractLatents):
    """Smooth latents with Gaussian spectra; along each dimension, at lag t,

    k_ij(t) = sqrt(2 l_i l_j / (l_i^2 + l_j^2)) exp(-t^2 / (l_i^2 + l_j^2)),

    which for i = j is exp(-t^2 / (2 l_i^2)).

    **Arguments:**

    - `scales`: length scales l, positive, in the units of the inputs: shape `(Q, D)`, a row per
        latent and a column per dimension; or `(Q,)` for one dimension.

    **Raises:** `ValueError` for scales that are not positive, and for other shapes.

    !!! example
        >>> import numpy as np
        >>> latents = SquaredExponential(np.array([1.0, 2.0]))
        >>> latents.variance().round(4).tolist()
        [[1.0, 0.8944], [0.8944, 1.0]]

    !!! cite "Reference"
        Higdon (2002), Space and space-time modeling using process convolutions.
    """

    scales: Float[Array, "Q D"]
    count: int = eqx.field(static=True)
    dimension: int = eqx.field(static=True)

    def __init__(self, scales: Any) -> None:
        self.scales = _table("SquaredExponential: scales", scales)
        check_positive("SquaredExponential: scales", scales)
        self.count, self.dimension = self.scales.shape

    def covariance(self, i, j, inputs, other_inputs):
        # One exponential of the summed exponents: D products of matrices fewer.
        squares = self.scales[i] ** 2 + self.scales[j] ** 2
        at_zero = jnp.prod(jnp.sqrt(2 * self.scales[i] * self.scales[j] / squares))
        distance = sum(
            _lags(inputs, other_inputs, axis) ** 2 / squares[axis] for axis in range(self.dimension)
        )
        return at_zero * jnp.exp(-distance)

    def variance(self):
        products = self.scales[:, None] * self.scales[None]
        squares = self.scales[:, None] ** 2 + self.scales[None] ** 2
        return jnp.prod(jnp.sqrt(2 * products / squares), axis=-1)

    def free(self):
        return jnp.log(self.scales)

    def bound(self, free):
        return eqx.tree_at(lambda latents: latents.scales, self, jnp.exp(free))


class SpectralMixture(AbstractLatents):
    """Latents that oscillate: spectra with a normal peak at plus and minus a frequency.

    Latent i has the spectral density w_i N(s; m_i, v_i) for positive s, mirrored for negative s
    and halved, and each half interacts with the same half of the others. Along each dimension, at
    lag t and with V = 2 v_i v_j / (v_i + v_j) and M = (m_i v_j + m_j v_i) / (v_i + v_j),

    k_ij(t) = sqrt(2 sqrt(v_i v_j) / (v_i + v_j)) exp(-(m_i - m_j)^2 / (4 (v_i + v_j)))
    exp(-2 pi^2 t^2 V) cos(2 pi M t),

    and the product over dimensions is multiplied by sqrt(w_i w_j).

    **Arguments:**

    - `weights`: variances w, positive, shape `(Q,)`.
    - `frequencies`: m, positive, in cycles per unit of the inputs, shape `(Q, D)` or `(Q,)`.
    - `bandwidths`: standard deviations sqrt(v) of the peaks, positive, of the same shape and unit.

    **Raises:** `ValueError` for numbers that are not positive, and for shapes that do not fit.

    !!! example
        >>> import numpy as np
        >>> latents = SpectralMixture(np.ones(2), np.array([1.0, 1.1]), np.array([0.1, 0.1]))
        >>> latents.variance().round(4).tolist()
        [[1.0, 0.8825], [0.8825, 1.0]]

    !!! cite "Reference"
        Wilson and Adams (2013), Gaussian process kernels for pattern discovery and extrapolation;
        Chen et al. (2018), arXiv 1808.01132, for the interaction.
    """

    weights: Float[Array, "Q"]
    frequencies: Float[Array, "Q D"]
    bandwidths: Float[Array, "Q D"]
    count: int = eqx.field(static=True)
    dimension: int = eqx.field(static=True)

    _PARTS: ClassVar[tuple[str, ...]] = ("weights", "frequencies", "bandwidths")

    def __init__(self, weights: Any, frequencies: Any, bandwidths: Any) -> None:
        self.frequencies = _table("SpectralMixture: frequencies", frequencies)
        self.bandwidths = _table("SpectralMixture: bandwidths", bandwidths)
        self.weights = floating(weights)
        self.count, self.dimension = self.frequencies.shape
        fits = self.weights.shape == (self.count,)
        if not fits or self.bandwidths.shape != self.frequencies.shape:
            raise ValueError(
                "SpectralMixture needs a weight per latent, and frequencies and bandwidths of one "
                f"shape; got {np.shape(weights)}, {np.shape(frequencies)} and "
                f"{np.shape(bandwidths)}."
            )
        for name in self._PARTS:
            check_positive(f"SpectralMixture: {name}", getattr(self, name))

    def covariance(self, i, j, inputs, other_inputs):
        first, second = self.bandwidths[i] ** 2, self.bandwidths[j] ** 2
        spread = 2 * first * second / (first + second)
        middle = (self.frequencies[i] * second + self.frequencies[j] * first) / (first + second)
        value = self.variance()[i, j]
        for axis in range(self.dimension):
            lag = _lags(inputs, other_inputs, axis)
            wave = jnp.cos(2 * jnp.pi * middle[axis] * lag)
            value = value * jnp.exp(-2 * (jnp.pi * lag) ** 2 * spread[axis]) * wave
        return value

    def variance(self):
        def pairs(column):
            return column[:, None], column[None]

        (first, second), (here, there) = pairs(self.bandwidths), pairs(self.frequencies)
        total = first**2 + second**2
        overlap = jnp.sqrt(2 * first * second / total) * jnp.exp(-((here - there) ** 2) / 4 / total)
        scale = jnp.sqrt(self.weights[:, None] * self.weights[None])
        return scale * jnp.prod(overlap, axis=-1)

    def free(self):
        return {name: jnp.log(getattr(self, name)) for name in self._PARTS}

    def bound(self, free):
        def places(latents):
            return [getattr(latents, name) for name in self._PARTS]

        return eqx.tree_at(places, self, [jnp.exp(free[name]) for name in self._PARTS])


def _table(where: str, value: Any) -> Float[Array, "Q D"]:
    array = floating(value)
    if array.ndim not in (1, 2) or not array.size:
        raise ValueError(
            f"{where} must have a row per latent and a column per dimension, got shape "
            f"{array.shape}."
        )
    return array[:, None] if array.ndim == 1 else array


def check_latents(latents: Any) -> None:
    """Refuse what is not one family: mixed ones have no closed cross-covariance."""
    if not isinstance(latents, AbstractLatents):
        raise TypeError(
            "latents must be one family, SquaredExponential(...) or SpectralMixture(...), got "
            f"{type(latents).__name__}. Latents of different families have no cross-covariance in "
            "closed form, and cannot interact."
        )
