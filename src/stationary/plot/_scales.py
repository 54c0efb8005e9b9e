"""From values to places along an axis, and the ticks that say so."""

import abc
import dataclasses
import math
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float

from ._words import compact, power_of_ten

Kind = Literal["linear", "log", "auto"]

# Beyond these, arithmetic overflows; no picture tells such values apart anyway.
_LARGEST, _LEAST = 1e290, 1e-290


class Tick(NamedTuple):
    """A labelled place along an axis."""

    place: float
    label: str


class AbstractScale(abc.ABC):
    """A monotone map from values to fractions of an axis."""

    @property
    def note(self) -> str:
        """What the axis label must add so that the tick labels are read right."""
        return ""

    @abc.abstractmethod
    def place(self, values: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        """Fractions of the axis, from 0 to 1; NaN where a value cannot be shown."""

    @abc.abstractmethod
    def ticks(self, most: int) -> list[Tick]:
        """At most about `most` ticks at round values."""


@dataclasses.dataclass(frozen=True)
class Linear(AbstractScale):
    """Equal distances for equal differences; ticks at whole numbers only, where asked."""

    low: float
    high: float
    whole: bool = False

    def place(self, values):
        return (tidy(values) - self.low) / (self.high - self.low)

    def ticks(self, most):
        values, step = self._values(most)
        offset, power = self._offset(), self._power()
        decimals = max(0, power - math.floor(math.log10(step) + 1e-9))
        labels = [f"{(value - offset) / 10.0**power:.{decimals}f}" for value in values]
        return [
            Tick(float(self.place(np.array(value))), _minus(label))
            for value, label in zip(values, labels, strict=True)
        ]

    @property
    def note(self):
        offset, power = self._offset(), self._power()
        minus = f" − {compact(offset, 12)}" if offset > 0 else f" + {compact(-offset, 12)}"
        scaled = f" (in {power_of_ten(power)})" if power else ""
        return (minus if offset else "") + scaled

    def _values(self, most: int) -> tuple[list[float], float]:
        step = round_step((self.high - self.low) / max(1, most))
        step = max(1.0, step) if self.whole else step
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)], step

    def _offset(self) -> float:
        """What tick labels leave out, when they would share too many leading digits."""
        middle, span = 0.5 * (self.low + self.high), self.high - self.low
        if span > 1e-4 * abs(middle):
            return 0.0
        unit = 10.0 ** math.ceil(math.log10(span))
        return round(middle / unit) * unit

    def _power(self) -> int:
        size = max(abs(self.low - self._offset()), abs(self.high - self._offset()))
        power = math.floor(math.log10(size))
        return power if power >= 6 or power < -3 else 0


@dataclasses.dataclass(frozen=True)
class Log(AbstractScale):
    """Equal distances for equal ratios; exact zeros, if any, in a strip of their own below."""

    low: float
    high: float
    zeros: bool = False

    @property
    def _floor(self) -> float:
        return 0.12 if self.zeros else 0.0

    def place(self, values):
        values = tidy(values)
        low, high = math.log10(self.low), math.log10(self.high)
        part = (np.log10(np.where(values > 0, values, 1.0)) - low) / (high - low)
        part = self._floor + (1 - self._floor) * part
        return np.where(values > 0, part, np.where((values == 0) & self.zeros, 0.03, np.nan))

    def ticks(self, most):
        first, last = (
            math.ceil(math.log10(self.low) - 1e-9),
            math.floor(math.log10(self.high) + 1e-9),
        )
        stride = _stride(last - first + 1, most)
        # Counted from 1, so that 10⁰ carries a label whenever it is in view.
        powers = [p for p in range(first, last + 1) if p % stride == 0]
        values = [10.0**p for p in powers]
        labels = [_decade(p) for p in powers]
        if len(powers) < 3 and last - first < 4:
            values = [
                m * 10.0**p
                for p in range(first - 1, last + 1)
                for m in ((1, 2, 5) if self.high < 30 * self.low else (1, 3))
                if self.low <= m * 10.0**p <= self.high
            ]
            labels = [compact(value) for value in values]
        if len(values) < 3 and self.high < 20 * self.low:
            values, _ = Linear(self.low, self.high)._values(min(most, 4))
            labels = [compact(value, 4) for value in values]
        found = [
            Tick(float(self.place(np.array(value))), label)
            for value, label in zip(values, labels, strict=True)
        ]
        zero = [Tick(0.03, "0")] if self.zeros else []
        return zero + [tick for tick in found if math.isfinite(tick.place)]


