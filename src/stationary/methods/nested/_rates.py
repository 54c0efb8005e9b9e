"""Learning rates for what follows x, from how steep its own equations are."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..._dtypes import working_dtype
from ..._linear import steepness
from ..._responses import AbstractPairOperator
from ..._system import System


def own_rates(
    system: System,
    operator: AbstractPairOperator,
    primal: tuple,
    data: PyTree,
    rules: tuple[Any, ...],
) -> tuple[Float[Array, ""], ...]:
    """One learning rate per entry of the unknown: 1 where there is a rule, else 1/L.

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
        elif i in operator.saddle:
            slope = steep(operator.saddle)
            rates.append((resolved.modulus / slope**2).astype(dtype))
        else:
            slope = steep((i,))
            rates.append(jnp.where(slope > 0, 1 / jnp.where(slope > 0, slope, 1), 1).astype(dtype))
    return tuple(rates)


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
