"""Tasks as mixtures of latent functions that interact."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._arguments import check_finite, check_semidefinite, floating, known
from ._kernel import AbstractTaskKernel
from ._latents import AbstractLatents, check_latents


class InteractionKernel(AbstractTaskKernel):
    """The covariance of tasks that mix latent functions which interact,

    K((x, t), (x', t')) = sum_ij C_ij (A_i A_j')_(t t') k_ij(x - x').

    With C = I the latents are independent, and this is the linear model of coregionalization
    ([`Coregionalization`][stationary.multitask.Coregionalization]); with every entry of C one,
    all of them are driven by the same noise. Positive semidefinite for any mixing. The sign of a
    mixing matters here: turning over A_i is the same as turning over row and column i of C.

    **Arguments:**

    - `latents`: [`SquaredExponential`][stationary.multitask.SquaredExponential] or
        [`SpectralMixture`][stationary.multitask.SpectralMixture].
    - `mixing`: A, shape `(Q, T, R)`: for each latent a row per task, and as many columns for each
        as there are copies of the latent.
    - `interaction`: C, positive semidefinite with unit diagonal, shape `(Q, Q)`; default all ones.

    **Raises:** `ValueError` for shapes that do not fit and for a C that is no correlation matrix;
    `TypeError` for latents of several families.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import SquaredExponential
        >>> latents = SquaredExponential(np.array([1.0, 2.0]))
        >>> kernel = InteractionKernel(latents, np.array([[[1.0], [0.0]], [[0.0], [1.0]]]))
        >>> kernel(np.zeros((2, 1)), np.array([0, 1])).round(4).tolist()
        [[1.0, 0.8944], [0.8944, 1.0]]

    !!! cite "Reference"
        Chen et al. (2018), arXiv 1808.01132: cross-convolution with cross-coregionalization, in
        a parametrisation of our own.
    """

    latents: AbstractLatents
    mixing: Float[Array, "Q T R"]
    root: Float[Array, "Q Q"]
    """A factor of C, with rows of unit length."""
    tasks: int = eqx.field(static=True)
    fit_interaction: bool = eqx.field(static=True)
    independent: bool = eqx.field(static=True)
    """Whether C = I for good, so that there are no cross terms to compute."""

    def __init__(
        self,
        latents: Any,
        mixing: Any,
        interaction: Any = None,
        *,
        fit_interaction: bool = True,
    ) -> None:
        check_latents(latents)
        self.latents, self.mixing = latents, _mixing(mixing, latents.count)
        given = jnp.ones((latents.count,) * 2) if interaction is None else floating(interaction)
        self.root = _root(given, latents.count).astype(self.mixing.dtype)
        self.tasks = self.mixing.shape[1]
        self.fit_interaction = fit_interaction
        values = known(given)
        identity = values is not None and np.array_equal(values, np.eye(latents.count))
        self.independent = identity and not fit_interaction

    @property
    def interaction(self) -> Float[Array, "Q Q"]:
        """C: how far every two latents are driven by the same noise."""
        return self.root @ self.root.T

    def covariance(self, inputs, tasks, other_inputs, other_tasks):
        rows, columns = self.mixing[:, tasks], self.mixing[:, other_tasks]
        strength, count = self.interaction, self.latents.count
        total = jnp.zeros((), self.mixing.dtype)
        for i in range(count):
            for j in range(i, i + 1 if self.independent else count):
                mixed = rows[i] @ columns[j].T
                if i != j:  # A_i A_j' is not symmetric: the pair (j, i) is its transpose
                    mixed = mixed + rows[j] @ columns[i].T
                latent = self.latents.covariance(i, j, inputs, other_inputs)
                total = total + strength[i, j] * mixed * latent
        return total

    def variance(self, inputs, tasks):
        rows = self.mixing[:, tasks]
        return jnp.einsum("ij,inr,jnr->n", self.interaction * self.latents.variance(), rows, rows)

    def free(self):
        free = {"latents": self.latents.free(), "mixing": self.mixing}
        return free | ({"root": self.root} if self.fit_interaction else {})

    def bound(self, free):
        root = self.root
        if self.fit_interaction:
            root = free["root"] / jnp.linalg.norm(free["root"], axis=1, keepdims=True)
        parts = self.latents.bound(free["latents"]), free["mixing"], root
        return eqx.tree_at(lambda kernel: (kernel.latents, kernel.mixing, kernel.root), self, parts)

    def check_inputs(self, inputs):
        if np.shape(inputs)[1] != self.latents.dimension:
            raise ValueError(
                f"inputs have {np.shape(inputs)[1]} dimensions, but the latents have "
                f"{self.latents.dimension}: one column of their scales per dimension."
            )


def Coregionalization(latents: Any, mixing: Any) -> InteractionKernel:
    """The linear model of coregionalization: tasks that mix independent latent functions,

    K((x, t), (x', t')) = sum_i (A_i A_i')_(t t') k_i(x - x').

    **Arguments:**

    - `latents`, `mixing`: as for [`InteractionKernel`][stationary.multitask.InteractionKernel].

    **Returns:** the `InteractionKernel` whose interaction is, and stays, the identity.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import SquaredExponential
        >>> latents = SquaredExponential(np.array([1.0, 2.0]))
        >>> kernel = Coregionalization(latents, np.array([[[1.0], [0.0]], [[0.0], [1.0]]]))
        >>> kernel(np.zeros((2, 1)), np.array([0, 1])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]

    !!! cite "Reference"
        Goovaerts (1997), Geostatistics for natural resources evaluation.
    """
    check_latents(latents)
    return InteractionKernel(latents, mixing, np.eye(latents.count), fit_interaction=False)


def _mixing(mixing: Any, count: int) -> Float[Array, "Q T R"]:
    if isinstance(mixing, list | tuple):
        shapes = {np.shape(part) for part in mixing}
        if len(shapes) > 1:
            raise ValueError(
                "InteractionKernel: the mixings of all latents must have one shape, tasks x "
                f"copies, got {sorted(shapes)}. Fill up with columns of zeros."
            )
    array = floating(mixing)
    if array.ndim != 3 or array.shape[0] != count or not array.size:
        raise ValueError(
            f"InteractionKernel: mixing must have shape ({count}, tasks, copies), a matrix per "
            f"latent, got {array.shape}."
        )
    check_finite("InteractionKernel: mixing", mixing)
    return array


def _root(interaction: Float[Array, "..."], count: int) -> Float[Array, "Q Q"]:
    if interaction.shape != (count, count):
        raise ValueError(
            f"InteractionKernel: interaction must have shape ({count}, {count}), a row per latent, "
            f"got {interaction.shape}."
        )
    values = known(interaction)
    if values is not None:
        check_semidefinite("InteractionKernel: interaction", values)
        if np.max(np.abs(np.diagonal(values) - 1)) > 1e-6:
            raise ValueError(
                "InteractionKernel: interaction must have a unit diagonal, got "
                f"{np.diagonal(values)}. Put scales into the mixing."
            )
        if np.array_equal(values, np.eye(count)):
            return interaction
    lengths, axes = jnp.linalg.eigh(interaction)
    root = axes * jnp.sqrt(jnp.maximum(lengths, 0))
    return root / jnp.linalg.norm(root, axis=1, keepdims=True)
