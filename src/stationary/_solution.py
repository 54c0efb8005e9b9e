"""What a solve returns: the answer, why it stopped, how good it is, and how it got there."""

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from ._point import Point
from ._status import Status

if TYPE_CHECKING:
    from ._run import Progress
    from ._statements import AbstractStatement
    from .certify import Certificate


@dataclasses.dataclass(frozen=True)
class Trace:
    """The thinned history of a solve, one row per record.

    Every step is recorded at first, then ever fewer (64 per doubling of the step count), at step
    numbers that do not depend on timing.

    **Arguments:**

    - `steps`, `seconds`: when each record was made; seconds since the solve began.
    - `objective`, `residual`, `stationarity`, `feasibility`: the metrics then.
    - `violations`: the largest violation per constraint.
    - `duals`: per constraint, the multiplier itself when it is one number, else its largest entry.
    - `log`: what the method tells of its own steps, by the method's names; empty for most methods.
    """

    steps: Int[np.ndarray, "records"]
    seconds: Float[np.ndarray, "records"]
    objective: Float[np.ndarray, "records"]
    residual: Float[np.ndarray, "records"]
    stationarity: Float[np.ndarray, "records"]
    feasibility: Float[np.ndarray, "records"]
    violations: dict[str, Float[np.ndarray, "records"]]
    duals: dict[str, Float[np.ndarray, "records"]]
    log: dict[str, Float[np.ndarray, "records"]] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.steps)


@dataclasses.dataclass(frozen=True)
class Stats:
    """What a solve cost, and how its method was chosen.

    **Arguments:**

    - `method`, `reason`: the method's spelling, and why it was picked.
    - `steps`: steps taken, over all resumptions.
    - `compile_seconds`, `run_seconds`, `seconds`: tracing and compiling; stepping; everything.
    - `traces`: how many times a solver was traced for this solve (0 when all were cached).
    - `tol`: the tolerance that was asked for.
    - `notices`: what was changed about the input, and where the solve was resumed.
    """

    method: str
    reason: str
    steps: int
    compile_seconds: float
    run_seconds: float
    seconds: float
    traces: int
    tol: float
    notices: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Solution:
    """The answer of [`solve`][stationary.solve].

    **Arguments:**

    - `problem`: the statement that was solved, with its data.
    - `point`: the answer: the last point when converged, else the best feasible one seen.
    - `last`: the point of the last step.
    - `objective`: the user's objective at `point` (NaN where the statement has none).
    - `status`: why the solve stopped.
    - `trace`, `stats`: how it went and what it cost.
    - `aux`: the objective's auxiliary output at `point`, when it has one.
    - `state`: the solve's full state; continue with `solve(problem, state=solution.state)`.
    """

    problem: "AbstractStatement"
    point: Point
    last: Point
    objective: float
    status: Status
    trace: Trace
    stats: Stats
    aux: Any
    state: "Progress"

    @property
    def value(self) -> PyTree[Array]:
        """The unknown at the answer."""
        return self.point.primal

    @property
    def duals(self) -> dict[str, Float[Array, "..."]]:
        """The multipliers by constraint name; L = f + <dual, g>."""
        return self.point.duals

    @cached_property
    def certificate(self) -> "Certificate":
        """How stationary the answer is, from the statement alone and in float64.

        Computed at first access; [`certify`][stationary.certify] has options.
        """
        from .certify import certify

        return certify(self)

    def __str__(self) -> str:
        from .report import as_text

        return as_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        from .report import as_html

        return as_html(self)
