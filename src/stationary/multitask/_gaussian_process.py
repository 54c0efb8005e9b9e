"""Gaussian processes on several tasks: exact likelihood, exact posterior."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_solve, solve_triangular
from jaxtyping import Array, Float

from ._arguments import check_finite, check_rows, check_tasks, floating, known
from ._kernel import AbstractTaskKernel


class Posterior(eqx.Module):
    """A Gaussian process after it has seen data.

    **Arguments:**

    - `kernel`, `noise`: its covariance, and the variance of the noise per task.
    - `inputs`, `tasks`: what was seen.
    - `factor`: the Cholesky factor of the covariance of the outputs.
    - `coefficients`: that covariance's inverse times the outputs.
    """

    kernel: AbstractTaskKernel
    noise: Float[Array, "T"]
    inputs: Float[Array, "n d"]
    tasks: Any
    factor: Float[Array, "n n"]
    coefficients: Float[Array, "n"]

    def predict(self, inputs: Any, tasks: Any) -> tuple[Float[Array, "m"], Float[Array, "m"]]:
        """Mean and variance of the functions, without noise, at new inputs.

        **Arguments:**

        - `inputs`: shape `(m, d)`.
        - `tasks`: the task of each row, shape `(m,)`; or one task for all of them.

        **Raises:** `ValueError` for shapes that do not fit, and for tasks out of range.
        """
        if np.ndim(tasks) == 0:
            tasks = jnp.full(np.shape(inputs)[:1], tasks)
        cross = self.kernel(inputs, tasks, self.inputs, self.tasks)
        half = solve_triangular(self.factor, cross.T, lower=True)
        variance = self.kernel.variance(floating(inputs), tasks) - jnp.sum(half**2, axis=0)
        return cross @ self.coefficients, jnp.maximum(variance, 0)


def marginal_likelihood(
    kernel: AbstractTaskKernel, noise: Any, inputs: Any, outputs: Any, tasks: Any
) -> Float[Array, ""]:
    """The logarithm of the probability density of the outputs under a Gaussian process.

    Its negative is the loss of a fit: smooth, and NaN where the covariance is not positive
    definite to rounding.

    **Arguments:**

    - `kernel`: for example an
        [`InteractionKernel`][stationary.multitask.InteractionKernel].
    - `noise`: the variance of the noise, a number or one per task, not negative.
    - `inputs`, `outputs`, `tasks`: shapes `(n, d)`, `(n,)` and `(n,)`; outputs have mean 0.

    **Raises:** `ValueError` for shapes that do not fit, entries that are not finite, negative
    noise, and an input that occurs twice in a task without noise.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import LinearMultitaskKernel
        >>> kernel = LinearMultitaskKernel(1.0, np.array([1.0]))
        >>> one = np.array([[1.0]]), np.array([0.0]), np.array([0])
        >>> density = marginal_likelihood(kernel, 2.0, *one)  # of a normal of variance 4, at 0
        >>> round(float(density), 4)
        -1.6121

    !!! cite "Reference"
        Rasmussen and Williams (2006), Gaussian processes for machine learning, equation 2.30.
    """
    noise, inputs, outputs = _checked(kernel, noise, inputs, outputs, tasks)
    return _log_density(_covariance(kernel, noise, inputs, tasks), outputs)


def posterior(
    kernel: AbstractTaskKernel, noise: Any, inputs: Any, outputs: Any, tasks: Any
) -> Posterior:
    """A Gaussian process after it has seen outputs of several tasks.

    **Arguments:** as for [`marginal_likelihood`][stationary.multitask.marginal_likelihood].

    **Returns:** a [`Posterior`][stationary.multitask.Posterior].

    **Raises:** as `marginal_likelihood`, and `ValueError` when the covariance of the outputs is
    not positive definite.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import LinearMultitaskKernel
        >>> kernel = LinearMultitaskKernel(1.0, np.array([1.0, 1.0]))
        >>> seen = np.array([[1.0]]), np.array([3.0]), np.array([0])
        >>> mean, variance = posterior(kernel, 1.0, *seen).predict(
        ...     np.ones((2, 1)), np.array([0, 1])
        ... )
        >>> mean.round(3).tolist(), variance.round(3).tolist()
        ([2.0, 1.0], [0.667, 1.667])

    !!! cite "Reference"
        Rasmussen and Williams (2006), Gaussian processes for machine learning, algorithm 2.1.
    """
    noise, inputs, outputs = _checked(kernel, noise, inputs, outputs, tasks)
    factor, coefficients = _solved(_covariance(kernel, noise, inputs, tasks), outputs)
    values = known(factor)
    if values is not None and not np.all(np.isfinite(values)):
        raise ValueError(
            "the covariance of the outputs is not positive definite to rounding. Give more noise, "
            "or compute in float64."
        )
    return Posterior(kernel, noise, inputs, jnp.asarray(tasks), factor, coefficients)


@jax.custom_jvp
def _log_density(covariance: Float[Array, "n n"], outputs: Float[Array, "n"]) -> Float[Array, ""]:
    """The logarithm of the density of a normal distribution with mean 0."""
    return _density_of(*_solved(covariance, outputs), outputs)


@_log_density.defjvp
def _log_density_jvp(primals, tangents):
    # Much cheaper than the derivative of the factorization, to run and to compile.
    factor, coefficients = _solved(*primals)
    covariance_tangent, outputs_tangent = tangents
    half = solve_triangular(factor, jnp.eye(len(factor), dtype=factor.dtype), lower=True)
    slope = 0.5 * (jnp.outer(coefficients, coefficients) - half.T @ half)
    moved = jnp.sum(slope * covariance_tangent) - coefficients @ outputs_tangent
    return _density_of(factor, coefficients, primals[1]), moved


def _density_of(factor, coefficients, outputs):
    size = len(outputs) * np.log(2 * np.pi)
    return -0.5 * (outputs @ coefficients + size) - jnp.sum(jnp.log(jnp.diagonal(factor)))


def _covariance(kernel, noise, inputs, tasks):
    return kernel.covariance(inputs, tasks, inputs, tasks) + jnp.diag(noise[tasks])


def _solved(covariance, outputs):
    """The factor of the covariance of the outputs, and its inverse times the outputs."""
    factor = jnp.linalg.cholesky(covariance, symmetrize_input=False)
    return factor, cho_solve((factor, True), outputs)


def _checked(kernel, noise, inputs, outputs, tasks):
    check_observations(kernel, inputs, outputs, tasks)
    if np.shape(noise) not in ((), (kernel.tasks,)):
        raise ValueError(
            f"noise must be a variance, or one for each of the {kernel.tasks} tasks, got shape "
            f"{np.shape(noise)}."
        )
    variances = known(noise)
    if variances is not None and not np.all(variances >= 0):
        raise ValueError(f"noise is a variance, and may not be negative, got {variances}.")
    inputs, outputs = floating(inputs), floating(outputs)
    noise = jnp.broadcast_to(jnp.asarray(noise, outputs.dtype), (kernel.tasks,))
    if variances is not None:
        _check_duplicates(known(inputs), known(tasks), np.broadcast_to(variances, (kernel.tasks,)))
    return noise, inputs, outputs


def check_observations(kernel: AbstractTaskKernel, inputs: Any, outputs: Any, tasks: Any) -> None:
    """Refuse outputs that a Gaussian process on this kernel cannot have seen."""
    check_rows(inputs, tasks, outputs)
    if np.ndim(outputs) != 1:
        raise ValueError(f"outputs must be a vector, one number a row, got {np.shape(outputs)}.")
    if not np.shape(outputs)[0]:
        raise ValueError("there are no observations: outputs are empty.")
    check_tasks(tasks, kernel.tasks)
    kernel.check_inputs(inputs)
    check_finite("inputs", inputs)
    check_finite("outputs", outputs)


def _check_duplicates(
    inputs: np.ndarray | None, tasks: np.ndarray | None, noise: np.ndarray
) -> None:
    """Refuse two observations of one value without noise: their covariance is singular."""
    if inputs is None or tasks is None or not np.any(noise == 0):
        return
    exact = np.flatnonzero(noise[tasks] == 0)
    places = np.column_stack([tasks[exact], inputs[exact]])
    _, first, counts = np.unique(places, axis=0, return_index=True, return_counts=True)
    if np.any(counts > 1):
        row = int(exact[first[np.argmax(counts > 1)]])
        raise ValueError(
            f"the input of row {row} occurs more than once in task {int(tasks[row])}, whose noise "
            "is 0, so the covariance is singular. Give that task noise, or drop the duplicates."
        )