@dataclasses.dataclass(frozen=True)
class SignedLog(AbstractScale):
    """Linear near zero, logarithmic far from it, on both sides: for values of very many sizes."""

    low: float
    high: float
    unit: float

    def _squash(self, values: np.ndarray) -> np.ndarray:
        return np.asarray(np.arcsinh(tidy(values) / self.unit))

    def place(self, values):
        low, high = self._squash(np.array([self.low, self.high]))
        return (self._squash(values) - low) / (high - low)

    def ticks(self, most):
        first = math.ceil(math.log10(self.unit))
        last = math.floor(math.log10(max(abs(self.low), abs(self.high))) + 1e-9)
        sides = (self.low < 0) + (self.high > 0)
        stride = _stride(sides * (last - first + 1), most - 1)
        powers = range(last, first - 1, -stride)
        values = [(-(10.0**p), "−" + _decade(p)) for p in powers]
        values += [(0.0, "0")]
        values += [(10.0**p, _decade(p)) for p in reversed(powers)]
        return [
            Tick(float(self.place(np.array(value))), label)
            for value, label in values
            if self.low <= value <= self.high
        ]


def choose_scale(kind: Kind, values: Float[np.ndarray, "n"]) -> AbstractScale:
    """A scale of the asked kind that shows all finite `values` with a little air.

    **Arguments:**

    - `kind`: `"log"` falls back to linear when nothing is positive; `"auto"` is linear while one
        linear axis can tell the values apart, else logarithmic (signed where signs differ).
    - `values`: everything that will be placed on the axis.
    """
    values = np.asarray(values, float)
    values = tidy(values[np.isfinite(values)])
    positive = values[values > 0]
    if kind == "auto":
        sizes = np.abs(values[values != 0])
        wide = sizes.size > 0 and sizes.max() > 300 * np.median(sizes)
        spread = positive.size > 0 and positive.max() > 300 * positive.min()
        if wide and np.any(values < 0):
            low, high = float(values.min()), float(values.max())
            unit = max(float(np.median(sizes)), 1e-12 * float(sizes.max()))
            air = 1.3
            return SignedLog(low * air if low < 0 else low, high * air if high > 0 else high, unit)
        kind = "log" if spread and not np.any(values < 0) else "linear"
    if kind == "log" and positive.size:
        low, high = float(positive.min()), float(positive.max())
        decades = math.log10(high) - math.log10(low)
        pad = 0.15 if decades < 0.5 else 0.04 * decades
        zeros = bool(np.any(values == 0))
        # In logarithms, which cannot overflow.
        low, high = math.log10(low) - pad, math.log10(high) + pad
        return Log(10.0 ** max(low, -307.0), 10.0 ** min(high, 307.0), zeros)
    if not values.size:
        return Linear(0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        pad = 0.5 * max(abs(low), abs(high)) or 1.0
    else:
        pad = 0.05 * (high - low)
    whole = high - low >= 1 and bool(np.all(values == np.round(values)))
    return Linear(low - pad, high + pad, whole)


def tidy(values: Any) -> Float[np.ndarray, "..."]:
    """Numbers that are safe to compute with: none too large, and none too close to zero."""
    values = np.clip(np.asarray(values, float), -_LARGEST, _LARGEST)
    return np.where(np.abs(values) < _LEAST, 0.0, values)


def round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is at least `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= step * (1 - 1e-9))


def _stride(decades: int, most: int) -> int:
    """Every how manieth power of ten to label, so that about `most` are."""
    needed = math.ceil(decades / max(1, most))
    return next((s for s in (1, 2, 3, 5, 10, 20, 50, 100) if s >= needed), 200)


def _decade(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 4 else power_of_ten(power)


def _minus(label: str) -> str:
    if float(label) == 0:
        label = label.lstrip("-")
    return label.replace("-", "−")
