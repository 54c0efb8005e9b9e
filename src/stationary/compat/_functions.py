"""Functions of x and further arguments, as SciPy's users write them, for JAX to trace."""

import linecache
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree


class Given(NamedTuple):
    """A function and its further arguments, numbers and arrays apart from all else.

    **Arguments:**

    - `fn`: `fn(x, *args)`.
    - `arrays`: the arguments that compiled code takes, with `None` in place of the others.
    - `rest`: the others, with `None` in place of the arrays: strings, functions, integers (which
        may be sizes), anything that is no array.
    - `what`: where it was given, for messages.
    """

    fn: Callable
    arrays: PyTree
    rest: PyTree
    what: str

    def __call__(self, x: Float[Array, "n"], arrays: PyTree) -> Any:
        """The value as the user's function returns it."""
        return self.fn(x, *eqx.combine(arrays, self.rest))


def given(fn: Any, args: Any, what: str) -> Given:
    """A function with its `args`, a tuple or, as in SciPy, a single argument.

    **Raises:** `TypeError` when `fn` cannot be called.
    """
    if not callable(fn):
        raise TypeError(f"{what} is {fn!r}; pass a function of x, written with jax.numpy.")
    args = args if isinstance(args, tuple) else (args,)
    return Given(fn, *eqx.partition(args, _is_data), what)


def _is_data(leaf: Any) -> bool:
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.dtype.kind in "biuf"
    return eqx.is_array(leaf) or isinstance(leaf, float)


def as_real(value: Any, like: Float[Array, "n"], what: str) -> Float[Array, "..."]:
    """What a user's function returned, as one real array of the unknown's dtype.

    **Raises:** `TypeError` for text, nothing at all, and complex numbers.
    """
    if isinstance(value, str | bytes) or value is None:
        raise TypeError(f"{what} must return numbers, but returns {type(value).__name__}.")
    value = jnp.asarray(value)
    if value.dtype.kind == "c":
        raise TypeError(f"{what} returns complex numbers; it must return real ones.")
    return value.astype(like.dtype)


def shape_at(fn: Callable, what: str, *args: PyTree) -> tuple[int, ...]:
    """The shape of a function's value, from a trace that computes nothing.

    **Raises:** `TypeError` saying what to change when JAX cannot trace the function.
    """
    try:
        return jax.eval_shape(fn, *args).shape
    except Exception as error:
        advice = _advice(error)
        if advice is None:
            raise
        raise TypeError(
            f"{what} cannot be traced by JAX{_place(error)}: {advice} "
            "(st.compat_minimize compiles its functions and differentiates them; functions "
            "written for NumPy have to be written with jax.numpy.)"
        ) from error


def _advice(error: Exception) -> str | None:
    """What to change, or None for a mistake that has nothing to do with tracing."""
    errors = jax.errors
    if isinstance(error, errors.TracerArrayConversionError):
        return (
            "it hands x to NumPy, or to another library that wants NumPy arrays. "
            "`import jax.numpy as jnp`, and write jnp.exp for np.exp, jnp.array for np.array."
        )
    if isinstance(error, errors.TracerIntegerConversionError):
        return "it uses an entry of x as an index or a size. Use jnp.take or jnp.where."
    if isinstance(error, errors.ConcretizationTypeError):
        return (
            "it needs the number in x, as float(x), math.sin(x) and `if x > 0` do. "
            "Write jnp.sin for math.sin, jnp.where(x > 0, a, b) for `if`."
        )
    if isinstance(error, errors.NonConcreteBooleanIndexError):
        return "it picks entries by a condition on x. Write jnp.where(condition, value, 0.0)."
    if isinstance(error, TypeError) and "immutable" in str(error):
        return "it assigns to entries of an array. Write c = c.at[i].set(value) for c[i] = value."
    return None


def _place(error: Exception) -> str:
    """The innermost line that is neither ours nor a library's."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        own = "/stationary/" in frame.filename.replace("\\", "/")
        if own or "site-packages" in frame.filename or not frame.lineno:
            continue
        source = linecache.getline(frame.filename, frame.lineno).strip()
        return f" (line {frame.lineno}: {source})" if source else f" (line {frame.lineno})"
    return ""
