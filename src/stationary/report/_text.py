"""A solution as plain text, for `print` and the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..plot._words import compact
from ._cells import cells, cut, pad, wrap
from ._facts import Facts, Leaf, Limit, facts

if TYPE_CHECKING:
    from .._solution import Solution

WIDTH = 100
_ROWS = 16
_LABEL = 13


def render(solution: "Solution") -> str:
    """The text of `as_text`."""
    known = facts(solution)
    lines = [part for line in _few(known.statement) for part in _indented(line)]
    lines.append("")
    lines += _entry("verdict", f"{known.mark} {known.verdict}: {known.meaning}")
    lines += _entry("status", f"{solution.status.word}: {solution.status.message}")
    if not np.isnan(solution.objective):
        lines += _entry("objective", compact(solution.objective, 8))
    lines += _unknown(known.leaves)
    lines += _constraints(known.limits)
    lines += _prices(known)
    if known.certificate and known.certificate.weights:
        weights = known.certificate.weights.items()
        lines += _entry("weights", ", ".join(f"{name}: {compact(w)}" for name, w in weights))
    lines += _entry("certificate", _certificate(known))
    lines += _entry("cost", _cost(solution))
    for notice in solution.stats.notices:
        lines += _entry("note", notice)
    return "\n".join(line.rstrip() for line in lines)


def _entry(label: str, content: str) -> list[str]:
    return wrap(content, WIDTH, label.ljust(_LABEL), " " * _LABEL)


def _indented(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return wrap(line, WIDTH, indent, indent + "    ")


def _few(lines: list[str]) -> list[str]:
    """The lines of a long statement that say most: the first ones and the last."""
    if len(lines) <= _ROWS:
        return lines
    return [*lines[: _ROWS - 2], f"... and {len(lines) - _ROWS + 1} more parts ...", lines[-1]]


def _unknown(leaves: Sequence[Leaf]) -> list[str]:
    if len(leaves) == 1 and leaves[0].values.size <= 6:
        return _entry("unknown", f"{leaves[0].where} = {_values(leaves[0].values)}")
    rows = [[leaf.where, leaf.shape, summary(leaf.values)] for leaf in leaves]
    return ["", *_table(["unknown", "shape", "values"], rows, "<<<")]


def summary(values: np.ndarray) -> str:
    """An array in few words: its entries when they are few, else their range and zeros."""
    if values.size <= 4:
        return _values(values)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no finite entry"
    mean = float(finite.mean())
    if abs(mean) < 1e-12 * np.max(np.abs(finite)):
        mean = 0.0  # what is left is rounding
    parts = [f"{compact(finite.min())} to {compact(finite.max())}, mean {compact(mean)}"]
    zeros = int(np.sum(values == 0))
    if zeros:
        parts.append(f"{zeros} of {values.size} are 0")
    if finite.size < values.size:
        parts.append(f"{values.size - finite.size} not finite")
    return ", ".join(parts)


def _values(values: np.ndarray) -> str:
    spelled = [compact(value, 5) for value in values.reshape(-1)]
    return spelled[0] if values.ndim == 0 else f"[{', '.join(spelled)}]"


def _constraints(limits: Sequence[Limit]) -> list[str]:
    if not limits:
        return [""]
    order = sorted(limits, key=lambda limit: -_weight(limit)) if len(limits) > _ROWS else limits
    rows = [
        [
            limit.name,
            limit.words,
            compact(limit.multiplier, 5),
            compact(limit.violation),
            limit.activity,
        ]
        for limit in order[:_ROWS]
    ]
    head = ["constraint", "asks for", "multiplier", "violation", "active"]
    lines = ["", *_table(head, rows, "<<>>>")]
    if len(limits) > _ROWS:
        left = len(limits) - _ROWS
        lines.append(f"and {left} more; shown are the largest by multiplier and violation")
    return [*lines, ""]


def _weight(limit: Limit) -> float:
    return float(np.nan_to_num(abs(limit.multiplier), nan=np.inf)) + limit.violation


def _prices(known: Facts) -> list[str]:
    prices = known.certificate.set_prices if known.certificate else {}
    if not prices:
        return []
    spelled = "; ".join(f"{name}: {compact(price, 5)}" for name, price in prices.items())
    return _entry("set prices", spelled)


def _certificate(known: Facts) -> str:
    certificate = known.certificate
    if certificate is None:
        return "none"
    failed = certificate.failures
    parts = [f"{'passed' if known.passed else 'not passed'} at tol {compact(certificate.tol)}"]
    worst = max((float(c.scaled) for c in certificate.checks), default=float("nan"))
    if not np.isnan(worst):
        parts.append(f"largest scaled residual {compact(worst)}")
    if failed:
        kinds = dict.fromkeys(check.kind for check in failed)
        for kind in kinds:
            names = [check.name for check in failed if check.kind == kind]
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            parts.append(f"fails {kind} of {', '.join(names[:3])}{more}")
    if certificate.kink is not None:
        parts.append(certificate.kink.reason)
    if certificate.gap is not None:
        parts.append(f"at most {compact(certificate.gap)} from the optimum")
    if certificate.multipliers == "estimated":
        parts.append("multipliers estimated")
    return "; ".join(parts)


def _cost(solution: "Solution") -> str:
    stats = solution.stats
    steps = f"{stats.steps:,} step{'' if stats.steps == 1 else 's'}"
    return (
        f"{steps} of {stats.method} in {seconds(stats.run_seconds)} + "
        f"{seconds(stats.compile_seconds)} to compile"
    )


def seconds(value: float | int) -> str:
    """A duration: `"34 ms"`, `"2.1 s"`, `"3 min 5 s"`."""
    if not np.isfinite(value):
        return "unknown time"
    if value < 1:
        return f"{1000 * value:.0f} ms" if value >= 0.0095 else f"{1000 * value:.2g} ms"
    if value < 100:
        return f"{value:.3g} s"
    minutes, left = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> list[str]:
    """Aligned columns within the width; the widest text columns give way first."""
    widths = [max(cells(row[i]) for row in [head, *rows]) for i in range(len(head))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1

    def line(row: Sequence[str]) -> str:
        columns = zip(row, align, widths, strict=True)
        return "  ".join(pad(cut(cell, w), w, a) for cell, a, w in columns)

    return [line(head), "  ".join("─" * w for w in widths), *map(line, rows)]
