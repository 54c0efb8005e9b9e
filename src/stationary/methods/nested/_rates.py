"""Learning rates for what follows x, from how steep its own equations are."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ..._dtypes import working_dtype
from ..._linear import steepness
from ..._responses import AbstractPairOperator
from ..._system import System
from ...sets import Product


def own_rates(
    system: System,
    operator: AbstractPairOperator,
    primal: tuple,
    data: PyTree,
    rules: tuple[Any, ...],
) -> tuple[Float[Array, ""], ...]:
    """One learning rate per entry of the unknown: 1 where there is a rule, else 1/L; 1/(2L) for x.

    L is the largest stretch of the entry's own equations at the start. Entries that are together a
    saddle of their own move with modulus / L^2 of the pair, which makes such a field contract.
    """
    index = jnp.zeros((), jnp.int32)
    dtype = working_dtype(primal)
    resolved = operator.at(index, dtype)
    one = jnp.ones((), dtype)
    upper = resolved.lagrangian({}, primal[2:], lambda _: {}, data, index)

    def steep(places: tuple[int, ...]) -> Float[Array, ""]:
        def field(entries: tuple) -> tuple:
            moved = dict(zip(places, entries, strict=True))
            whole = tuple(moved.get(i, entry) for i, entry in enumerate(primal))
            found = resolved.field(whole, data, index, upper)
            return jax.tree.map(
                lambda d, p: d.astype(p.dtype), tuple(found[i] for i in places), entries
            )

        # Power iteration comes from below: 5 % for what it misses.
        return 1.05 * steepness(field, tuple(primal[i] for i in places))

    rates = []
    for i, rule in enumerate(rules):
        if rule is not None or i in operator.natural:
            rates.append(one)
        elif i == 0:
            rates.append(one)  # below, once the others are known
        elif i in operator.saddle:
            slope = steep(operator.saddle)
            rates.append((resolved.modulus / slope**2).astype(dtype))
        else:
            rates.append(_inverse(steep((i,))))
    if rules[0] is None:
        known = [rate if rule is None else None for rule, rate in zip(rules, rates, strict=True)]
        rates[0] = _upper_rate(system, resolved, primal, data, known)
    return tuple(rates)


def _upper_rate(
    system: System,
    operator: AbstractPairOperator,
    primal: tuple,
    data: PyTree,
    rates: list[Float[Array, ""] | None],
) -> Float[Array, ""]:
    """Half of 1/L for the direction of x, L its largest stretch with followers that keep up.

    That direction is nearly a gradient, so that its Jacobian is nearly symmetric, and power
    iteration needs products with it alone.
    """
    index = jnp.zeros((), jnp.int32)
    flat, unravel = ravel_pytree(primal[0])
    places = operator.inner(len(primal))

    def lead(flat: Array) -> Array:
        x = unravel(flat)

        def step(_, followers: tuple) -> tuple:
            whole = (x, *followers)
            upper = operator.lagrangian({}, followers[1:], lambda _: {}, data, index)
            found = operator.field(whole, data, index, upper)
            moved = [
                jax.tree.map(lambda p, d, r=rates[i]: (p - r * d).astype(p.dtype), p, d)
                if i in places and rates[i] is not None
                else p
                for i, (p, d) in enumerate(zip(whole, found, strict=True))
            ]
            return tuple(Product(system.space.sets[1:]).project(tuple(moved[1:])))

        followers = jax.lax.fori_loop(0, _SETTLE, step, primal[1:])
        upper = operator.lagrangian({}, followers[1:], lambda _: {}, data, index)
        return ravel_pytree(operator.lead((x, *followers), data, index, upper))[0]

    def product(vector: Array) -> Array:
        return jax.jvp(lead, (flat,), (vector,))[1].astype(flat.dtype)

    def body(_, carry):
        vector, _ = carry
        moved = product(vector)
        size = jnp.linalg.norm(moved)
        return moved / jnp.where(size > 0, size, 1), size

    start = jax.random.normal(jax.random.key(0), flat.shape, flat.dtype)
    start = start / jnp.linalg.norm(start)
    slope = jax.lax.fori_loop(0, _POWER, body, (start, jnp.zeros((), flat.dtype)))[1]
    return 0.5 * _inverse(1.05 * slope)


def _inverse(slope: Float[Array, ""]) -> Float[Array, ""]:
    return jnp.where(slope > 0, 1 / jnp.where(slope > 0, slope, 1), 1)


_SETTLE, _POWER = 30, 10
"""Steps that followers get to keep up, and products, when the upper rate is estimated."""


def depends_on_y(operator: AbstractPairOperator, primal: tuple, data: PyTree) -> bool:
    """Whether the upper objective's slope in y is not zero throughout, at the start and nearby."""
    x, y = primal[:2]
    index = jnp.zeros((), jnp.int32)

    @jax.jit
    def flat(x: PyTree, y: PyTree, data: PyTree) -> Array:
        leaves, structure = jax.tree.flatten(y)
        keys = jax.random.split(jax.random.key(0), len(leaves))
        pairs = zip(keys, leaves, strict=True)
        noise = [jax.random.normal(k, leaf.shape, leaf.dtype) for k, leaf in pairs]
        nearby = jax.tree.map(jnp.add, y, jax.tree.unflatten(structure, noise))
        by_y = jax.grad(operator.parts.upper, argnums=1)
        slopes = [by_y(x, at, data, index) for at in (y, nearby)]
        return jnp.all(jnp.stack([jnp.all(leaf == 0) for leaf in jax.tree.leaves(slopes)]))

    return not bool(flat(x, y, data))
