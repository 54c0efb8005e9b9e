"""The filter line search: a step must reduce the violation or the objective, never trade badly."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

ROOM = 16
"""Entries that a filter holds. New ones replace those they make superfluous, else the oldest."""
# Constants of Waechter and Biegler (2006), with the values that Ipopt uses.
_THETA_MARGIN, _PHI_MARGIN = 1e-5, 1e-8
_ARMIJO = 1e-8
_THETA_POWER, _PHI_POWER = 1.1, 2.3
_LEAST_STEP = 0.05
_CORRECTIONS, _CORRECTION_DECREASE = 4, 0.99


class Filter(NamedTuple):
    """Pairs of violation and barrier objective that no later point may be worse than."""

    theta: Float[Array, "room"]
    phi: Float[Array, "room"]
    count: Int[Array, ""]
    ceiling: Float[Array, ""]
    """The largest violation allowed at all."""
    small: Float[Array, ""]
    """Below this violation the objective decides."""

    def emptied(self) -> "Filter":
        return self._replace(
            theta=jnp.full_like(self.theta, jnp.inf), phi=jnp.full_like(self.phi, jnp.inf)
        )

    def accepts(self, theta, phi) -> Bool[Array, ""]:
        """Whether a pair is better than every entry in one of its two numbers."""
        return jnp.all((theta < self.theta) | (phi < self.phi)) & (theta <= self.ceiling)

    def with_entry(self, theta, phi, add: Bool[Array, ""]) -> "Filter":
        """The filter, with a margin around a pair added to it."""
        theta, phi = (1 - _THETA_MARGIN) * theta, phi - _PHI_MARGIN * theta
        superfluous = (theta <= self.theta) & (phi <= self.phi)
        place = jnp.where(jnp.any(superfluous), jnp.argmax(superfluous), self.count % ROOM)
        here = add & (jnp.arange(ROOM) == place)
        return self._replace(
            theta=jnp.where(here, theta, self.theta),
            phi=jnp.where(here, phi, self.phi),
            count=self.count + add,
        )


def empty_filter(dtype) -> Filter:
    """A filter without entries or limits."""
    infinite = jnp.full(ROOM, jnp.inf, dtype)
    edge = jnp.asarray(jnp.inf, dtype)
    return Filter(infinite, infinite, jnp.zeros((), jnp.int32), edge, edge)


class Trial(NamedTuple):
    """A point that was tried, measured."""

    x: Float[Array, "n"]
    s: Float[Array, "m"]
    residual: Float[Array, "m"]
    """c(x) + s."""
    theta: Float[Array, ""]
    phi: Float[Array, ""]


class Found(NamedTuple):
    """What a line search ended with."""

    trial: Trial
    accepted: Bool[Array, ""]
    step: Float[Array, ""]
    trials: Int[Array, ""]
    corrections: Int[Array, ""]
    by_objective: Bool[Array, ""]
    """Whether the objective decided, so that the filter need not grow."""


class Origin(NamedTuple):
    """Where a search starts: the pair there, the objective's slope along the step, the filter."""

    theta: Float[Array, ""]
    phi: Float[Array, ""]
    slope: Float[Array, ""]
    filter: Filter

    def judge(self, trial: Trial, step) -> tuple[Bool[Array, ""], Bool[Array, ""]]:
        """Whether a trial is acceptable, and whether the objective decided."""
        eps = jnp.finfo(self.phi.dtype).eps
        noise = 10 * eps * jnp.abs(self.phi)
        descent = jnp.maximum(-self.slope, 0.0)
        switching = (self.slope < 0) & (self.theta <= self.filter.small)
        switching &= step * descent**_PHI_POWER > self.theta**_THETA_POWER
        armijo = trial.phi <= self.phi + _ARMIJO * step * self.slope + noise
        either = trial.theta <= (1 - _THETA_MARGIN) * self.theta
        either |= trial.phi <= self.phi - _PHI_MARGIN * self.theta + noise
        fine = jnp.where(switching, armijo, either)
        fine &= self.filter.accepts(trial.theta, trial.phi - noise)
        return fine & jnp.isfinite(trial.phi) & jnp.isfinite(trial.theta), switching & armijo

    def least_step(self) -> Float[Array, ""]:
        """The step below which only restoration helps."""
        descent = jnp.maximum(-self.slope, jnp.finfo(self.phi.dtype).tiny)
        by_objective = jnp.minimum(_THETA_MARGIN, _PHI_MARGIN * self.theta / descent)
        switching = self.theta**_THETA_POWER / descent**_PHI_POWER
        by_objective = jnp.where(
            self.theta <= self.filter.small,
            jnp.minimum(by_objective, switching),
            by_objective,
        )
        least = _LEAST_STEP * jnp.where(self.slope < 0, by_objective, _THETA_MARGIN)
        return jnp.maximum(least, 10 * jnp.finfo(self.phi.dtype).eps)


