"""The lower problem's optimality gap, as a penalty."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from .._dtypes import working_dtype
from ._base import (
    AbstractPairOperator,
    AbstractResponse,
    Level,
    Parts,
    check_schedule,
    refuse_constraints,
)

CANCELS = 1e3
"""Penalties beyond which differences of float32 gradients keep too few digits."""


class ValueFunction(AbstractResponse):
    """Penalise the lower problem's optimality gap g(x, y) - min g(x, .): first derivatives only.

    L = F(x, y) + penalty (g(x, y) - g(x, z)), where z descends g(x, .) on its own. The gradient
    in x at exact y and z misses the hypergradient by O(1 / penalty), also where the lower problem
    is not convex, has a set, or has many answers, as long as its error bound holds. In the
    literature the penalty is lambda, or 1 / sigma. The unknown is `(x, y, z)`.

    The direction of y is grad_y g + grad_y F / penalty, so that one learning rate serves for y
    and z whatever the penalty. The direction of x is the hypergradient's estimate; in float32 it
    loses digits like 1e-7 times the penalty, so large penalties want a float64 start.

    **Arguments:**

    - `penalty`: the weight of the gap: a positive number, or a schedule of the step's count such
        as `lambda k: 2 * (k + 1) ** (1 / 3)`.
    - `central`: evaluate with both +penalty and -penalty, whose mean has an error of
        O(1 / penalty^2). Needs penalty * g - F to have a minimum in y.
    - `shared_samples`: whether the gap's two terms see one mini-batch. Independent ones, which
        the theory assumes, have penalty^2 times the variance.

    **Raises:** `ValueError` for a penalty that is not positive.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Nested(
        ...     lambda x, y: (x - 1.0) ** 2 + y**2,
        ...     lambda x, y: (y - x) ** 2,
        ...     st.ValueFunction(penalty=1e4),
        ... )
        >>> method = st.methods.BilevelDescent(0.1, inner_steps=5)
        >>> point = st.run(problem, (jnp.array(0.0), jnp.array(0.0)), method).point
        >>> [round(float(v), 3) for v in point.primal]
        [0.5, 0.5, 0.5]

    !!! cite "Reference"
        Kwon, Kwon, Wright and Nowak (2023), A fully first-order method for stochastic bilevel
        optimization, arXiv:2301.10945, algorithm 1; and (2024), arXiv:2309.01753, theorem 3.7.
    """

    penalty: Any = 10.0
    central: bool = eqx.field(static=True, default=False)
    shared_samples: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        where = "ValueFunction(penalty=...)"
        check_schedule(self.penalty, where, lambda v: 0 < v < float("inf"), "positive and finite")

    def embed(self, problem, x, y):
        return x, y, y

    def operator(self, parts):
        return ValueFunctionOperator(parts, self.penalty, self.central, self.shared_samples)

    def sets(self, parts, like):
        return (parts.space.sets,)

    def check(self, problem):
        instead = "st.ProximalLagrangian(), response=KKT() or st.Implicit()"
        refuse_constraints(problem, "ValueFunction", instead)


class ValueFunctionOperator(AbstractPairOperator):
    """(gradient of the penalised objective in x, in y over the penalty, lower gradient in z)."""

    parts: Parts
    penalty: Any
    central: bool = eqx.field(static=True)
    shared: bool = eqx.field(static=True)

    @property
    def additive(self):
        return self.shared

    @property
    def coefficients(self):
        return {"penalty": self.penalty}

    def cautions(self, primal):
        penalty = float(self.penalty)
        if working_dtype(primal) != jnp.float32 or penalty <= CANCELS:
            return []
        return [
            f"a penalty of {penalty:g} cancels most digits of float32 gradients: start from "
            "float64 arrays, or use a smaller penalty, which central=True makes as accurate."
        ]

    def value(self, primal, data, index, upper):
        x, y, z = primal
        lower = [self.parts.lower(x, at, data, index) for at in (y, z)]
        gap = self.penalty * (lower[0] - lower[1])
        return (upper(x, y) + upper(x, z) + gap) / 2 if self.central else upper(x, y) + gap

    def lead(self, primal, data, index, upper):
        x, y, z = primal
        by_y, by_z = (
            jax.grad(self.parts.lower)(x, at, data, sample)
            for at, sample in zip((y, z), self._samples(index), strict=True)
        )
        steer = jax.grad(upper)(x, y)
        if self.central:
            other = jax.grad(upper)(x, z)
            steer = jax.tree.map(lambda a, b: (a + b) / 2, steer, other)
        weight = self.penalty / 2 if self.central else self.penalty
        return jax.tree.map(lambda f, a, b: f + weight * (a - b), steer, by_y, by_z)

    def follow(self, primal, data, index, upper):
        x, y, z = primal
        here, there = self._samples(index)
        first = self._descent(x, y, 1 / self.penalty, data, here, upper)
        if self.central:
            return first, self._descent(x, z, -1 / self.penalty, data, there, upper)
        return first, self.parts.lower_gradient(x, z, data, there)

    def _descent(
        self, x: PyTree, y: PyTree, share: Any, data: PyTree, index: Array, upper: Level
    ) -> PyTree[Array]:
        """The gradient of g + share * F in y."""
        own = self.parts.lower_gradient(x, y, data, index)
        return jax.tree.map(lambda g, f: g + share * f, own, jax.grad(upper, argnums=1)(x, y))

    def _samples(self, index: Array) -> tuple[Array, Array]:
        index = jnp.asarray(index)
        return (index, index) if self.shared else (2 * index, 2 * index + 1)
