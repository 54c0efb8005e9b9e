"""The lower optimality condition of an averaged objective, with its multiplier."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ._base import (
    AbstractPairOperator,
    AbstractResponse,
    Level,
    Parts,
    check_schedule,
    refuse_constraints,
)


class Averaged(AbstractResponse):
    """Let y minimise weight * F + (1 - weight) * g with a fading weight: for many lower answers.

    With F strongly convex in y the average has one minimiser even where g(x, .) has many, and its
    stationarity condition has a bounded multiplier v. The system is stationary for the Lagrangian
    F - <v, grad_y average>, and the unknown is `(x, y, v)`: one gradient step on each per step, no
    inner loop, two products with second derivatives.

    Along directions in which g is flat v grows like 1 / weight, so x needs short steps: the
    theory's are rate * weight^3. Where g is strongly convex the weight may be 0.

    **Arguments:**

    - `weight`: in [0, 1]: a number or a schedule of the step's count; default
        0.9 (k + 1)^(-1/10). Schedules like 1 / k are too fast: y then stands still where g is flat.
    - `exact`: the direction of v is the exact steepest-descent step, whose learning rate is 1;
        `False` leaves it the plain residual.

    **Raises:** `ValueError` for a weight outside [0, 1]; `TypeError` for a lower problem with
    constraints.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> def upper(x, y):
        ...     return 0.5 * (x - y[1]) ** 2 + 0.5 * (y[0] - 1) ** 2
        >>> def lower(x, y):  # any y[1] will do
        ...     return 0.5 * y[0] ** 2 - x * y[0]
        >>> problem = st.Nested(upper, lower, st.Averaged(0.1))
        >>> method = st.methods.BilevelDescent(0.05, 0.5, order="simultaneous")
        >>> point = st.run(problem, (jnp.array(0.0), jnp.zeros(2)), method).point
        >>> [round(float(v), 3) for v in (point.primal[0], *point.primal[1])]
        [1.0, 1.0, 1.0]

    !!! cite "Reference"
        Liu, Liu, Yao, Zeng and Zhang (2023), Averaged method of multipliers for bi-level
        optimization without lower-level strong convexity, arXiv:2302.03407, algorithm 1.
    """

    weight: Any = None
    exact: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if self.weight is not None:
            where = "Averaged(weight=...)"
            check_schedule(self.weight, where, lambda v: 0 <= v <= 1, "in [0, 1]")

    def embed(self, problem, x, y):
        return x, y, jax.tree.map(jnp.zeros_like, y)

    def operator(self, parts):
        weight = _slow if self.weight is None else self.weight
        alone = isinstance(weight, int | float) and weight == 0
        return AveragedOperator(parts, weight, self.exact, alone)

    def check(self, problem):
        refuse_constraints(problem, "Averaged", "response=KKT() or st.ProximalLagrangian()")


class AveragedOperator(AbstractPairOperator):
    """(Lagrangian's gradient in x, gradient of the average in y, adjoint residual in v)."""

    parts: Parts
    weight: Any
    exact: bool = eqx.field(static=True)
    alone: bool = eqx.field(static=True)
    """Whether the weight is zero for good, so that nothing of F need be evaluated in vain."""

    @property
    def natural(self):
        return frozenset({2}) if self.exact else frozenset()

    @property
    def chooses(self):
        return True

    @property
    def additive(self):
        return not self.exact

    @property
    def coefficients(self):
        return {"weight": self.weight}

    def field(self, primal, data, index, upper):
        x, y, v = primal

        def average(x: PyTree, y: PyTree) -> PyTree:
            return self.average(x, y, data, index, upper)

        by_x, by_y = jax.grad(upper, argnums=(0, 1))(x, y)
        slope, pullback = jax.vjp(jax.grad(average, argnums=1), x, y)
        # The Hessian is symmetric: one pullback of v gives both products.
        cross, product = pullback(v)
        residual = jax.tree.map(jnp.subtract, product, by_y)
        lead = jax.tree.map(jnp.subtract, by_x, cross)
        if not self.exact:
            return lead, slope, residual
        size = _dot(residual, residual)
        bend = _dot(residual, pullback(residual)[1])
        # At zero there is nowhere to go; where the average curves downwards, no exact step.
        length = jnp.where(bend > 0, size / jnp.where(bend > 0, bend, 1), 1)
        return lead, slope, jax.tree.map(lambda r: length * r, residual)

    def average(
        self, x: PyTree, y: PyTree, data: PyTree, index: Array, upper: Level
    ) -> Float[Array, ""]:
        """weight * F + (1 - weight) * g."""
        lower = self.parts.lower(x, y, data, index)
        if self.alone:
            return lower
        return self.weight * upper(x, y) + (1 - self.weight) * lower

    def lead(self, primal, data, index, upper):
        return self.field(primal, data, index, upper)[0]

    def follow(self, primal, data, index, upper):
        return self.field(primal, data, index, upper)[1:]


def _dot(a: PyTree, b: PyTree) -> Any:
    products = jax.tree.map(jnp.vdot, a, b)
    return jax.tree.reduce(jnp.add, products)


def _slow(count: Any) -> Any:
    return 0.9 * (count + 1.0) ** -0.1
