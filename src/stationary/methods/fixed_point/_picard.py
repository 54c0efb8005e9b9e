"""The plain iteration x <- T x."""

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, PyTree

from ._iteration import (
    AbstractFixedPointMethod,
    FixedPointOutcome,
    FixedPointState,
    Operator,
    iterate,
)


class Picard(AbstractFixedPointMethod):
    """The Picard iteration x_{k+1} = T x_k, or with averaging (1 - theta) x_k + theta T x_k.

    Its mean displacement (x_0 - x_k) / (theta k) is within 2 d / (theta k) of v, d the distance
    from x_0 to a point that attains v. Its displacement x_k - T x_k need not converge at all for
    a merely nonexpansive T (a rotation), and does so like 1/sqrt(k) once T is averaged.

    **Arguments:**

    - `averaging`: theta, in (0, 1); default none, which is T itself.

    **Raises:** `ValueError` for an averaging outside (0, 1).

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import Picard
        >>> method = Picard(averaging=0.5)
        >>> operator = lambda x: 1.0 - x  # a reflection: Picard alone would go to and fro
        >>> state = method.step(operator, method.init(operator, jnp.array(3.0)))
        >>> float(state.iterate)
        0.5

    !!! cite "Reference"
        Krasnoselskii (1955) and Mann (1953) for the averaging; Pazy (1971), Asymptotic behavior
        of contractions in Hilbert space, for v.
    """

    averaging: float | Array | None = None

    def __check_init__(self):
        theta = self.averaging
        if theta is None or isinstance(theta, Tracer):
            return
        if not 0 < float(theta) < 1:
            raise ValueError(
                f"Picard(averaging=...) must lie strictly between 0 and 1, got {theta}. Leave it "
                "out to iterate the operator itself."
            )

    def step(self, operator: Operator, state: FixedPointState) -> FixedPointState:
        theta = self.averaging
        new = state.image
        if theta is not None:
            new = jax.tree.map(lambda x, t: x + theta * (t - x), state.iterate, state.image)
        return FixedPointState(state.anchor, new, operator(new), state.count + 1)

    def mean_displacement(self, state: FixedPointState) -> PyTree[Array]:
        share = 1.0 if self.averaging is None else self.averaging

        def mean(a, x, t):
            moved = (a - x) / (jnp.maximum(state.count, 1).astype(x.dtype) * share)
            return jnp.where(state.count > 0, moved, x - t)

        return jax.tree.map(mean, state.anchor, state.iterate, state.image)


def picard(
    operator: Operator,
    x0: PyTree,
    *,
    averaging: float | None = None,
    data: PyTree = None,
    metric: Operator | None = None,
    tol: float | None = None,
    max_steps: int = 10_000,
) -> FixedPointOutcome:
    """Iterate x <- T x until x - T x vanishes, or find out where it tends to instead.

    Works under `jit` and `vmap` too.

    **Arguments:**

    - `operator`: T(x) or T(x, data), nonexpansive, from a pytree of floating arrays to one like
        it.
    - `x0`: the start.
    - `averaging`: theta in (0, 1) for (1 - theta) x + theta T x.
    - `data`: a pytree of arrays, the last argument of the functions that want it.
    - `metric`: the product z -> M z of the norm in which T is nonexpansive; default the
        operator's own `metric` where it has one, else the identity.
    - `tol`: for |x - T x|_M; default 1e-6 in float64, 1e-4 in float32.
    - `max_steps`: the step limit.

    **Returns:** a [`FixedPointOutcome`][stationary.methods.FixedPointOutcome].

    **Raises:** `ValueError` for an averaging outside (0, 1); `TypeError` when T x0 is not like x0.

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import picard
        >>> outcome = picard(lambda x: 0.5 * x + 1.0, jnp.zeros(2))
        >>> outcome.point.round(4).tolist(), int(outcome.status)
        ([2.0, 2.0], 1)
        >>> picard(lambda x: x + 3.0, jnp.zeros(1), max_steps=5).mean_displacement.tolist()
        [-3.0]
    """
    return iterate(Picard(averaging), operator, x0, data, metric, tol, max_steps)
