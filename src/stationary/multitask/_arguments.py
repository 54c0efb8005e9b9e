"""What is asked of arguments, said before anything is computed with them."""

from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


def known(value: Any) -> np.ndarray | None:
    """The value as NumPy's, or `None` inside compiled code."""
    return None if isinstance(value, jax.core.Tracer) else np.asarray(value)


def floating(value: Any) -> Float[Array, "..."]:
    """A real floating array of at least the default precision's dtype."""
    array = jnp.asarray(value)
    return array if jnp.issubdtype(array.dtype, jnp.floating) else array.astype(float)


def check_positive(where: str, value: Any) -> None:
    """Refuse numbers that are not positive and finite, as far as they are known."""
    numbers = known(value)
    if numbers is None or (np.all(numbers > 0) and np.all(np.isfinite(numbers))):
        return
    raise ValueError(
        f"{where} must be positive and finite, got {np.array2string(numbers, threshold=8)}."
    )


def check_finite(where: str, value: Any) -> None:
    """Refuse NaN and infinity, as far as values are known."""
    numbers = known(value)
    if numbers is not None and not np.all(np.isfinite(numbers)):
        count = int(np.sum(~np.isfinite(numbers)))
        raise ValueError(f"{where}: {count} of its {numbers.size} entries are NaN or infinite.")


def check_rows(inputs: Any, tasks: Any, outputs: Any = None) -> None:
    """Refuse inputs without one task, and one output, per row."""
    if np.ndim(inputs) != 2:
        raise ValueError(f"inputs must have one point per row, got shape {np.shape(inputs)}.")
    count = np.shape(inputs)[0]
    if np.shape(tasks) != (count,):
        raise ValueError(
            f"tasks must name one task per row of the inputs, shape ({count},), "
            f"got shape {np.shape(tasks)}."
        )
    if not jnp.issubdtype(jnp.asarray(tasks).dtype, jnp.integer):
        raise ValueError(f"tasks must be integers, got dtype {jnp.asarray(tasks).dtype}.")
    if outputs is not None and np.shape(outputs)[:1] != (count,):
        raise ValueError(
            f"outputs must have one row per row of the inputs, {count}, "
            f"got shape {np.shape(outputs)}."
        )


def check_tasks(tasks: Any, count: int) -> None:
    """Refuse task numbers outside 0, ..., count - 1, as far as they are known."""
    numbers = known(tasks)
    if numbers is None or numbers.size == 0:
        return
    if numbers.min() < 0 or numbers.max() >= count:
        wrong = int(numbers.min()) if numbers.min() < 0 else int(numbers.max())
        raise ValueError(f"tasks must lie in 0, ..., {count - 1}, got {wrong}.")


def check_each_present(tasks: np.ndarray, count: int) -> None:
    """Refuse a task without a sample."""
    missing = np.setdiff1d(np.arange(count), tasks)
    if missing.size:
        raise ValueError(
            f"task {missing[0]} of {count} has no samples. Leave out tasks that were never seen, "
            "and number the others from 0."
        )


def check_semidefinite(where: str, matrices: Any) -> None:
    """Refuse matrices with an eigenvalue below -1e-10 times their size, as far as known.

    **Arguments:**

    - `matrices`: shape `(..., n, n)`; the first wrong one is named by its place.
    """
    values = known(matrices)
    if values is None:
        return
    check_finite(where, values)
    size = np.max(np.abs(values), axis=(-2, -1))
    skew = np.max(np.abs(values - np.swapaxes(values, -2, -1)), axis=(-2, -1))
    eps = np.finfo(values.dtype).eps if values.dtype.kind == "f" else 0.0
    wrong = np.argwhere(skew > max(1e-10, 100 * eps) * size)
    if len(wrong):
        raise ValueError(f"{where}{_place(wrong[0])} is not symmetric.")
    lowest = np.linalg.eigvalsh(values)[..., 0]
    wrong = np.argwhere(lowest < -max(1e-10, 100 * eps) * size)
    if len(wrong):
        raise ValueError(
            f"{where}{_place(wrong[0])} is not positive semidefinite: its smallest eigenvalue is "
            f"{lowest[tuple(wrong[0])]:.3g}."
        )


def _place(index: np.ndarray) -> str:
    return "".join(f"[{i}]" for i in index)
