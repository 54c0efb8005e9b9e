"""Extragradient with one operator call per step: the slope of the step before stands in.

Without constraints and with a constant step the three methods visit the same half-points. With
constraints they are three methods.
"""

from typing import ClassVar

import jax
from jaxtyping import Array, Float, PyTree

from ._geometry import AbstractGeometry, EuclideanGeometry
from ._iteration import AbstractOperatorMethod, Look, require_finite
from ._joint import operator
from ._step_size import StepSize


class PastExtraGradient(AbstractOperatorMethod):
    """Past extragradient, also called Popov's method: extragradient with the last slope reused.

    X_{t+1/2} = P(X_t - g V_{t-1/2}) and X_{t+1} = P(X_t - g V_{t+1/2}), with V_{1/2} = V(X_1).
    With mini-batches the old slope keeps its old sample. Two projections and one operator call a
    step; the operator is evaluated inside the set only. Constraints are handled through their
    multipliers.

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
        >>> game = st.Saddle(
        ...     lambda x, y, payoff: x @ payoff @ y,
        ...     st.sets.Simplex(),
        ...     st.sets.Simplex(),
        ...     data=jnp.array([[0.0, 1.0], [2.0, 0.0]]),
        ... )
        >>> method = st.methods.PastExtraGradient()
        >>> outcome = st.run(game, (jnp.array([0.5, 0.5]), jnp.array([0.5, 0.5])), method)
        >>> outcome.point.primal[0].round(3).tolist()
        [0.667, 0.333]

    !!! cite "Reference"
        Popov (1980), A modification of the Arrow-Hurwicz method for search of saddle points;
        Hsieh, Iutzeler, Malick and Mertikopoulos (2019), arXiv:1908.08465.
    """

    step_size: StepSize = None
    average: bool = False
    timescale: float | Float[Array, ""] = 1.0
    geometry: AbstractGeometry = EuclideanGeometry()

    calls: ClassVar[int] = 1
    summary: ClassVar[str] = "saddles and variational inequalities: one operator call a step"

    def __check_init__(self):
        self._check()

    def _look(self, ground, state, data: PyTree) -> Look:
        half = ground.move(state.base, state.step, state.value)
        return Look(half, state.half, state.value)

    def _move(self, ground, state, look, value):
        return ground.move(state.base, state.step, value)


class ReflectedGradient(AbstractOperatorMethod):
    """The reflected gradient method: the half-point is the last move, made once more.

    X_{t+1/2} = 2 X_t - X_{t-1} and X_{t+1} = P(X_t - g V_{t+1/2}), with X_0 = X_1 + g V(X_1), the
    start at which all three single-call methods agree without constraints. One projection and one
    operator call a step; but the operator is evaluated **outside the set**, and must exist there.
    Constraints are handled through their multipliers.

    The reported point is the half-point, outside the set by at most the residual.

    **Arguments:**

    - `step_size`: a number; a schedule, a function of the step's number (1, 2, ...); or `None`
        for 0.4/L, with L estimated at the start and the step shortened where the operator turns
        out steeper; with mini-batches it falls like 1/sqrt(t) from there instead.
    - `average`: keep the average of the half-points, for `average_point`.
    - `timescale`: how many times faster the maximising player (or the multipliers) moves than the
        minimising one, at least 1. With one, an estimated step is kept, and never shortened.
    - `geometry`: [`EuclideanGeometry`][stationary.methods.EuclideanGeometry], perhaps with weights.

    **Raises:** `ValueError` for a step size that is not positive, a timescale below 1, a geometry
    that is not Euclidean, or (at the start) weights that do not fit; `TypeError` for a timescale
    where nothing ascends.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.VariationalInequality(lambda x: x - 1.0)
        >>> method = st.methods.ReflectedGradient()
        >>> st.run(problem, jnp.zeros(2), method).point.primal.round(4).tolist()
        [1.0, 1.0]

    !!! cite "Reference"
        Malitsky (2015), Projected reflected gradient methods for monotone variational
        inequalities, arXiv:1502.04968.
    """

    step_size: StepSize = None
    average: bool = False
    timescale: float | Float[Array, ""] = 1.0
    geometry: AbstractGeometry = EuclideanGeometry()

    calls: ClassVar[int] = 1
    fraction: ClassVar[float] = 0.4
    limit: ClassVar[float] = 2**0.5 - 1
    summary: ClassVar[str] = "like PastExtraGradient with one projection; evaluates outside the set"

    def __check_init__(self):
        self._check()
        self._check_euclidean()

    def _before(self, ground, start, value, step):
        return ground.shift(start, -step, value)

    def _look(self, ground, state, data: PyTree) -> Look:
        half = jax.tree.map(lambda now, before: 2 * now - before, state.base, state.previous)
        return Look(half, state.half, state.value)

    def _move(self, ground, state, look, value):
        return ground.move(state.base, state.step, value)

    def check(self, system, point, data=None) -> list[str]:
        state = self.init(system, point, data)
        value, _ = operator(system, self._look(self._ground(system, point), state, data).half, data)
        require_finite(value, "ReflectedGradient")
        return super().check(system, point, data)


