"""Differentiation through a few steps on the lower problem, perhaps steered by the upper one."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ._base import (
    AbstractPairOperator,
    AbstractResponse,
    Level,
    Parts,
    check_schedule,
    coefficient_at,
    refuse_constraints,
)


class Unrolled(AbstractResponse):
    """Differentiate through a few gradient steps on the lower problem.

    With an `upper_weight` a_k each step descends a mixture of both objectives,
    y <- P(y - (a_k upper_rate grad_y F + (1 - a_k) learning_rate grad_y g)),
    which among many lower answers finds the one that is best for the upper problem. For that the
    weights must fade, slowly: a_k -> 0 with an infinite sum, such as `lambda k: 2 / (k + 2)`. A
    weight that stays biases the answer unless all lower answers are as good.

    The system's unknown is `(x, y)` with y on its way to the last step's; with
    `warm_start=False` it is `(x, y, start)`, and the steps begin anew at `start` every time.

    **Arguments:**

    - `steps`: how many, at least 1.
    - `learning_rate`: their length along the lower gradient: a number, or a schedule of k = 0, 1...
    - `upper_weight`: a_k in [0, 1]: a number or a schedule; `None` ignores the upper objective.
    - `upper_rate`: the length along the upper gradient; default the `learning_rate`.
    - `truncate`: differentiate through the last so many steps only.
    - `checkpoint`: keep the square root of the steps in memory, and compute the rest twice.
    - `warm_start`: begin at the last y. The limit then depends on where y once began, unless the
        lower answer is unique.

    **Raises:** `ValueError` for fewer steps than 1, a rate that is not positive, a weight outside
    [0, 1], or a truncation outside 1 ... `steps`.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> def upper(x, y):
        ...     return 0.5 * (x - y[1]) ** 2 + 0.5 * (y[0] - 1) ** 2
        >>> def lower(x, y):  # any y[1] will do
        ...     return 0.5 * y[0] ** 2 - x * y[0]
        >>> start = (jnp.array(0.0), jnp.zeros(2))
        >>> for weight in (None, lambda k: 2 / (k + 2)):
        ...     response = st.Unrolled(64, 0.3, upper_weight=weight, warm_start=False)
        ...     method = st.methods.BilevelDescent(0.1)
        ...     outcome = st.run(st.Nested(upper, lower, response), start, method)
        ...     print(round(float(outcome.point.primal[0]), 3))
        0.5
        0.991

    !!! cite "Reference"
        Liu, Mu, Yuan, Zeng and Zhang (2020), A generic first-order algorithmic framework for
        bi-level programming beyond lower-level singleton, arXiv:2006.04045, algorithm 1.
    """

    steps: int = eqx.field(static=True, default=10)
    learning_rate: Any = 0.1
    upper_weight: Any = None
    upper_rate: Any = None
    truncate: int | None = eqx.field(static=True, default=None)
    checkpoint: bool = eqx.field(static=True, default=False)
    warm_start: bool = eqx.field(static=True, default=True)

    def __check_init__(self):
        if self.steps < 1:
            raise ValueError(f"Unrolled(steps=...) must be at least 1, got {self.steps}.")
        # Steps that are never taken are not asked for: 1 / (k + 1) ** 2 would overflow there.
        counts = tuple(sorted({min(count, self.steps - 1) for count in (0, 1, 10, 1000, 10**6)}))
        for name in ("learning_rate", "upper_rate"):
            rate = getattr(self, name)
            if rate is not None:
                where, words = f"Unrolled({name}=...)", "positive and finite"
                check_schedule(rate, where, lambda v: 0 < v < float("inf"), words, counts)
        if self.upper_weight is not None:
            where = "Unrolled(upper_weight=...)"
            check_schedule(self.upper_weight, where, lambda v: 0 <= v <= 1, "in [0, 1]", counts)
        if self.truncate is not None and not 1 <= self.truncate <= self.steps:
            raise ValueError(
                f"Unrolled(truncate=...) must be from 1 to steps={self.steps}, got {self.truncate}."
            )

    def embed(self, problem, x, y):
        return (x, y) if self.warm_start else (x, y, y)

    def operator(self, parts):
        return UnrolledOperator(parts, self)

    def sets(self, parts, like):
        return () if self.warm_start else (parts.space.sets,)

    def check(self, problem):
        refuse_constraints(problem, "Unrolled", "response=KKT() or st.Implicit()")


class UnrolledOperator(AbstractPairOperator):
    """(gradient in x through the steps, what is left of the way to the last step's y)."""

    parts: Parts
    rules: Unrolled

    @property
    def natural(self):
        return frozenset({1, 2})

    @property
    def chooses(self):
        return self.rules.upper_weight is not None

    def value(self, primal, data, index, upper):
        return upper(primal[0], self.descend(primal[0], primal[-1], data, index, upper))

    def lead(self, primal, data, index, upper):
        return jax.grad(lambda x: self.value((x, *primal[1:]), data, index, upper))(primal[0])

    def follow(self, primal, data, index, upper):
        last = self.descend(primal[0], primal[-1], data, index, upper)
        way = jax.tree.map(jnp.subtract, primal[1], last)
        return (way, *(jax.tree.map(jnp.zeros_like, kept) for kept in primal[2:]))

    def field(self, primal, data, index, upper):
        def after(x: PyTree) -> tuple[Array, PyTree]:
            last = self.descend(x, primal[-1], data, index, upper)
            return upper(x, last), last

        gradient, last = jax.grad(after, has_aux=True)(primal[0])
        way = jax.tree.map(jnp.subtract, primal[1], last)
        return (gradient, way, *(jax.tree.map(jnp.zeros_like, kept) for kept in primal[2:]))

    def descend(self, x: PyTree, y: PyTree, data: PyTree, index: Array, upper: Level) -> PyTree:
        """y after all steps."""
        rules = self.rules
        count = rules.steps if rules.truncate is None else rules.truncate

        def step(x: PyTree, y: PyTree, k: Array) -> PyTree:
            rate = coefficient_at(rules.learning_rate, k)
            move = jax.tree.map(lambda g: rate * g, self.parts.lower_gradient(x, y, data, index))
            if rules.upper_weight is not None:
                weight = coefficient_at(rules.upper_weight, k)
                own = rate if rules.upper_rate is None else coefficient_at(rules.upper_rate, k)
                steer = jax.grad(upper, argnums=1)(x, y)
                move = jax.tree.map(lambda u, g: weight * own * u + (1 - weight) * g, steer, move)
            moved = jax.tree.map(lambda a, d: (a - d).astype(a.dtype), y, move)
            return self.parts.space.project(moved)

        before = rules.steps - count
        fixed = jax.lax.stop_gradient(x)
        y = jax.lax.fori_loop(0, before, lambda k, y: step(fixed, y, k), y) if before else y
        y = jax.lax.stop_gradient(y)

        def body(y, k):
            return step(x, y, k), None

        ks = jnp.arange(before, rules.steps)
        if not rules.checkpoint:
            return jax.lax.scan(body, y, ks)[0]
        part = max(1, round(count**0.5))

        @jax.checkpoint
        def several(y, ks):
            return jax.lax.scan(body, y, ks)

        whole = count // part * part
        y = jax.lax.scan(several, y, ks[:whole].reshape(-1, part))[0]
        return jax.lax.scan(body, y, ks[whole:])[0]