class _Carry(NamedTuple):
    trial: Trial
    accepted: Bool[Array, ""]
    by_objective: Bool[Array, ""]
    step: Float[Array, ""]
    direction: tuple
    trials: Int[Array, ""]
    corrections: Int[Array, ""]
    correcting: Bool[Array, ""]
    last: Float[Array, ""]


def search(
    origin: Origin,
    attempt: Callable,
    correct: Callable,
    linear: Callable,
    here: Trial,
    direction: tuple,
    longest: Callable,
    moving: Bool[Array, ""],
    restoring: Bool[Array, ""],
) -> Found:
    """Backtrack from the longest step until a trial is acceptable, correcting curved constraints.

    **Arguments:**

    - `origin`: the current pair, slope and filter.
    - `attempt`: (step, direction) -> `Trial`.
    - `correct`: (residual, wanted) -> the direction for constraints with that residual, if it is
        wanted: the second-order correction, once the residual includes what the linear model has
        missed.
    - `linear`: direction -> the change of the constraints' residual in the linear model.
    - `here`: the current point as a trial.
    - `direction`: the step in x and s.
    - `longest`: direction -> the step that keeps off the bounds.
    - `moving`: whether to search at all.
    - `restoring`: whether violation is part of the merit, and corrections go by that.
    """
    first = longest(direction)
    least = jnp.minimum(origin.least_step(), 0.5 * first)

    def body(c: _Carry) -> _Carry:
        trial = attempt(c.step, c.direction)
        tested = jnp.where(c.correcting, first, c.step)
        fine, by_objective = origin.judge(trial, tested)
        measure = jnp.where(restoring, trial.phi, trial.theta)
        begin = (c.trials == 0) & (restoring | (trial.theta >= origin.theta))
        aim = jnp.where(restoring, c.last, _CORRECTION_DECREASE * c.last)
        again = (begin | (c.correcting & (measure <= aim))) & (c.corrections < _CORRECTIONS)
        again &= ~fine & jnp.isfinite(measure) & (restoring | (origin.theta > 0))
        missed = trial.residual - here.residual - c.step * linear(c.direction)
        bent = correct(here.residual + missed, again)
        bent = jax.tree.map(lambda new, old: jnp.where(again, new, old), bent, direction)
        shorter = jnp.where(c.correcting, first, c.step) / 2
        step = jnp.where(again, longest(bent), jnp.where(fine, c.step, shorter))
        keep = jax.tree.map(lambda new, old: jnp.where(fine, old, new), bent, c.direction)
        return _Carry(
            trial,
            fine,
            by_objective,
            step,
            keep,
            c.trials + 1,
            c.corrections + again,
            again,
            measure,
        )

    def going(c: _Carry):
        return ~c.accepted & ((c.step >= least) | (c.trials == 0))

    no = jnp.array(False)
    zero = jnp.zeros((), jnp.int32)
    start = _Carry(here, ~moving, no, first, direction, zero, zero, no, origin.theta)
    end = jax.lax.while_loop(going, body, start)
    return Found(end.trial, end.accepted, end.step, end.trials, end.corrections, end.by_objective)
