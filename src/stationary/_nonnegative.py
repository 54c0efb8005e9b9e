"""Convex quadratics over the nonnegative orthant, many at once and exactly.

min z'Az/2 + q'z over z >= 0, for A positive semidefinite: what the projection on a polyhedral cone,
the shortest vector of a hull and nonnegative least squares come down to. Two stages: accelerated
projected gradient, all rows in one matrix product, guesses which entries are positive; a monotone
active-set method then solves for them. Nothing is added to A that the answer would feel: a shift of
the size of rounding only keeps the factors finite, and it pulls towards the last iterate, not to 0.
"""

import itertools
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jaxtyping import Array, Bool, Float, Int

_TABLE = 3
"""Up to this size, all sets of positive entries are tried."""
_SMALL = 8
"""Up to this size, going from vertex to vertex costs nothing to speak of."""
_ENTRIES = 2**18
"""Matrix entries that are factorised side by side on a CPU; more would leave the cache."""


class NonnegativeMinimum(NamedTuple):
    """Minimisers over the nonnegative orthant."""

    value: Float[Array, "... rows m"]
    converged: Bool[Array, "... rows"]
    """Whether the optimality conditions hold up to rounding."""


def minimize_over_nonnegative(
    matrix: Float[Array, "m m"], linear: Float[Array, "rows m"]
) -> NonnegativeMinimum:
    """argmin of z'Az/2 + q'z over z >= 0, for every row q.

    Costs one factorisation of a part of A per row, and a few more for rows whose first guess is
    wrong. Works under `jit`; under `vmap` all rows of all matrices are taken together. The answer
    is a constant to derivatives.

    **Arguments:**

    - `matrix`: A, positive semidefinite, perhaps singular, with entries of any scale.
    - `linear`: a row for each q; bounded below, as it is when q lies in the range of A.

    **Returns:** the minimisers, and whether each is one.
    """
    return NonnegativeMinimum(*_solve(*jax.lax.stop_gradient((matrix, linear))))


@custom_vmap
def _solve(matrix: Array, linear: Array) -> tuple[Array, Array]:
    # Any number of leading axes: a batch of matrices becomes more rows, with one stopping rule.
    batch, (rows, m) = linear.shape[:-2], linear.shape[-2:]
    value, converged = _minimize(matrix.reshape(-1, m, m), linear.reshape(-1, rows, m))
    return value.reshape(*batch, rows, m), converged.reshape(*batch, rows)


@_solve.def_vmap
def _(size, batched, matrix, linear):
    matrix, linear = (
        x if known else jnp.broadcast_to(x, (size, *x.shape))
        for x, known in zip((matrix, linear), batched, strict=True)
    )
    return _solve(matrix, linear), (True, True)


@jax.jit
def _minimize(
    matrix: Float[Array, "n m m"], linear: Float[Array, "n rows m"]
) -> tuple[Float[Array, "n rows m"], Bool[Array, "n rows"]]:
    m = linear.shape[2]
    finite = jnp.isfinite(matrix).all((1, 2))[:, None] & jnp.isfinite(linear).all(2)
    matrix = jnp.where(finite.all(1)[:, None, None], matrix, 0)
    linear = jnp.where(finite[..., None], linear, 0)
    # A unit diagonal and rows of unit size leave the answer nothing of the scale of the input.
    diagonal = jnp.diagonal(matrix, axis1=1, axis2=2)
    unit = jax.lax.rsqrt(jnp.where(diagonal > 0, diagonal, 1))
    unit = jnp.where(diagonal > 0, unit, 0)
    matrix = matrix * unit[:, :, None] * unit[:, None, :]
    linear = linear * unit[:, None, :]
    size = jnp.max(jnp.abs(linear), axis=2, keepdims=True)
    size = jnp.where(size > 0, size, 1)
    linear = linear / size

    if m <= _TABLE:
        z, done = _from_table(matrix, linear)
    else:
        z, done = _iterate(matrix, linear)
    return jnp.where(finite[..., None], z * unit[:, None, :] * size, jnp.nan), done & finite


