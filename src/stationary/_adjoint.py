"""Derivatives of a solution through the equations it satisfies, not through the iterations."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import PyTree

from ._linear import solve_linearized
from ._point import Point
from ._system import System


@eqx.filter_custom_jvp
def implicit(point: Point, system: System, data: PyTree) -> Point:
    """`point`, with the derivatives of the stationary point that it is.

    By the implicit function theorem on `system.root`: at a zero, root_point dpoint =
    -root_inputs dinputs. The linear solve is transposable, so forward and reverse mode both
    work. Where the Jacobian is singular (no strict complementarity, dependent constraint
    gradients) the derivative does not exist and comes out non-finite.

    **Arguments:**

    - `point`: a zero of `system.root`; its own tangent is ignored.
    - `system`, `data`: what the derivative is taken with respect to.
    """
    return point


@implicit.def_jvp
def _implicit_jvp(primals, tangents):
    point, system, data = primals
    _, system_tangent, data_tangent = tangents
    flat, unravel = ravel_pytree(point)

    def root(vector, inputs):
        return ravel_pytree(inputs[0].root(unravel(vector), inputs[1]))[0]

    inputs, static = eqx.partition((system, data), eqx.is_inexact_array)
    leaves, structure = jax.tree.flatten(inputs, is_leaf=_is_none)
    given = jax.tree.leaves((system_tangent, data_tangent), is_leaf=_is_none)
    tangent = [
        jnp.zeros_like(leaf) if move is None and leaf is not None else move
        for leaf, move in zip(leaves, given, strict=True)
    ]
    tangent = jax.tree.unflatten(structure, tangent)
    _, shift = jax.jvp(lambda i: root(flat, eqx.combine(i, static)), (inputs,), (tangent,))
    moved = solve_linearized(lambda v: root(v, (system, data)), flat, -shift)
    return point, unravel(moved)


def _is_none(leaf) -> bool:
    return leaf is None
