"""The iteration log: a row per record, in the columns that users of interior points know."""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ._cells import pad

if TYPE_CHECKING:
    from .._solution import Trace

SHOWN = 60
"""Rows of a log that is shortened: the last ones, and some of those before."""


class Column(NamedTuple):
    """One column: its heading in words, the same for a terminal, and its cells."""

    heading: str
    short: str
    cells: list[str]


class Log(NamedTuple):
    """A log as text.

    **Arguments:**

    - `columns`: the columns, the first one the iteration's number.
    - `left_out`: how many records are not shown.
    - `legend`: what the marks in it mean; empty where there are none.
    """

    columns: list[Column]
    left_out: int
    legend: str


def iterations(trace: "Trace", most: int | None = None) -> Log:
    """The log of a solve.

    **Arguments:**

    - `trace`: its trace; a method without numbers of its own has the columns of any solve.
    - `most`: how many rows to keep; default all.
    """
    rows = chosen(len(trace), most)
    own = {name: np.asarray(values)[rows] for name, values in trace.log.items()}
    restoring = own.pop("restoring", np.zeros(rows.size)) > 0
    corrected = own.pop("corrections", np.zeros(rows.size)) > 0
    marked = zip(trace.steps[rows], restoring, strict=True)
    columns = [
        Column("iteration", "iter", [f"{step}{'r' if mark else ''}" for step, mark in marked]),
        _column("objective", "objective", trace.objective[rows], lambda v: f"{v:.6e}"),
        _column("primal infeasibility", "primal inf", trace.feasibility[rows], _small),
        _column("dual infeasibility", "dual inf", trace.stationarity[rows], _small),
    ]
    for name, (heading, short, spell) in _KNOWN.items():
        if name in own:
            columns.append(_column(heading, short, own.pop(name), spell))
            if name == "trials":
                cells = zip(columns[-1].cells, corrected, strict=True)
                columns[-1] = columns[-1]._replace(
                    cells=[f"{c}c" if mark else c for c, mark in cells]
                )
    columns += [_column(name, name, values, _small) for name, values in own.items()]
    meanings = {"r: while restoring feasibility": restoring, "c: corrected to second order": ()}
    if "trials" in trace.log:
        meanings["c: corrected to second order"] = corrected
    legend = "; ".join(words for words, marks in meanings.items() if np.any(marks))
    return Log(columns, len(trace) - rows.size, legend)


def _column(heading: str, short: str, values: np.ndarray, spell: Callable[[float], str]) -> Column:
    cells = [spell(float(value)) if math.isfinite(value) else f"{value:g}" for value in values]
    return Column(heading, short, cells)


def _small(value: float) -> str:
    return f"{value:.2e}" if value else "0"


def _power(value: float) -> str:
    """The decimal logarithm; a dash for none."""
    return f"{math.log10(value):.1f}" if value > 0 else "-"


def _count(value: float) -> str:
    return f"{value:.0f}"


_KNOWN: dict[str, tuple[str, str, Callable[[float], str]]] = {
    "barrier": ("lg(barrier)", "lg(bar)", _power),
    "move": ("|d|", "|d|", _small),
    "regularization": ("lg(regularization)", "lg(reg)", _power),
    "dual step": ("dual step", "dual step", _small),
    "step": ("primal step", "step", _small),
    "trials": ("line-search trials", "trials", _count),
}


def chosen(count: int, most: int | None) -> np.ndarray:
    """Which of `count` records to show: the last two thirds of `most`, and some before them.

    !!! example
        >>> chosen(5, 9).tolist(), chosen(100, 6).tolist()
        ([0, 1, 2, 3, 4], [0, 48, 96, 97, 98, 99])
    """
    if most is None or count <= most:
        return np.arange(count)
    late = 2 * most // 3
    early = np.linspace(0, count - late, most - late, endpoint=False).astype(int)
    return np.unique(np.concatenate([early, np.arange(count - late, count)]))


def as_lines(log: Log) -> list[str]:
    """A log as lines of aligned text."""
    widths = [max(map(len, [c.short, *c.cells])) for c in log.columns]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(pad(cell, width, ">") for cell, width in zip(cells, widths, strict=True))

    body = [line(row) for row in zip(*(c.cells for c in log.columns), strict=True)]
    lines = [line([c.short for c in log.columns]), "  ".join("─" * w for w in widths), *body]
    if log.left_out:
        lines.append(f"and {log.left_out} more records before, not shown")
    return [*lines, log.legend] if log.legend else lines
