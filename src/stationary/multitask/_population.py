"""Tasks whose distributions are known, and the limit of their risk."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._arguments import check_finite, check_semidefinite, floating, known
from ._risk import AbstractRiskModel, TaskRisk
from ._weights import Spectra, WeightPosterior


class Population(AbstractRiskModel):
    """Linear tasks y = x . w_t + noise with inputs of known covariance.

    **Arguments:**

    - `counts`: how many samples each task will have, shape `(T,)`.
    - `covariances`: of the inputs, positive semidefinite, shape `(T, d, d)`. Inputs have mean 0.
    - `weights`: the true weights, shape `(T, d)`, or `(T, d, q)` for q outputs.
    - `noise`: the variance of the noise, shape `(T,)`, or `(T, q)`.
    - `max_steps`: the most steps that the fixed point may take. It takes about ten.

    **Raises:** `ValueError` for counts that are not positive, matrices that are not positive
    semidefinite, negative noise, and shapes that do not fit.

    !!! example
        >>> import numpy as np
        >>> Population([20, 10], np.stack([np.eye(5)] * 2), np.ones((2, 5)), np.ones(2)).tasks
        2
    """

    counts: Float[Array, "T"]
    spectra: Spectra
    weights: Float[Array, "T d q"]
    noise: Float[Array, "T q"]
    tasks: int = eqx.field(static=True)
    single_output: bool = eqx.field(static=True)
    max_steps: int = eqx.field(static=True)

    def __init__(
        self, counts: Any, covariances: Any, weights: Any, noise: Any, *, max_steps: int = 100
    ) -> None:
        _check(counts, covariances, weights, noise)
        self.spectra = Spectra.of(floating(covariances))
        weights, noise = floating(weights), floating(noise)
        self.single_output = weights.ndim == 2
        self.weights = weights[..., None] if self.single_output else weights
        noise = noise if noise.ndim > 1 else noise[:, None]
        self.noise = jnp.broadcast_to(noise, (len(noise), self.weights.shape[-1]))
        self.counts = jnp.asarray(counts, self.weights.dtype)
        self.tasks = len(noise)
        self.max_steps = max_steps

    def size(self) -> Float[Array, ""]:
        return jnp.mean(jnp.sum(self.spectra.values, axis=1))

    def risk(self, shared: Float[Array, ""], own: Float[Array, "T"]) -> TaskRisk:
        excess, converged = self._excess(shared, own)
        strengths = self.counts / (1 + excess)
        posterior = WeightPosterior(self.spectra, strengths, shared, own)
        spread = posterior.traces().double * (strengths**2 / self.counts)
        # How a perturbation of one task's inputs moves the strengths of all.
        gain = jnp.linalg.inv(jnp.eye(self.tasks, dtype=spread.dtype) - spread)
        missed = posterior.missed(self.weights)
        lost = jnp.sum(missed * self.spectra.times(missed, self.spectra.values), axis=1)
        signal = gain @ lost
        noise_from = (gain @ spread)[:, :, None] * self.noise[None]
        test = signal + jnp.sum(noise_from, axis=1)
        prediction = test + self.noise
        train = prediction / (1 + excess[:, None]) ** 2
        risk = TaskRisk(train, test, prediction, signal, noise_from, converged)
        return risk.squeezed() if self.single_output else risk

    def _excess(
        self, shared: Float[Array, ""], own: Float[Array, "T"]
    ) -> tuple[Float[Array, "T"], Bool[Array, ""]]:
        """The fixed point delta_t = tr(S_t P_tt(delta)), at which task t is known as by
        n_t / (1 + delta_t) noiseless copies of its covariance, and whether it was found.

        The map is increasing and concave, so Newton's method from above goes down to its only
        fixed point, quadratically. Derivatives are those of the equation, not of the steps.
        """

        def traces(excess):
            strengths = self.counts / (1 + excess)
            found = WeightPosterior(self.spectra, strengths, shared, own).traces()
            return found.single, found.double * (strengths**2 / self.counts)

        def residual(excess):
            return excess - traces(excess)[0]

        above = (shared + own) * jnp.sum(self.spectra.values, axis=1)
        eps = jnp.finfo(above.dtype).eps
        identity = jnp.eye(self.tasks, dtype=above.dtype)

        def newton(_, start):
            def unsettled(carry):
                _, moved, steps = carry
                return (moved > 10 * eps) & (steps < self.max_steps)

            def step(carry):
                excess, _, steps = carry
                image, slope = traces(excess)
                move = jnp.linalg.solve(identity - slope, image - excess)
                new = jnp.maximum(excess + move, 0)
                moved = jnp.max(jnp.abs(new - excess) / (eps + new))
                return new, moved, steps + 1

            return jax.lax.while_loop(unsettled, step, (start, jnp.inf * eps, 0))[0]

        def tangent(linear, target):
            return jnp.linalg.solve(jax.vmap(linear, out_axes=1)(identity), target)

        excess = jax.lax.custom_root(residual, jax.lax.stop_gradient(above), newton, tangent)
        error = jnp.abs(jax.lax.stop_gradient(residual(excess)))
        return excess, jnp.all(error <= jnp.sqrt(eps) * (eps + jnp.abs(excess)))


def _check(counts: Any, covariances: Any, weights: Any, noise: Any) -> None:
    tasks, shape = np.size(counts), np.shape(weights)
    if np.ndim(counts) != 1 or len(shape) not in (2, 3) or shape[0] != tasks or not tasks:
        raise ValueError(
            "Population: counts must be a vector with a number per task, and weights have a row of "
            f"d weights per task; got shapes {np.shape(counts)} and {shape}."
        )
    if np.shape(covariances) != (tasks, shape[1], shape[1]):
        raise ValueError(
            f"Population: covariances must have shape {(tasks, shape[1], shape[1])}, d x d for the "
            f"d = {shape[1]} weights of each task; got {np.shape(covariances)}."
        )
    if np.shape(noise) not in ((tasks,), (tasks, *shape[2:])):
        raise ValueError(
            f"Population: noise must have a variance per task{' and output' * (len(shape) > 2)}, "
            f"got shape {np.shape(noise)}."
        )
    numbers = known(counts)
    if numbers is not None and not np.all(numbers > 0):
        raise ValueError(f"Population: every task needs samples, got counts {numbers}.")
    check_finite("Population: weights", weights)
    check_finite("Population: noise", noise)
    variances = known(noise)
    if variances is not None and np.any(variances < 0):
        raise ValueError(f"Population: noise is a variance, got {variances.min():g}.")
    check_semidefinite("Population: covariances", covariances)
