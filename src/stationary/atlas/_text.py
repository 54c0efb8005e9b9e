"""The table of claims, for terminals."""

import textwrap

from ._measurements import Measured
from ._result import Result

ORIGINS = {"paper": "The paper", "scaled": "The paper, scaled down", "ours": "Our expectation"}
"""Whose statement a claim is, in words."""


def shown(measured: Measured | None) -> str:
    """A measured number for people; nothing where there is none."""
    return "" if measured is None else str(measured)


def as_text(result: Result) -> str:
    """A result in plain text: each claim with the rule, what was measured and the verdict.

    **Arguments:**

    - `result`: what [`run`][stationary.atlas.run] returned.
    """
    paper, verdicts = result.paper, result.verdicts
    lines = [f"{paper.number:03d} {paper.title}", ""]
    for claim in paper.claims:
        verdict = verdicts[claim.id]
        measured = result.measured.get(claim.id)
        lines.append(f"{verdict.mark} {claim.id}: {verdict}")
        statement = f"{ORIGINS[claim.source]}: {claim.statement}."
        lines += textwrap.wrap(statement, 96, initial_indent="  ", subsequent_indent="  ")
        found = "" if measured is None else f"Measured {shown(measured)}; "
        lines.append(f"  {found}holds when {claim.rule.describe()}.")
    lines += ["", f"scale {result.scale}, seed {result.seed}, {result.seconds:.0f} s"]
    return "\n".join(lines)
