"""Aggregators that start from the mean or the sum, and take conflicts away."""

from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np

from ..._operators import minimum_norm_weights
from ._aggregator import AbstractAggregator


class PCGrad(AbstractAggregator):
    """Each gradient loses its part against each other one in turn; what is left is summed.

    For two objectives no one gets worse to first order; for more that is not so. The others are
    taken in a random order with a `key`, in the given order without.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> st.methods.PCGrad()(jnp.array([[1.0, 0.0], [-1.0, 1.0]])).tolist()
        [2.0, 1.5]

    !!! cite "Reference"
        Yu et al. (2020), Gradient surgery for multi-task learning, arXiv:2001.06782, algorithm 1.
    """

    def weights(self, gramian, key=None):
        m = len(gramian)
        order = jnp.broadcast_to(jnp.arange(m), (m, m))
        if key is not None:
            order = jax.vmap(lambda k: jax.random.permutation(k, m))(jax.random.split(key, m))

        def operate(i, order):
            def remove(step, own):
                j = order[step]
                inner = gramian[j] @ own
                size = gramian[j, j]
                against = (inner < 0) & (j != i) & (size > 0)
                part = jnp.where(against, inner / jnp.where(size > 0, size, 1), 0)
                return own.at[j].add(-part)

            return jax.lax.fori_loop(0, m, remove, (jnp.arange(m) == i).astype(gramian.dtype))

        return jnp.sum(jax.vmap(operate)(jnp.arange(m), order), axis=0)


class CAGrad(AbstractAggregator):
    """The direction that is best for the worst-off objective, not far from the mean's.

    d maximises min_i <g_i, d> in the ball of radius c |g| around the mean gradient g. With
    `radius` below 1 descent still converges to a minimum of the mean; from 1 on it is 0 at every
    Pareto-stationary point.

    **Arguments:**

    - `radius`: c, at least 0; 0 is the mean.

    **Raises:** `ValueError` for a negative radius.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
        >>> st.methods.CAGrad(0.5).combine(gradients).gradient.round(4).tolist()
        [0.1835, 1.2041, 1.2041]

    !!! cite "Reference"
        Liu et al. (2021), Conflict-averse gradient descent for multi-task learning,
        arXiv:2110.14048, algorithm 1.
    """

    radius: Any = 0.5

    def __check_init__(self):
        if not isinstance(self.radius, jax.core.Tracer) and not (
            np.ndim(self.radius) == 0 and np.isfinite(self.radius) and self.radius >= 0
        ):
            raise ValueError(
                f"CAGrad(radius=...) must be finite and at least 0, got {self.radius}."
            )

    def weights(self, gramian, key=None):
        m, dtype = len(gramian), gramian.dtype
        scale = jnp.max(jnp.diagonal(gramian))
        gram = gramian / jnp.where(scale > 0, scale, 1)
        mean = jnp.full(m, 1 / m, dtype)
        along = gram @ mean  # <g_i, g>
        square = jnp.maximum(mean @ along, 0)
        reach = self.radius * jnp.sqrt(square)

        # min over w of <g_w, g> + reach |g_w|. With |g_w| = min over t of (|g_w|^2 / t + t) / 2 it
        # is convex in t; at a given t, w is that of the shortest combination of g_i + s g, with
        # s = t / reach.
        def at(s):
            shifted = gram + s * (along[:, None] + along[None, :]) + s * s * square
            w = minimum_norm_weights(shifted)
            return w, jnp.sqrt(jnp.maximum(w @ gram @ w, 0))

        def bisect(_, ends):
            low, high = ends
            middle = (low + high) / 2
            more = at(middle)[1] > middle * reach
            return jnp.where(more, middle, low), jnp.where(more, high, middle)

        safe = jnp.where(reach > 0, reach, 1)
        digits = 60 if dtype == jnp.float64 else 30
        ends = jnp.zeros((), dtype), 1 / safe  # gradients are at most 1 long here
        s = jnp.mean(jnp.stack(jax.lax.fori_loop(0, digits, bisect, ends)))
        w, length = at(s)
        critical = length <= 8 * m * jnp.sqrt(jnp.finfo(dtype).eps)
        added = reach / jnp.where(critical, 1, length) * w
        found = jnp.where(critical, jnp.zeros_like(mean), mean + added)
        return jnp.where(reach > 0, found, mean)
