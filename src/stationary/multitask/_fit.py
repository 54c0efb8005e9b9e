"""Parameters of a kernel and noise by maximum likelihood, from several starts."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PyTree

from .._statements import Minimize
from .._status import Status
from ..driver import BatchSolution, solve_batch
from ..methods import LBFGS, AugmentedLagrangian
from ._arguments import check_positive, floating
from ._gaussian_process import check_observations, marginal_likelihood
from ._kernel import AbstractTaskKernel


@dataclasses.dataclass(frozen=True, eq=False)
class KernelFit:
    """What [`fit_kernel`][stationary.multitask.fit_kernel] returns.

    **Arguments:**

    - `kernel`, `noise`: the most likely of all that were found; noise per task.
    - `log_likelihood`: theirs.
    - `log_likelihoods`: of every start, NaN for those that went nowhere.
    - `status`: why the best start stopped.
    - `batch`: all the solves, in the free parameters.
    """

    kernel: AbstractTaskKernel
    noise: Float[np.ndarray, "T"]
    log_likelihood: float
    log_likelihoods: Float[np.ndarray, "starts"]
    status: Status
    batch: BatchSolution


def fit_kernel(
    kernel: AbstractTaskKernel,
    noise: Any,
    inputs: Any,
    outputs: Any,
    tasks: Any,
    *,
    starts: int = 8,
    spread: float = 0.5,
    seed: int = 0,
    tol: float | None = None,
    max_steps: int = 500,
) -> KernelFit:
    """The kernel and noise under which the outputs are most likely.

    L-BFGS in the free parameters of the kernel and the logarithms of the noise, from several
    starts at once. The likelihood has many maxima: latents may change places, and where they
    interact the signs of a mixing matter too.

    **Arguments:**

    - `kernel`, `noise`: the first start; noise a number or one per task, positive.
    - `inputs`, `outputs`, `tasks`: as for
        [`marginal_likelihood`][stationary.multitask.marginal_likelihood]. Bring outputs to mean 0
        and a variance of about 1.
    - `starts`: how many; all but the first are moved at random.
    - `spread`: by how much, as the standard deviation of every free parameter.
    - `seed`: the randomness.
    - `tol`, `max_steps`: as for [`solve_batch`][stationary.solve_batch].

    **Returns:** a [`KernelFit`][stationary.multitask.KernelFit].

    **Raises:** `ValueError` for observations that do not fit the kernel, noise that is not
    positive, and when no start led to a finite likelihood.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import Coregionalization, SquaredExponential
        >>> x = np.linspace(0, 6, 30)[:, None]
        >>> y = np.sin(x[:, 0]) + 0.1 * np.random.default_rng(0).normal(size=30)
        >>> kernel = Coregionalization(SquaredExponential(np.ones(1)), np.ones((1, 1, 1)))
        >>> fit = fit_kernel(kernel, 0.1, x, y, np.zeros(30, int), starts=2)
        >>> round(float(fit.noise[0]) ** 0.5, 2)
        0.07
    """
    check_observations(kernel, inputs, outputs, tasks)
    check_positive("noise", noise)
    if np.shape(noise) not in ((), (kernel.tasks,)):
        raise ValueError(
            f"noise must be a variance, or one for each of the {kernel.tasks} tasks, got shape "
            f"{np.shape(noise)}."
        )
    outputs = floating(outputs)
    levels = jnp.broadcast_to(jnp.log(jnp.asarray(noise, outputs.dtype)), (kernel.tasks,))
    first = {"kernel": kernel.free(), "noise": levels}
    x0 = _scattered(first, starts, spread, np.random.default_rng(seed))
    data = (kernel, floating(inputs), outputs, jnp.asarray(tasks))
    method = AugmentedLagrangian(direction=LBFGS())
    batch = solve_batch(
        Minimize(_loss, data=data), x0, method, tol=tol, max_steps=max_steps, seed=seed
    )
    values = -np.asarray(_losses(batch.value, data), float) * len(outputs)
    if not np.any(np.isfinite(values)):
        raise ValueError(
            f"none of the {starts} starts led to a finite likelihood. Scale the outputs to a "
            "variance of about 1, start with more noise, or compute in float64."
        )
    best = int(np.nanargmax(np.where(np.isfinite(values), values, -np.inf)))
    found = jax.tree.map(lambda leaf: jnp.asarray(leaf[best]), batch.value)
    return KernelFit(
        kernel.bound(found["kernel"]),
        np.exp(np.asarray(found["noise"])),
        float(values[best]),
        values,
        Status(int(batch.status[best])),
        batch,
    )


def _loss(free: PyTree, data: tuple) -> Any:
    """Minus the log likelihood per observation."""
    kernel, inputs, outputs, tasks = data
    density = marginal_likelihood(
        kernel.bound(free["kernel"]), jnp.exp(free["noise"]), inputs, outputs, tasks
    )
    return -density / len(outputs)


@jax.jit
def _losses(free: PyTree, data: tuple) -> Any:
    return jax.lax.map(lambda one: _loss(one, data), free)


def _scattered(first: PyTree, starts: int, spread: float, random: np.random.Generator) -> PyTree:
    """Starts around the first, which is itself among them."""
    if starts < 1:
        raise ValueError(f"starts must be at least 1, got {starts}.")

    def move(leaf):
        moves = spread * random.normal(size=(starts, *np.shape(leaf)))
        moves[0] = 0
        return np.asarray(leaf) + moves.astype(np.asarray(leaf).dtype)

    return jax.tree.map(move, first)
