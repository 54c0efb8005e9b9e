"""A certificate as a table of plain text."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from ._certificate import Certificate

_WIDTH = 100


def as_table(certificate: "Certificate") -> str:
    """The verdict, an aligned line per check, and the notes, within 100 columns."""
    word = "passed" if certificate.passed else "not passed"
    lines = [
        f"{certificate.verdict.word} ({word} at tol {certificate.tol:g}): "
        f"{certificate.verdict.meaning}"
    ]
    lines += _table(certificate)
    lines += _facts(certificate)
    return "\n".join(line.rstrip() for entry in lines for line in _wrap(entry))


def _table(certificate: "Certificate") -> list[str]:
    sampled = any(check.error for check in certificate.checks)
    rows = [("check", "of", "absolute", "scaled", *(("+-",) if sampled else ()), "")]
    for check in certificate.checks:
        error = (f"{check.error:.1e}",) if sampled else ()
        mark = "ok" if check.passed else "FAILS"
        numbers = (f"{check.absolute:.2e}", f"{check.scaled:.2e}", *error)
        rows.append((check.kind, _short(check.name), *numbers, mark))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  " + "  ".join(_align(row, widths)) for row in rows]


def _align(row: tuple[str, ...], widths: list[int]) -> list[str]:
    last = len(row) - 1
    return [
        entry.rjust(width) if 2 <= i < last else entry.ljust(width)
        for i, (entry, width) in enumerate(zip(row, widths, strict=True))
    ]


def _facts(certificate: "Certificate") -> list[str]:
    facts = []
    if isinstance(certificate.objective, dict):
        facts.append("objectives: " + _pairs(certificate.objective))
    elif not np.isnan(certificate.objective):
        facts.append(f"objective: {certificate.objective:.10g}")
    if certificate.weights:
        facts.append("weights: " + _pairs(certificate.weights))
    if certificate.multipliers == "estimated":
        facts.append("multipliers: estimated from the point, not the solver's")
    if certificate.gap is not None:
        facts.append(f"gap: {certificate.gap:.3g} ({certificate.gap_reason})")
    facts += [f"curvature in {name}: {c.reason}" for name, c in certificate.curvature.items()]
    if certificate.kink is not None:
        facts.append(f"kink: {certificate.kink.reason}")
    if certificate.ray is not None:
        status = "proved" if certificate.ray.proved else "not proved"
        facts.append(f"{certificate.ray.kind} ray, {status}: {certificate.ray.reason}")
    if certificate.set_prices:
        facts.append("set prices: " + _pairs(certificate.set_prices))
    if certificate.errors:
        facts.append("standard errors: " + _pairs(certificate.errors))
    return [f"  {fact}" for fact in (*facts, *(f"note: {note}" for note in certificate.notes))]


def _pairs(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.6g}" for name, value in values.items())


def _short(name: str) -> str:
    return name if len(name) <= 40 else name[:39] + "…"


def _wrap(line: str) -> list[str]:
    if len(line) <= _WIDTH:
        return [line]
    return textwrap.wrap(line, _WIDTH, subsequent_indent="    ", drop_whitespace=True) or [""]
