"""A solution as a small piece of HTML, for notebooks."""

from typing import TYPE_CHECKING

import numpy as np

from ..plot._markup import join, tag
from ..plot._words import compact
from ._facts import facts, method_name
from ._text import seconds, summary

if TYPE_CHECKING:
    from .._solution import Solution

_ROWS = 12
# Mid-tones that can be read on white and on black.
_COLOURS = {"✓": "#2e9e6b", "?": "#b8860b", "✗": "#d9552c"}
_CELL = "padding:2px 14px 2px 0;text-align:left;vertical-align:top;background:none"


def render(solution: "Solution") -> str:
    """The markup of `as_html`."""
    known = facts(solution)
    mark = known.mark
    lines: list = [tag("div", line) for line in known.statement]
    lines.append(
        tag(
            "div",
            tag(
                "strong",
                f"{mark} {known.verdict}",
                style=f"color:{_COLOURS[mark]};font-size:1.15em",
            ),
            f" · {solution.status.word} · {solution.stats.steps:,} steps of "
            f"{method_name(solution.stats.method)} · {seconds(solution.stats.seconds)}",
            style="margin:.4em 0",
        )
    )
    if not known.passed:
        lines.append(tag("div", known.meaning))
    rows = []
    if not np.isnan(solution.objective):
        rows.append(["objective", compact(solution.objective, 8)])
    rows += [
        [leaf.where, f"{summary(leaf.values)} ({leaf.shape})"] for leaf in known.leaves[:_ROWS]
    ]
    lines.append(_table(None, rows))
    if known.limits:
        head = ["constraint", "multiplier", "violation", "active"]
        body = [
            [limit.name, compact(limit.multiplier, 5), compact(limit.violation), limit.activity]
            for limit in known.limits[:_ROWS]
        ]
        lines.append(_table(head, body))
        if len(known.limits) > _ROWS:
            lines.append(tag("div", f"and {len(known.limits) - _ROWS} more constraints"))
    prices = known.certificate.set_prices if known.certificate else {}
    if prices:
        rows = [[name, compact(price, 5)] for name, price in prices.items()]
        lines.append(_table(["set", "price"], rows[:_ROWS]))
    return tag("div", lines, style="line-height:1.45;overflow-x:auto")


def _table(head: list[str] | None, rows: list[list[str]]):
    top = [tag("th", cell, style=_CELL + ";opacity:.75", scope="col") for cell in head or []]
    body = [tag("tr", [tag("td", cell, style=_CELL) for cell in row]) for row in rows]
    return tag(
        "table",
        tag("thead", tag("tr", top)) if head else join(),
        tag("tbody", body),
        style="border-collapse:collapse;margin:.4em 0;color:inherit;font-size:inherit",
    )
