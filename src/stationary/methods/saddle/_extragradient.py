"""Extragradient: look ahead by one step, then move with the slope found there."""

from typing import ClassVar

from jaxtyping import PyTree

from ._iteration import AbstractExtraGradient, Look
from ._joint import operator, project, shift
from ._step_size import StepSize, check_step_size


class ExtraGradient(AbstractExtraGradient):
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

    **Raises:** `ValueError` for a step size that is not positive.

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

    calls: ClassVar[int] = 2
    limit: ClassVar[float] = 1.0
    summary: ClassVar[str] = "saddles and variational inequalities: two operator calls a step"

    def __check_init__(self):
        check_step_size(self.step_size, "ExtraGradient")

    def _look(self, system, state, data: PyTree) -> Look:
        # Samples 2t - 1 and 2t: the two calls of a step see different ones.
        value, _ = operator(system, state.base, data, self.calls * state.count - 1)
        half = project(system, shift(state.base, state.step, value))
        return Look(half, state.base, value)

    def _move(self, system, state, look, value):
        return project(system, shift(state.base, state.step, value))
