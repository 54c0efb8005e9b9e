"""Dual rules: how multipliers answer to the constraints' values."""

import abc
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, PyTree

from ..._operators import Duals
from ..._system import System

Rate = float | Callable[[Int[Array, ""]], Any] | Mapping[str, Any] | Any
"""A number, a schedule of the update count, or either by constraint name."""


class AbstractDualRule(eqx.Module):
    """How multipliers move, before they are projected onto their polar cones.

    !!! example
        A rule of your own, ascent along the sign of each constraint:

        >>> import jax.numpy as jnp, stationary as st
        >>> class SignAscent(st.methods.AbstractDualRule):
        ...     "A fixed step per update."
        ...
        ...     def init(self, duals):
        ...         return ()
        ...
        ...     def __call__(self, memory, duals, values):
        ...         return {n: d + 0.01 * jnp.sign(values[n]) for n, d in duals.items()}, memory
        >>> method = st.methods.PrimalDual(0.01, SignAscent())
    """

    @abc.abstractmethod
    def init(self, duals: Duals) -> PyTree[Array]:
        """The memory before any update."""

    @abc.abstractmethod
    def __call__(
        self, memory: PyTree[Array], duals: Duals, values: Duals
    ) -> tuple[Duals, PyTree[Array]]:
        """Multipliers moved by the constraints' values g, unprojected, and the memory of it."""


class AscentMemory(eqx.Module):
    """What a dual rule remembers: updates so far, and its average of the values."""

    count: Int[Array, ""]
    average: Duals


class GradientAscent(AbstractDualRule):
    """Gradient ascent on the multipliers: dual + rate * g.

    **Arguments:**

    - `learning_rate`: a number, a schedule of the update count, or a mapping from constraint
        names to either.
    - `smoothing`: in [0, 1); ascend along the exponential moving average of g with this memory.
        Worth it with mini-batches: the projection of a noisy step at zero has a positive drift.

    **Raises:** `ValueError` for a rate that is not positive or a smoothing outside [0, 1).

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import GradientAscent
        >>> rule = GradientAscent(0.5)
        >>> duals = {"budget": jnp.array(1.0)}
        >>> rule(rule.init(duals), duals, {"budget": jnp.array(2.0)})[0]["budget"].item()
        2.0
    """

    learning_rate: Rate = 1e-2
    smoothing: Any = 0.0

    def __check_init__(self):
        _check_rate(self.learning_rate, "GradientAscent(learning_rate=...)")
        _check_smoothing(self.smoothing, "GradientAscent(smoothing=...)")

    def init(self, duals):
        _check_names(self.learning_rate, duals, "GradientAscent(learning_rate=...)")
        return _start(duals)

    def __call__(self, memory, duals, values):
        average = _blend(memory, values, self.smoothing)
        rate = _rates(self.learning_rate, duals, memory.count)
        moved = {n: _moved(dual, rate[n] * average[n]) for n, dual in duals.items()}
        return moved, AscentMemory(memory.count + 1, average)


class NuPI(AbstractDualRule):
    """A PI controller on the constraints' values: gradient ascent that sees a trend coming.

    dual + rate * g + proportional * (change of the average of g). The proportional term answers
    to how fast a constraint moves, and so damps the oscillation that plain ascent is prone to;
    with `proportional = rate` and no smoothing it is optimistic gradient ascent, and without
    projection it acts as the damping of [`mdmm`][stationary.methods.mdmm] does.

    **Arguments:**

    - `learning_rate`: the integral gain, as for `GradientAscent`.
    - `proportional`: the proportional gain, at least 0; 0 is gradient ascent.
    - `smoothing`: in [0, 1), the memory of the moving average whose change is answered.

    **Raises:** `ValueError` for a rate that is not positive, a negative gain, or a smoothing
    outside [0, 1).

    !!! example
        >>> import jax.numpy as jnp
        >>> from stationary.methods import NuPI
        >>> rule = NuPI(0.5, proportional=2.0)
        >>> duals, memory = {"g": jnp.array(0.0)}, rule.init({"g": jnp.array(0.0)})
        >>> duals, memory = rule(memory, duals, {"g": jnp.array(1.0)})
        >>> duals, memory = rule(memory, duals, {"g": jnp.array(2.0)})
        >>> duals["g"].item()
        3.5

    !!! cite "Reference"
        Sohrabi, Ramirez, Zhang, Lacoste-Julien and Gallego-Posada, On PI controllers for updating
        Lagrange multipliers in constrained optimization, ICML 2024, arXiv:2406.04558.
    """

    learning_rate: Rate = 1e-2
    proportional: Any = 0.1
    smoothing: Any = 0.0

    def __check_init__(self):
        _check_rate(self.learning_rate, "NuPI(learning_rate=...)")
        known = _known(self.proportional)
        if known is not None and not (known >= 0 and np.isfinite(known)):
            raise ValueError(
                f"NuPI(proportional=...) must be at least 0, got {known}. 0 is gradient ascent."
            )
        _check_smoothing(self.smoothing, "NuPI(smoothing=...)")

    def init(self, duals):
        _check_names(self.learning_rate, duals, "NuPI(learning_rate=...)")
        return _start(duals)

    def __call__(self, memory, duals, values):
        average = _blend(memory, values, self.smoothing)
        rate = _rates(self.learning_rate, duals, memory.count)
        moved = {}
        for name, dual in duals.items():
            trend = jnp.where(memory.count > 0, average[name] - memory.average[name], 0)
            change = rate[name] * values[name] + self.proportional * trend
            moved[name] = _moved(dual, change)
        return moved, AscentMemory(memory.count + 1, average)


