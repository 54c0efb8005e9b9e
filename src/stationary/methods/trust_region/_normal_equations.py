"""Solving with A A': banded where the constraints' order makes it so, else dense or by CG."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ._block_tridiagonal import Factors, factorize, multiply, solve

Product = Callable[[Float[Array, "m"]], Float[Array, "m"]]

_SIZES = (8, 16, 32)
"""Half-bandwidths, which are the block sizes of the factorisations too."""
_SMALL, _DENSE = 256, 2000
"""Up to this many rows A A' is dense at once; up to this many, where it is no band matrix."""
_PROBES = 8
_TOGETHER = 16
"""Products that are taken at once when a dense matrix is formed, to bound their memory."""


class Layout:
    """How the rows of a stack of constraints may be ordered, and what is tried on them, in order.

    Rows of different constraints that belong to the same time (the same place along their first,
    or else their last, axis) are put side by side: that makes a band matrix of A A' wherever
    constraints couple neighbours in time only.

    **Arguments:**

    - `shapes`: of the constraints, in the order in which they are stacked.
    """

    def __init__(self, shapes: list[tuple[int, ...]]):
        self.shapes = shapes
        self.rows = sum(int(np.prod(shape)) for shape in shapes)
        self.attempts = [] if self.rows <= _SMALL else _attempts(shapes)
        self.sizes = tuple(sorted({size for _, size in self.attempts}))
        self.axes = tuple(sorted({axis for axis, _ in self.attempts}, reverse=True)) or (0,)
        self.dense = self.rows <= _DENSE

    @property
    def in_order(self) -> bool:
        """Whether the rows are in the only order that is tried."""
        return len(self.shapes) == 1 and self.axes == (0,)

    def order(self, attempt: Int[Array, ""]) -> Int[Array, "m"]:
        """The rows in the order of an attempt."""
        axis = jnp.array([self.axes.index(a) for a, _ in self.attempts] + [0])[attempt]
        keys = [jnp.concatenate([_places(shape, a) for shape in self.shapes]) for a in self.axes]
        return jnp.argsort(jnp.stack(keys)[axis], stable=True)


class NormalEquations(NamedTuple):
    """A factorised R A A' R, with R a diagonal that gives the rows of R A unit length."""

    scale: Float[Array, "m"]
    """R."""
    order: Int[Array, "m"] | None
    banded: tuple[Factors, ...]
    dense: Float[Array, "m m"] | None
    attempt: Int[Array, ""]
    sound: Bool[Array, ""]
    """Whether the attempt fits A A'; if not, the next one may."""

    def solve(
        self, layout: Layout, product: Product, target: Float[Array, "m"]
    ) -> Float[Array, "m"]:
        """The solution of (R A A' R) y = target, up to rounding."""

        if layout.rows == 0:
            return target

        def by_band(size: int, factors: Factors):
            found = solve(factors, _blocked(_sorted(target, self.order), size))
            return _unsorted(found.ravel()[: layout.rows], self.order)

        def otherwise():
            if self.dense is not None:
                return jax.scipy.linalg.cho_solve((self.dense, True), target)
            return _conjugate_gradients(lambda y: self.scale * product(self.scale * y), target)

        branches = [
            lambda s=size, f=factors: by_band(s, f)
            for size, factors in zip(layout.sizes, self.banded, strict=True)
        ]
        if not branches:
            return otherwise()
        return jax.lax.switch(_which(layout, self.attempt), [*branches, otherwise])


def normal_equations(
    layout: Layout, product: Product, attempt: Int[Array, ""], dtype: np.dtype
) -> NormalEquations:
    """Recover A A' from products as far as an attempt needs, check it, and factorise it.

    **Arguments:**

    - `layout`: of the rows.
    - `product`: maps y to A A' y.
    - `attempt`: which of the layout's attempts; beyond them, dense or conjugate gradients.
    - `dtype`: of the solve.
    """
    m, which = layout.rows, _which(layout, attempt)
    ones = jnp.ones(m, dtype)
    order = layout.order(attempt) if layout.sizes and not layout.in_order else None
    scale, sound, banded = ones, jnp.array(True), []
    for i, size in enumerate(layout.sizes):

        def recover(size=size):
            return _by_band(product, order, size, m, dtype)

        empty = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(recover))
        factors, own_scale, own_sound = jax.lax.cond(which == i, recover, lambda e=empty: e)
        banded.append(factors)
        scale = jnp.where(which == i, own_scale, scale)
        sound = jnp.where(which == i, own_sound, sound)

    def otherwise():
        if not layout.dense:
            return _jacobi(product, m, dtype), jnp.zeros((0, 0), dtype)
        if m == 0:
            return ones, jnp.zeros((0, 0), dtype)
        matrix = jax.lax.map(product, jnp.eye(m, dtype=dtype), batch_size=min(m, _TOGETHER))
        own_scale = _unit(jnp.diagonal(matrix))
        matrix = own_scale[:, None] * (0.5 * (matrix + matrix.T)) * own_scale
        return own_scale, jnp.linalg.cholesky(matrix + _shift(dtype) * jnp.eye(m, dtype=dtype))

    if layout.sizes:
        empty = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(otherwise))
        chosen = which == len(layout.sizes)
        own_scale, dense = jax.lax.cond(chosen, otherwise, lambda: empty)
        scale = jnp.where(chosen, own_scale, scale)
    else:
        scale, dense = otherwise()
    return NormalEquations(
        scale, order, tuple(banded), dense if layout.dense else None, attempt, sound
    )


