"""The table of claims, for terminals."""

import textwrap

from ._result import Result


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
        lines += textwrap.wrap(
            f"{_SOURCES[claim.source]}: {claim.statement}",
            96,
            initial_indent="    ",
            subsequent_indent="    ",
        )
        found = "" if measured is None else f"measured {measured}; "
        lines.append(f"    {found}holds when {claim.rule.describe()}")
    lines += ["", f"scale {result.scale}, seed {result.seed}, {result.seconds:.0f} s"]
    return "\n".join(lines)


_SOURCES = {"paper": "the paper says", "scaled": "the paper, scaled down", "ours": "we expect"}
