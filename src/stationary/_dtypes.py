"""One floating dtype per solve: decided by the start, imposed on everything else."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree


def is_floating(leaf: Any) -> bool:
    """Whether `leaf` is an array (or abstract array) of real floating dtype."""
    return hasattr(leaf, "dtype") and jnp.issubdtype(leaf.dtype, jnp.floating)


def working_dtype(tree: PyTree) -> np.dtype:
    """The one floating dtype in which `tree` is to be solved: the widest that it holds."""
    dtypes = {leaf.dtype for leaf in jax.tree.leaves(tree) if is_floating(leaf)}
    if len(dtypes) == 1:
        return jax.dtypes.canonicalize_dtype(dtypes.pop())
    return jnp.result_type(*dtypes) if dtypes else jnp.result_type(float)


def cast(tree: PyTree, dtype: np.dtype) -> PyTree:
    """`tree` with every floating array in `dtype`, strongly typed; all other leaves untouched."""

    def leaf(x: Any) -> Any:
        return jnp.asarray(x, dtype) if is_floating(x) else x

    return jax.tree.map(leaf, tree)


def as_arrays(tree: PyTree) -> PyTree:
    """`tree` with Python numbers and NumPy arrays turned into strongly typed JAX arrays."""

    def leaf(x: Any) -> Any:
        if isinstance(x, bool | int | float | complex | np.ndarray | np.generic):
            x = jnp.asarray(x)
        return x

    return strong(jax.tree.map(leaf, tree))


def strong(tree: PyTree) -> PyTree:
    """`tree` with the weak types of its arrays made strong, so that none causes a second trace."""

    def leaf(x: Any) -> Any:
        weak = isinstance(x, jax.Array) and x.aval.weak_type  # pyright: ignore
        return jax.lax.convert_element_type(x, x.dtype) if weak else x

    return jax.tree.map(leaf, tree)


def default_tolerance(dtype: np.dtype) -> float:
    """The tolerance asked for when the user names none: 1e-6 in float64, 1e-4 in float32."""
    return max(1e-6, 1e3 * float(jnp.finfo(dtype).eps))


def check_tolerance(tol: float, dtype: np.dtype) -> None:
    """Refuse a tolerance that arithmetic in `dtype` cannot certify.

    **Raises:** `ValueError` when `tol` is not positive or lies below ten units of roundoff.
    """
    floor = 10 * float(jnp.finfo(dtype).eps)
    if not tol > 0:
        raise ValueError(f"tol must be positive, got {tol}.")
    if tol < floor:
        raise ValueError(
            f"tol={tol:g} is below what {dtype} can resolve (about {floor:.1g}). Ask for a larger "
            "tol, or solve in float64: jax.config.update('jax_enable_x64', True) and a float64 x0."
        )
