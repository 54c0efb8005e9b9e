"""Kernels on pairs of an input and a task."""

import abc
from typing import Any

import equinox as eqx
from jaxtyping import Array, Float, PyTree

from ._arguments import check_rows, check_tasks, floating


class AbstractTaskKernel(eqx.Module):
    """A covariance between values of several functions, one per task, at inputs.

    Calling it gives the matrix of all pairs; its parameters are also available free of bounds,
    for whoever fits them.
    """

    tasks: eqx.AbstractVar[int]

    @abc.abstractmethod
    def covariance(
        self,
        inputs: Float[Array, "n d"],
        tasks: Any,
        other_inputs: Float[Array, "m d"],
        other_tasks: Any,
    ) -> Float[Array, "n m"]:
        """The covariance of every pair, arguments unchecked.

        **Arguments:**

        - `inputs`, `other_inputs`: one input per row.
        - `tasks`, `other_tasks`: the task of each, integers from 0.
        """

    @abc.abstractmethod
    def variance(self, inputs: Float[Array, "n d"], tasks: Any) -> Float[Array, "n"]:
        """The covariance of every pair with itself, without the others."""

    @abc.abstractmethod
    def free(self) -> PyTree[Array]:
        """The parameters in a form in which any real number is allowed."""

    @abc.abstractmethod
    def bound(self, free: PyTree[Array]) -> "AbstractTaskKernel":
        """This kernel with the parameters that `free` stands for."""

    @abc.abstractmethod
    def check_inputs(self, inputs: Any) -> None:
        """Refuse inputs of a dimension that this kernel is not for."""

    def __call__(
        self, inputs: Any, tasks: Any, other_inputs: Any = None, other_tasks: Any = None
    ) -> Float[Array, "n m"]:
        """The covariance of every pair; with itself when there is no other.

        **Arguments:**

        - `inputs`, `other_inputs`: one input per row, shapes `(n, d)` and `(m, d)`.
        - `tasks`, `other_tasks`: the task of each row, integers from 0.

        **Raises:** `ValueError` for shapes that do not fit, and for tasks out of range.
        """
        if other_inputs is None:
            other_inputs, other_tasks = inputs, tasks
        for points, where in ((inputs, tasks), (other_inputs, other_tasks)):
            check_rows(points, where)
            check_tasks(where, self.tasks)
            self.check_inputs(points)
        return self.covariance(floating(inputs), tasks, floating(other_inputs), other_tasks)
