"""Norms and matrix functions whose derivatives stay finite where the textbook ones do not.

Products ask for full precision: the default on a GPU rounds float32 to about three digits, which
would put a projected matrix visibly off its set.
"""

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

matmul = functools.partial(jnp.matmul, precision=jax.lax.Precision.HIGHEST)


def inner(x: Float[Array, "*shape"], y: Float[Array, "*shape"]) -> Float[Array, ""]:
    """The sum of products of entries."""
    return jnp.sum(x * y)


def norm(x: Float[Array, "..."], axis: int | None = None) -> Float[Array, "..."]:
    """The Euclidean norm, of the whole array or along one axis, kept as an axis of length 1.

    It neither overflows nor underflows, and its derivative at zero is zero.
    """
    scale = jax.lax.stop_gradient(
        jnp.max(jnp.abs(x), axis=axis, keepdims=axis is not None, initial=0.0)
    )
    scale = jnp.where((scale > 0) & jnp.isfinite(scale), scale, 1.0)
    squares = jnp.sum((x / scale) ** 2, axis=axis, keepdims=axis is not None)
    some = squares != 0
    return jnp.where(some, scale * jnp.sqrt(jnp.where(some, squares, 1.0)), 0.0)


def transpose(x: Float[Array, "*batch n p"]) -> Float[Array, "*batch p n"]:
    return jnp.swapaxes(x, -1, -2)


def symmetric(x: Float[Array, "*batch n n"]) -> Float[Array, "*batch n n"]:
    """The symmetric part of square matrices."""
    return (x + transpose(x)) / 2


def _widened(fn):
    """Matrix factorisations start at float32; narrower floats go through it and come back."""

    @functools.wraps(fn)
    def wrapped(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
        return fn(x.astype(jnp.promote_types(x.dtype, jnp.float32))).astype(x.dtype)

    return wrapped


@_widened
def positive_part(x: Float[Array, "*batch n n"]) -> Float[Array, "*batch n n"]:
    """Symmetric matrices with their negative eigenvalues set to zero."""
    return _positive_part(x)


@_widened
def polar_factor(x: Float[Array, "*batch n p"]) -> Float[Array, "*batch n p"]:
    """The nearest matrices with orthonormal columns, for n >= p.

    Where a matrix lacks full rank the nearest one is not unique; one of them is returned, with a
    finite derivative.
    """
    return _polar_factor(x)


@_widened
def orthonormal_factor(x: Float[Array, "*batch n p"]) -> Float[Array, "*batch n p"]:
    """The orthonormal factor of x = q r, in which r has a positive diagonal and so is unique."""
    q, r = jnp.linalg.qr(x)
    signs = jnp.where(jnp.diagonal(r, axis1=-2, axis2=-1) < 0, -1.0, 1.0).astype(x.dtype)
    return q * signs[..., None, :]


@jax.custom_jvp
def _positive_part(x: Float[Array, "*batch n n"]) -> Float[Array, "*batch n n"]:
    values, vectors = jnp.linalg.eigh(x, symmetrize_input=False)
    return _assemble(vectors, jnp.maximum(values, 0.0))


@_positive_part.defjvp
def _positive_part_jvp(primals, tangents):
    # Daleckii and Krein: in the eigenbasis the derivative multiplies entry (i, j) by the divided
    # difference of max(w, 0). Written with |w| it never divides by the gap of two close
    # eigenvalues.
    (x,), (dx,) = primals, tangents
    values, vectors = jnp.linalg.eigh(x, symmetrize_input=False)
    above, size = jnp.maximum(values, 0.0), jnp.abs(values)
    total = size[..., :, None] + size[..., None, :]
    factor = (above[..., :, None] + above[..., None, :]) * _inverse(total)
    turned = matmul(matmul(transpose(vectors), dx), vectors)
    slope = matmul(matmul(vectors, factor * turned), transpose(vectors))
    return _assemble(vectors, above), symmetric(slope)


@jax.custom_jvp
def _polar_factor(x: Float[Array, "*batch n p"]) -> Float[Array, "*batch n p"]:
    left, _, right = jnp.linalg.svd(x, full_matrices=False)
    return matmul(left, right)


@_polar_factor.defjvp
def _polar_factor_jvp(primals, tangents):
    # Differentiate x = q h with q orthonormal and h symmetric. Nothing here divides by a
    # difference of singular values, and as the rule only uses differentiable operations, it holds
    # for higher derivatives too.
    (x,), (dx,) = primals, tangents
    q = _polar_factor(x)
    h = symmetric(matmul(transpose(q), x))
    inside = matmul(transpose(q), dx)
    turn = _solve_twosided(h, inside - transpose(inside))
    outside = dx - matmul(q, inside)
    return q, matmul(q, turn) + _solve_right(h, outside)


def _solve_twosided(h: Float[Array, "*batch p p"], right: Float[Array, "*batch p p"]):
    """The solution y of h y + y h = right, for positive semidefinite h."""

    def solve(_, b):
        values, vectors = jnp.linalg.eigh(jax.lax.stop_gradient(h), symmetrize_input=False)
        inverse = _inverse(values[..., :, None] + values[..., None, :])
        turned = matmul(matmul(transpose(vectors), b), vectors)
        return matmul(matmul(vectors, inverse * turned), transpose(vectors))

    def matvec(y):
        return matmul(h, y) + matmul(y, h)

    return jax.lax.custom_linear_solve(matvec, right, solve, symmetric=True)


def _solve_right(h: Float[Array, "*batch p p"], right: Float[Array, "*batch n p"]):
    """The solution y of y h = right, for positive semidefinite h."""

    def solve(_, b):
        values, vectors = jnp.linalg.eigh(jax.lax.stop_gradient(h), symmetrize_input=False)
        turned = matmul(b, vectors) * _inverse(values)[..., None, :]
        return matmul(turned, transpose(vectors))

    return jax.lax.custom_linear_solve(lambda y: matmul(y, h), right, solve, symmetric=True)


def _assemble(vectors: Float[Array, "*batch n n"], values: Float[Array, "*batch n"]):
    return symmetric(matmul(vectors * values[..., None, :], transpose(vectors)))


def _inverse(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 / x, and 0 where x is not above zero."""
    some = x > jnp.finfo(x.dtype).tiny
    return jnp.where(some, 1.0 / jnp.where(some, x, 1.0), 0.0)