def _by_band(product: Product, order, size: int, m: int, dtype):
    """A A' as a band matrix in a given order of its rows, from products with coloured vectors."""
    colours = 2 * size + 1
    rows = jnp.arange(m)

    def sorted_product(y):
        return _sorted(product(_unsorted(y, order)), order)

    columns = jax.lax.map(
        lambda c: sorted_product((rows % colours == c).astype(dtype)), jnp.arange(colours)
    )
    count = -(-m // size)
    row = jnp.arange(count * size).reshape(count, size, 1)

    def block(shift):
        column = (jnp.arange(count) * size).reshape(count, 1, 1) + jnp.arange(size) + shift
        inside = (row < m) & (column >= 0) & (column < m) & (jnp.abs(row - column) <= size)
        value = columns[column % colours, jnp.minimum(row, m - 1)]
        return jnp.where(inside, value, 0.0)

    padding = (row == row.reshape(count, 1, size)) & (row >= m)
    diagonal, lower = block(0) + padding, block(-size)
    diagonal = 0.5 * (diagonal + jnp.swapaxes(diagonal, 1, 2))
    test = jnp.cos(rows.astype(dtype) ** 2)  # no pattern that a band matrix could repeat by chance
    expected = sorted_product(test)
    gap = multiply(diagonal, lower, _blocked(test, size)).ravel()[:m] - expected
    fits = jnp.linalg.norm(gap) <= jnp.finfo(dtype).eps ** 0.6 * jnp.linalg.norm(expected)

    scale = _unit(jnp.diagonal(diagonal, axis1=1, axis2=2))
    before = jnp.roll(scale, 1, axis=0)
    diagonal = scale[:, :, None] * diagonal * scale[:, None, :]
    lower = scale[:, :, None] * lower * before[:, None, :]
    factors = factorize(diagonal + _shift(dtype) * jnp.eye(size, dtype=dtype), lower)
    finite = jnp.all(jnp.isfinite(factors.rest))
    return factors, _unsorted(scale.ravel()[:m], order), fits & finite


def _which(layout: Layout, attempt: Int[Array, ""]) -> Int[Array, ""]:
    """The position of an attempt's block size; one more for what always works."""
    sizes = [layout.sizes.index(size) for _, size in layout.attempts]
    return jnp.array([*sizes, len(layout.sizes)])[attempt]


def _jacobi(product: Product, m: int, dtype) -> Float[Array, "m"]:
    """One over the lengths of the rows, roughly: by the mean of products with random signs."""

    def probe(key):
        signs = jax.random.rademacher(key, (m,), dtype)
        return signs * product(signs)

    mean = jnp.mean(jax.lax.map(probe, jax.random.split(jax.random.key(2), _PROBES)), axis=0)
    return _unit(jnp.maximum(mean, 1e-2 * jnp.mean(jnp.abs(mean))))


def _conjugate_gradients(product: Product, target: Float[Array, "m"]) -> Float[Array, "m"]:
    import lineax as lx  # a tenth of a second that only such problems need to spend

    eps = jnp.finfo(target.dtype).eps
    operator = lx.FunctionLinearOperator(
        product, jax.eval_shape(lambda: target), lx.positive_semidefinite_tag
    )
    solver = lx.CG(rtol=float(eps**0.75), atol=float(eps**2), max_steps=500, stabilise_every=None)
    return lx.linear_solve(operator, target, solver, throw=False).value


def _attempts(shapes: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    """Orders and half-bandwidths worth a try.

    Places with k rows each, coupled to the next two at most, make a band of 3 k - 1. Where each
    place has one row nothing is known: several rows of a place may have been written in a line.
    """
    found = []
    for axis in (0,) if all(len(shape) <= 1 for shape in shapes) else (0, -1):
        together = sum(int(np.prod(shape)) // (shape or (1,))[axis] for shape in shapes)
        fits = [size for size in _SIZES if size >= 2 * together - 1]
        if together == 1:
            found += [(axis, _SIZES[0]), (axis, _SIZES[-1])]
        elif fits:
            found.append((axis, next((s for s in fits if s >= 3 * together - 1), fits[-1])))
    return found


def _places(shape: tuple[int, ...], axis: int) -> Float[Array, "size"]:
    """Where along an axis each entry lies, from 0 to 1."""
    if not shape:
        return jnp.zeros(1)
    place = jax.lax.broadcasted_iota(int, shape, axis % len(shape)).ravel()
    return (place + 0.5) / shape[axis]


def _blocked(vector: Float[Array, "m"], size: int) -> Float[Array, "k b"]:
    count = -(-vector.size // size)
    return jnp.pad(vector, (0, count * size - vector.size)).reshape(count, size)


def _sorted(vector: Float[Array, "m"], order: Int[Array, "m"] | None) -> Float[Array, "m"]:
    return vector if order is None else vector[order]


def _unsorted(vector: Float[Array, "m"], order: Int[Array, "m"] | None) -> Float[Array, "m"]:
    return vector if order is None else jnp.zeros_like(vector).at[order].set(vector)


def _unit(squares: Float[Array, "..."]) -> Float[Array, "..."]:
    """What brings rows of these squared lengths to unit length; rows of zeros are left alone."""
    positive = squares > jnp.finfo(squares.dtype).tiny
    return jnp.where(positive, jax.lax.rsqrt(jnp.where(positive, squares, 1.0)), 1.0)


def _shift(dtype: np.dtype) -> float:
    """Added to the unit diagonal, so that dependent rows do no harm; refinement makes up for it."""
    return 1e3 * float(jnp.finfo(dtype).eps)
