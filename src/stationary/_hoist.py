"""Programs: a user's function as data, so that compiled solvers are shared between problems.

A Python function reaches compiled code in two parts: its *program* (what it computes, compared
by content) and its *constants* (the arrays it closes over, passed as arguments). Two lambdas
with the same body over different data therefore share one compiled solver, and a large array in
a closure is never baked into it.
"""

import dis
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Any

import equinox as eqx
import jax
import jax.core
import numpy as np
from jax.extend import core as jex_core
from jaxtyping import PyTree


class Program(eqx.Module):
    """A traced function: static instructions beside the arrays that it closed over.

    **Arguments:**

    - `constants`: arrays that the function closed over.
    - `arrays`: the function's own arrays, where it is an Equinox module.
    - `code`: the instructions, compared by content.
    """

    constants: list[Any]
    arrays: list[Any]
    code: "_Code" = eqx.field(static=True)

    def __call__(self, *args: Any) -> Any:
        """The function's value at `args`, whose structure and shapes are those it was traced at."""
        inputs = [*self.arrays, *jax.tree.leaves(args)]
        flat = jax.core.eval_jaxpr(self.code.jaxpr, self.constants, *inputs)
        return jax.tree.unflatten(self.code.out_tree, flat)

    @property
    def out(self) -> PyTree[jax.ShapeDtypeStruct]:
        """Shape and dtype of every output."""
        return self.code.out


def hoist(fn: Callable, *args: PyTree) -> Program:
    """Trace `fn` at the shapes of `args` and lift the arrays it closes over out of it.

    The trace is remembered: the same function at the same shapes is not run again unless
    something that it closes over, or a global that it reads, has been replaced.

    **Arguments:**

    - `fn`: any callable of pytrees of arrays; an Equinox module's arrays become constants.
    - `args`: pytrees of arrays or of `jax.ShapeDtypeStruct`.

    **Returns:** the `Program`.

    !!! example
        >>> import jax.numpy as jnp
        >>> scale = jnp.array(3.0)
        >>> program = hoist(lambda x: scale * x, jnp.ones(2))
        >>> program(jnp.ones(2)).tolist(), len(program.constants)
        ([3.0, 3.0], 1)
    """
    arrays, rest = eqx.partition(fn, eqx.is_array)
    shapes = jax.tree.map(shape_of, args)
    key = (
        identity(rest),
        jax.tree.structure(args),
        tuple(jax.tree.leaves(shapes)),
        tuple(map(shape_of, jax.tree.leaves(arrays))),
        bool(jax.config.jax_enable_x64),  # pyright: ignore[reportAttributeAccessIssue]
    )
    found = _CACHE.get(key)
    if found is None:
        closed, out = jax.make_jaxpr(
            lambda dynamic, inputs: eqx.combine(dynamic, rest)(*inputs), return_shape=True
        )(jax.tree.map(shape_of, arrays), shapes)
        found = (closed.consts, _Code(closed.jaxpr, out))
        if not any(isinstance(c, jax.core.Tracer) for c in closed.consts):
            _CACHE[key] = found
            if len(_CACHE) > _CACHE_SIZE:
                _CACHE.popitem(last=False)
    else:
        _CACHE.move_to_end(key)
    constants, code = found
    return Program(constants, jax.tree.leaves(arrays), code)


_CACHE: OrderedDict[Hashable, tuple[list[Any], "_Code"]] = OrderedDict()
_CACHE_SIZE = 512


def shape_of(leaf: Any) -> jax.ShapeDtypeStruct:
    """The shape and dtype of an array or number."""
    leaf = leaf if hasattr(leaf, "dtype") else np.asarray(leaf)
    return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype)


class _Code:
    """A jaxpr compared by what it computes rather than by which object it is."""

    def __init__(self, jaxpr: Any, out: PyTree[jax.ShapeDtypeStruct]):
        self.jaxpr = jaxpr
        self.out = out
        self.out_tree = jax.tree.structure(out)
        self._content = (_canonical(jaxpr), self.out_tree)
        self._hash = hash(self._content)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Code) and self._content == other._content)


class _Same:
    """Equality by identity, holding the object so that its address is not reused."""

    def __init__(self, value: Any):
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


