"""When a measured number counts as holding."""

import abc
import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class AbstractRule(abc.ABC):
    """A set of numbers that would confirm a claim."""

    @abc.abstractmethod
    def holds(self, value: float) -> bool:
        """Whether `value` confirms the claim; never for NaN."""

    @abc.abstractmethod
    def describe(self) -> str:
        """The rule in words: `"at most 24"`."""


@dataclasses.dataclass(frozen=True)
class AtMost(AbstractRule):
    """Numbers no larger than `bound`.

    !!! example
        >>> AtMost(0.5).holds(0.4), AtMost(0.5).describe()
        (True, 'at most 0.5')
    """

    bound: float

    def holds(self, value: float) -> bool:
        return value <= self.bound

    def describe(self) -> str:
        return f"at most {self.bound:g}"


@dataclasses.dataclass(frozen=True)
class AtLeast(AbstractRule):
    """Numbers no smaller than `bound`.

    !!! example
        >>> AtLeast(3).holds(float("nan")), AtLeast(3).describe()
        (False, 'at least 3')
    """

    bound: float

    def holds(self, value: float) -> bool:
        return value >= self.bound

    def describe(self) -> str:
        return f"at least {self.bound:g}"


@dataclasses.dataclass(frozen=True)
class Within(AbstractRule):
    """Numbers in the closed interval from `low` to `high`.

    **Raises:** `ValueError` when the interval is empty.

    !!! example
        >>> Within(-1.1, -0.9).holds(-1.0), Within(-1.1, -0.9).describe()
        (True, 'from -1.1 to -0.9')
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise ValueError(f"Within({self.low}, {self.high}) is empty; put the smaller first.")

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high

    def describe(self) -> str:
        return f"from {self.low:g} to {self.high:g}"


@dataclasses.dataclass(frozen=True)
class Near(AbstractRule):
    """Numbers within a relative distance of the one that a paper reports.

    **Arguments:**

    - `value`: the reported number.
    - `relative`: the largest distance, as a fraction of `value`.

    !!! example
        >>> Near(1.893e-23, 1e-3).describe()
        '1.893e-23 to within 0.1 %'
    """

    value: float
    relative: float

    def holds(self, value: float) -> bool:
        return math.isfinite(value) and abs(value - self.value) <= self.relative * abs(self.value)

    def describe(self) -> str:
        return f"{self.value:g} to within {100 * self.relative:g} %"
