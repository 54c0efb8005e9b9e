"""Ridge regression of several tasks on a shared part and parts of their own."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve
from jaxtyping import Array, Float

from ._arguments import check_positive, check_rows, check_tasks, floating
from ._linear_kernel import LinearMultitaskKernel
from ._samples import Samples, by_task
from ._weights import Spectra, WeightPosterior


class MultitaskFit(eqx.Module):
    """What [`multitask_ridge`][stationary.multitask.multitask_ridge] returns.

    **Arguments:**

    - `weights`: a row of weights per task, shape `(T, d)`, or `(T, d, q)` for q outputs.
    - `shared_weights`: the part that all have in common, shape `(d,)` or `(d, q)`.
    """

    weights: Float[Array, "T d ..."]
    shared_weights: Float[Array, "d ..."]

    @property
    def own_weights(self) -> Float[Array, "T d ..."]:
        """What each task adds to the shared part."""
        return self.weights - self.shared_weights

    def predict(self, inputs: Any, tasks: Any) -> Float[Array, "n ..."]:
        """The outputs at new inputs.

        **Arguments:**

        - `inputs`: shape `(n, d)`.
        - `tasks`: the task of each row, shape `(n,)`; or one task for all of them.

        **Raises:** `ValueError` for shapes that do not fit, and for tasks out of range.
        """
        if np.ndim(tasks) == 0:
            tasks = jnp.full(np.shape(inputs)[:1], tasks)
        check_rows(inputs, tasks)
        check_tasks(tasks, self.weights.shape[0])
        _check_dimension(inputs, self.weights.shape[1])
        # One product per task rather than a copy of the weights per row.
        everything = jnp.einsum("nd,td...->tn...", floating(inputs), self.weights)
        return everything[jnp.asarray(tasks), jnp.arange(np.shape(inputs)[0])]


def multitask_ridge(inputs: Any, outputs: Any, tasks: Any, shared: Any, own: Any) -> MultitaskFit:
    """Fit one linear function per task, all near a common one.

    Minimises over a shared w_0 and a deviation v_t per task

    |w_0|^2 / (2 a) + sum_t |v_t|^2 / (2 b_t) + 1/2 sum_i (y_i - x_i . (w_0 + v_(t_i)))^2,

    which is regression with [`LinearMultitaskKernel`][stationary.multitask.LinearMultitaskKernel]
    and noise of unit variance. A tiny `own` gives one model for all tasks, a tiny `shared`
    independent ones. Exact, in the smaller of the spaces of samples and features. There is no
    intercept: centre inputs and outputs per task first.

    **Arguments:**

    - `inputs`: a row per sample, shape `(n, d)`.
    - `outputs`: shape `(n,)`, or `(n, q)` for q outputs, which are fitted column by column.
    - `tasks`: the task of each sample, integers from 0, known outside compiled code.
    - `shared`: a, positive: the prior variance of a shared weight over that of the noise. In the
        notation of the paper, where inputs are divided by sqrt(T d), it is lambda / (T d).
    - `own`: b, positive: the same for the deviations, a number or one per task; gamma / (T d).

    **Returns:** a [`MultitaskFit`][stationary.multitask.MultitaskFit].

    **Raises:** `ValueError` for shapes that do not fit, entries that are not finite, a task
    without samples, and numbers `shared` and `own` that are not positive; `TypeError` for tasks
    inside compiled code.

    !!! example
        >>> import numpy as np
        >>> x, y = np.array([[1.0], [2.0], [1.0]]), np.array([1.0, 2.0, 2.0])
        >>> fit = multitask_ridge(x, y, np.array([0, 0, 1]), shared=1e3, own=1e3)
        >>> fit.weights.round(2).tolist(), fit.shared_weights.round(2).tolist()
        ([[1.0], [2.0]], [1.0])

    !!! cite "Reference"
        Analysing multi-task regression via random matrix theory, arXiv 2406.10327 (2024),
        section 3; the prior is that of Evgeniou and Pontil (2004), Regularized multi-task
        learning.
    """
    count = np.size(own) if np.ndim(own) == 1 else None
    samples, _ = by_task(inputs, outputs, tasks, count)
    shared, own = check_regularization(shared, own, samples.inputs.shape[0], samples.inputs.dtype)
    weights, middle = (_by_samples if fewer_samples(samples) else _by_features)(
        samples, shared, own
    )
    if np.ndim(outputs) == 1:
        weights, middle = weights[..., 0], middle[..., 0]
    return MultitaskFit(weights, middle)


def check_regularization(
    shared: Any, own: Any, tasks: int, dtype: Any
) -> tuple[Float[Array, ""], Float[Array, "T"]]:
    """The two regularizations as arrays, refused unless positive and of the right shapes."""
    if np.ndim(shared) != 0 or np.shape(own) not in ((), (tasks,)):
        raise ValueError(
            f"shared must be a number, and own a number or one for each of the {tasks} tasks; got "
            f"shapes {np.shape(shared)} and {np.shape(own)}."
        )
    check_positive("shared", shared)
    check_positive("own", own)
    shared, own = jnp.asarray(shared, dtype), jnp.asarray(own, dtype)
    return shared, jnp.broadcast_to(own, (tasks,))


def fewer_samples(samples: Samples) -> bool:
    """Whether one matrix of all samples is cheaper than a matrix of features per task."""
    count, most, dimension = samples.inputs.shape
    return (count * most) ** 3 <= (count + 1) * dimension**3


def sample_factor(
    samples: Samples, shared: Float[Array, ""], own: Float[Array, "T"]
) -> tuple[Float[Array, "N N"], bool]:
    """The Cholesky factor of K + I over all rows of all tasks, missing ones included."""
    count, most, dimension = samples.inputs.shape
    rows = samples.inputs.reshape(count * most, dimension)
    tasks = jnp.repeat(jnp.arange(count), most)
    covariance = LinearMultitaskKernel(shared, own).covariance(rows, tasks, rows, tasks)
    return cho_factor(covariance + jnp.eye(count * most, dtype=rows.dtype), lower=True)


def _by_samples(samples: Samples, shared, own):
    factor = sample_factor(samples, shared, own)
    flat = samples.outputs.reshape(-1, samples.outputs.shape[-1])
    residual = cho_solve(factor, flat).reshape(samples.outputs.shape)
    pulls = jnp.einsum("tmd,tmq->tdq", samples.inputs, residual)
    middle = shared * jnp.sum(pulls, axis=0)
    return middle + own[:, None, None] * pulls, middle


def _by_features(samples: Samples, shared, own):
    strengths = jnp.ones_like(own)
    posterior = WeightPosterior(Spectra.of(samples.grams()), strengths, shared, own)
    return posterior.mean(samples.moments())


def _check_dimension(inputs: Any, dimension: int) -> None:
    if np.shape(inputs)[1] != dimension:
        raise ValueError(
            f"inputs have {np.shape(inputs)[1]} columns, but the fit is for {dimension}."
        )