class OptimisticGradient(AbstractOperatorMethod):
    """The optimistic gradient method: a projected half-point, corrected by the change of slope.

    X_{t+1/2} = P(X_t - g V_{t-1/2}) and X_{t+1} = X_{t+1/2} + g V_{t-1/2} - g V_{t+1/2}, with
    V_{1/2} = V(X_1) and the same g in both terms. One projection and one operator call a step; the
    operator is evaluated inside the set only. Constraints are handled through their multipliers.

    The reported point is the half-point, which lies in the set; X_t may leave it.

    **Arguments:**

    - `step_size`: a number; a schedule, a function of the step's number (1, 2, ...); or `None`
        for 1/(2L), with L estimated at the start and the step shortened where the operator turns
        out steeper; with mini-batches it falls like 1/sqrt(t) from there instead.
    - `average`: keep the average of the half-points, for `average_point`.
    - `timescale`: how many times faster the maximising player (or the multipliers) moves than the
        minimising one, at least 1. With one, an estimated step is kept, and never shortened.
    - `geometry`: [`EuclideanGeometry`][stationary.methods.EuclideanGeometry], perhaps with weights.

    **Raises:** `ValueError` for a step size that is not positive, a timescale below 1, a geometry
    that is not Euclidean, or (at the start) weights that do not fit; `TypeError` for a timescale
    where nothing ascends.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum(x**2), subject_to={"sum": st.equal(jnp.sum, 1.0)}
        ... )
        >>> method = st.methods.OptimisticGradient()
        >>> point = st.run(problem, jnp.zeros(2), method).point
        >>> point.primal.round(4).tolist(), round(float(point.duals["sum"]), 4)
        ([0.5, 0.5], -1.0)

    !!! cite "Reference"
        Daskalakis, Ilyas, Syrgkanis and Zeng (2018), Training GANs with optimism,
        arXiv:1711.00141; Hsieh et al. (2019), arXiv:1908.08465.
    """

    step_size: StepSize = None
    average: bool = False
    timescale: float | Float[Array, ""] = 1.0
    geometry: AbstractGeometry = EuclideanGeometry()

    calls: ClassVar[int] = 1
    summary: ClassVar[str] = "like PastExtraGradient with one projection; stays inside the set"

    def __check_init__(self):
        self._check()
        self._check_euclidean()

    def _look(self, ground, state, data: PyTree) -> Look:
        half = ground.move(state.base, state.step, state.value)
        return Look(half, state.half, state.value)

    def _move(self, ground, state, look, value):
        change = jax.tree.map(lambda old, new: new - old, state.value, value)
        return ground.shift(look.half, state.step, change)
