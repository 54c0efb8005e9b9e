"""What a benchmark reports, and how times are taken."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measured number beside its target.

    **Arguments:**

    - `name`: what was measured, with its unit.
    - `measured`: the number.
    - `peer`: what it was measured against.
    - `at_most`, `at_least`: the target, if there is one.
    - `detail`: the numbers behind it.
    """

    name: str
    measured: float
    peer: str
    at_most: float | None = None
    at_least: float | None = None
    detail: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def target(self) -> str:
        """The target in words; empty where the figure is for information."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g}"
        return "" if self.at_least is None else f"≥ {self.at_least:g}"

    @property
    def met(self) -> bool | None:
        """Whether the target was met; `None` without one."""
        if self.at_most is not None:
            return self.measured <= self.at_most
        return None if self.at_least is None else self.measured >= self.at_least


def seconds(task: Callable[[], Any]) -> float:
    """How long one call takes."""
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def alternate(rounds: int, **tasks: Callable[[], Any]) -> dict[str, list[float]]:
    """The seconds that each task takes, round by round, so that a busy moment strikes all alike.

    Each task runs once beforehand, to compile and to warm caches.
    """
    for task in tasks.values():
        task()
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds):
        for name, task in tasks.items():
            times[name].append(seconds(task))
    return times


def ratio(times: dict[str, list[float]], above: str, below: str) -> float:
    """The median over rounds of one task's time over another's."""
    return statistics.median(a / b for a, b in zip(times[above], times[below], strict=True))


def summary(times: dict[str, list[float]]) -> dict[str, float]:
    """Median and least seconds of each task."""
    return {
        f"{name} {word}, s": round(take(values), 6)
        for name, values in times.items()
        for word, take in (("median", statistics.median), ("least", min))
    }