def _from_table(
    matrix: Float[Array, "n m m"], linear: Float[Array, "n rows m"]
) -> tuple[Array, Array]:
    """The best of the answers for every set of positive entries; there are few sets."""
    m = linear.shape[2]
    sets = jnp.asarray(sorted(itertools.product((False, True), repeat=m), key=sum))
    shift = 48 * m * jnp.finfo(linear.dtype).eps

    def solve(right):
        """Gaussian elimination, written out: a step of a loop would cost more than all of it."""
        on = [sets[:, None, None, i] for i in range(m)]
        a = [[matrix[None, :, None, i, j] * (on[i] & on[j]) for j in range(m)] for i in range(m)]
        b = [right[..., i] * on[i] for i in range(m)]
        for i in range(m):
            a[i][i] = jnp.where(on[i], jnp.maximum(a[i][i], shift), 1)
            for k in range(i + 1, m):
                part = a[k][i] / a[i][i]
                a[k] = [x - part * y for x, y in zip(a[k], a[i], strict=True)]
                b[k] = b[k] - part * b[i]
        for i in reversed(range(m)):
            b[i] = (b[i] - sum(a[i][k] * b[k] for k in range(i + 1, m))) / a[i][i]
        return jnp.stack(b, axis=-1)

    def slope(z):
        return jnp.sum(z[..., None, :] * matrix[:, None], axis=-1) + linear

    z = -solve(linear[None])
    z = jnp.maximum(z - solve(slope(z)), 0)
    wrong = _violation(z, slope(z)) / _slack(z, m)[..., 0]
    best = jnp.argmin(wrong, axis=0)
    z = jnp.take_along_axis(z, best[None, ..., None], axis=0)[0]
    return z, jnp.min(wrong, axis=0) <= 1


def _iterate(
    matrix: Float[Array, "n m m"], linear: Float[Array, "n rows m"]
) -> tuple[Array, Array]:
    count, rows, m = linear.shape
    trusting = jnp.zeros((count, rows), bool)
    z = _guess(matrix, linear)
    z, careful, done = _improve(matrix, linear, z, trusting, search=False)
    if rows > 1 and m > _SMALL:
        many = 4 * jnp.sum(~done) > done.size
        z, careful, done = jax.lax.cond(
            many, _through_null_vectors, lambda *kept: kept[2:], matrix, linear, z, careful, done
        )
    return _finish(matrix, linear, z, careful, done)


def _through_null_vectors(
    matrix: Array, linear: Array, z: Array, careful: Array, done: Array
) -> tuple[Array, Array, Array]:
    """Another first round for matrices with a nonnegative null vector.

    With one, minimisers are not unique, and steps from a vertex to the next would lose time among
    them. From far along the null vector, no entry of its support is in the way.
    """
    count, _, m = linear.shape
    ones = jnp.ones((count, 1, m), matrix.dtype)
    # argmin of u'Au/2 + (1 - sum u)^2/2 is along the shortest combination of nonnegative weights.
    with_sum, start = matrix + 1, jnp.zeros_like(ones)
    nothing = jnp.zeros((count, 1), bool)
    null, _ = _finish(with_sum, -ones, _guess(with_sum, -ones), nothing, nothing)
    null = null / jnp.maximum(jnp.max(null, axis=2, keepdims=True), 1e-30)
    exact = jnp.max(jnp.abs(null @ matrix), axis=2, keepdims=True) <= _slack(start, m)
    null = jnp.where(exact, null, 0)
    at = jnp.broadcast_to(64 * null, z.shape)
    ahead, _, good = _improve(matrix, linear, at, jnp.ones_like(done), search=False)
    # Back again, as far as the signs allow: small weights are better than large ones.
    ratio = jnp.where(null > 0, ahead / jnp.where(null > 0, null, 1), jnp.inf)
    back = jnp.min(ratio, axis=2, keepdims=True)
    ahead = jnp.maximum(ahead - jnp.where(exact, back, 0) * null, 0)
    use = exact[..., 0] & (good | ~done)
    return jnp.where(use[..., None], ahead, z), jnp.where(use, False, careful), done | (use & good)


