"""A solve that goes on until its certificate passes."""

import dataclasses
import tempfile
import warnings
from pathlib import Path
from typing import Any

from .._method import AbstractMethod
from .._solution import Solution
from .._status import Status
from ..driver import solve
from ._case import Case
from ._exit import certificate_of

ROUNDS = 4
"""How often the solver's tolerance is divided by ten before a refused answer is left as it is."""


def solve_certified(
    case: Case, method: AbstractMethod | None, checkpoint: Path | None, **options: Any
) -> Solution:
    """Solve, and continue at a smaller tolerance for as long as the certificate refuses.

    A method measures convergence in its own units, the certificate in none (a distance in x, a
    relative force), so an answer may need more steps than the method believes. The tolerance that
    is reported, and that the certificate holds at, remains the one that was asked for.

    **Arguments:**

    - `case`: the problem.
    - `method`: default: chosen by what the problem provides.
    - `checkpoint`: where to keep the solve's state, if anywhere.
    - `options`: passed on to [`solve`][stationary.solve].

    **Raises:** what `solve` raises.
    """
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # Also among the notices of the solution, which are printed with it.
        warnings.filterwarnings("ignore", "x0 lay outside")
        path = Path(folder) / "checkpoint" if checkpoint is None else checkpoint
        solution = first = solve(case.problem, case.x0, method, checkpoint=path, **options)
        options["resume"] = True
        for k in range(1, ROUNDS + 1):
            certificate = certificate_of(solution)
            if solution.status is not Status.CONVERGED or certificate is None or certificate.passed:
                break
            options["tol"] = first.stats.tol / 10**k
            try:
                more = solve(case.problem, case.x0, method, checkpoint=path, **options)
            except ValueError:  # below what the arithmetic can resolve
                break
            solution = _judged_at(first, more, options["tol"])
        return solution


def _judged_at(first: Solution, more: Solution, tol: float) -> Solution:
    """`more` as the outcome of the first call: its tolerance, and the cost of all."""
    notice = f"the certificate asked for more than the method: continued at tol {tol:.0e}."
    stats = dataclasses.replace(
        more.stats,
        tol=first.stats.tol,
        reason=first.stats.reason,
        compile_seconds=first.stats.compile_seconds + more.stats.compile_seconds,
        # `more` counts the steps of the first call, but not what came before and after them.
        seconds=more.stats.seconds + first.stats.seconds - first.stats.run_seconds,
        traces=first.stats.traces + more.stats.traces,
        notices=(*first.stats.notices, notice),
    )
    return dataclasses.replace(more, stats=stats)
