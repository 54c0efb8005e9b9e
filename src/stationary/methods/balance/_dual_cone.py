"""Aggregators that project on the dual cone of the gradients, so that no objective gets worse."""

from typing import Any, NamedTuple

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ..._nonnegative import minimize_over_nonnegative
from ..._operators import minimum_norm_weights
from ._aggregator import AbstractAggregator, check_length, check_preference, preferred


class DualConeProjection(NamedTuple):
    """Combinations of gradients, projected.

    **Arguments:**

    - `weights`: of the projections.
    - `converged`: whether each one is exact up to rounding.
    """

    weights: Float[Array, "rows m"]
    converged: Bool[Array, "rows"]


def project_on_dual_cone(
    gramian: Float[Array | np.ndarray, "m m"],
    weights: Float[Array | np.ndarray, "rows m"],
    cone: Float[Array | np.ndarray, "k m"] | None = None,
) -> DualConeProjection:
    """The nearest directions that no objective objects to, from inner products alone.

    Each row w of `weights` stands for d = J'w, J the m gradients; its projection is the nearest d
    with J d >= 0. Exact up to rounding for gradients of any scale, dependent or 0, with nothing
    added to the Gramian; all rows at once, under `jit` and `vmap`.

    **Arguments:**

    - `gramian`: J J', positive semidefinite.
    - `weights`: the combinations to project, a row each.
    - `cone`: combinations of objectives that must not get worse, a row each, instead of every
        objective on its own: C J d >= 0.

    **Returns:** the weights of the projections, and which of them converged.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> jacobian = jnp.array([[1.0, 0.0], [-1.0, 1.0]])
        >>> gramian = jacobian @ jacobian.T
        >>> weights, converged = st.methods.project_on_dual_cone(gramian, jnp.eye(2))
        >>> (weights @ jacobian).tolist(), bool(converged.all())
        ([[0.5, 0.5], [0.0, 1.0]], True)

    !!! cite "Reference"
        Quinton and Rey (2024), Jacobian descent for multi-objective optimization,
        arXiv:2406.16232, proposition 1.
    """
    gramian, weights = jnp.asarray(gramian), jnp.asarray(weights)
    if cone is None:
        found = minimize_over_nonnegative(gramian, weights @ gramian)
        return DualConeProjection(weights + found.value, found.converged)
    cone = jnp.asarray(cone, gramian.dtype)
    across = cone @ gramian
    found = minimize_over_nonnegative(across @ cone.T, weights @ across.T)
    return DualConeProjection(weights + found.value @ cone, found.converged)


class UPGrad(AbstractAggregator):
    """Every gradient is projected on the dual cone of all of them; the projections are averaged.

    To first order no objective gets worse, each has an influence in proportion to its gradient's
    length, and the answer is a combination of the gradients.

    **Arguments:**

    - `preference`: the weight of each projection; default 1/m.
    - `cone`: combinations of objectives that must not get worse, a row each, instead of every
        objective on its own.

    **Raises:** `ValueError` for a preference that is negative, 0 everywhere or not a vector, or
    for a cone that is no matrix; when used, for one of the wrong length.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
        >>> gradient, weights = st.methods.UPGrad().combine(gradients)
        >>> gradient.round(4).tolist()
        [0.2924, 1.9006, 1.9006]

    !!! cite "Reference"
        Quinton and Rey (2024), Jacobian descent for multi-objective optimization,
        arXiv:2406.16232.
    """

    preference: Any = None
    cone: Any = None

    def __check_init__(self):
        check_preference(self.preference, "UPGrad(preference=...)")
        _check_cone(self.cone, "UPGrad(cone=...)")

    def weights(self, gramian, key=None):
        m = len(gramian)
        own = preferred(self.preference, m, gramian.dtype, "UPGrad(preference=...)")
        cone = _fitting(self.cone, m, "UPGrad(cone=...)")
        return jnp.sum(project_on_dual_cone(gramian, jnp.diag(own), cone).weights, axis=0)


class DualProj(AbstractAggregator):
    """The mean of the gradients, projected on their dual cone: gradient episodic memory's rule.

    To first order no objective gets worse. Unlike [`UPGrad`][stationary.methods.UPGrad], one very
    long gradient decides where the projection starts.

    **Arguments:**

    - `preference`: the weights of the mean; default 1/m.
    - `cone`: as for `UPGrad`.

    **Raises:** as `UPGrad`.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
        >>> st.methods.DualProj().combine(gradients).gradient.round(4).tolist()
        [0.5556, 1.1111, 1.1111]

    !!! cite "Reference"
        Lopez-Paz and Ranzato (2017), Gradient episodic memory for continual learning,
        arXiv:1706.08840.
    """

    preference: Any = None
    cone: Any = None

    def __check_init__(self):
        check_preference(self.preference, "DualProj(preference=...)")
        _check_cone(self.cone, "DualProj(cone=...)")

    def weights(self, gramian, key=None):
        m = len(gramian)
        own = preferred(self.preference, m, gramian.dtype, "DualProj(preference=...)")
        cone = _fitting(self.cone, m, "DualProj(cone=...)")
        return project_on_dual_cone(gramian, own[None], cone).weights[0]


class MGDA(AbstractAggregator):
    """The shortest convex combination of the gradients: multiple-gradient descent.

    It is 0 exactly at Pareto-stationary points, and otherwise every objective falls at least at
    the rate of its squared length. Short gradients have most of the weight.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> gradients = jnp.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
        >>> gradient, weights = st.methods.MGDA().combine(gradients)
        >>> abs(gradient.round(4)).tolist(), weights.tolist()
        ([0.0, 1.0, 1.0], [0.6, 0.4])

    !!! cite "Reference"
        Desideri (2012), Multiple-gradient descent algorithm (MGDA) for multiobjective
        optimization.
    """

    def weights(self, gramian, key=None):
        return minimum_norm_weights(gramian)


def _check_cone(cone: Any, where: str) -> None:
    if cone is None or isinstance(cone, jax.core.Tracer):
        return
    known = np.asarray(cone)
    if known.ndim != 2 or 0 in known.shape or not np.all(np.isfinite(known)):
        raise ValueError(
            f"{where} takes a finite matrix, a row for each combination of objectives that must "
            f"not get worse; got shape {known.shape}."
        )


def _fitting(cone: Any, m: int, where: str) -> Any:
    if cone is None:
        return None
    check_length(cone, m, where)
    return jnp.asarray(cone, float)
