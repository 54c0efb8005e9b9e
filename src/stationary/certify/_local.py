"""A system at one point: its functions there, and their exact first derivatives."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from .._compiled import jit_once
from .._constraints import ConstraintTerm
from .._operators import CommonDescentOperator, Duals
from .._system import System, all_finite

DENSE_JACOBIAN = 1_000_000
"""Up to this many entries the constraints' Jacobian is formed; beyond, its rows are probed."""
_PROBES = 24


class Local(NamedTuple):
    """The functions of a system at a point, and their first derivatives."""

    objectives: dict[str, Float[Array, ""]]
    gradients: Float[Array, "objectives n"]
    """Per objective, with its sign; for an operator that is no gradient, the operator."""
    values: Duals
    """True g(x)."""
    rounding: Duals
    """What rounding alone can do to g(x)."""
    rows: dict[str, Float[Array, "size n"]] | None
    """Jacobians of the (surrogate) constraints, where small enough to form."""
    sizes: Duals
    """The norm of each row."""
    finite: Bool[Array, ""]


def smooth(system: System, primal: PyTree, data: PyTree) -> Duals:
    """What the primal variables differentiate: surrogates where there are any."""
    zero = jnp.asarray(0)
    return {name: c.smooth(primal, data, zero) for name, c in system.constraints.items()}


def forces(system: System, primal: PyTree, data: PyTree) -> tuple[dict, PyTree]:
    """Objectives and, stacked, their gradients (or the operator), constraints left out."""
    operator, zero = system.operator, jnp.asarray(0)
    if isinstance(operator, CommonDescentOperator):
        pairs = {
            name: jax.value_and_grad(lambda x, f=term: f(x, data, zero))(primal)
            for name, term in operator.objectives.items()
        }
        values = {name: value for name, (value, _) in pairs.items()}
        gradients = [gradient for _, gradient in pairs.values()]
        return values, jax.tree.map(lambda *g: jnp.stack(g), *gradients)
    pull = operator.linearize(primal, data, zero, lambda x: {})
    return pull.objectives, jax.tree.map(lambda g: g[None], pull.direction({}))


def lagrangian_direction(
    system: System, data: PyTree, weights: Float[Array, "objectives"], duals: Duals
) -> Callable[[PyTree], PyTree]:
    """x -> the direction that must vanish there at fixed weights and multipliers."""

    def direction(primal: PyTree) -> PyTree:
        _, gradients = forces(system, primal, data)
        _, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
        return jax.tree.map(
            lambda g, pulled: jnp.tensordot(weights, g, 1) + pulled, gradients, pullback(duals)[0]
        )

    return direction


@jit_once
def look(system: System, primal: PyTree, data: PyTree) -> Local:
    """Values and first derivatives at `primal`."""
    return observe(system, primal, data)


def observe(system: System, primal: PyTree, data: PyTree) -> Local:
    """`look`, not yet compiled."""
    objectives, gradients = forces(system, primal, data)
    flat = jax.vmap(lambda g: ravel_pytree(g)[0])(gradients)
    g, pullback = jax.vjp(lambda x: smooth(system, x, data), primal)
    zero = jnp.asarray(0)
    values, rounding = {}, {}
    for name, c in system.constraints.items():
        values[name] = g[name] if c.surrogate is None else c.value(primal, data, zero)
        unit = jnp.finfo(c.term.program.out.dtype).eps
        rounding[name] = 16 * unit * (jnp.abs(values[name]) + jnp.abs(c.bound))
    rows, sizes = {}, {}
    if sum(value.size for value in g.values()) * flat.shape[1] > DENSE_JACOBIAN:
        rows, sizes = None, _probed(system, primal, data)
    elif g:
        stacked, split = _jacobian(g, pullback)
        rows, sizes = split(stacked), split(jnp.linalg.norm(stacked, axis=1))
    sizes = {
        name: _shared(jnp.reshape(sizes[name], value.shape), system.constraints[name])
        for name, value in g.items()
    }
    finite = all_finite((objectives, flat, values, sizes, primal))
    return Local(objectives, flat, values, rounding, rows, sizes, finite)


def _jacobian(g: Duals, pullback: Callable) -> tuple[Float[Array, "size n"], Callable]:
    """The rows of all constraints, from one batch of pullbacks; and what splits them by name."""
    flat, unravel = ravel_pytree(g)  # in the order of sorted names
    names = sorted(g)
    ends = list(itertools.accumulate(g[name].size for name in names))

    def row(entry: Array) -> Array:
        unit = (jnp.arange(flat.size) == entry).astype(flat.dtype)
        return ravel_pytree(pullback(unravel(unit))[0])[0]

    def split(entries: Array) -> dict[str, Array]:
        return dict(zip(names, jnp.split(entries, ends[:-1]), strict=True))

    return jax.vmap(row)(jnp.arange(flat.size)), split


def _probed(system: System, primal: PyTree, data: PyTree) -> Duals:
    """Row norms from products with random directions: E (J u)^2 = |row|^2."""
    flat, unravel = ravel_pytree(primal)

    def product(key):
        tangent = unravel(jax.random.normal(key, flat.shape, flat.dtype))
        return jax.jvp(lambda x: smooth(system, x, data), (primal,), (tangent,))[1]

    products = jax.lax.map(product, jax.random.split(jax.random.key(0), _PROBES))
    return {name: jnp.sqrt(jnp.mean(p**2, axis=0)) for name, p in products.items()}


def _shared(sizes: Float[Array, "..."], constraint: ConstraintTerm) -> Float[Array, "..."]:
    # A cone that ties its entries together admits one scale only.
    together = jnp.full_like(sizes, jnp.max(sizes, initial=0.0))
    return sizes if constraint.cone.elementwise else together
