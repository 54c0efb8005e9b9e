"""Aggregators that do not look at the gradients."""

from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._aggregator import AbstractAggregator, check_length


class Mean(AbstractAggregator):
    """The mean of the gradients: plain descent on the mean of the objectives.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> st.methods.Mean()(jnp.eye(4)).tolist()
        [0.25, 0.25, 0.25, 0.25]
    """

    def weights(self, gramian, key=None):
        return jnp.full(len(gramian), 1 / len(gramian), gramian.dtype)


class Sum(AbstractAggregator):
    """The sum of the gradients.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> st.methods.Sum()(jnp.eye(2)).tolist()
        [1.0, 1.0]
    """

    def weights(self, gramian, key=None):
        return jnp.ones(len(gramian), gramian.dtype)


class Constant(AbstractAggregator):
    """Weights that are given.

    **Arguments:**

    - `given`: a point of the simplex, a weight for each objective.

    **Raises:** `ValueError` for weights that are negative or do not sum to 1; when used, for a
    wrong number of them.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> st.methods.Constant([0.75, 0.25]).combine(jnp.eye(2)).gradient.tolist()
        [0.75, 0.25]
    """

    given: Float[Array | np.ndarray, "m"] = eqx.field(converter=lambda w: _as_array(w))

    def __check_init__(self):
        if isinstance(self.given, jax.core.Tracer):
            return
        known = np.asarray(self.given)
        good = known.ndim == 1 and known.size > 0 and np.all(known >= 0)
        if not (good and abs(float(np.sum(known)) - 1) <= 1e-5):
            raise ValueError(
                f"Constant(...) takes weights on the simplex, at least 0 and with sum 1; got "
                f"{known.tolist()}. Divide them by their sum, or use Sum() for the plain sum."
            )

    def weights(self, gramian, key=None):
        check_length(self.given, len(gramian), "Constant(...)")
        return jnp.asarray(self.given, gramian.dtype)


class RandomWeights(AbstractAggregator):
    """Weights drawn afresh at every step: the softmax of standard normal numbers.

    A litmus test for other rules. Needs a `key`, which
    [`JacobianDescent`][stationary.methods.JacobianDescent] passes.

    **Raises:** when used, `ValueError` without a key.

    !!! example
        >>> import jax, jax.numpy as jnp, stationary as st
        >>> weights = st.methods.RandomWeights()(jnp.eye(3), jax.random.key(0))
        >>> round(float(weights.sum()), 6)
        1.0

    !!! cite "Reference"
        Lin, Ye, Zhang and Tsang (2022), Reasonable effectiveness of random weighting: a litmus
        test for multi-task learning, arXiv:2111.10603.
    """

    def weights(self, gramian, key=None):
        if key is None:
            raise ValueError("RandomWeights draws its weights: pass a key, jax.random.key(0) say.")
        return jax.nn.softmax(jax.random.normal(key, gramian.shape[:1], gramian.dtype))


def _as_array(weights: Any) -> Any:
    return weights if hasattr(weights, "dtype") else np.asarray(weights, float)
