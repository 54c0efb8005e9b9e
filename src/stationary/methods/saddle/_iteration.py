"""What the methods on one operator share: state, step, average, and when to give up."""

import abc
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._method import AbstractMethod, Oracle
from ..._point import Point
from ..._status import Status
from ..._system import System, all_finite, largest
from ._geometry import AbstractGeometry, EuclideanGeometry
from ._ground import Ground, check_timescale, is_one, lay_ground
from ._joint import operator
from ._step_size import (
    StepSize,
    check_step_size,
    fading,
    first_step,
    safeguarded,
    scheduled,
    warn_long_step,
)


class State(eqx.Module):
    """An iteration on one operator; in the papers' words after step t:

    **Arguments:**

    - `base`: X_{t+1}, from where the next step starts.
    - `half`: X_{t+1/2}, where the operator was evaluated: the point that is reported.
    - `value`: the operator there, V_{t+1/2}.
    - `previous`: X_t, for the method that reflects; else `None`.
    - `step`: the length of that step, or what it was shortened to for the next one.
    - `count`: steps taken.
    - `mean`, `weight`: the average of the half-points weighted by step sizes, and the weights'
        sum; `None` and 0 unless asked for.
    - `start_size`: the size of the start, against which divergence is judged.
    """

    base: Point
    half: Point
    value: Point
    previous: Point | None
    step: Float[Array, ""]
    count: Int[Array, ""]
    mean: Point | None
    weight: Float[Array, ""]
    start_size: Float[Array, ""]


class Look(NamedTuple):
    """Where to evaluate the operator, and a point where its value is known already."""

    half: Point
    known: Point
    known_value: Point