def as_dual_rule(rule: Any, where: str) -> AbstractDualRule:
    """A dual rule as such, or gradient ascent at a given rate.

    **Raises:** `TypeError` for an Optax transformation or anything else; `ValueError` for a rate
    that is not positive.
    """
    if isinstance(rule, AbstractDualRule):
        return rule
    if callable(getattr(rule, "init", None)):
        raise TypeError(
            f"{where} is an Optax rule. Adaptive rules move a multiplier by the learning rate "
            "whatever the violation; pass a learning rate, GradientAscent(...) or NuPI(...)."
        )
    if isinstance(rule, str | bytes) or rule is None:
        raise TypeError(
            f"{where} must be a learning rate, GradientAscent(...) or NuPI(...), got {rule!r}."
        )
    return GradientAscent(rule)


def project_duals(system: System, duals: Duals) -> Duals:
    """Multipliers brought back to the polar cones of their constraints."""
    return {name: system.constraints[name].cone.polar(dual) for name, dual in duals.items()}


def check_positive(value: Any, where: str) -> None:
    """Refuse a number that is not positive and finite; traced numbers pass.

    **Raises:** `ValueError`.
    """
    known = _known(value)
    if known is not None and not (known > 0 and np.isfinite(known)):
        raise ValueError(f"{where} must be positive and finite, got {known}.")


def _start(duals: Duals) -> AscentMemory:
    return AscentMemory(jnp.zeros((), jnp.int32), jax.tree.map(jnp.zeros_like, duals))


def _blend(memory: AscentMemory, values: Duals, smoothing: Any) -> Duals:
    """The moving average of the values; it starts at the first of them."""
    kept = jnp.where(memory.count > 0, smoothing, 0.0)
    return {
        name: (old + (1 - kept) * (values[name] - old)).astype(old.dtype)
        for name, old in memory.average.items()
    }


def _moved(dual: Array, change: Array) -> Array:
    return (dual + change).astype(dual.dtype)


def _rates(rate: Rate, duals: Duals, count: Int[Array, ""]) -> dict[str, Any]:
    def of(name: str) -> Any:
        own = rate[name] if isinstance(rate, Mapping) else rate
        return own(count) if callable(own) else own

    return {name: of(name) for name in duals}


def _check_rate(rate: Rate, where: str) -> None:
    for own in rate.values() if isinstance(rate, Mapping) else (rate,):
        if not callable(own):
            check_positive(own, where)


def _check_names(rate: Rate, duals: Duals, where: str) -> None:
    if isinstance(rate, Mapping) and set(rate) != set(duals):
        raise ValueError(
            f"{where} names {sorted(rate)}, but the constraints are {sorted(duals)}. "
            "Give one rate per constraint, or one number."
        )


def _check_smoothing(smoothing: Any, where: str) -> None:
    known = _known(smoothing)
    if known is not None and not 0 <= known < 1:
        raise ValueError(f"{where} must lie in [0, 1), got {known}. 0 keeps no memory.")


def _known(value: Any) -> float | None:
    """The number, or `None` while it is traced or stands for a batch of numbers."""
    if isinstance(value, jax.core.Tracer) or np.ndim(value) > 0:
        return None
    return float(value)
