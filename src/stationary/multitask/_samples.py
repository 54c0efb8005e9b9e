"""Samples of several tasks, sorted by task."""

from typing import Any

import equinox as eqx
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._arguments import (
    check_each_present,
    check_finite,
    check_rows,
    check_tasks,
    floating,
)


class Samples(eqx.Module):
    """Inputs and outputs per task, filled up with rows of zeros to one length.

    **Arguments:**

    - `inputs`, `outputs`: shapes `(T, m, d)` and `(T, m, q)`, m the samples of the largest task.
    - `present`: which rows are samples.
    """

    inputs: Float[Array, "T m d"]
    outputs: Float[Array, "T m q"]
    present: Bool[Array, "T m"]

    @property
    def counts(self) -> Float[Array, "T"]:
        """How many samples each task has."""
        return jnp.sum(self.present, axis=1).astype(self.inputs.dtype)

    def grams(self) -> Float[Array, "T d d"]:
        """X_t' X_t for every task."""
        return jnp.einsum("tmi,tmj->tij", self.inputs, self.inputs, precision="highest")

    def moments(self) -> Float[Array, "T d q"]:
        """X_t' y_t for every task."""
        return jnp.einsum("tmi,tmq->tiq", self.inputs, self.outputs, precision="highest")

    def squares(self, residuals: Float[Array, "T m q"]) -> Float[Array, "T q"]:
        """The sum of squares per task; rows that are no samples are zero already."""
        return jnp.sum(residuals**2, axis=1)


def by_task(inputs: Any, outputs: Any, tasks: Any, count: int | None) -> tuple[Samples, np.ndarray]:
    """Sort samples by task.

    **Arguments:**

    - `inputs`, `outputs`, `tasks`: shapes `(n, d)`, `(n,)` or `(n, q)`, and `(n,)`.
    - `count`: the number of tasks; default one more than the largest task.

    **Returns:** the samples, and for each row of the arguments its place among `T * m`.
    """
    if isinstance(tasks, jax.core.Tracer):
        raise TypeError(
            "tasks must be known outside compiled code, for they decide shapes: close over them "
            "instead of passing them to the compiled function."
        )
    check_rows(inputs, tasks, outputs)
    tasks = np.asarray(tasks)
    if not tasks.size:
        raise ValueError("there are no samples: inputs have no rows.")
    count = int(tasks.max()) + 1 if count is None else count
    check_tasks(tasks, count)
    check_each_present(tasks, count)
    check_finite("inputs", inputs)
    check_finite("outputs", outputs)
    counts = np.bincount(tasks, minlength=count)
    most = int(counts.max())
    order = np.argsort(tasks, kind="stable")
    first = np.cumsum(counts) - counts
    places = np.empty(len(tasks), int)
    places[order] = tasks[order] * most + np.arange(len(tasks)) - first[tasks[order]]

    x, y = floating(inputs), floating(outputs)
    dtype = jnp.promote_types(x.dtype, y.dtype)
    y = y if y.ndim > 1 else y[:, None]

    def spread(rows: Float[Array, "n k"]) -> Float[Array, "T m k"]:
        empty = jnp.zeros((count * most, rows.shape[1]), dtype)
        return empty.at[places].set(rows.astype(dtype)).reshape(count, most, -1)

    present = np.zeros(count * most, bool)
    present[places] = True
    return Samples(spread(x), spread(y), jnp.asarray(present.reshape(count, most))), places
