"""Compiled programs that are cheap to call, and quick to compile where little data is involved."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import equinox as eqx
import jax
import jax.core
import numpy as np
from jaxtyping import PyTree

SMALL = 100_000
"""Up to this many numbers in all its arguments, compiling a program takes longer than one run."""

FEW = 10_000
"""Up to this many, compiling takes longer than many thousand steps."""

TINY = 1000
"""Up to this many, steps take microseconds, and a third more of that is not felt."""


class _Rest:
    """The part of a pytree that is no array, hashed once rather than at every call."""

    def __init__(self, leaves: tuple[Any, ...], structure: Any):
        self.leaves = leaves
        self.structure = structure
        # Types count: 1, 1.0 and True are equal, but do not trace alike.
        self._content = (leaves, tuple(map(type, leaves)), structure)
        self._hash = hash(self._content)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Rest) and self._content == other._content)


@jax.tree_util.register_pytree_node_class
class Split:
    """A pytree as `jax.jit` takes it: the arrays are leaves, all else is part of its structure.

    `equinox.filter_jit` separates the two at each call, which for a problem of a few numbers takes
    longer than to solve it. A split is made once and passed to any number of calls.

    **Arguments:**

    - `arrays`: the arrays of the tree.
    - `rest`: everything else, compared by content.

    !!! example
        >>> split = Split.of({"step": 0.5, "x": np.ones(2)})
        >>> jax.jit(lambda s: s.whole["step"] * s.whole["x"])(split).tolist()
        [0.5, 0.5]
    """

    def __init__(self, arrays: list[Any], rest: Any):
        self.arrays = arrays
        self.rest = rest

    @classmethod
    def of(cls, tree: PyTree) -> "Split":
        """Take a pytree apart."""
        leaves, structure = jax.tree.flatten(tree)
        arrays = [leaf for leaf in leaves if _is_array(leaf)]
        return cls(arrays, _Rest(tuple(None if _is_array(x) else x for x in leaves), structure))

    @property
    def whole(self) -> Any:
        """The pytree again."""
        arrays = iter(self.arrays)
        leaves = [next(arrays) if leaf is None else leaf for leaf in self.rest.leaves]
        return jax.tree.unflatten(self.rest.structure, leaves)

    def tree_flatten(self) -> tuple[list[Any], Any]:
        return self.arrays, self.rest

    @classmethod
    def tree_unflatten(cls, rest: Any, arrays: Any) -> "Split":
        return cls(list(arrays), rest)


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, jax.Array | np.ndarray | np.generic)


class Compiled:
    """A function under `jax.jit`, compiled in haste where its arguments are small.

    Most of what XLA does for a program on a CPU makes it run fast over large arrays. Without, the
    loop of a solve compiles in about half the time. Its steps take as long as before for tens of
    unknowns, and up to a fifth longer for thousands. Where there are tens only, machine code is not
    optimised either, which halves the time once more.

    **Arguments:**

    - `fn`: the function.
    - `once`: it runs a few times only, so that how fast hardly matters.
    """

    def __init__(self, fn: Callable, *, once: bool = False):
        self._thorough = jax.jit(fn)
        self._hasty = jax.jit(fn, compiler_options=_OFTEN)
        self._careless = jax.jit(fn, compiler_options=_ONCE)
        self._few, self._tiny = (SMALL, SMALL) if once else (FEW, TINY)

    def for_size(self, numbers: int) -> Any:
        """The function under `jax.jit`, for arguments that hold so many numbers in all."""
        if numbers > self._few or not _hurry():
            return self._thorough
        return self._careless if numbers <= self._tiny else self._hasty

    def ahead(self, numbers: int, *args: PyTree) -> tuple[PyTree, Callable[[], None]]:
        """Trace and lower the function for arguments like these.

        **Returns:** the shapes of what it returns; and what to call to compile it, after which
        `for_size(numbers)` neither traces nor compiles.
        """
        lowered = self.for_size(numbers).lower(*args)

        def finish() -> None:
            try:
                lowered.compile()
            except jax.errors.JaxRuntimeError as error:
                _do_without(error)

        return lowered.out_info, finish


def jit_once(fn: Callable) -> Callable:
    """`equinox.filter_jit` for a function that is called once or twice: compiled in haste.

    !!! example
        >>> jit_once(lambda x: 2 * x)(np.ones(2)).tolist()
        [2.0, 2.0]
    """
    thorough = eqx.filter_jit(fn)
    hasty = eqx.filter_jit(fn, compiler_options=_ONCE)  # pyright: ignore[reportCallIssue]

    @wraps(fn)
    def call(*args: Any) -> Any:
        arrays = [leaf for leaf in jax.tree.leaves(args) if _is_array(leaf)]
        within = any(isinstance(array, jax.core.Tracer) for array in arrays)
        if not within and sum(map(np.size, arrays)) <= SMALL and _hurry():
            try:
                return hasty(*args)
            except jax.errors.JaxRuntimeError as error:
                _do_without(error)
        return thorough(*args)

    return call


_OFTEN: dict[str, Any] = {"xla_cpu_use_fusion_emitters": False}
_ONCE: dict[str, Any] = {
    **_OFTEN,
    "xla_backend_optimization_level": 0,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,  # several programs compile side by side already
}
_haste_is_known = True


def _hurry() -> bool:
    return _haste_is_known and jax.default_backend() == "cpu"


def _do_without(error: Exception) -> None:
    """Compile nothing in haste from now on, if that is what XLA complains about."""
    global _haste_is_known
    if "compile option" not in str(error):
        raise error
    # The names of XLA's options are no interface: one may be gone in a later version.
    _haste_is_known = False
