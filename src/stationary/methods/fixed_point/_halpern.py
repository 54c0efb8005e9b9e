"""Anchored iterations: every point is pulled back a little towards the start."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ._iteration import (
    AbstractFixedPointMethod,
    FixedPointOutcome,
    FixedPointState,
    Operator,
    iterate,
)


class Halpern(AbstractFixedPointMethod):
    """The Halpern iteration x_{k+1} = x_0 / (k + 2) + (1 - 1 / (k + 2)) T x_k.

    With or without a fixed point its displacement x_k - T x_k is within
    (sqrt(H_k + 12) + 1) d / (k + 1) of the infimal displacement v, with H_k the k-th harmonic
    number and d the distance from x_0 to a point that attains v; no method that only combines
    the points it has seen does better in order. Its mean displacement is 2 (x_0 - x_k) / k: the
    anchor halves the speed of running away.

    Without restarts it is worst-case optimal, and slow wherever plain iteration converges
    linearly, as on linear programs. There restarts are worth having.

    **Arguments:**

    - `restart`: after so many anchored steps, make one plain step and anchor there; default never.
    - `reflect`: iterate 2 T - I in place of T: for operators that are averaged with 1/2 (proximal
        points, and what is built from them), whose reflection is nonexpansive. Estimates stay
        those of T.

    **Raises:** `ValueError` for a restart below 1.

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import Halpern
        >>> method = Halpern()
        >>> operator = lambda x: x - 4.0  # no fixed point: v = 4
        >>> state = method.step(operator, method.init(operator, jnp.array(0.0)))
        >>> float(state.iterate), float(method.mean_displacement(state))
        (-2.0, 4.0)

    !!! cite "Reference"
        Halpern (1967), Fixed points of nonexpanding maps; Park and Ryu (2023), Accelerated
        infeasibility detection of constrained optimization and fixed-point iterations,
        arXiv:2303.15876; Lieder (2021) for the rate with a fixed point.
    """

    restart: int | None = eqx.field(static=True, default=None)
    reflect: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if self.restart is not None and not self.restart >= 1:
            raise ValueError(
                f"Halpern(restart=...) is a number of steps, at least 1, got {self.restart}. "
                "Leave it out never to restart."
            )

    def step(self, operator: Operator, state: FixedPointState) -> FixedPointState:
        # A plain step makes the new anchor.
        again = False if self.restart is None else state.count >= self.restart

        def pulled(a, x, t):
            moved = 2 * t - x if self.reflect else t
            share = 1 / (state.count + 2).astype(x.dtype)
            return jnp.where(again, t, share * a + (1 - share) * moved)

        new = jax.tree.map(pulled, state.anchor, state.iterate, state.image)
        anchor = jax.tree.map(lambda a, n: jnp.where(again, n, a), state.anchor, new)
        count = jnp.where(again, 0, state.count + 1).astype(jnp.int32)
        return FixedPointState(anchor, new, operator(new), count)

    def mean_displacement(self, state: FixedPointState) -> PyTree[Array]:
        factor = 1.0 if self.reflect else 2.0

        def mean(a, x, t):
            moved = factor * (a - x) / jnp.maximum(state.count, 1).astype(x.dtype)
            return jnp.where(state.count > 0, moved, x - t)

        return jax.tree.map(mean, state.anchor, state.iterate, state.image)


def halpern(
    operator: Operator,
    x0: PyTree,
    restart: int | None = None,
    reflect: bool = False,
    *,
    data: PyTree = None,
    metric: Operator | None = None,
    tol: float | None = None,
    max_steps: int = 10_000,
) -> FixedPointOutcome:
    """Find a fixed point with an anchored iteration, or the displacement that stands in its way.

    Works under `jit` and `vmap` too.

    **Arguments:**

    - `operator`: T(x) or T(x, data), nonexpansive, from a pytree of floating arrays to one like
        it.
    - `x0`: the start, and the first anchor.
    - `restart`, `reflect`: as for [`Halpern`][stationary.methods.Halpern].
    - `data`: a pytree of arrays, the last argument of the functions that want it.
    - `metric`: the product z -> M z of the norm in which T is nonexpansive; default the
        operator's own `metric` where it has one, else the identity.
    - `tol`: for |x - T x|_M; default 1e-6 in float64, 1e-4 in float32.
    - `max_steps`: the step limit.

    **Returns:** a [`FixedPointOutcome`][stationary.methods.FixedPointOutcome].

    **Raises:** `ValueError` for a restart below 1; `TypeError` when T x0 is not like x0.

    !!! example
        A quarter turn beside a translation: no fixed point, and plain iteration never sees v.

        >>> import jax.numpy as jnp
        >>> from stationary.methods import halpern, picard
        >>> def operator(x):
        ...     return jnp.array([-x[1], x[0], x[2] - 1.0])
        >>> start = jnp.array([1.0, 0.0, 0.0])
        >>> halpern(operator, start, max_steps=1000).displacement.round(2).tolist()
        [0.0, 0.0, 1.0]
        >>> picard(operator, start, max_steps=1000).displacement.round(2).tolist()
        [1.0, -1.0, 1.0]

    !!! cite "Reference"
        Park and Ryu (2023), arXiv:2303.15876.
    """
    return iterate(Halpern(restart, reflect), operator, x0, data, metric, tol, max_steps)
