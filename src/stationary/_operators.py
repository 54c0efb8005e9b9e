"""What drives the primal variables: the operator whose zero, up to constraints, is the answer.

Each kind of statement has one. All answer the same question, `linearize`: the objectives and
constraints at a point, and a function that turns multipliers into the stationarity direction.
"""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ._functions import Term
from .sets import Simplex

Duals = dict[str, Float[Array, "..."]]
ConstraintValues = Callable[[PyTree], Duals]


class Pull(NamedTuple):
    """Objectives and constraints at a point, with the direction as a function of the duals."""

    objective: Float[Array, ""]
    """The one number to report; for an operator with a potential, what is minimised."""
    objectives: dict[str, Float[Array, ""]]
    """Every objective by name."""
    constraints: Duals
    direction: Callable[[Duals], PyTree[Array]]


class AbstractOperator(eqx.Module):
    """The stationarity operator of a statement, before its constraints are known."""

    @property
    @abc.abstractmethod
    def has_potential(self) -> bool:
        """Whether the operator is a gradient, so that a merit function can be searched along."""

    @property
    def scheduled(self) -> bool:
        """Whether the operator changes from step to step, so that no fixed point judges it."""
        return False

    @abc.abstractmethod
    def linearize(
        self, primal: PyTree, data: PyTree, index: Int[Array, ""], constraints: ConstraintValues
    ) -> Pull:
        """Objectives, constraints and direction at `primal`."""


class GradientOperator(AbstractOperator):
    """The gradient of one objective: `Minimize`."""

    objective: Any
    """A `Term`, or what stands in for one when means are taken over more samples."""
    sign: float = eqx.field(static=True, default=1.0)

    @property
    def has_potential(self) -> bool:
        return True

    def linearize(self, primal, data, index, constraints) -> Pull:
        def both(x):
            return self.objective(x, data, index), constraints(x)

        (value, g), pullback = jax.vjp(both, primal)

        def direction(duals):
            return pullback((jnp.full_like(value, self.sign), duals))[0]

        return Pull(value, {"objective": value}, g, direction)


class SaddleOperator(AbstractOperator):
    """(grad_x f, -grad_y f) for the pair (x, y): `Saddle`."""

    objective: Term

    @property
    def has_potential(self) -> bool:
        return False

    def linearize(self, primal, data, index, constraints) -> Pull:
        pull = GradientOperator(self.objective).linearize(primal, data, index, constraints)

        def direction(duals):
            descend, ascend = pull.direction(duals)
            return descend, jax.tree.map(jnp.negative, ascend)

        return pull._replace(direction=direction)


class GivenOperator(AbstractOperator):
    """An operator stated as such: `VariationalInequality`."""

    operator: Term

    @property
    def has_potential(self) -> bool:
        return False

    def linearize(self, primal, data, index, constraints) -> Pull:
        value = self.operator(primal, data, index)
        g, pullback = jax.vjp(constraints, primal)

        def direction(duals):
            return jax.tree.map(jnp.add, value, pullback(duals)[0])

        nothing = jnp.full_like(jax.tree.leaves(value)[0], jnp.nan, shape=())
        return Pull(nothing, {}, g, direction)


class CommonDescentOperator(AbstractOperator):
    """The shortest convex combination of several gradients: `Balance`.

    It vanishes exactly at Pareto-stationary points (Desideri, 2012, multiple-gradient descent).
    """

    objectives: dict[str, Term]

    @property
    def has_potential(self) -> bool:
        return False

    def linearize(self, primal, data, index, constraints) -> Pull:
        names = list(self.objectives)

        def both(x):
            values = [self.objectives[name](x, data, index) for name in names]
            return jnp.stack(values), constraints(x)

        (values, g), pullback = jax.vjp(both, primal)

        def direction(duals):
            def row(weights):
                return pullback((weights, duals))[0]

            rows = jax.vmap(row)(jnp.eye(len(names), dtype=values.dtype))
            weights = minimum_norm_weights(gramian(rows))
            return jax.tree.map(lambda r: jnp.tensordot(weights, r, 1), rows)

        return Pull(jnp.mean(values), dict(zip(names, values, strict=True)), g, direction)


def gramian(rows: PyTree[Float[Array, "m ..."]]) -> Float[Array, "m m"]:
    """Inner products between m pytrees stacked along their leading axes."""
    flat = [leaf.reshape(leaf.shape[0], -1) for leaf in jax.tree.leaves(rows)]
    return sum(leaf @ leaf.T for leaf in flat)  # pyright: ignore[reportReturnType]


def minimum_norm_weights(gram: Float[Array, "m m"], *, steps: int = 250) -> Float[Array, "m"]:
    """Weights on the simplex of the shortest convex combination of m vectors, from their Gramian.

    Accelerated projected gradient on w'Gw with function-value restarts, scaled by the largest
    eigenvalue's bound; exact for m = 2.
    """
    m = gram.shape[0]
    if m == 1:
        return jnp.ones(1, gram.dtype)
    if m == 2:
        gap = gram[0, 0] + gram[1, 1] - 2 * gram[0, 1]
        safe = jnp.where(gap > 0, gap, 1)
        first = jnp.where(gap > 0, (gram[1, 1] - gram[0, 1]) / safe, 0.5)
        first = jnp.clip(first, 0, 1)
        return jnp.stack([first, 1 - first])
    scale = jnp.max(jnp.sum(jnp.abs(gram), axis=1))
    gram = gram / jnp.where(scale > 0, scale, 1)

    def body(_, carry):
        w, ahead, t = carry
        new = simplex.project(ahead - gram @ ahead)
        worse = jnp.vdot(new, gram @ new) > jnp.vdot(w, gram @ w)
        t_new = jnp.where(worse, 1.0, (1 + jnp.sqrt(1 + 4 * t * t)) / 2)
        ahead = jnp.where(worse, w, new + (t - 1) / t_new * (new - w))
        return jnp.where(worse, w, new), ahead, t_new

    simplex = Simplex()
    start = jnp.full(m, 1 / m, gram.dtype)
    return jax.lax.fori_loop(0, steps, body, (start, start, jnp.ones((), gram.dtype)))[0]
