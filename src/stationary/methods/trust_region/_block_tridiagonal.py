"""Solving with a symmetric positive definite block-tridiagonal matrix, in pieces side by side.

The blocks are cut into pieces of equal length. The last block of each piece separates it from the
next, so the insides of all pieces are eliminated together; what remains couples the separators
only, and is small. Loops are as long as one piece, about the square root of the matrix.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_DENSE_ROWS = 512
"""The separators together have at most about this many rows."""


class Factors(NamedTuple):
    """A factorised block-tridiagonal matrix: q - 1 inner blocks in each of p pieces.

    With L the Cholesky factors of the inner blocks, the fields are what the two sweeps of a solve
    multiply by, so that a sweep does one product per block.
    """

    inverse: Float[Array, "q p b b"]
    """L^-1."""
    down: Float[Array, "q p b b"]
    """L^-1 times the coupling to the block before, in terms of that block's L."""
    up: Float[Array, "q p b b"]
    """L^-T times the coupling to the block after, in the same terms."""
    left: Float[Array, "q p b b"]
    """L^-1 times the coupling to the separator before the piece."""
    right: Float[Array, "p b b"]
    """The coupling of a piece's separator to its last inner block, in terms of that block's L."""
    rest: Float[Array, "r r"]
    """The Cholesky factor of the separators' matrix."""


def factorize(diagonal: Float[Array, "k b b"], lower: Float[Array, "k b b"]) -> Factors:
    """Factorise a block-tridiagonal matrix: Cholesky's method in another order of the rows.

    **Arguments:**

    - `diagonal`: the blocks on the diagonal, symmetric.
    - `lower`: `lower[i]` is the block that couples rows i to columns i - 1; `lower[0]` is ignored.

    **Returns:** factors for `solve`; not finite where the matrix is not positive definite.

    !!! example
        >>> import jax.numpy as jnp
        >>> factors = factorize(4 * jnp.ones((3, 1, 1)), jnp.ones((3, 1, 1)))
        >>> solve(factors, jnp.array([[5.0], [6.0], [5.0]])).ravel().round(5).tolist()
        [1.0, 1.0, 1.0]

    !!! cite "Reference"
        Johnsson, Solving narrow banded systems on ensemble architectures (ACM Transactions on
        Mathematical Software, 1985).
    """
    count, size, _ = diagonal.shape
    pieces, length = _cut(count, size)
    identity = jnp.eye(size, dtype=diagonal.dtype)
    extra = jnp.broadcast_to(identity, (pieces * length - count, size, size))
    diagonal = _pieces(jnp.concatenate([diagonal, extra]), pieces)
    lower = _pieces(jnp.concatenate([lower.at[0].set(0.0), jnp.zeros_like(extra)]), pieces)
    couplings = lower.at[0].set(0.0)  # within a piece
    outer = jnp.zeros_like(lower).at[0].set(lower[0])  # to the separator before it

    def eliminate(carry, blocks):
        before, fill = carry  # L^-1 of the block before, and its `left`
        own, coupling, border = blocks
        coupling = coupling @ _turned(before)
        root = jnp.linalg.cholesky(own - coupling @ _turned(coupling), symmetrize_input=False)
        inverse = jax.lax.linalg.triangular_solve(
            root, jnp.broadcast_to(identity, root.shape), left_side=True, lower=True
        )
        fill = inverse @ (border - coupling @ fill)
        return (inverse, fill), (inverse, coupling, fill)

    start = jnp.zeros((2, pieces, size, size), diagonal.dtype)
    inner = diagonal[:-1], couplings[:-1], outer[:-1]
    (last, fill), (inverse, coupling, left) = jax.lax.scan(eliminate, (start[0], start[1]), inner)
    right = couplings[-1] @ _turned(last)
    up = _turned(inverse) @ _turned(jnp.concatenate([coupling[1:], right[None]]))

    borders = jnp.sum(_turned(left) @ left, axis=0)
    separators = diagonal[-1] - right @ _turned(right) - jnp.roll(borders.at[0].set(0.0), -1, 0)
    between = -right @ fill
    if length == 1:
        between = lower[0]
    rest = jnp.linalg.cholesky(_assembled(separators, between))
    return Factors(inverse, inverse @ coupling, up, left, right, rest)


