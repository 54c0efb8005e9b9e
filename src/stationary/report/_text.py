"""A solution as plain text, for `print` and the terminal."""

import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..plot._words import compact
from ._facts import Facts, Leaf, Limit, facts, words_of

if TYPE_CHECKING:
    from .._solution import Solution

WIDTH = 100
_ROWS = 16
_LABEL = 13


def as_text(solution: "Solution") -> str:
    """A solution in at most 100 columns: what was asked, how good the answer is, what it cost.

    **Arguments:**

    - `solution`: what `solve` returned. Its certificate is computed if it has not been.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> from stationary.report import as_text
        >>> text = as_text(st.solve(st.Minimize(lambda x: jnp.sum((x - 1) ** 2)), jnp.zeros(2)))
        >>> text.splitlines()[0]
        'minimise <lambda>(x)'
    """
    known = facts(solution)
    lines = [*_wrapped_all(known.statement), ""]
    lines += _entry("verdict", f"{'✓' if known.passed else '✗'} {known.verdict}")
    lines += _entry("status", f"{solution.status.word}: {solution.status.message}")
    if not np.isnan(solution.objective):
        lines += _entry("objective", compact(solution.objective, 8))
    lines += _unknown(known.leaves)
    lines += _constraints(known.limits)
    lines += _prices(known)
    lines += _entry("certificate", _certificate(known))
    lines += _entry("cost", _cost(solution))
    for notice in solution.stats.notices:
        lines += _entry("note", notice)
    return "\n".join(line.rstrip() for line in lines)


def _entry(label: str, content: str) -> list[str]:
    content = " ".join(content.split())
    return textwrap.wrap(
        content,
        WIDTH,
        initial_indent=label.ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
    ) or [label]


def _wrapped_all(lines: Iterable[str]) -> list[str]:
    return [
        part
        for line in lines
        for part in textwrap.wrap(line, WIDTH, subsequent_indent="    ") or [""]
    ]


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
    parts = [f"{compact(finite.min())} to {compact(finite.max())}, mean {compact(finite.mean())}"]
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
        lines.append(f"and {len(limits) - _ROWS} more, with smaller multipliers and violations")
    return [*lines, ""]


def _weight(limit: Limit) -> float:
    return float(np.nan_to_num(abs(limit.multiplier), nan=np.inf)) + limit.violation


def _prices(known: Facts) -> list[str]:
    prices = getattr(known.certificate, "set_prices", None)
    if not prices:
        return []
    return _entry("set prices", "; ".join(f"{name} {price}" for name, price in price_rows(prices)))


def price_rows(prices: dict) -> list[tuple[str, str]]:
    """What each set's limit would be worth, a spelling per set."""
    rows = []
    for name, price in prices.items():
        if isinstance(price, dict):
            rows += [(f"{name} {part}", spelled) for part, spelled in price_rows(price)]
        elif price is not None:
            rows.append((str(name), summary(np.asarray(price, float))))
    return rows


def _certificate(known: Facts) -> str:
    certificate = known.certificate
    if certificate is None:
        return f"could not be computed ({known.trouble})"
    failed = [check for check in certificate.checks if not check.passed]
    parts = [f"{'passed' if known.passed else 'not passed'} at tol {compact(certificate.tol)}"]
    worst = max((float(c.scaled) for c in certificate.checks), default=float("nan"))
    if not np.isnan(worst):
        parts.append(f"largest scaled residual {compact(worst)}")
    if failed:
        names = ", ".join(f"{words_of(c.kind)} {c.name}".strip() for c in failed[:4])
        more = f" and {len(failed) - 4} more" if len(failed) > 4 else ""
        parts.append(f"fails: {names}{more}")
    if certificate.gap is not None:
        parts.append(f"gap to the optimum at most {compact(certificate.gap)}")
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


def seconds(value: float) -> str:
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
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1

    def line(cells: Sequence[str]) -> str:
        cut = [c if len(c) <= w else c[: w - 1] + "…" for c, w in zip(cells, widths, strict=True)]
        return "  ".join(f"{c:{a}{w}}" for c, a, w in zip(cut, align, widths, strict=True))

    return [line(head), "  ".join("─" * w for w in widths), *map(line, rows)]
