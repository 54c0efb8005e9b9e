"""The posterior of weights that share a part, from what each task knows about its own."""

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jaxtyping import Array, Float


class Spectra(eqx.Module):
    """One positive semidefinite matrix per task, S_t = U_t diag(e_t) U_t', factored once."""

    values: Float[Array, "T d"]
    vectors: Float[Array, "T d d"]

    @classmethod
    def of(cls, matrices: Float[Array, "T d d"]) -> "Spectra":
        """Factor the matrices; eigenvalues below zero are rounding."""
        values, vectors = jnp.linalg.eigh(matrices)
        return cls(jnp.maximum(values, 0), vectors)

    def times(
        self, x: Float[Array, "T d q"], factors: Float[Array, "T d"]
    ) -> Float[Array, "T d q"]:
        """U_t diag(factors_t) U_t' x_t for each task."""
        turned = jnp.einsum("tij,tiq->tjq", self.vectors, x)
        return jnp.einsum("tij,tjq->tiq", self.vectors, factors[..., None] * turned)


class Traces(NamedTuple):
    """Traces of the posterior covariance P against the matrices S_t of the tasks.

    **Arguments:**

    - `single`: tr(S_t P_tt).
    - `double`: tr(S_t P_tu S_u P_ut), for tasks t and u; minus the derivative of `single` by the
        strengths.
    """

    single: Float[Array, "T"]
    double: Float[Array, "T T"]


class WeightPosterior(eqx.Module):
    """The posterior of all weights, where task t is known with precision k_t S_t.

    With the prior of [`LinearMultitaskKernel`][stationary.multitask.LinearMultitaskKernel], blocks
    of the posterior covariance are P_tu = b_t B_t [t = u] + B_t C B_u, where B_t = (I + b_t k_t
    S_t)^-1 and C = a (I + a sum_t k_t S_t B_t)^-1 is that of the shared part. No inverse of a or b
    appears, and no matrix is larger than d x d.
    """

    spectra: Spectra
    strengths: Float[Array, "T"]
    shared: Float[Array, ""]
    own: Float[Array, "T"]
    shrinkage: Float[Array, "T d"]
    """The eigenvalues of B_t."""
    factor: Float[Array, "d d"]
    """The Cholesky factor of I + a sum_t k_t S_t B_t."""

    def __init__(
        self,
        spectra: Spectra,
        strengths: Float[Array, "T"],
        shared: Float[Array, ""],
        own: Float[Array, "T"],
    ) -> None:
        self.spectra, self.strengths = spectra, strengths
        self.shared, self.own = shared, own
        known = strengths[:, None] * spectra.values
        self.shrinkage = 1 / (1 + own[:, None] * known)
        scaled = spectra.vectors * (known * self.shrinkage)[:, None, :]
        precision = jnp.einsum("tij,tkj->ik", scaled, spectra.vectors)
        identity = jnp.eye(precision.shape[0], dtype=precision.dtype)
        self.factor = jnp.linalg.cholesky(identity + shared * precision)

    def traces(self) -> Traces:
        """Traces against the matrices S_t."""
        values, shrinkage, own = self.spectra.values, self.shrinkage, self.own
        # Columns of G_t with G_t G_t' = L' B_t S_t B_t L, for C = L L'.
        dimension = values.shape[1]
        flat = jnp.moveaxis(self.spectra.vectors, 0, 1).reshape(dimension, -1)
        turned = solve_triangular(self.factor, flat, lower=True)
        turned = jnp.moveaxis(turned.reshape(dimension, *values.shape), 1, 0)
        # Two roots: that of a product has no derivative where a matrix is singular.
        scales = jnp.sqrt(self.shared) * jnp.sqrt(values) * shrinkage
        columns = turned * scales[:, None, :]
        lengths = jnp.sum(columns**2, axis=1)
        products = jnp.einsum("tij,tkj->tik", columns, columns)
        own_part = own * jnp.sum(values * shrinkage, axis=1)
        double = jnp.einsum("tik,uik->tu", products, products)
        diagonal = own**2 * jnp.sum((values * shrinkage) ** 2, axis=1)
        diagonal += 2 * own * jnp.sum(values * shrinkage * lengths, axis=1)
        return Traces(own_part + jnp.sum(lengths, axis=1), double + jnp.diag(diagonal))

    def shared_mean(self, targets: Float[Array, "T d q"]) -> Float[Array, "d q"]:
        """C sum_t B_t z_t: the posterior mean of the shared part for targets z."""
        moved = jnp.sum(self.spectra.times(targets, self.shrinkage), axis=0)
        half = solve_triangular(self.factor, moved, lower=True)
        return self.shared * solve_triangular(self.factor, half, lower=True, trans=1)

    def mean(
        self, targets: Float[Array, "T d q"]
    ) -> tuple[Float[Array, "T d q"], Float[Array, "d q"]]:
        """P z for targets z, such as X_t y_t: the weights of every task, and their shared part."""
        middle = self.shared_mean(targets)
        own = self.own[:, None, None] * self.spectra.times(targets, self.shrinkage)
        everywhere = jnp.broadcast_to(middle, targets.shape)
        return own + self.spectra.times(everywhere, self.shrinkage), middle

    def missed(self, weights: Float[Array, "T d q"]) -> Float[Array, "T d q"]:
        """What is missed of true weights without noise: (I - P H) w, with H the precisions."""
        known = self.strengths[:, None] * self.spectra.values
        middle = self.shared_mean(self.spectra.times(weights, known))
        return self.spectra.times(weights - middle, self.shrinkage)
