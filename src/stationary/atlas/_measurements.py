"""What an experiment hands back: numbers by claim, figures, tables and notes."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True)
class Measured:
    """A measured number, with its confidence interval when it comes from several runs.

    **Arguments:**

    - `value`: the number; the mean over the runs.
    - `interval`: the ends of a 95 % confidence interval for the mean, or `None`.
    - `samples`: the numbers of the single runs.
    """

    value: float
    interval: tuple[float, float] | None = None
    samples: tuple[float, ...] = ()

    @classmethod
    def over(cls, samples: Any) -> "Measured":
        """The mean of one number per seed or random instance, with Student's interval for it.

        **Arguments:**

        - `samples`: at least two numbers, measured independently.

        **Raises:** `ValueError` for fewer.

        !!! example
            >>> measured = Measured.over([1.0, 2.0, 3.0])
            >>> measured.value, [round(end, 2) for end in measured.interval]
            (2.0, [-0.48, 4.48])
        """
        from scipy.special import stdtrit

        numbers = np.asarray(samples, float).ravel()
        if numbers.size < 2:
            raise ValueError(f"an interval needs two runs or more, got {numbers.size}.")
        mean = float(numbers.mean())
        error = float(numbers.std(ddof=1)) / numbers.size**0.5
        half = float(stdtrit(numbers.size - 1, 0.975)) * error
        return cls(mean, (mean - half, mean + half), tuple(float(x) for x in numbers))

    def __str__(self) -> str:
        if self.interval is None:
            return f"{self.value:.4g}"
        low, high = self.interval
        return f"{self.value:.4g} ({low:.4g} to {high:.4g}, {len(self.samples)} runs)"


@dataclasses.dataclass(frozen=True)
class Table:
    """A small table for the paper's page.

    **Arguments:**

    - `columns`: the headings.
    - `rows`: as many entries each; numbers are rounded when shown.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float, ...], ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"row {row} does not fit the columns {self.columns}.")


@dataclasses.dataclass
class Measurements:
    """What an experiment found. Filled in as it goes, then returned.

    **Arguments:**

    - `values`: a number (or `Measured`) per claim id; every claim of this scale must have one.
    - `figures`: SVG texts by a short name, made with `stationary.plot`; the name is the caption.
    - `tables`: tables by caption.
    - `notes`: sentences on how it was measured and what was tried.

    !!! example
        >>> found = Measurements()
        >>> found.values["ratio"] = 3.7
        >>> found.notes.append("At twice the step size, past extragradient diverges.")
        >>> found.measured("ratio")
        Measured(value=3.7, interval=None, samples=())
    """

    values: dict[str, Any] = dataclasses.field(default_factory=dict)
    figures: dict[str, str] = dataclasses.field(default_factory=dict)
    tables: dict[str, Table] = dataclasses.field(default_factory=dict)
    notes: list[str] = dataclasses.field(default_factory=list)

    def measured(self, claim: str) -> Measured:
        """The number for a claim, as a `Measured`."""
        value = self.values[claim]
        return value if isinstance(value, Measured) else Measured(float(value))


def missing(values: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """What is wanted and not there, and what is there and not wanted."""
    return sorted(set(values) ^ set(wanted))
