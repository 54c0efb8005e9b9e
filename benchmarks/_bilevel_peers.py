"""Methods for stochastic bilevel problems from the literature, as benchopt's benchmark states them.

SOBA and SABA are Dagreou et al. (2022), arXiv:2201.13409; SRBA the same authors (2023),
arXiv:2302.08766; F2SA has that benchmark's schedules, whose multiplier grows by increments. As
there, batches are consecutive rows in an order that is drawn anew every epoch.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Samples = tuple[Any, Any]
"""Of the upper and of the lower level."""


class Solver(NamedTuple):
    """A loop in compiled code; a setting is (rate of y, rate of x over it).

    `prepare(samples, x, y)` states the problem, `begin(prepared)` is the state at its start,
    `advance(prepared, setting, state, chunks)` takes that many times `chunk` steps in one call, and
    `x` reads the state.
    """

    prepare: Callable
    begin: Callable
    advance: Callable
    x: Callable


class Order(NamedTuple):
    """Which batch is next."""

    order: jax.Array
    place: jax.Array
    key: jax.Array


def _order(samples: Any, size: int, seed: int) -> Order:
    count = jax.tree.leaves(samples)[0].shape[0] // size
    return Order(jnp.arange(count), jnp.asarray(0), jax.random.key(seed))


def _next(order: Order) -> tuple[jax.Array, Order]:
    count = order.order.size

    def anew(order: Order) -> Order:
        key, own = jax.random.split(order.key)
        return Order(jax.random.permutation(own, order.order), jnp.zeros_like(order.place), key)

    moved = order._replace(place=order.place + 1)
    after = jax.lax.cond(moved.place == count, anew, lambda o: o, moved)
    return order.order[order.place], after


def _read(samples: Any, number: jax.Array, size: int) -> Any:
    return jax.tree.map(
        lambda leaf: jax.lax.dynamic_slice_in_dim(leaf, number * size, size), samples
    )


def _mean(loss: Callable) -> Callable:
    return lambda x, y, batch: jnp.mean(jax.vmap(loss, (None, None, 0))(x, y, batch))


def _directions(upper: Callable, lower: Callable) -> Callable:
    """The directions of SOBA on a pair of batches."""
    upper, lower = _mean(upper), _mean(lower)

    def directions(x, y, v, above, below):
        slope, pullback = jax.vjp(lambda x, y: jax.grad(lower, 1)(x, y, below), x, y)
        cross, product = pullback(v)
        by_x, by_y = jax.grad(upper, (0, 1))(x, y, above)
        return slope, product, cross, by_y, by_x

    return directions


def _solver(begin: Callable, step: Callable, chunk: int) -> Solver:
    @jax.jit
    def advance(prepared, setting, state, chunks):
        return jax.lax.fori_loop(
            0, chunks * chunk, lambda _, state: step(prepared[0], setting, state), state
        )

    def prepare(samples, x, y):
        return samples, x, y

    return Solver(prepare, jax.jit(lambda p: begin(*p)), advance, lambda state: state[0])


def soba(upper: Callable, lower: Callable, size: int, chunk: int) -> Solver:
    """One stochastic step on x, y and the adjoint, at rates that fall like 1 / sqrt(k)."""
    directions = _directions(upper, lower)

    def begin(samples, x, y):
        orders = tuple(_order(s, size, i) for i, s in enumerate(samples))
        return x, y, jnp.zeros_like(y), jnp.zeros(()), orders

    def step(samples, setting, state):
        x, y, v, count, orders = state
        (first, one), (second, two) = map(_next, orders)
        above, below = _read(samples[0], first, size), _read(samples[1], second, size)
        slope, product, cross, by_y, by_x = directions(x, y, v, above, below)
        now = setting[0] / jnp.sqrt(count + 1)
        y, v = y - now * slope, v - now * (product + by_y)
        return x - setting[1] * now * (cross + by_x), y, v, count + 1, (one, two)

    return _solver(begin, step, chunk)


def saba(upper: Callable, lower: Callable, size: int, chunk: int) -> Solver:
    """SOBA with a memory of every batch's directions (SAGA), at constant rates."""
    directions = _directions(upper, lower)

    def begin(samples, x, y):
        orders = tuple(_order(s, size, i) for i, s in enumerate(samples))
        counts = [order.order.size for order in orders]

        def blank(count, like):
            return jnp.zeros((count, *like.shape)), jnp.zeros_like(like)

        memory = (
            blank(counts[1], y), blank(counts[1], y), blank(counts[1], x),
            blank(counts[0], y), blank(counts[0], x),
        )  # fmt: skip
        return x, y, jnp.zeros_like(y), memory, orders

    def corrected(kept, new, number):
        table, mean = kept
        change = new - table[number]
        return (table.at[number].set(new), mean + change / table.shape[0]), mean + change

    def step(samples, setting, state):
        rate, share = setting
        x, y, v, memory, orders = state
        (first, one), (second, two) = map(_next, orders)
        above, below = _read(samples[0], first, size), _read(samples[1], second, size)
        found = directions(x, y, v, above, below)
        numbers = (second, second, second, first, first)
        pairs = [corrected(*each) for each in zip(memory, found, numbers, strict=True)]
        memory = tuple(kept for kept, _ in pairs)
        slope, product, cross, by_y, by_x = (direction for _, direction in pairs)
        y, v = y - rate * slope, v - rate * (product + by_y)
        return x - share * rate * (cross + by_x), y, v, memory, (one, two)

    return _solver(begin, step, chunk)