def _guess(matrix: Float[Array, "n m m"], linear: Float[Array, "n rows m"]) -> Array:
    """Accelerated projected gradient, whose entries lose their momentum one by one.

    Half the precision is twice as fast, and enough to tell which entries are positive. A restart
    of whole rows would be no better, and the sums for it would take longer than the products.
    """
    a, q = matrix.astype(jnp.float32), linear.astype(jnp.float32)
    # |A^16|^(1/16) in the Frobenius norm is from 1 to m^(1/32) times the largest eigenvalue.
    power, largest = a, jnp.ones_like(a[:, :1, :1])
    for squarings in range(5):
        norm = jnp.sqrt(jnp.sum(power * power, axis=(1, 2), keepdims=True))
        norm = jnp.where(norm > 0, norm, 1)
        largest = largest * norm ** (0.5**squarings)
        power = (power / norm) @ (power / norm)
    # Nesterov's method is stable up to 4/3; the positive entries' part has smaller eigenvalues.
    rate = 1.3 / largest
    a, q = rate * a, rate * q

    def body(step, carry):
        z, ahead = carry
        new = jnp.maximum(ahead - (ahead @ a + q), 0)
        momentum = jnp.minimum(step / (step + 3), 0.9).astype(new.dtype) * (new - z)
        return new, new + jnp.where((ahead - new) * momentum > 0, 0, momentum)

    steps = min(40, 16 + 3 * linear.shape[2] // 8)
    z, _ = jax.lax.fori_loop(0, steps, body, (jnp.zeros_like(q), jnp.zeros_like(q)))
    return z.astype(linear.dtype)


def _violation(z: Array, slope: Array) -> Array:
    """How far each row is from optimality."""
    return jnp.max(jnp.where(z > 0, jnp.abs(slope), jnp.maximum(-slope, 0)), axis=-1)


def _slack(z: Array, m: int) -> Array:
    """What rounding can do to A z + q, per row."""
    return 16 * m**0.5 * jnp.finfo(z.dtype).eps * jnp.maximum(1, jnp.max(z, axis=-1, keepdims=True))


def _improve(
    matrix: Float[Array, "n m m"],
    linear: Float[Array, "n rows m"],
    z: Float[Array, "n rows m"],
    careful: Bool[Array, "n rows"],
    *,
    search: bool = True,
) -> tuple[Array, Array, Array]:
    """One round of the active-set method: solve for the entries that may be positive.

    `careful` rows let one entry in at a time and only when the others are at rest, as Lawson and
    Hanson's method does, which cannot cycle; a row becomes so when letting all of them in gains
    nothing. Without a `search` along the way to the solution, z may also become worse.

    **Returns:** the better z, which rows are careful from now on, and which are done.
    """
    m = linear.shape[-1]
    slope = z @ matrix + linear
    slack = _slack(z, m)
    positive = z > 0
    enter = ~positive & (slope < -slack)
    at_rest = jnp.all(~positive | (jnp.abs(slope) <= slack), axis=2, keepdims=True)
    worst = jnp.argmin(jnp.where(enter, slope, jnp.inf), axis=2, keepdims=True)
    single = enter & at_rest & (jnp.arange(m) == worst)
    free = positive | jnp.where(careful[..., None], single, enter)
    move = -_solve_free(matrix, free, jnp.where(free, slope, 0))

    whole = jnp.maximum(z + move, 0)
    change = (whole - z) @ matrix
    if not search:
        new, slope = whole, slope + change
    else:
        inside = jnp.all(z + move >= 0, axis=2)
        falling = free & (move < 0)
        ratio = jnp.where(falling, z / jnp.where(falling, -move, 1), jnp.inf)
        reach = jnp.min(ratio, axis=2, keepdims=True)
        part = jnp.maximum(z + jnp.minimum(reach, 1) * move, 0)
        part = jnp.where(falling & (ratio <= reach) & (reach <= 1), 0, part)
        partial_change = (part - z) @ matrix
        gain = -jnp.sum((whole - z) * (slope + change / 2), axis=2)
        partial_gain = -jnp.sum((part - z) * (slope + partial_change / 2), axis=2)
        take_whole = (inside | (gain >= partial_gain))[..., None]
        stuck = ~inside & (jnp.maximum(gain, partial_gain) <= 0)
        careful = careful | stuck
        new = jnp.where(stuck[..., None], z, jnp.where(take_whole, whole, part))
        slope = new @ matrix + linear
    return new, careful, _violation(new, slope) <= _slack(new, m)[..., 0]


def _solve_free(
    matrix: Float[Array, "n m m"], free: Bool[Array, "n rows m"], right: Float[Array, "n rows m"]
) -> Float[Array, "n rows m"]:
    """A's part of each row's free entries, inverted.

    Rows with equally many free entries are taken together, as many as stay in the cache.
    """
    on_cpu, elsewhere = (partial(_solve_in_parts, entries) for entries in (_ENTRIES, 2**26))
    return jax.lax.platform_dependent(matrix, free, right, cpu=on_cpu, default=elsewhere)


def _solve_in_parts(entries: int, matrix: Array, free: Array, right: Array) -> Array:
    count, rows, m = right.shape
    total = count * rows
    together = min(total, max(8, entries // m**2))
    free, right = free.reshape(total, m), right.reshape(total, m)

    def some(chosen):
        return _solve_within(matrix, chosen // rows, free[chosen], right[chosen])

    if total <= together:
        found = some(jnp.arange(total))
    else:
        parts = -(-total // together)
        order = jnp.argsort(jnp.sum(free, axis=1), stable=False)
        chosen = jnp.pad(order, (0, parts * together - total)).reshape(parts, together)
        found = jax.lax.map(some, chosen).reshape(-1, m)
        found = found[jnp.zeros_like(order).at[order].set(jnp.arange(total))]
    return found.reshape(count, rows, m)


def _solve_within(
    matrix: Float[Array, "n m m"],
    owner: Int[Array, "rows"],
    free: Bool[Array, "rows m"],
    right: Float[Array, "rows m"],
) -> Float[Array, "rows m"]:
    """`_solve_free` in as small a size as all rows fit into, of several that are compiled."""
    m = right.shape[1]
    parts = (3, 4, 5, 6) if m > _SMALL else ()
    sizes = sorted({m, *(-(-part * m // 8) for part in parts)})
    most = jnp.max(jnp.sum(free, axis=1))
    which = sum((most > size).astype(jnp.int32) for size in sizes[:-1])
    branches = [partial(_solve_of_size, size) for size in sizes]
    if len(branches) == 1:
        return branches[0](matrix, owner, free, right)
    return jax.lax.switch(which, branches, matrix, owner, free, right)


def _solve_of_size(size: int, matrix: Array, owner: Array, free: Array, right: Array) -> Array:
    rows, m = right.shape
    shift = 48 * m * jnp.finfo(right.dtype).eps
    if size == m:
        part, on, wanted = matrix[owner], free, right
    else:
        # The free entries first, in order.
        row = jnp.arange(rows)[:, None]
        rank = jnp.cumsum(free, axis=1, dtype=jnp.int32) - 1
        place = jnp.full((rows, size), m, jnp.int32)
        place = place.at[row, jnp.where(free, rank, size)].set(
            jnp.arange(m, dtype=jnp.int32), mode="drop"
        )
        on, place = place < m, jnp.minimum(place, m - 1)
        part = matrix[owner[:, None, None], place[:, :, None], place[:, None, :]]
        wanted = jnp.take_along_axis(right, place, axis=1)
    part = jnp.where(on[:, :, None] & on[:, None, :], part, 0)
    part = part + jnp.eye(size, dtype=right.dtype) * jnp.where(on, shift, 1)[..., None]
    factor = jax.lax.linalg.cholesky(part, symmetrize_input=False)
    solve = partial(jax.lax.linalg.triangular_solve, factor, left_side=True, lower=True)
    found = solve(solve(jnp.where(on, wanted, 0)[..., None]), transpose_a=True)[..., 0]
    if size < m:
        found = jnp.take_along_axis(found, jnp.clip(rank, 0, size - 1), axis=1)
    return jnp.where(free, found, 0)


def _finish(
    matrix: Float[Array, "n m m"],
    linear: Float[Array, "n rows m"],
    z: Float[Array, "n rows m"],
    careful: Bool[Array, "n rows"],
    done: Bool[Array, "n rows"],
) -> tuple[Array, Array]:
    """Further rounds for the rows that want them, a few rows at a time."""
    count, rows, m = linear.shape
    total = count * rows
    few = min(total, max(8, _ENTRIES // (8 * m * m)), 64)
    owner = jnp.repeat(jnp.arange(count), rows)
    linear, z = linear.reshape(total, m), z.reshape(total, m)
    limit = 24 + 3 * m
    index = jnp.arange(total, dtype=jnp.int32)

    def unfinished(carry) -> Bool[Array, "total"]:
        _, _, done, rounds = carry
        return ~done & (rounds < limit)

    def body(carry):
        z, careful, done, rounds = carry
        # Where fewer are left, the last index is beyond the end: read as some row, not written.
        chosen = jnp.sort(jnp.where(unfinished(carry), index, total))[:few]
        row = jnp.minimum(chosen, total - 1)
        new, wary, good = (
            x[:, 0]
            for x in _improve(
                matrix[owner[row]], linear[row][:, None], z[row][:, None], careful[row][:, None]
            )
        )
        return (
            z.at[chosen].set(new, mode="drop"),
            careful.at[chosen].set(wary, mode="drop"),
            done.at[chosen].set(good, mode="drop"),
            rounds.at[chosen].add(1, mode="drop"),
        )

    start = z, careful.reshape(total), done.reshape(total), jnp.zeros(total, jnp.int32)
    z, _, done, _ = jax.lax.while_loop(lambda c: jnp.any(unfinished(c)), body, start)
    return z.reshape(count, rows, m), done.reshape(count, rows)