def solve(factors: Factors, target: Float[Array, "k b"]) -> Float[Array, "k b"]:
    """The solution of a factorised block-tridiagonal system.

    **Arguments:**

    - `factors`: what `factorize` returned.
    - `target`: the right-hand side, block by block.
    """
    inner, pieces, _, _ = factors.inverse.shape
    count, size = target.shape
    target = jnp.pad(target, ((0, pieces * (inner + 1) - count), (0, 0)))
    target = _pieces(target, pieces)
    nothing = jnp.zeros_like(target[0])

    def forward(before, blocks):
        own, down = blocks
        found = own - _times(down, before)
        return found, found

    def backward(after, blocks):
        own, up = blocks
        found = own - _times(up, after)
        return found, found

    last, z = jax.lax.scan(forward, nothing, (_times(factors.inverse, target[:-1]), factors.down))
    reduced = target[-1] - _times(factors.right, last)
    borders = jnp.sum(_pulled(factors.left, z), axis=0)
    reduced = reduced - jnp.roll(borders.at[0].set(0.0), -1, axis=0)
    ends = jax.scipy.linalg.cho_solve((factors.rest, True), reduced.ravel()).reshape(pieces, size)
    before = jnp.roll(ends, 1, axis=0).at[0].set(0.0)
    own = _pulled(factors.inverse, z - _times(factors.left, before[None]))
    _, found = jax.lax.scan(backward, ends, (own, factors.up), reverse=True)
    found = jnp.concatenate([found, ends[None]])
    return jnp.swapaxes(found, 0, 1).reshape(-1, size)[:count]


def multiply(
    diagonal: Float[Array, "k b b"], lower: Float[Array, "k b b"], vector: Float[Array, "k b"]
) -> Float[Array, "k b"]:
    """The product of a block-tridiagonal matrix with a vector, block by block."""
    inside = lower.at[0].set(0.0)
    below = _times(inside, jnp.roll(vector, 1, axis=0))
    above = jnp.roll(_pulled(inside, vector), -1, axis=0)
    return _times(diagonal, vector) + below + above


def _cut(count: int, size: int) -> tuple[int, int]:
    """How many pieces, and how many blocks in each."""
    pieces = max(1, min(_DENSE_ROWS // size, int(np.sqrt(count))))
    return pieces, -(-count // pieces)


def _pieces(blocks: Float[Array, "k ..."], pieces: int) -> Float[Array, "q p ..."]:
    return jnp.swapaxes(blocks.reshape(pieces, -1, *blocks.shape[1:]), 0, 1)


def _assembled(diagonal, lower) -> Float[Array, "r r"]:
    count, size, _ = diagonal.shape
    blocks = jnp.zeros((count, count, size, size), diagonal.dtype)
    places = jnp.arange(count)
    blocks = blocks.at[places, places].set(diagonal)
    blocks = blocks.at[places[1:], places[:-1]].set(lower[1:])
    blocks = blocks.at[places[:-1], places[1:]].set(_turned(lower[1:]))
    return jnp.swapaxes(blocks, 1, 2).reshape(count * size, count * size)


def _turned(matrices: Float[Array, "*k b b"]) -> Float[Array, "*k b b"]:
    return jnp.swapaxes(matrices, -1, -2)


# Sums of products rather than dots: XLA turns these into one loop over all blocks.


def _times(matrices, vectors) -> Float[Array, "*k b"]:
    return jnp.sum(matrices * vectors[..., None, :], axis=-1)


def _pulled(matrices, vectors) -> Float[Array, "*k b"]:
    return jnp.sum(matrices * vectors[..., :, None], axis=-2)
