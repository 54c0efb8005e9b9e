"""Tasks known by samples, and the risk of fits to them, estimated from these samples alone."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Float

from ._arguments import known
from ._ridge import fewer_samples, sample_factor
from ._risk import AbstractRiskModel, TaskRisk
from ._samples import Samples, by_task
from ._weights import Spectra, WeightPosterior


class Sample(AbstractRiskModel):
    """Samples of linear tasks: what a fit to them will cost on new ones.

    No covariance is estimated, which would be hopeless with as many features as samples. With
    Q = (K + I)^-1 for the kernel matrix K, the blocks of Q give what the theory needs: tr Q_tt
    tends to n_t / (1 + delta_t), the squared norms of Q_tu to the reaction of one task's fit to
    another's samples, and so |Q y|_t^2 n_t / (tr Q_tt)^2 to the risk of prediction in task t:
    generalized cross-validation, task by task. Samples must be independent of each other;
    overlapping windows of a series make the estimate too low.

    **Arguments:**

    - `inputs`, `outputs`, `tasks`: as for
        [`multitask_ridge`][stationary.multitask.multitask_ridge].
    - `noise`: the variance of the noise, shape `(T,)` or `(T, q)`; default the unbiased estimate
        from least squares, which needs more samples than features. Tasks with fewer have NaN for
        the parts of their risk, though not for `train` and `prediction`.

    **Raises:** as `multitask_ridge`, and `ValueError` for a noise that is negative or of another
    shape.

    !!! example
        >>> import numpy as np
        >>> random = np.random.default_rng(0)
        >>> x, tasks = random.normal(size=(200, 10)), np.repeat([0, 1], 100)
        >>> y = x @ np.ones(10) + random.normal(size=200)
        >>> from stationary.multitask import asymptotic_risk
        >>> risk = asymptotic_risk(Sample(x, y, tasks), shared=1.0, own=0.01)
        >>> bool(np.all((risk.prediction > 0.8) & (risk.prediction < 1.4)))
        True

    !!! cite "Reference"
        Golub, Heath and Wahba (1979), Generalized cross-validation; its validity for as many
        features as samples: Hastie, Montanari, Rosset and Tibshirani (2022), Surprises in
        high-dimensional ridgeless least squares interpolation.
    """

    samples: Samples
    summary: tuple[Spectra, Float[Array, "T d q"]] | None
    """X_t' X_t, factored, and X_t' y_t; `None` where a matrix over all samples is cheaper."""
    noise: Float[Array, "T q"]
    tasks: int = eqx.field(static=True)
    single_output: bool = eqx.field(static=True)

    def __init__(self, inputs: Any, outputs: Any, tasks: Any, noise: Any = None) -> None:
        count = None if noise is None else np.shape(noise)[0] if np.ndim(noise) else 0
        self.samples, _ = by_task(inputs, outputs, tasks, count or None)
        self.single_output = np.ndim(outputs) == 1
        self.tasks = self.samples.inputs.shape[0]
        small = fewer_samples(self.samples)
        grams, moments = self.samples.grams, self.samples.moments
        self.summary = None if small else (Spectra.of(grams()), moments())
        shape = (self.tasks, self.samples.outputs.shape[-1])
        if noise is None:
            self.noise = _least_squares_noise(self.samples)
        else:
            self.noise = _given_noise(noise, shape).astype(self.samples.inputs.dtype)

    def size(self) -> Float[Array, ""]:
        squares = jnp.sum(self.samples.inputs**2, axis=(1, 2))
        return jnp.mean(squares / self.samples.counts)

    def risk(self, shared: Float[Array, ""], own: Float[Array, "T"]) -> TaskRisk:
        if self.summary is None:
            trace, squares, residuals = self._by_samples(shared, own)
        else:
            trace, squares, residuals = self._by_features(*self.summary, shared, own)
        counts = self.samples.counts
        train = self.samples.squares(residuals) / counts[:, None]
        prediction = train * (counts / trace)[:, None] ** 2
        # D^-1 E of the theory, D = diag(trace^2 / n): how far the noise of each task spreads.
        spread = squares * (counts / trace**2)[:, None]
        identity = jnp.eye(self.tasks, dtype=spread.dtype)
        # Unknown noise must not reach the derivative of what does not depend on it.
        unknown = jnp.isnan(self.noise)
        noise_from = (spread - identity)[:, :, None] * jnp.where(unknown, 0, self.noise)[None]
        noise_from = jnp.where(unknown[None], jnp.nan, noise_from)
        test = prediction - self.noise
        signal = test - jnp.sum(noise_from, axis=1)
        risk = TaskRisk(train, test, prediction, signal, noise_from, jnp.array(True))
        return risk.squeezed() if self.single_output else risk

    def _by_samples(self, shared, own):
        """tr Q_tt, |Q_tu|^2 and Q y, from one matrix over all samples."""
        count, most, _ = self.samples.inputs.shape
        factor = sample_factor(self.samples, shared, own)
        inverse = cho_solve(factor, jnp.eye(count * most, dtype=own.dtype))
        inverse = inverse.reshape(count, most, count, most)
        missing = most - self.samples.counts  # rows of zeros, where Q is the identity
        trace = jnp.einsum("tmtm->t", inverse) - missing
        squares = jnp.sum(inverse**2, axis=(1, 3)) - jnp.diag(missing)
        return trace, squares, jnp.einsum("tmun,unq->tmq", inverse, self.samples.outputs)

    def _by_features(self, spectra, moments, shared, own):
        """The same from matrices of the features, by Q_tu = I [t = u] - X_t P_tu X_u'."""
        posterior = WeightPosterior(spectra, jnp.ones_like(own), shared, own)
        single, double = posterior.traces()
        counts = self.samples.counts
        weights, _ = posterior.mean(moments)
        fitted = jnp.einsum("tmd,tdq->tmq", self.samples.inputs, weights)
        squares = jnp.diag(counts - 2 * single) + double
        return counts - single, squares, self.samples.outputs - fitted


@jax.jit
def _least_squares_noise(samples: Samples) -> Float[Array, "T q"]:
    """The unbiased variance of residuals of least squares; NaN without samples to spare."""

    def one(inputs, outputs, count):
        values, vectors = jnp.linalg.eigh(inputs.T @ inputs)
        level = values[-1] * inputs.shape[1] * jnp.finfo(values.dtype).eps
        kept = values > jnp.maximum(level, 0)
        turned = vectors.T @ (inputs.T @ outputs)
        weights = vectors @ (jnp.where(kept, 1 / jnp.where(kept, values, 1), 0)[:, None] * turned)
        spare = count - jnp.sum(kept)
        squares = jnp.sum((outputs - inputs @ weights) ** 2, axis=0)
        return jnp.where(spare > 0, squares / jnp.where(spare > 0, spare, 1), jnp.nan)

    return jax.vmap(one)(samples.inputs, samples.outputs, samples.counts)


def _given_noise(noise: Any, shape: tuple[int, int]) -> Float[Array, "T q"]:
    if np.shape(noise) not in ((shape[0],), shape):
        raise ValueError(
            f"Sample: noise must have a variance for each of the {shape[0]} tasks, got shape "
            f"{np.shape(noise)}."
        )
    variances = known(noise)
    if variances is not None and not np.all(variances >= 0):
        raise ValueError(f"Sample: noise is a variance, got {variances.min():g}.")
    array = jnp.asarray(noise)
    return jnp.broadcast_to(array if array.ndim > 1 else array[:, None], shape)
