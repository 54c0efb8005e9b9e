"""The operators of nested problems: directions for the upper and the lower unknown at once."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from ._functions import Term
from ._linear import solve_linearized
from ._operators import AbstractOperator, Pull
from ._system import System
from .sets import Product


class Pair(eqx.Module):
    """The upper and lower objectives in compiled form, each of the pair (x, y)."""

    upper: Term
    lower: Term


class Parts(eqx.Module):
    """What a response builds a system from.

    **Arguments:**

    - `pair`: the two objectives.
    - `signs`: -1 for a level that is maximised.
    - `space`: the set of y.
    - `follower`: the lower problem alone, with data `(x, data)`.
    """

    pair: Pair
    signs: tuple[float, float] = eqx.field(static=True)
    space: Product
    follower: System

    def upper(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> Array:
        """The upper objective, to be minimised."""
        return self.signs[0] * self.pair.upper((x, y), data, index)

    def lower(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> Array:
        """The lower objective, to be minimised."""
        return self.signs[1] * self.pair.lower((x, y), data, index)

    def lower_gradient(self, x: PyTree, y: PyTree, data: PyTree, index: Array) -> PyTree[Array]:
        """The gradient of the lower objective in y."""
        return jax.grad(self.lower, argnums=1)(x, y, data, index)


class AbstractPairOperator(AbstractOperator):
    """Shared by the operators of nested problems: upper constraints pull on the whole unknown."""

    parts: Parts

    @property
    def has_potential(self) -> bool:
        return False

    @abc.abstractmethod
    def field(self, primal: PyTree, data: PyTree, index: Array) -> PyTree[Array]:
        """The direction without constraints."""

    def linearize(self, primal, data, index, constraints) -> Pull:
        g, pullback = jax.vjp(constraints, primal)
        field = self.field(primal, data, index)
        objectives = {
            "upper": self.parts.pair.upper(primal[:2], data, index),
            "lower": self.parts.pair.lower(primal[:2], data, index),
        }

        def direction(duals):
            return jax.tree.map(jnp.add, field, pullback(duals)[0])

        return Pull(objectives["upper"], objectives, g, direction)


class KKTOperator(AbstractPairOperator):
    """The gradient of the upper objective in (x, y): zero in any further unknowns."""

    @property
    def sign(self) -> float:
        """-1 when the upper objective is maximised."""
        return self.parts.signs[0]

    @property
    def has_potential(self) -> bool:
        return True

    def field(self, primal, data, index):
        return jax.grad(lambda p: self.parts.upper(p[0], p[1], data, index))(primal)


class HypergradientOperator(AbstractPairOperator):
    """(hypergradient in x, lower gradient in y)."""

    def field(self, primal, data, index):
        x, y = primal
        parts = self.parts
        by_x, by_y = jax.grad(parts.upper, argnums=(0, 1))(x, y, data, index)
        flat_y, unravel = ravel_pytree(y)

        def root(x, flat):
            y = unravel(flat)
            gradient = parts.lower_gradient(x, y, data, index)
            return ravel_pytree(parts.space.residual(y, gradient))[0]

        target = ravel_pytree(by_y)[0]
        adjoint = solve_linearized(lambda v: root(x, v), flat_y, target, transpose=True)
        _, pullback = jax.vjp(lambda x: root(x, flat_y), x)
        hypergradient = jax.tree.map(jnp.subtract, by_x, pullback(adjoint)[0])
        return hypergradient, parts.lower_gradient(x, y, data, index)


class UnrolledOperator(AbstractPairOperator):
    """(gradient in x through gradient steps on y, lower gradient in y)."""

    steps: int = eqx.field(static=True)
    learning_rate: float

    def field(self, primal, data, index):
        x, y = primal
        parts = self.parts

        def after_steps(x):
            def step(y, _):
                gradient = parts.lower_gradient(x, y, data, index)
                moved = jax.tree.map(lambda a, g: a - self.learning_rate * g, y, gradient)
                return parts.space.project(moved), None

            return parts.upper(x, jax.lax.scan(step, y, None, self.steps)[0], data, index)

        return jax.grad(after_steps)(x), parts.lower_gradient(x, y, data, index)


class ValueFunctionOperator(AbstractPairOperator):
    """(gradient of the penalised objective in x and y, lower gradient in z)."""

    penalty: float

    def field(self, primal, data, index):
        x, y, z = primal
        parts = self.parts

        def penalised(x, y):
            gap = parts.lower(x, y, data, index) - parts.lower(x, z, data, index)
            return parts.upper(x, y, data, index) + self.penalty * gap

        by_x, by_y = jax.grad(penalised, argnums=(0, 1))(x, y)
        return by_x, by_y, parts.lower_gradient(x, z, data, index)
