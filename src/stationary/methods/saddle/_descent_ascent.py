"""Descent-ascent: every player moves along its own slope, and looks no further."""

from typing import ClassVar

import jax
from jaxtyping import Array, Float

from ..._point import Point
from ._geometry import AbstractGeometry, EuclideanGeometry
from ._ground import Ground, slow_leaves
from ._iteration import AbstractOperatorMethod, Look
from ._joint import operator
from ._step_size import StepSize


class GradientDescentAscent(AbstractOperatorMethod):
    """Gradient descent-ascent, simultaneous or in turn, perhaps on two timescales.

    Simultaneous steps converge where players have curvature of their own, and circle or spiral
    away where the game is bilinear. Taking turns circles at a distance there. With
    `EntropicGeometry` on simplices these are multiplicative weights, whose average converges.
    Constraints are handled through their multipliers, which ascend.

    The reported point is the one at which the operator was evaluated last: the point before the
    last move, or between the two moves of a turn.

    **Arguments:**

    - `step_size`: a number; or a schedule, a function of the step's number (1, 2, ...).
    - `average`: keep the average of the reported points, for `average_point`.
    - `timescale`: how many times faster the maximising player (or the multipliers) moves than the
        minimising one, at least 1.
    - `geometry`: [`EuclideanGeometry`][stationary.methods.EuclideanGeometry], perhaps with weights,
        or [`EntropicGeometry`][stationary.methods.EntropicGeometry].
    - `alternating`: the maximising player answers to where the minimising one has moved, at two
        operator calls a step instead of one.

    **Raises:** `ValueError` for a step size that is not positive, a timescale below 1, or (at
    the start) weights that do not fit; `TypeError` for turns or a timescale where nothing ascends.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> game = st.Saddle(lambda x, y: x**2 / 2 + x * y - y**2 / 2)
        >>> method = st.methods.GradientDescentAscent(0.3)
        >>> outcome = st.run(game, (jnp.array(1.0), jnp.array(1.0)), method)
        >>> [abs(round(float(leaf), 5)) for leaf in outcome.point.primal]
        [0.0, 0.0]

    !!! cite "Reference"
        Arrow, Hurwicz and Uzawa (1958), Studies in Linear and Non-Linear Programming; Lin, Jin
        and Jordan (2020), arXiv:1906.00331, for two timescales.
    """

    step_size: StepSize = 1e-2
    average: bool = False
    timescale: float | Float[Array, ""] = 1.0
    geometry: AbstractGeometry = EuclideanGeometry()
    alternating: bool = False

    summary: ClassVar[str] = "plain descent-ascent, simultaneous or in turn, on two timescales"

    def __check_init__(self):
        self._check()
        if self.step_size is None:
            raise ValueError(
                "GradientDescentAscent has no step that is safe for all saddles: give step_size, "
                "or take ExtraGradient."
            )

    @property
    def calls(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Operator calls per step."""
        return 2 if self.alternating else 1

    def _look(self, ground, state, data):
        if not self.alternating:
            return Look(state.base, state.half, state.value)
        value, _ = operator(ground.system, state.base, data, self.calls * state.count - 1)
        moved = ground.move(state.base, state.step, value)
        return Look(self._chosen(ground, moved, state.base), state.base, value)

    def _move(self, ground, state, look, value):
        moved = ground.move(look.half, state.step, value)
        return self._chosen(ground, look.half, moved) if self.alternating else moved

    def _chosen(self, ground: Ground, descending: Point, ascending: Point) -> Point:
        """The minimising players of one point with the maximising ones of another."""
        slow = slow_leaves(ground.system, descending, type(self).__name__)
        pairs = zip(
            jax.tree.leaves(descending.primal), jax.tree.leaves(ascending.primal), strict=True
        )
        leaves = [one if i in slow else other for i, (one, other) in enumerate(pairs)]
        structure = jax.tree.structure(descending.primal)
        return Point(jax.tree.unflatten(structure, leaves), ascending.duals)

    def check(self, system, point, data=None) -> list[str]:
        return []  # which steps are too long depends on the players' own curvature