def srba(upper: Callable, lower: Callable, size: int, chunk: int) -> Solver:
    """SOBA with recursive corrections (SARAH), and all samples every half epoch."""
    directions = _directions(upper, lower)

    def together(point, above, below):
        slope, product, cross, by_y, by_x = directions(*point, above, below)
        return cross + by_x, slope, product + by_y

    def begin(samples, x, y):
        orders = tuple(_order(s, size, i) for i, s in enumerate(samples))
        point = x, y, jnp.zeros_like(y)
        return x, point, point, jax.tree.map(jnp.zeros_like, point), jnp.asarray(0), orders

    def step(samples, setting, state):
        rate, share = setting
        _, point, old, directions, count, orders = state
        period = max(1, sum(order.order.size for order in orders) // 2)

        def whole(_):
            return together(point, *samples), orders

        def recursive(_):
            (first, one), (second, two) = map(_next, orders)
            above, below = _read(samples[0], first, size), _read(samples[1], second, size)
            new, was = together(point, above, below), together(old, above, below)
            moved = jax.tree.map(lambda d, a, b: d + a - b, directions, new, was)
            return moved, (one, two)

        found, orders = jax.lax.cond(count % period == 0, whole, recursive, None)
        rates = share * rate, rate, rate
        after = jax.tree.map(lambda p, r, d: p - r * d, point, rates, found)
        return after[0], after, point, found, count + 1, orders

    return _solver(begin, step, chunk)


def f2sa(upper: Callable, lower: Callable, size: int, chunk: int) -> Solver:
    """Ten inner steps on both copies, independent batches, and a multiplier that grows."""
    upper, lower = _mean(upper), _mean(lower)

    def begin(samples, x, y):
        orders = tuple(_order(s, size, i) for i, s in enumerate(samples))
        return x, y, y, jnp.ones(()), jnp.zeros(()), orders

    def step(samples, setting, state):
        rate, share = setting
        x, y, z, weight, count, orders = state
        k = count + 1
        fast, slow = rate * k ** (-5 / 7), rate * k ** (-4 / 7)

        def draw(orders, level):
            number, moved = _next(orders[level])
            orders = (moved, orders[1]) if level == 0 else (orders[0], moved)
            return _read(samples[level], number, size), orders

        def inner(carry, _):
            y, z, orders = carry
            one, orders = draw(orders, 1)
            two, orders = draw(orders, 1)
            above, orders = draw(orders, 0)
            by_y = weight * jax.grad(lower, 1)(x, y, one) + jax.grad(upper, 1)(x, y, above)
            return (y - fast * by_y, z - slow * jax.grad(lower, 1)(x, z, two), orders), None

        y, z, orders = jax.lax.scan(inner, (y, z, orders), None, 10)[0]
        above, orders = draw(orders, 0)
        one, orders = draw(orders, 1)
        two, orders = draw(orders, 1)
        gap = jax.grad(lower)(x, y, one) - jax.grad(lower)(x, z, two)
        x = x - share * slow * (jax.grad(upper)(x, y, above) + weight * gap)
        return x, y, z, weight + 0.1 * k ** (-1 / 7), k, orders

    return _solver(begin, step, chunk)