def _canonical(jaxpr: Any) -> Hashable:
    """A jaxpr as nested tuples in which variables are numbered in order of appearance."""
    numbers: dict[Any, int] = {}

    def atom(x: Any) -> Hashable:
        if isinstance(x, jex_core.Literal):
            value = np.asarray(x.val)
            return ("literal", value.tobytes(), str(value.dtype), str(x.aval))
        return numbers.setdefault(x, len(numbers))

    def binder(x: Any) -> Hashable:
        return (atom(x), str(x.aval))

    return (
        tuple(map(binder, jaxpr.constvars)),
        tuple(map(binder, jaxpr.invars)),
        tuple(
            (
                equation.primitive.name,
                tuple(map(atom, equation.invars)),
                tuple(map(binder, equation.outvars)),
                tuple((name, _parameter(value)) for name, value in sorted(equation.params.items())),
            )
            for equation in jaxpr.eqns
        ),
        tuple(map(atom, jaxpr.outvars)),
    )


def _parameter(value: Any) -> Hashable:
    if isinstance(value, jex_core.ClosedJaxpr):
        return (_canonical(value.jaxpr), tuple(map(_Same, value.consts)))
    if isinstance(value, jex_core.Jaxpr):
        return _canonical(value)
    if isinstance(value, tuple | list):
        return (type(value).__name__, tuple(map(_parameter, value)))
    if isinstance(value, dict):
        return tuple((name, _parameter(entry)) for name, entry in sorted(value.items()))
    if isinstance(value, np.ndarray):
        return (value.tobytes(), value.shape, str(value.dtype))
    try:
        hash(value)
    except TypeError:
        return _Same(value)
    return (type(value), value)


def identity(value: Any) -> Hashable:
    """What a function is, for a cache: its code and the present values that it closes over.

    Arrays and unknown objects are told apart by identity, and kept alive by what is returned.
    """
    return _identity(value, set())


def _identity(value: Any, seen: set[int]) -> Hashable:
    if isinstance(value, bool | int | float | complex | str | bytes | type(None) | np.generic):
        return (type(value), value)
    if str(getattr(value, "__module__", "")).partition(".")[0] in _LIBRARIES:
        return _Same(value)
    if isinstance(value, types.FunctionType):
        if id(value) in seen:
            return ("recursive", value.__code__)
        seen = seen | {id(value)}
        return (value.__code__, *(_identity(x, seen) for x in _surroundings(value)))
    if isinstance(value, types.MethodType):
        return (_identity(value.__func__, seen), _identity(value.__self__, seen))
    if type(value) in (list, dict):
        # Mutable, so a place for counters and caches too: only the arrays in it are inputs.
        entries = value.values() if isinstance(value, dict) else value
        return (_Same(value), *(_Same(x) for x in entries if eqx.is_array(x)))
    if isinstance(value, eqx.Module) or type(value) is tuple:
        leaves, structure = jax.tree.flatten(value, is_leaf=lambda x: x is None)
        if not (len(leaves) == 1 and leaves[0] is value):
            return (structure, *(_identity(leaf, seen) for leaf in leaves))
    if isinstance(value, _JITTED):
        return ("jit", _identity(value.__wrapped__, seen))  # pyright: ignore
    return _Same(value)


_JITTED = type(jax.jit(lambda: None))
"""Functions under `jit` are seen through; other wrappers, custom derivatives say, are not."""


_LIBRARIES = frozenset({"jax", "jaxlib", "numpy", "equinox", "lineax", "optax"})
"""Packages whose functions read nothing that a user replaces between two solves."""


def _surroundings(fn: types.FunctionType) -> Iterator[Any]:
    """Everything outside its own code that a Python function reads and does not itself assign."""
    cells, names = _reads(fn.__code__)
    yield from fn.__defaults__ or ()
    yield from (fn.__kwdefaults__ or {}).values()
    for position in cells:
        try:
            yield fn.__closure__[position].cell_contents  # pyright: ignore[reportOptionalSubscript]
        except ValueError:  # a name that is not bound yet
            yield "unbound"
    for name in names:
        if name in fn.__globals__:
            yield fn.__globals__[name]


@lru_cache(maxsize=4096)
def _reads(code: types.CodeType) -> tuple[list[int], list[str]]:
    """The cells of the closure, and the globals, that code reads and does not assign.

    Remembered, because disassembling takes longer than all else that a solve does with a function.
    """
    written = {i.argval for i in dis.get_instructions(code) if i.opname in _ASSIGNMENTS}
    cells = [i for i, name in enumerate(code.co_freevars) if name not in written]
    return cells, [name for name in _names(code) if name not in written]


_ASSIGNMENTS = frozenset({"STORE_DEREF", "STORE_GLOBAL"})


def _names(code: types.CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)
