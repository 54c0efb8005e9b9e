"""The trace of a solve on the host, a row per record."""

import numpy as np

from .._solution import Trace
from ._loop import Records

_SERIES = ("objective", "residual", "stationarity", "feasibility")
_NAMED = ("violations", "duals")


class History:
    """Collects records as chunks return them, and turns into a `Trace`."""

    def __init__(self, constraints: tuple[str, ...]) -> None:
        self._constraints = constraints
        self._parts: list[dict[str, np.ndarray]] = []

    def add(self, records: Records, began: float, ended: float) -> int:
        """Append the filled rows of a chunk that ran between two times; returns how many.

        Times of rows within a chunk are interpolated by step number.
        """
        filled = np.asarray(records.steps) >= 0
        count = int(filled.sum())
        if count:
            part = {"steps": np.asarray(records.steps)[filled]}
            for name in _SERIES:
                part[name] = np.asarray(getattr(records, name))[filled]
            for kind in _NAMED:
                for name, values in getattr(records, kind).items():
                    part[f"{kind}:{name}"] = np.asarray(values)[filled]
            position = np.arange(1, count + 1) / count
            part["seconds"] = began + position * (ended - began)
            self._parts.append(part)
        return count

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All rows, as named columns."""
        if not self._parts:
            return {}
        names = self._parts[0]
        self._parts = [{n: np.concatenate([p[n] for p in self._parts]) for n in names}]
        return self._parts[0]

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Start from the columns of an earlier run."""
        self._parts = [arrays] if arrays else []

    def to_trace(self) -> Trace:
        """The finished trace."""
        columns, blank = self.to_arrays(), np.zeros(0)

        def named(kind: str) -> dict[str, np.ndarray]:
            return {name: columns.get(f"{kind}:{name}", blank) for name in self._constraints}

        return Trace(
            steps=columns.get("steps", blank.astype(int)),
            seconds=columns.get("seconds", blank),
            objective=columns.get("objective", blank),
            residual=columns.get("residual", blank),
            stationarity=columns.get("stationarity", blank),
            feasibility=columns.get("feasibility", blank),
            violations=named("violations"),
            duals=named("duals"),
        )
