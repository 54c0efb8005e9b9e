"""Standard errors of a certificate whose expectations were estimated from fresh draws."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._operators import Duals
from .._system import System, largest
from ._exact import Mean
from ._first_order import Errors
from ._measure import Local, Measured, forces, lagrangian_direction

_BATCHES = 32


class _Spread(NamedTuple):
    objectives: dict[str, Float[Array, ""]]
    stationarity: list[Float[Array, ""]]
    feasibility: dict[str, Float[Array, ""]]


def standard_errors(
    system: System,
    primal: PyTree,
    data: PyTree,
    weights: Array,
    duals: Duals,
    local: Local,
    found: Measured,
) -> tuple[Errors, dict[str, float]]:
    """Errors of the scaled residuals, and of the objectives and constraints in their own units.

    By batch means: the draws are split into 32 batches, whose spread shows that of their mean.
    """
    spread = _spread(system, primal, data, weights, duals, local, found)
    sizes = [leaf.size for leaf in jax.tree.leaves(primal)]
    errors = Errors(
        [(float(e), n) for e, n in zip(spread.stationarity, sizes, strict=True)],
        {
            name: (float(largest(e / _positive(local.sizes[name])) / found.extent), e.size)
            for name, e in spread.feasibility.items()
        },
    )
    named = {name: float(e) for name, e in spread.objectives.items()}
    named |= {name: float(largest(e)) for name, e in spread.feasibility.items()}
    return errors, {name: e for name, e in named.items() if e > 0}


@eqx.filter_jit
def _spread(system, primal, data, weights, duals, local, found) -> _Spread:
    zero = jnp.asarray(0)
    _, unravel = ravel_pytree(primal)

    def at(batch):
        part = jax.tree.map(lambda m: _part(m, batch), system, is_leaf=_is_mean)
        direction = lagrangian_direction(part, data, weights, duals)(primal)
        objectives, _ = forces(part, primal, data)
        values = {name: c.value(primal, data, zero) for name, c in part.constraints.items()}
        return objectives, ravel_pytree(direction)[0], values

    objectives, directions, values = jax.lax.map(at, jnp.arange(_BATCHES))

    def error(x):
        return jnp.std(x, axis=0, ddof=1) / jnp.sqrt(_BATCHES)

    pull = unravel(error(directions) / _positive(found.force))
    return _Spread(
        jax.tree.map(error, objectives),
        [largest(leaf) for leaf in jax.tree.leaves(pull)],
        jax.tree.map(error, values),
    )


def _is_mean(node) -> bool:
    return isinstance(node, Mean)


def _part(node, batch):
    """One batch of a mean over drawn samples; anything else as it is."""
    if not (_is_mean(node) and node.drawn):
        return node
    size = node.counts.size // _BATCHES

    def cut(x):
        return jax.lax.dynamic_slice_in_dim(x, batch * size, size)

    return Mean(node.program, jax.tree.map(cut, node.samples), cut(node.counts), node.drawn)


def _positive(x: Array) -> Array:
    return jnp.where(x > 0, x, 1.0)
