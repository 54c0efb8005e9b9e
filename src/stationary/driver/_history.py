"""The trace of a solve on the host, a row per record."""

import numpy as np

from .._solution import Trace
from ._loop import SERIES, Report, columns


class History:
    """Collects records as chunks return them, and turns into a `Trace`."""

    def __init__(self, constraints: tuple[str, ...]) -> None:
        self._constraints = constraints
        self._parts: list[dict[str, np.ndarray]] = []

    def add(self, report: Report, began: float, ended: float) -> int:
        """Append the records of a chunk that ran between two times; returns how many.

        Times of rows within a chunk are interpolated by step number.
        """
        count = int(report.written)
        if count:
            steps, rows = np.asarray(report.record_steps), np.asarray(report.records)
            names = columns(self._constraints, report.log)
            part = dict(zip(names, rows[:count].T.copy(), strict=True))
            part["steps"] = steps[:count].copy()
            part["seconds"] = began + np.arange(1, count + 1) / count * (ended - began)
            self._parts.append(part)
        return count

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All rows, as named columns."""
        if not self._parts:
            return {}
        if len(self._parts) > 1:
            names = self._parts[0]
            self._parts = [{n: np.concatenate([p[n] for p in self._parts]) for n in names}]
        return self._parts[0]

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Start from the columns of an earlier run."""
        self._parts = [arrays] if arrays else []

    def to_trace(self) -> Trace:
        """The finished trace."""
        arrays, blank = self.to_arrays(), np.zeros(0)

        def named(kind: str) -> dict[str, np.ndarray]:
            return {name: arrays.get(f"{kind}:{name}", blank) for name in self._constraints}

        return Trace(
            steps=arrays.get("steps", blank.astype(int)),
            seconds=arrays.get("seconds", blank),
            **{name: arrays.get(name, blank) for name in SERIES},
            violations=named("violations"),
            duals=named("duals"),
            log={n.removeprefix("log:"): a for n, a in arrays.items() if n.startswith("log:")},
        )
