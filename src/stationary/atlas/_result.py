"""What a run of a paper found, and whether its claims hold."""

import dataclasses
import enum
from typing import Any

from ._measurements import Measured, Table
from ._paper import Claim, Paper


class Verdict(enum.StrEnum):
    """What became of a claim."""

    HOLDS = "holds"
    NOT_REPRODUCED = "not reproduced"
    NOT_MEASURED = "not measured at this scale"

    @property
    def mark(self) -> str:
        """A sign for tables, beside the word and never instead of it."""
        return {"holds": "✓", "not reproduced": "✗"}.get(self.value, "–")


def judge(claim: Claim, measured: Measured | None) -> Verdict:
    """Whether a claim holds: its number does, and so does the whole interval if it has one."""
    if measured is None:
        return Verdict.NOT_MEASURED
    numbers = (measured.value, *(measured.interval or ()))
    return Verdict.HOLDS if all(map(claim.rule.holds, numbers)) else Verdict.NOT_REPRODUCED


@dataclasses.dataclass(frozen=True)
class Result:
    """What one run of a paper found.

    **Arguments:**

    - `number`: the paper.
    - `scale`, `seed`: what was run.
    - `measured`: a number per claim that this scale measures.
    - `figures`: SVG texts by caption.
    - `tables`: tables by caption.
    - `notes`: how it was measured, and what was tried.
    - `seconds`: the duration of the run.
    - `environment`: versions, device and precision.
    """

    number: int
    scale: str
    seed: int
    measured: dict[str, Measured]
    figures: dict[str, str]
    tables: dict[str, Table]
    notes: tuple[str, ...]
    seconds: float
    environment: dict[str, Any]

    @property
    def paper(self) -> Paper:
        """The paper, as it is declared now."""
        from ._registry import paper

        return paper(self.number)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """What became of each claim, in the paper's order."""
        return {claim.id: judge(claim, self.measured.get(claim.id)) for claim in self.paper.claims}

    def __str__(self) -> str:
        from ._text import as_text

        return as_text(self)
