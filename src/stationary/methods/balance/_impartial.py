"""Aggregators that treat gradients alike whatever their lengths."""

from typing import Any

import jax
import jax.core
import jax.numpy as jnp

from ._aggregator import AbstractAggregator, check_preference, preferred


class IMTLG(AbstractAggregator):
    """The combination whose projections on all gradients are equally long; weights sum to 1.

    Weights may be negative, and are 0 where they would sum to 0. A gradient of 0 gets no weight.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[2.0, 0.0], [0.0, 1.0]])
        >>> st.methods.IMTLG().combine(gradients).gradient.round(4).tolist()
        [0.6667, 0.6667]

    !!! cite "Reference"
        Liu et al. (2021), Towards impartial multi-task learning, ICLR; for dependent gradients
        after Quinton and Rey (2024), arXiv:2406.16232.
    """

    def weights(self, gramian, key=None):
        gram, unit = _of_unit_length(gramian)
        target = (unit > 0).astype(gram.dtype)
        v = unit * (jnp.linalg.pinv(gram, hermitian=True) @ target)
        total = jnp.sum(v)
        small = jnp.abs(total) <= 1e-12 * jnp.sum(jnp.abs(v))
        return jnp.where(small, 0, v / jnp.where(small, 1, total))


class NashMTL(AbstractAggregator):
    """The bargaining solution: the weights w > 0 with J J'w = 1/w entry by entry.

    It does not see the gradients' lengths, up to the length of the answer. Found by Newton's
    method on the convex function w'Gw/2 - sum log w; nothing is remembered between calls. Near a
    Pareto-stationary point the equation has no bounded solution; a part of 1e-12 of the identity
    bounds it. A gradient of 0 gets no weight.

    **Arguments:**

    - `max_norm`: shorten combinations longer than this; `None` leaves them at length sqrt(m).

    **Raises:** `ValueError` for a `max_norm` that is not positive.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[2.0, 0.0], [0.0, 1.0]])
        >>> st.methods.NashMTL(max_norm=None)(gradients).round(4).tolist()
        [0.5, 1.0]

    !!! cite "Reference"
        Navon et al. (2022), Multi-task learning as a bargaining game, arXiv:2202.01017.
    """

    max_norm: Any = 1.0

    def __check_init__(self):
        known = self.max_norm
        if known is not None and not isinstance(known, jax.core.Tracer) and not known > 0:
            raise ValueError(f"NashMTL(max_norm=...) must be positive, got {known}.")

    def weights(self, gramian, key=None):
        gram, unit = _of_unit_length(gramian)
        m, dtype = len(gram), gram.dtype
        bound = 1e-12 if dtype == jnp.float64 else 1e-6
        gram = gram + jnp.diag(jnp.where(unit > 0, bound, 1))

        def newton(carry):
            w, _, count = carry
            slope = gram @ w - 1 / w
            # With the columns scaled by w the system is I + D G D, however long w is.
            scaled = w[:, None] * gram * w[None, :] + jnp.eye(m, dtype=dtype)
            move = -jnp.linalg.solve(scaled, w * slope)
            decrement = jnp.sqrt(jnp.maximum(-jnp.vdot(move, w * slope), 0))
            rate = jnp.where(decrement > 0.25, 1 / (1 + decrement), 1)
            return w * (1 + rate * move), decrement, count + 1

        def going(carry):
            _, decrement, count = carry
            return (decrement > 64 * m * jnp.finfo(dtype).eps) & (count < 200)

        start = jnp.full(m, 1 / jnp.sqrt(jnp.sum(jnp.abs(gram)) / m), dtype)
        w, _, _ = jax.lax.while_loop(
            going, newton, (start, jnp.full((), jnp.inf, dtype), jnp.zeros((), jnp.int32))
        )
        w = unit * w
        if self.max_norm is None:
            return w
        length = jnp.sqrt(jnp.maximum(w @ gramian @ w, 0))
        return w * jnp.minimum(1, self.max_norm / jnp.where(length > 0, length, 1))


class AlignedMTL(AbstractAggregator):
    """Principal directions of the gradients brought to the length of the shortest of them.

    The nearest system of gradients with orthogonal rows of one length, combined with the
    preference. Directions in which no gradient points, up to rounding, are left out.

    **Arguments:**

    - `preference`: weights of the aligned gradients; default 1/m.

    **Raises:** as [`UPGrad`][stationary.methods.UPGrad].

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[2.0, 0.0], [0.0, 1.0]])
        >>> st.methods.AlignedMTL().combine(gradients).gradient.round(4).tolist()
        [0.5, 0.5]

    !!! cite "Reference"
        Senushkin et al. (2023), Independent component alignment for multi-task learning, CVPR,
        algorithm 1.
    """

    preference: Any = None

    def __check_init__(self):
        check_preference(self.preference, "AlignedMTL(preference=...)")

    def weights(self, gramian, key=None):
        m = len(gramian)
        own = preferred(self.preference, m, gramian.dtype, "AlignedMTL(preference=...)")
        values, vectors = jnp.linalg.eigh(gramian)
        kept = values > jnp.max(values) * m * jnp.finfo(gramian.dtype).eps
        least = jnp.min(jnp.where(kept, values, jnp.inf))
        ratio = jnp.where(kept, jnp.sqrt(least / jnp.where(kept, values, 1)), 0)
        aligned = vectors @ (ratio * (vectors.T @ own))
        return jnp.where(jnp.any(kept), aligned, own)


def _of_unit_length(gramian):
    """The Gramian of the gradients divided by their lengths, and 1 / length (0 for 0)."""
    sizes = jnp.diagonal(gramian)
    unit = jnp.where(sizes > 0, jax.lax.rsqrt(jnp.where(sizes > 0, sizes, 1)), 0)
    return gramian * unit[:, None] * unit[None, :], unit
