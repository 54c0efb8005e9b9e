"""Extragradient: look ahead by one step, then move with the slope found there."""

from typing import ClassVar

from jaxtyping import Array, Float, PyTree

from ._geometry import AbstractGeometry, EuclideanGeometry
from ._iteration import AbstractOperatorMethod, Look
from ._joint import operator
from ._step_size import StepSize


class ExtraGradient(AbstractOperatorMethod):
    """Extragradient, for saddles, variational inequalities and constrained convex problems.

    Each step goes along -V to a half-point inside the set, and repeats the step from where it
    began with V evaluated there. Converges for monotone Lipschitz operators, where descent-ascent
    spirals away. Constraints are handled through their multipliers. Two operator calls a step.

    The reported point is the half-point, which lies in the set.

    **Arguments:**

    - `step_size`: a number; a schedule, a function of the step's number (1, 2, ...); or `None`
        for 1/(2L), with L estimated at the start and the step shortened where the operator turns
        out steeper; with mini-batches it falls like 1/sqrt(t) from there instead.
    - `average`: keep the average of the half-points, for `average_point`.
    - `timescale`: how many times faster the maximising player (or the multipliers) moves than the
        minimising one, at least 1. With one, an estimated step is kept, and never shortened.
    - `geometry`: [`EuclideanGeometry`][stationary.methods.EuclideanGeometry], perhaps with weights,
        or [`EntropicGeometry`][stationary.methods.EntropicGeometry].

    **Raises:** `ValueError` for a step size that is not positive, a timescale below 1, or (at
    the start) weights that do not fit; `TypeError` for a timescale where nothing ascends.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> game = st.Saddle(lambda x, y: x * y)
        >>> method = st.methods.ExtraGradient()
        >>> outcome = st.run(game, (jnp.array(1.0), jnp.array(1.0)), method)
        >>> [abs(round(float(leaf), 5)) for leaf in outcome.point.primal]
        [0.0, 0.0]

    !!! cite "Reference"
        Korpelevich (1976), The extragradient method for finding saddle points and other problems.
    """

    step_size: StepSize = None
    average: bool = False
    timescale: float | Float[Array, ""] = 1.0
    geometry: AbstractGeometry = EuclideanGeometry()

    calls: ClassVar[int] = 2
    limit: ClassVar[float] = 1.0
    summary: ClassVar[str] = "saddles and variational inequalities: two operator calls a step"

    def __check_init__(self):
        self._check()

    def _look(self, ground, state, data: PyTree) -> Look:
        # Samples 2t - 1 and 2t: the two calls of a step see different ones.
        value, _ = operator(ground.system, state.base, data, self.calls * state.count - 1)
        half = ground.move(state.base, state.step, value)
        return Look(half, state.base, value)

    def _move(self, ground, state, look, value):
        return ground.move(state.base, state.step, value)
