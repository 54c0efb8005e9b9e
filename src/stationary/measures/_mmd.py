"""The maximum mean discrepancy between two samples."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_BLOCK = 1024
"""Rows of a kernel matrix that are held at once."""

Sample = Float[Array, "..."] | Float[np.ndarray, "..."]
Kernel = Callable[[Float[Array, "n d"], Float[Array, "m d"]], Float[Array, "n m"]]


class GaussianKernel(eqx.Module):
    """A sum of Gaussian kernels, exp(-|a - b|^2 / (2 s^2)) over bandwidths s.

    **Arguments:**

    - `bandwidths`: one number or several, in the units of the points.

    **Raises:** `ValueError` unless every bandwidth is positive and finite.

    !!! example
        >>> import jax.numpy as jnp
        >>> kernel = GaussianKernel([1.0, 2.0])
        >>> kernel(jnp.zeros((1, 3)), jnp.zeros((1, 3))).tolist()
        [[2.0]]
    """

    bandwidths: Any

    def __init__(self, bandwidths: Any) -> None:
        if any(isinstance(b, jax.Array) for b in jax.tree.leaves(bandwidths)):
            self.bandwidths = jnp.ravel(jnp.asarray(bandwidths))
        else:
            self.bandwidths = np.ravel(np.asarray(bandwidths, float))
        known = _known(self.bandwidths)
        if known is not None and not (known.size and np.all((known > 0) & np.isfinite(known))):
            raise ValueError(
                f"GaussianKernel: bandwidths must be positive and finite, got {known}. A zero "
                "comes from a sample whose points are all equal."
            )

    def __call__(self, a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Float[Array, "n m"]:
        """The kernel between all pairs of rows."""
        squares = _square_distances(a, b)
        scales = jnp.asarray(self.bandwidths, squares.dtype)
        return sum(jnp.exp(-squares / (2 * s**2)) for s in scales)  # pyright: ignore


def mmd_squared(
    x: Sample,
    y: Sample,
    kernel: Kernel | None = None,
    *,
    unbiased: bool = True,
) -> Float[Array, ""]:
    """The squared maximum mean discrepancy between two samples.

    Zero, up to noise, exactly when both come from one distribution (for a characteristic kernel
    such as the Gaussian). The unbiased form has mean zero then, so it may be negative: constrain
    it as it is rather than its square root. Memory grows with n + m, not with their product.

    **Arguments:**

    - `x`, `y`: shapes `(n, d)` and `(m, d)`, one point per row.
    - `kernel`: maps two samples to the matrix of kernel values; default a
        [`GaussianKernel`][stationary.measures.GaussianKernel] at a half, one and two times the
        [`median_distance`][stationary.measures.median_distance] of both samples together, which
        derivatives treat as constant.
    - `unbiased`: leave out each point's pair with itself.

    **Raises:** `ValueError` for samples of different dimension, of fewer than two points, or with
    entries that are not finite (as far as values are known outside compiled code).

    !!! example
        >>> import jax.numpy as jnp
        >>> x = jnp.array([[0.0], [1.0]])
        >>> round(float(mmd_squared(x, x + 9.0, GaussianKernel(1.0))), 4)
        1.2131

    !!! cite "Reference"
        Gretton, Borgwardt, Rasch, Schoelkopf and Smola, A kernel two-sample test, JMLR 13 (2012).
    """
    _check(x, y)
    x, y = jnp.asarray(x), jnp.asarray(y)
    if kernel is None:
        middle = jax.lax.stop_gradient(median_distance(x, y))
        kernel = GaussianKernel(middle * jnp.array([0.5, 1.0, 2.0], middle.dtype))
    return (
        _mean(kernel, x, unbiased)
        + _mean(kernel, y, unbiased)
        - 2 * _total(kernel, x, y) / (len(x) * len(y))
    )


def median_distance(x: Sample, y: Sample, *, most: int = 1000) -> Float[Array, ""]:
    """The median distance between different points of two samples together: a bandwidth.

    **Arguments:**

    - `x`, `y`: shapes `(n, d)` and `(m, d)`, one point per row.
    - `most`: at most this many points of each are looked at, evenly spread over its rows.

    **Raises:** `ValueError` as for `mmd_squared`, and when at least half of all pairs coincide,
    where the median is no bandwidth.

    !!! example
        >>> import jax.numpy as jnp
        >>> median_distance(jnp.array([[0.0], [1.0]]), jnp.array([[2.0], [3.0]])).item()
        1.5
    """
    _check(x, y)
    x, y = jnp.asarray(x), jnp.asarray(y)
    both = jnp.concatenate([a[:: -(-len(a) // most)] for a in (x, y)])
    above = jnp.triu_indices(len(both), 1)
    middle = jnp.sqrt(jnp.median(_square_distances(both, both)[above]))
    middle = (middle + 0.0).astype(both.dtype)
    known = _known(middle)
    if known is not None and not known > 0:
        raise ValueError(
            "at least half of all pairs of points coincide, so their median distance is 0. Pass "
            "kernel=GaussianKernel(bandwidths) with a scale of your own."
        )
    return middle


def _square_distances(a: Float[Array, "n d"], b: Float[Array, "m d"]) -> Float[Array, "n m"]:
    # Centred first: the expansion of the square cancels badly far from the origin.
    centre = jax.lax.stop_gradient(jnp.mean(b, axis=0))
    a, b = a - centre, b - centre
    squares = jnp.sum(a * a, 1)[:, None] + jnp.sum(b * b, 1)[None, :]
    cross = jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)
    return jnp.maximum(squares - 2 * cross, 0)


def _total(kernel: Kernel, x: Float[Array, "n d"], y: Float[Array, "m d"]) -> Float[Array, ""]:
    """The sum of the kernel over all pairs."""
    if len(x) <= _BLOCK:
        return jnp.sum(kernel(x, y))
    row = jax.checkpoint(lambda point: jnp.sum(kernel(point[None], y)))
    return jnp.sum(jax.lax.map(row, x, batch_size=_BLOCK))


def _mean(kernel: Kernel, x: Float[Array, "n d"], unbiased: bool) -> Float[Array, ""]:
    """The mean of the kernel over pairs within a sample."""
    count, total = len(x), _total(kernel, x, x)
    if not unbiased:
        return total / count**2
    own = jnp.sum(jax.vmap(lambda point: kernel(point[None], point[None])[0, 0])(x))
    return (total - own) / (count * (count - 1))


def _check(x: Any, y: Any) -> None:
    for name, sample in (("x", x), ("y", y)):
        if jnp.ndim(sample) != 2:
            raise ValueError(f"{name} must have one point per row, got shape {jnp.shape(sample)}.")
        if len(sample) < 2:
            raise ValueError(f"{name} has {len(sample)} point; a discrepancy needs at least 2.")
        known = _known(sample)
        if known is not None and not np.all(np.isfinite(known)):
            rows = int(np.sum(~np.isfinite(known).all(axis=1)))
            raise ValueError(f"{name} has NaN or infinite entries in {rows} of its rows.")
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"x has points of dimension {x.shape[1]} and y of {y.shape[1]}; they must agree."
        )


def _known(value: Any) -> np.ndarray | None:
    return None if isinstance(value, jax.core.Tracer) else np.asarray(value)
