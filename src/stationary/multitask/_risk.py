"""What multi-task ridge regression will cost, task by task, before new data are seen."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._arguments import known
from ._ridge import check_regularization


class NotConvergedError(RuntimeError):
    """The equations behind a risk were not solved.

    !!! example
        >>> raise NotConvergedError("the fixed point was not found.")
        Traceback (most recent call last):
        stationary.multitask._risk.NotConvergedError: the fixed point was not found.
    """


class TaskRisk(eqx.Module):
    """The mean squared errors of multi-task ridge regression, per task and output.

    **Arguments:**

    - `train`: of the fit on its own samples.
    - `test`: of the fit against the noiseless output at a new input: `signal` plus `noise`.
    - `prediction`: of the fit against a new, noisy output: `test` plus the noise of the output.
    - `signal`: the part of `test` that would be there without noise: shrinkage, and the weights of
        other tasks being different.
    - `noise_from`: the part of `test` that is noise, by the task whose samples it comes from:
        entry t, u is the noise of task u in the fit of task t. Off the diagonal it is what
        learning together costs.
    - `converged`: whether the equations behind these numbers were solved.
    """

    train: Float[Array, "T *q"]
    test: Float[Array, "T *q"]
    prediction: Float[Array, "T *q"]
    signal: Float[Array, "T *q"]
    noise_from: Float[Array, "T T *q"]
    converged: Bool[Array, ""]

    @property
    def noise(self) -> Float[Array, "T *q"]:
        """The part of `test` that is noise."""
        return jnp.sum(self.noise_from, axis=1)

    @property
    def transferred_noise(self) -> Float[Array, "T *q"]:
        """The part of it that comes from the samples of other tasks."""
        return self.noise - jnp.einsum("tt...->t...", self.noise_from)

    def squeezed(self) -> "TaskRisk":
        """The same without the axis of a single output."""
        return jax.tree.map(lambda x: x[..., 0] if x.ndim else x, self)


class AbstractRiskModel(eqx.Module):
    """What the risk of multi-task ridge regression can be computed from."""

    tasks: eqx.AbstractVar[int]

    @abc.abstractmethod
    def risk(self, shared: Float[Array, ""], own: Float[Array, "T"]) -> TaskRisk:
        """The risk at regularizations, unchecked: differentiable, under `jit` and `vmap`."""

    @abc.abstractmethod
    def size(self) -> Float[Array, ""]:
        """The mean squared length of an input; its inverse is the scale of regularizations."""


def asymptotic_risk(model: AbstractRiskModel, shared: Any, own: Any) -> TaskRisk:
    """The training and test risk of `multitask_ridge`, exact for many samples and features.

    As samples and features grow in proportion, the risk of each task tends to a number that no
    longer depends on which samples were drawn. It is computed from a
    [`Population`][stationary.multitask.Population], or estimated from a
    [`Sample`][stationary.multitask.Sample]. At sizes of about a hundred it is accurate to a few
    per cent, also for inputs that are not normal.

    **Arguments:**

    - `model`: a `Population` or a `Sample`.
    - `shared`, `own`: as for [`multitask_ridge`][stationary.multitask.multitask_ridge].

    **Returns:** a [`TaskRisk`][stationary.multitask.TaskRisk].

    **Raises:** `ValueError` for regularizations that are not positive;
    [`NotConvergedError`][stationary.multitask.NotConvergedError] when the equations of a
    population were not solved.

    !!! example
        >>> import numpy as np
        >>> from stationary.multitask import Population
        >>> one = Population([100], np.eye(50)[None], np.full((1, 50), 0.1), np.array([0.25]))
        >>> risk = asymptotic_risk(one, shared=1.0, own=1.0)
        >>> risk.test.round(3).tolist(), risk.converged.item()
        ([0.241], True)

    !!! cite "Reference"
        Analysing multi-task regression via random matrix theory, arXiv 2406.10327 (2024),
        theorem 1.
    """
    dtype = jax.eval_shape(model.size).dtype
    shared, own = check_regularization(shared, own, model.tasks, dtype)
    risk = _risk(model, shared, own)
    if known(risk.converged) is not None and not bool(risk.converged):
        raise NotConvergedError(
            "the fixed point of the asymptotic risk was not found. Its inputs may be of very "
            "different sizes: rescale features, or give Population(max_steps=...) more steps."
        )
    return risk


@eqx.filter_jit
def _risk(model: AbstractRiskModel, shared, own) -> TaskRisk:
    return model.risk(shared, own)
