"""One judge for all solvers: what the certificate makes of the point that each returned."""

from typing import Any, NamedTuple

import numpy as np

import stationary as st

TOL = 1e-6
"""What the certificate counts as zero."""


class Answer(NamedTuple):
    """What a solver returned, and what it says of it.

    **Arguments:**

    - `x`: the point, like the statement's unknown.
    - `duals`: multipliers by constraint name, or `None` where the solver gives none.
    - `status`: in the solver's words.
    - `claims`: whether the solver says that this is a solution.
    - `steps`: iterations, by its own count.
    """

    x: Any
    duals: Any
    status: str
    claims: bool
    steps: int


class Score(NamedTuple):
    """What the certificate makes of a point, whichever solver it came from.

    **Arguments:**

    - `solved`: every first-order check passes at `TOL`, and the certificate has no proof that there
        is no answer: far enough out every residual is small beside the numbers it is made of.
    - `worst`, `check`: the largest scaled residual, and the check it belongs to.
    - `verdict`: in the certificate's words.
    - `multipliers`: `"given"` or `"estimated"`, whichever makes the point look better.
    - `objective`: the value there.
    """

    solved: bool
    worst: float
    check: str
    verdict: str
    multipliers: str
    objective: float


def score(statement: st.Minimize, x: Any, duals: Any, data: Any = None) -> Score:
    """The better of two certificates: with the solver's multipliers, and with estimated ones.

    **Arguments:**

    - `statement`, `data`: the problem.
    - `x`: the point.
    - `duals`: multipliers by constraint name; none or not finite counts as none given.
    """
    usable = bool(duals) and all(np.all(np.isfinite(dual)) for dual in duals.values())
    found = []
    for point in [st.Point(x, duals), x] if usable else [x]:
        certificate = st.certify(statement, point, data=data, tol=TOL, second_order=False)
        worst = max(certificate.checks, key=lambda check: _size(check.scaled))
        found.append(
            Score(
                certificate.passed and all(check.passed for check in certificate.checks),
                float(worst.scaled),
                f"{worst.kind} {worst.name}",
                certificate.verdict.word,
                certificate.multipliers,
                float(certificate.objective),  # pyright: ignore[reportArgumentType]
            )
        )
        if found[-1].solved:
            break
    return min(found, key=lambda score: (not score.solved, _size(score.worst)))


def _size(residual: float) -> float:
    """A residual to be compared: one that is no number is worse than any."""
    return np.inf if np.isnan(residual) else residual
