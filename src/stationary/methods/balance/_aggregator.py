"""What turns the gradients of several objectives into one."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..._operators import gramian


class Combined(NamedTuple):
    """One gradient for several objectives.

    **Arguments:**

    - `gradient`: the combination, a pytree like one gradient.
    - `weights`: of each gradient in it.
    """

    gradient: PyTree[Array]
    weights: Float[Array, "m"]


class AbstractAggregator(eqx.Module):
    """A rule that weighs m gradients by their inner products alone.

    An aggregator works in a training loop of your own, under `jit` and `vmap`: called on gradients
    it answers their weights, and `combine` also the combination. Weights are constants to
    derivatives.

    !!! example
        A rule of your own, which leans towards the objective with the smallest gradient:

        >>> import jax.numpy as jnp, stationary as st
        >>> class InverseNorm(st.methods.AbstractAggregator):
        ...     "Weights that make all gradients equally long."
        ...
        ...     def weights(self, gramian, key=None):
        ...         return 1 / jnp.sqrt(jnp.diagonal(gramian))
        >>> InverseNorm()(jnp.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
        [0.2, 1.0]
    """

    @abc.abstractmethod
    def weights(
        self, gramian: Float[Array, "m m"], key: PRNGKeyArray | None = None
    ) -> Float[Array, "m"]:
        """The weight of each gradient in the combination.

        **Arguments:**

        - `gramian`: the inner products of the gradients, positive semidefinite.
        - `key`: the randomness of a randomised rule.
        """

    def __call__(
        self, gradients: PyTree[Array], key: PRNGKeyArray | None = None
    ) -> Float[Array, "m"]:
        """The weight of each gradient: descend along the gradient of `weights @ losses`.

        **Arguments:**

        - `gradients`: m gradients, stacked along the leading axis of each array of a pytree.
        - `key`: the randomness of a randomised rule.

        **Raises:** `ValueError` when the arrays disagree about m, when m is 0, or when a gradient
        is not finite; `TypeError` when they are not real floating arrays.
        """
        return self.combine(gradients, key).weights

    def combine(self, gradients: PyTree[Array], key: PRNGKeyArray | None = None) -> Combined:
        """The combined gradient and its weights; arguments and errors as for a call."""
        check_gradients(gradients)
        weights = jax.lax.stop_gradient(self.weights(gramian(gradients), key))
        return Combined(
            jax.tree.map(lambda rows: jnp.tensordot(weights, rows, 1), gradients), weights
        )


def check_gradients(gradients: PyTree) -> None:
    """Refuse what is not m >= 1 finite gradients.

    **Raises:** `TypeError` or `ValueError` naming the array or the objective at fault.
    """
    leaves = jax.tree.leaves(gradients)
    sizes = {np.shape(leaf)[:1] for leaf in leaves}
    if not leaves or len(sizes) > 1 or sizes == {()}:
        raise ValueError(
            "gradients must be arrays that share a leading axis, a row for each objective; got "
            f"shapes {[np.shape(leaf) for leaf in leaves]}."
        )
    if sizes == {(0,)}:
        raise ValueError("there are no objectives: the gradients' leading axis has length 0.")
    for leaf in leaves:
        if not jnp.issubdtype(jnp.result_type(leaf), jnp.floating):
            raise TypeError(
                f"gradients must be real floating arrays, got one of {jnp.result_type(leaf)}."
            )
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return
    bad = set()
    for leaf in leaves:
        finite = np.isfinite(np.asarray(leaf)).reshape(len(leaf), -1).all(axis=1)
        bad |= set(np.flatnonzero(~finite).tolist())
    if bad:
        raise ValueError(
            f"the gradients of objectives {sorted(bad)} (counted from 0) are not finite; look for "
            "an overflow, a logarithm of 0 or a division by 0 in those losses."
        )


def check_preference(preference: Any, where: str) -> None:
    """Refuse weights that prefer nothing, or that prefer an objective to get worse.

    **Raises:** `ValueError`.
    """
    if preference is None or isinstance(preference, jax.core.Tracer):
        return
    known = np.asarray(preference)
    if known.ndim != 1 or known.size == 0:
        raise ValueError(
            f"{where} takes a vector, a weight per objective; got shape {known.shape}."
        )
    if not (np.all(np.isfinite(known)) and np.all(known >= 0)):
        raise ValueError(f"{where} must be finite and at least 0, got {known.tolist()}.")
    if not np.any(known > 0):
        raise ValueError(f"{where} is 0 for every objective; leave it out for equal weights.")


def preferred(preference: Any, m: int, dtype: Any, where: str) -> Float[Array, "m"]:
    """The preference among m objectives, equal unless given.

    **Raises:** `ValueError` for one of another length.
    """
    if preference is None:
        return jnp.full(m, 1 / m, dtype)
    check_length(preference, m, where)
    return jnp.asarray(preference, dtype)


def check_length(vector: Any, m: int, where: str) -> None:
    """Refuse a vector that is not of the length of the objectives.

    **Raises:** `ValueError`.
    """
    if np.shape(vector)[-1] != m:
        raise ValueError(f"{where} is for {np.shape(vector)[-1]} objectives, but there are {m}.")
