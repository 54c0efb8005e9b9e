"""How a set holds its own numbers: as NumPy floats, so that building a set touches no device."""

from typing import TypeAlias

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

Numbers: TypeAlias = Float[Array, "..."] | Float[np.ndarray, "..."]


def as_numbers(value: object, owner: str) -> Numbers:
    """Turn `value` into floats. JAX arrays pass through, so a set can be built inside `jit`.

    **Arguments:**

    - `value`: a number, or anything NumPy reads as an array of real numbers.
    - `owner`: the words an error message starts with, such as `"Box(lower=...)"`.

    **Returns:** an array of floats, of the same shape.

    **Raises:** `TypeError` where `value` is not real numbers.
    """
    traced = any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(value))
    try:
        array = jnp.asarray(value) if traced else np.array(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{owner} takes real numbers, got {value!r}.") from error
    if jnp.issubdtype(array.dtype, jnp.floating):
        return array
    if jnp.issubdtype(array.dtype, jnp.integer):
        return array.astype(float)
    raise TypeError(f"{owner} takes real numbers, got {value!r}.")


def concrete(value: Numbers) -> np.ndarray | None:
    """The numbers themselves, or `None` while they are traced and so cannot be looked at."""
    return None if isinstance(value, jax.core.Tracer) else np.asarray(value)


def positive_scalar(value: object, owner: str) -> Numbers:
    """A size: one finite number above zero, whose checks are skipped while it is traced."""
    size = as_numbers(value, owner)
    if size.ndim != 0:
        raise ValueError(f"{owner} takes one number, got an array of shape {size.shape}.")
    known = concrete(size)
    if known is not None and not (known > 0 and np.isfinite(known)):
        raise ValueError(f"{owner} must be positive and finite, got {float(known):g}.")
    return size


def finite(value: object, owner: str) -> Numbers:
    """Numbers none of which is NaN or infinite, unless they are traced."""
    numbers = as_numbers(value, owner)
    known = concrete(numbers)
    if known is not None and not np.all(np.isfinite(known)):
        raise ValueError(f"{owner} must be finite, got {known!r}.")
    return numbers


def check_broadcast(numbers: Numbers, shape: tuple[int, ...], owner: str, where: str) -> None:
    """Raise a `ValueError` that names `where`, unless `numbers` broadcast to `shape`."""
    try:
        fits = np.broadcast_shapes(numbers.shape, shape) == tuple(shape)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"{where}: {owner} has shape {tuple(numbers.shape)}, which does not broadcast to the "
            f"variable's shape {tuple(shape)}. Give one number, or an array of that shape."
        )


def in_words(numbers: Numbers) -> str:
    """A short text for a number, or the range of an array of them."""
    known = concrete(numbers)
    if known is None:
        return "a traced number"
    if known.size == 0:
        return "no numbers"
    low, high = float(known.min()), float(known.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
