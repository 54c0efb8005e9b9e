"""What drives the primal variables: the operator whose zero, up to constraints, is the answer.

Each kind of statement has one. All answer the same question, `linearize`: the objectives and
constraints at a point, and a function that turns multipliers into the stationarity direction.
"""

import abc
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ._functions import Term
from ._nonnegative import minimize_over_nonnegative

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

    undefined: ClassVar[str] = (
        "look for sqrt, norm or division at 0. Start elsewhere, or smooth it."
    )
    """What to do where a direction is not finite although the objectives are."""

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
            def pull(weights):
                return pullback((weights, duals))[0]

            def push(vector):
                return jax.jvp(lambda x: both(x)[0], (primal,), (vector,))[1]

            gram = products(pull, push, len(names), values.dtype)
            return pull(minimum_norm_weights(gram))

        return Pull(jnp.mean(values), dict(zip(names, values, strict=True)), g, direction)


def products(
    pull: Callable[[Float[Array, "m"]], PyTree[Array]],
    push: Callable[[PyTree[Array]], Float[Array, "m"]],
    m: int,
    dtype: Any,
    metric: Callable[[PyTree[Array]], PyTree[Array]] = lambda row: row,
) -> Float[Array, "m m"]:
    """The Gramian of rows that are known by products; no more of them are kept than is worth it.

    **Arguments:**

    - `pull`: w -> J'w, perhaps plus a constant; the rows are its values at the unit vectors.
    - `push`: v -> J v.
    - `m`, `dtype`: how many rows there are, and of what.
    - `metric`: maps a row to its gradient, where the set has a metric of its own.
    """
    unit = jnp.eye(m, dtype=dtype)
    constant = pull(jnp.zeros(m, dtype))
    if m * sum(leaf.size for leaf in jax.tree.leaves(constant)) <= _ENTRIES:
        rows = jax.vmap(pull)(unit)
        gram = _inner(rows, jax.vmap(metric)(rows))
    else:

        def column(weights):
            row = metric(pull(weights))
            pairs = zip(jax.tree.leaves(constant), jax.tree.leaves(row), strict=True)
            return push(row) + sum(jnp.vdot(a, b) for a, b in pairs)

        gram = jax.lax.map(column, unit)
    return (gram + gram.T) / 2


def gramian(rows: PyTree[Float[Array, "m ..."]]) -> Float[Array, "m m"]:
    """Inner products between m pytrees stacked along their leading axes."""
    return _inner(rows, rows)


def _inner(one: PyTree[Array], other: PyTree[Array]) -> Float[Array, "k l"]:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    flat = [(a.reshape(a.shape[0], -1), b.reshape(b.shape[0], -1)) for a, b in pairs]
    return sum(a @ b.T for a, b in flat)  # pyright: ignore[reportReturnType]


_ENTRIES = 2**24
"""Entries of a Jacobian that are held at a time."""


def minimum_norm_weights(gram: Float[Array, "m m"]) -> Float[Array, "m"]:
    """Weights on the simplex of the shortest convex combination of m vectors, from their Gramian.

    Exact up to rounding: u = argmin u'Gu/2 + (1 - sum u)^2/2 over u >= 0 is along the answer.
    """
    m = gram.shape[0]
    if m == 1:
        return jnp.ones(1, gram.dtype)
    # In units of the shortest vector, so that 1 is not lost beside its square.
    sizes = jnp.diagonal(gram)
    least = jnp.min(jnp.where(sizes > 0, sizes, jnp.inf))
    unit = jnp.where(jnp.isfinite(least), least, 1)
    found = minimize_over_nonnegative(gram / unit + 1, -jnp.ones((1, m), gram.dtype)).value[0]
    return found / jnp.sum(found)
