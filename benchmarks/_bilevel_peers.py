"""Methods for stochastic bilevel problems from the literature, as benchopt's benchmark states them.

SOBA and SABA are Dagreou et al. (2022), arXiv:2201.13409; F2SA has that benchmark's schedules,
whose multiplier grows by increments. Each returns a state, a compiled run of steps, and x.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp


def _batch(samples: Any, key: jax.Array, size: int) -> tuple[Any, jax.Array]:
    """A mini-batch of consecutive samples, and its number."""
    count = jax.tree.leaves(samples)[0].shape[0] // size
    number = jax.random.randint(key, (), 0, count)
    return jax.tree.map(
        lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, number * size, size), samples
    ), number


def _mean(loss: Callable) -> Callable:
    return lambda x, y, batch: jnp.mean(jax.vmap(loss, (None, None, 0))(x, y, batch))


def _parts(problem: Any, size: int) -> tuple[Any, Any, Callable]:
    """Samples on the device, and the directions of SOBA on a pair of batches."""
    upper, lower = _mean(problem.upper), _mean(problem.lower)
    samples = jax.tree.map(jnp.asarray, (problem.upper_samples, problem.lower_samples))

    def directions(x, y, v, above, below):
        slope, pullback = jax.vjp(lambda x, y: jax.grad(lower, 1)(x, y, below), x, y)
        cross, product = pullback(v)
        by_x, by_y = jax.grad(upper, (0, 1))(x, y, above)
        return slope, product, cross, by_y, by_x

    return samples, (upper, lower), directions


def _run(step: Callable, chunk: int) -> Callable:
    @jax.jit
    def advance(state):
        return jax.lax.scan(lambda s, _: (step(s), None), state, None, chunk)[0]

    return advance


def soba(problem: Any, rate: float, share: float, size: int, chunk: int) -> tuple:
    """One stochastic step on x, y and the adjoint, at rates that fall like 1 / sqrt(k)."""
    (above, below), _, directions = _parts(problem, size)

    def step(state):
        x, y, v, count, key = state
        key, one, two = jax.random.split(key, 3)
        found = directions(x, y, v, _batch(above, one, size)[0], _batch(below, two, size)[0])
        slope, product, cross, by_y, by_x = found
        now = rate / jnp.sqrt(count + 1.0)
        y, v = y - now * slope, v - now * (product + by_y)
        return x - share * now * (cross + by_x), y, v, count + 1, key

    begun = (problem.x, problem.y, jnp.zeros_like(problem.y), 0, jax.random.key(0))
    return begun, _run(step, chunk), lambda state: state[0]


def saba(problem: Any, rate: float, share: float, size: int, chunk: int) -> tuple:
    """SOBA with a memory of every batch's directions (SAGA), at constant rates."""
    (above, below), _, directions = _parts(problem, size)
    counts = [jax.tree.leaves(s)[0].shape[0] // size for s in (above, below)]

    def blank(count, like):
        return jnp.zeros((count, *like.shape)), jnp.zeros_like(like)

    x, y = problem.x, problem.y
    memory = (
        blank(counts[1], y), blank(counts[1], y), blank(counts[1], x),
        blank(counts[0], y), blank(counts[0], x),
    )  # fmt: skip

    def corrected(kept, new, number):
        table, mean = kept
        change = new - table[number]
        direction = mean + change
        return (table.at[number].set(new), mean + change / table.shape[0]), direction

    def step(state):
        x, y, v, memory, key = state
        key, one, two = jax.random.split(key, 3)
        (up, first), (down, second) = _batch(above, one, size), _batch(below, two, size)
        found = directions(x, y, v, up, down)
        numbers = (second, second, second, first, first)
        pairs = [corrected(*each) for each in zip(memory, found, numbers, strict=True)]
        memory = tuple(kept for kept, _ in pairs)
        slope, product, cross, by_y, by_x = (direction for _, direction in pairs)
        y, v = y - rate * slope, v - rate * (product + by_y)
        return x - share * rate * (cross + by_x), y, v, memory, key

    begun = (x, y, jnp.zeros_like(y), memory, jax.random.key(0))
    return begun, _run(step, chunk), lambda state: state[0]


def f2sa(problem: Any, rate: float, share: float, size: int, chunk: int) -> tuple:
    """Ten inner steps on both copies, independent batches, and a multiplier that grows."""
    (above, below), (upper, lower), _ = _parts(problem, size)

    def step(state):
        x, y, z, weight, count, key = state
        key, *keys = jax.random.split(key, 5)
        k = count + 1.0
        fast, slow = rate * k ** (-5 / 7), rate * k ** (-4 / 7)

        def inner(pair, key):
            y, z = pair
            one, two, three = jax.random.split(key, 3)
            by_y = jax.grad(upper, 1)(x, y, _batch(above, one, size)[0])
            by_y = by_y + weight * jax.grad(lower, 1)(x, y, _batch(below, two, size)[0])
            by_z = jax.grad(lower, 1)(x, z, _batch(below, three, size)[0])
            return (y - fast * by_y, z - slow * by_z), None

        y, z = jax.lax.scan(inner, (y, z), jax.random.split(keys[0], 10))[0]
        by_x = jax.grad(upper)(x, y, _batch(above, keys[1], size)[0])
        first = jax.grad(lower)(x, y, _batch(below, keys[2], size)[0])
        second = jax.grad(lower)(x, z, _batch(below, keys[3], size)[0])
        x = x - share * slow * (by_x + weight * (first - second))
        return x, y, z, weight + 0.1 * k ** (-1 / 7), count + 1, key

    begun = (problem.x, problem.y, problem.y, jnp.ones(()), 0, jax.random.key(0))
    return begun, _run(step, chunk), lambda state: state[0]
