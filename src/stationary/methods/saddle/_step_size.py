"""Step sizes: a number, a schedule of the step count, or estimated from the operator."""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.core import Tracer
from jaxtyping import Array, Float, Int, PyTree

from ..._point import Point
from ._ground import Ground
from ._joint import operator, stretch

StepSize = float | int | Float[Array, ""] | Callable[[Int[Array, ""]], Any] | None


class StepSizeWarning(UserWarning):
    """A step size is longer than the theory of its method allows.

    !!! example
        >>> import warnings
        >>> from stationary.methods import StepSizeWarning
        >>> warnings.simplefilter("error", StepSizeWarning)  # to stop instead
        >>> warnings.resetwarnings()
    """


def check_step_size(step_size: StepSize, owner: str) -> None:
    """Refuse a step size that is not positive.

    **Raises:** `ValueError` naming the method, and for a schedule the step count at fault.
    """
    if step_size is None or isinstance(step_size, Tracer):
        return
    if not callable(step_size):
        if not float(step_size) > 0:
            raise ValueError(f"{owner}: step_size must be positive, got {step_size}.")
        return
    with jax.ensure_compile_time_eval():
        for count in (1, 10, 1000, 10**6):
            step = float(step_size(jnp.asarray(count, jnp.int32)))
            if not step > 0:
                raise ValueError(
                    f"{owner}: step_size must be positive at every step, but the schedule gives "
                    f"{step:g} at step {count}. A decreasing one is lambda t: g / (t + b)."
                )


def first_step(
    step_size: StepSize, ground: Ground, point: Point, data: PyTree, fraction: float
) -> Float[Array, ""]:
    """The length of the first step."""
    dtype = jnp.result_type(*jax.tree.leaves(point.primal))
    if step_size is not None:
        return scheduled(step_size, jnp.ones((), jnp.int32), jnp.ones((), dtype))
    # Power iteration comes from below: 5 % for what it misses.
    slope = 1.05 * stretch(ground.system, point, data, iterations=30, weights=ground.weights)
    step = jnp.where(slope > 0, fraction / jnp.where(slope > 0, slope, 1), 1).astype(dtype)
    return _backtracked(step, ground, point, data, fraction)


def _backtracked(
    step: Float[Array, ""], ground: Ground, point: Point, data: PyTree, fraction: float
) -> Float[Array, ""]:
    """`step`, halved until the operator changes little enough along a whole step from the start.

    The slope at a point where the operator happens to be flat says nothing about a step away.
    """
    value, _ = operator(ground.system, point, data)

    def steep(step):
        there = ground.move(point, step, value)
        moved = jax.tree.map(jnp.subtract, there, point)
        change = jax.tree.map(jnp.subtract, operator(ground.system, there, data)[0], value)
        return ~(step * ground.steepness(change) <= fraction * ground.length(moved))

    shortest = jnp.sqrt(jnp.finfo(step.dtype).tiny)
    return jax.lax.while_loop(
        lambda s: steep(s) & (s > shortest), lambda s: (0.5 * s).astype(s.dtype), step
    )


def scheduled(
    step_size: StepSize, count: Int[Array, ""], last: Float[Array, ""]
) -> Float[Array, ""]:
    """The length of step `count` (1, 2, ...); `last` where it is estimated."""
    if step_size is None:
        return last
    given = step_size(count) if callable(step_size) else step_size
    return jnp.asarray(given, last.dtype)


def fading(step: Float[Array, ""], count: Int[Array, ""]) -> Float[Array, ""]:
    """The step after `step`, falling like 1/sqrt(count): noise allows no safeguard by quotients."""
    return (step * jnp.sqrt((count + 98) / (count + 99))).astype(step.dtype)


def safeguarded(
    step: Float[Array, ""],
    ground: Ground,
    here: Point,
    there: Point,
    change: Point,
    fraction: float,
) -> Float[Array, ""]:
    """`step`, shortened where the operator turned out steeper than it was at the start.

    **Arguments:**

    - `ground`: by whose distance lengths are measured.
    - `here`, `there`: two points.
    - `change`: how much the operator differs between them.
    - `fraction`: of the inverse of the steepness seen.
    """
    moved = ground.length(jax.tree.map(jnp.subtract, there, here))
    changed = ground.steepness(change)
    # Between points that are equal to half of the digits, the quotient is roundoff.
    meaningful = moved > jnp.sqrt(jnp.finfo(step.dtype).eps) * (1 + ground.length(there))
    bound = fraction * moved / jnp.where(changed > 0, changed, 1)
    return jnp.where(meaningful & (changed > 0), jnp.minimum(step, bound), step)


def warn_long_step(
    step_size: StepSize, ground: Ground, point: Point, data: PyTree, limit: float, owner: str
) -> list[str]:
    """Warn where the step is at least `limit` over the operator's steepness at the start."""
    if step_size is None or ground.system.is_stochastic:
        return []
    slope = float(stretch(ground.system, point, data, weights=ground.weights))
    step = float(scheduled(step_size, jnp.ones((), jnp.int32), jnp.ones(())))
    if not step * slope >= limit * (1 - 1e-6):
        return []
    notice = (
        f"{owner}: step_size {step:.3g} times the operator's steepness at the start ({slope:.3g}) "
        f"is {step * slope:.3g}, but convergence is known below {limit:.3g} only. "
        f"Take at most {limit / slope:.3g}, or leave step_size out."
    )
    warnings.warn(notice, StepSizeWarning, stacklevel=3)
    return [notice]