class AbstractOperatorMethod(AbstractMethod):
    """A method that evaluates one operator, there or ahead, and moves a point along it."""

    step_size: eqx.AbstractVar[StepSize]
    average: eqx.AbstractVar[bool]
    timescale: eqx.AbstractVar[float | Float[Array, ""]]
    geometry: eqx.AbstractVar[AbstractGeometry]
    calls: ClassVar[int]
    """Operator calls per step."""
    fraction: ClassVar[float] = 0.5
    """Of 1/L: the step size when none is given."""
    limit: ClassVar[float] = 0.5
    """Of 1/L: convergence is known for shorter steps."""

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.PROJECT})
    handles_constraints: ClassVar[bool] = True

    @abc.abstractmethod
    def _look(self, ground: Ground, state: State, data: PyTree) -> Look:
        """Where to evaluate the operator in this step; `state.step` is this step's length."""

    @abc.abstractmethod
    def _move(self, ground: Ground, state: State, look: Look, value: Point) -> Point:
        """The next base point, from the operator's value at the half-point."""

    def _before(
        self, ground: Ground, start: Point, value: Point, step: Float[Array, ""]
    ) -> Point | None:
        """The base point before the first one, for a method that looks back to it."""
        return None

    def _check(self) -> None:
        check_step_size(self.step_size, type(self).__name__)
        check_timescale(self.timescale, type(self).__name__)
        if not isinstance(self.geometry, AbstractGeometry):
            raise TypeError(
                f"{type(self).__name__}: geometry is one such as EuclideanGeometry() or "
                f"EntropicGeometry(), got {self.geometry!r}."
            )

    def _check_euclidean(self) -> None:
        """For a method that adds slopes to points, wherever that leads."""
        if not isinstance(self.geometry, EuclideanGeometry):
            raise ValueError(
                f"{type(self).__name__} extrapolates in a straight line, so its geometry must be "
                f"a EuclideanGeometry, got {type(self.geometry).__name__}. ExtraGradient and "
                "PastExtraGradient work in any."
            )

    def _ground(self, system: System, point: Point) -> Ground:
        return lay_ground(system, point, self.geometry, self.timescale, type(self).__name__)

    def init(self, system, point, data=None, *, key=None) -> State:
        ground = self._ground(system, point)
        start = ground.project(point)
        step = first_step(self.step_size, ground, start, data, self.fraction)
        value, _ = operator(system, start, data)
        return State(
            base=start,
            half=start,
            value=value,
            previous=self._before(ground, start, value, step),
            step=step,
            count=jnp.zeros((), jnp.int32),
            mean=start if self.average else None,
            weight=jnp.zeros_like(step),
            start_size=1 + largest(start),
        )

    def begin_again(self, system: System, state: State, point: Point, value: Point) -> State:
        """The state that goes on from another point, with a new average.

        **Arguments:**

        - `system`: as in `init`.
        - `state`: its step size and its count of steps are kept.
        - `point`: a point of the set.
        - `value`: the operator there.
        """
        previous = None
        if state.previous is not None:
            # The first look ahead stays inside: beyond a corner, it would undo what was reached.
            ahead = self._ground(system, point).move(point, state.step, value)
            previous = jax.tree.map(lambda x, a: 2 * x - a, point, ahead)
        return State(
            base=point,
            half=point,
            value=value,
            previous=previous,
            step=state.step,
            count=state.count,
            mean=None if state.mean is None else point,
            weight=jnp.zeros_like(state.weight),
            start_size=state.start_size,
        )

    def step(self, system, state, data=None):
        count, ground = state.count + 1, self._ground(system, state.base)
        state = eqx.tree_at(
            lambda s: (s.step, s.count),
            state,
            (scheduled(self.step_size, count, state.step), count),
        )
        look = self._look(ground, state, data)
        value, at = operator(system, look.half, data, self.calls * count)
        base = self._move(ground, state, look, value)
        metrics = system.metrics(look.half, at, value.primal)

        weight = state.weight + state.step
        mean = None
        if state.mean is not None:
            share = state.step / weight
            mean = jax.tree.map(lambda m, x: m + share * (x - m), state.mean, look.half)
        step = state.step
        # On two timescales short steps are not safe: near some answers they repel.
        estimated = self.step_size is None and is_one(self.timescale)
        if estimated and system.is_stochastic:
            step = fading(step, count)
        elif estimated:
            change = jax.tree.map(jnp.subtract, value, look.known_value)
            step = safeguarded(step, ground, look.known, look.half, change, self.fraction)
        previous = None if state.previous is None else state.base
        new = State(base, look.half, value, previous, step, count, mean, weight, state.start_size)
        return new, metrics

    def point(self, state) -> Point:
        return state.half

    def average_point(self, state: State) -> Point:
        """The average of the half-points so far, weighted by step sizes.

        For monotone problems it converges like 1/t where the last point may not converge at all.

        **Raises:** `ValueError` unless the method was made with `average=True`.
        """
        if state.mean is None:
            raise ValueError(
                f"this state keeps no average; make the method as {type(self).__name__}"
                "(average=True)."
            )
        return state.mean

    def check(self, system: System, point: Point, data: PyTree = None) -> list[str]:
        """Look for trouble before a solve: not for compiled code.

        **Returns:** notices, each also given as a `StepSizeWarning`.

        **Raises:** `ValueError` where the method would evaluate the operator at a point at which
        it is not finite.
        """
        ground = self._ground(system, point)
        if not isinstance(self.geometry, EuclideanGeometry):
            return []  # what is too long is said of Euclidean distances
        return warn_long_step(self.step_size, ground, point, data, self.limit, type(self).__name__)

    def status(self, state, metrics, tol) -> Any:
        # A NaN fails both comparisons, and is reported by the driver as such.
        lost = largest(state.half) > 1e8 * state.start_size
        status = jnp.where(lost, int(Status.DIVERGED), int(Status.RUNNING))
        return jnp.where(state.step <= 0, int(Status.STALLED), status)


def require_finite(value: Point, owner: str) -> None:
    """Refuse an operator that is not finite at a point where the method must evaluate it."""
    if not bool(all_finite(value)):
        raise ValueError(
            f"{owner} evaluates the operator outside the set, where it is not finite (NaN or "
            "infinite just beside x0). Use PastExtraGradient or OptimisticGradient, which stay "
            "inside, or extend the operator."
        )
