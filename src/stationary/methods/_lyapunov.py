"""Lyapunov exponents: how fast neighbouring runs of an update map part or meet."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from .._dtypes import as_arrays, strong


def lyapunov_exponents(
    step: Callable,
    z0: PyTree,
    steps: int,
    count: int = 1,
    *,
    perturb: Callable[[PyTree], Any] | None = None,
    key: PRNGKeyArray | None = None,
) -> Float[Array, "count"]:
    """The largest Lyapunov exponents of an update map along the run from a start.

    (1/T) log |DF_T ... DF_1 d| for the `count` directions that grow most: natural logarithms per
    step. Negative: runs from nearby meet, as near an attracting point; positive: they part, so that
    small changes of the start lead elsewhere. Directions are pushed forward by Jacobian-vector
    products and made orthonormal again at each step; no Jacobian is formed.

    It is pure: `jit` it, `vmap` it over starts to find where runs branch.

    **Arguments:**

    - `step`: the map, z -> z or (z, key) -> z, of any pytree of arrays. A method's step is
        `lambda state: method.step(system, state, data)[0]`.
    - `z0`: the start. Derivatives are by its real and complex floating arrays; counters and keys
        are carried along.
    - `steps`: T, at least 1.
    - `count`: how many exponents, at most as many as there are real numbers to perturb.
    - `perturb`: picks the part of z that first directions lie in, such as `lambda state:
        state.base`; default all of it. Constants kept in a state would have exponent 0.
    - `key`: for a map that takes one; step t gets `jax.random.fold_in(key, t)`.

    **Returns:** the exponents, largest first; minus infinity where a direction is lost at once.

    **Raises:** `TypeError` for a map that needs a key and has none, that draws on its own, or
    whose result differs from z in structure, shapes or dtypes, and for a start without floating
    arrays; `ValueError` for `steps` or `count` out of range.

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import lyapunov_exponents
        >>> def descent(x):
        ...     return x - 0.1 * jnp.array([1.0, 4.0]) * x
        >>> lyapunov_exponents(descent, jnp.ones(2), 400, count=2).round(2).tolist()
        [-0.11, -0.51]
        >>> [round(float(jnp.log(1 - 0.1 * slope)), 2) for slope in (1.0, 4.0)]
        [-0.11, -0.51]

    !!! cite "Reference"
        Benettin, Galgani, Giorgilli and Strelcyn (1980), Lyapunov characteristic exponents for
        smooth dynamical systems; Lorraine, Vicol, Parker-Holder, Kachman, Metz and Foerster
        (2022), Lyapunov exponents for diversity in differentiable games, arXiv:2112.14570.
    """
    takes_key = _takes_key(step)
    if takes_key and key is None:
        raise TypeError(
            "the map takes a key as its second argument, so its steps are random: pass "
            "lyapunov_exponents(..., key=jax.random.key(0)) to fix them."
        )
    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}.")
    z0 = as_arrays(z0)

    def advance(z: PyTree, t: Array) -> PyTree:
        if key is None or not takes_key:
            return strong(step(z))
        return strong(step(z, jax.random.fold_in(key, t)))

    _check_map(advance, z0)
    free = _perturbed(z0, perturb)
    if not 1 <= count <= int(np.sum(free)):
        raise ValueError(
            f"count must lie in 1..{int(np.sum(free))}, the real numbers perturbed; got {count}."
        )

    def once(carry: tuple, t: Array) -> tuple:
        moving, rest, frame = carry

        def smooth(moving: PyTree) -> tuple[PyTree, PyTree]:
            return eqx.partition(advance(eqx.combine(moving, rest), t), eqx.is_inexact_array)

        moved, push, rest = jax.linearize(smooth, moving, has_aux=True)
        pushed = jax.vmap(lambda way: _flat(push(_like(way, moving))))(frame)
        frame, sizes = _orthonormal(pushed)
        return (moved, rest, frame), jnp.log(sizes)

    moving, rest = eqx.partition(z0, eqx.is_inexact_array)
    ways = jax.random.normal(jax.random.key(0), (count, free.size), _flat(moving).dtype)
    frame, _ = _orthonormal(jnp.where(free, ways, 0))
    logs = jax.lax.scan(once, (moving, rest, frame), jnp.arange(steps))[1]
    return jnp.sort(jnp.mean(logs, axis=0), descending=True)


def _takes_key(step: Callable) -> bool:
    """Whether a map has a second argument that must be given."""
    try:
        parameters = inspect.signature(step).parameters.values()
    except (TypeError, ValueError):  # builtins without a signature
        return False
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len([p for p in parameters if p.kind in kinds and p.default is p.empty]) > 1


def _check_map(advance: Callable, z0: PyTree) -> None:
    """Refuse a map whose results could not be its next arguments, or that draws on its own."""
    zero = jnp.zeros((), jnp.int32)

    def shapes(tree: PyTree) -> PyTree:
        return jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), tree)

    first, out = jax.make_jaxpr(advance, return_shape=True)(z0, zero)
    after = shapes(out)
    if after != shapes(z0):
        raise TypeError(
            "the map must return a pytree of the structure, shapes and dtypes of z0 "
            f"({shapes(z0)}), but returns {after}."
        )
    # Traced once more under another name, so that no cache answers.
    again = jax.make_jaxpr(lambda z, t: advance(z, t))(z0, zero)
    if _numbers(first) != _numbers(again):
        raise TypeError(
            "the map is another one each time it is traced: it draws random numbers or counts on "
            "its own. Let it be step(z, key), and pass lyapunov_exponents(..., key=...)."
        )


def _numbers(node: Any) -> list[bytes]:
    """Every constant of a traced program, those of the programs inside it included."""
    found = []
    if hasattr(node, "consts"):
        for value in node.consts:
            keyed = hasattr(value, "dtype") and jnp.issubdtype(value.dtype, jax.dtypes.prng_key)
            if not isinstance(value, Tracer):
                found.append(np.asarray(jax.random.key_data(value) if keyed else value).tobytes())
        node = node.jaxpr
    if hasattr(node, "eqns"):
        for equation in node.eqns:
            found += [np.asarray(v.val).tobytes() for v in equation.invars if hasattr(v, "val")]
            for inner in jax.tree.leaves(list(equation.params.values())):
                found += _numbers(inner)
    return found


def _perturbed(z0: PyTree, perturb: Callable[[PyTree], Any] | None) -> np.ndarray:
    """Which of the real numbers of z are perturbed at first, in the order of `_flat`."""
    everywhere = perturb is None
    marks = jax.tree.map(lambda leaf: np.full(leaf.shape, everywhere), z0)
    if perturb is not None:
        chosen = jax.tree.map(lambda mark: np.ones(mark.shape, bool), perturb(marks))
        marks = eqx.tree_at(perturb, marks, chosen)
    parts = [
        np.tile(np.ravel(mark), 2 if jnp.iscomplexobj(leaf) else 1)
        for mark, leaf in zip(jax.tree.leaves(marks), jax.tree.leaves(z0), strict=True)
        if eqx.is_inexact_array(leaf)
    ]
    if not parts:
        raise TypeError("z0 has no floating arrays, so there is nothing to perturb.")
    return np.concatenate(parts)


def _flat(tree: PyTree[Array]) -> Float[Array, "n"]:
    """All real numbers of a pytree, real parts before imaginary ones."""
    parts = []
    for leaf in jax.tree.leaves(tree):
        sides = (jnp.real(leaf), jnp.imag(leaf)) if jnp.iscomplexobj(leaf) else (leaf,)
        parts += [jnp.ravel(side) for side in sides]
    return jnp.concatenate(parts)


def _like(flat: Float[Array, "n"], tree: PyTree[Array]) -> PyTree[Array]:
    """What `_flat` took apart, in the shapes and dtypes of `tree`."""
    leaves, structure = jax.tree.flatten(tree)
    made, start = [], 0
    for leaf in leaves:
        sides = []
        for _ in range(2 if jnp.iscomplexobj(leaf) else 1):
            sides.append(jnp.reshape(flat[start : start + leaf.size], leaf.shape))
            start += leaf.size
        made.append((jax.lax.complex(*sides) if len(sides) > 1 else sides[0]).astype(leaf.dtype))
    return jax.tree.unflatten(structure, made)


def _orthonormal(
    rows: Float[Array, "count n"],
) -> tuple[Float[Array, "count n"], Float[Array, "count"]]:
    """Rows made orthonormal in order, and what of each was left to normalise."""
    if len(rows) == 1:
        size = jnp.linalg.norm(rows)
        return rows / jnp.where(size > 0, size, 1), size[None]
    columns, upper = jnp.linalg.qr(rows.T)
    return columns.T, jnp.abs(jnp.diagonal(upper))
