"""What a certificate says: a verdict, the checks behind it, and what else was found out."""

import dataclasses
import enum
import math
from typing import Any

import numpy as np
from jaxtyping import Float


class Verdict(enum.Enum):
    """What was found out about a point, in words.

    !!! example
        >>> Verdict.SADDLE.word, Verdict.SADDLE.passed
        ('saddle, not a minimum', False)
    """

    OPTIMAL = "optimal"
    LOCAL_MINIMUM = "local minimum"
    LOCAL_SADDLE = "local saddle"
    LOCAL_MINIMAX = "local minimax"
    STATIONARY = "stationary"
    EPSILON_STATIONARY = "epsilon-stationary (kink)"
    SADDLE = "saddle, not a minimum"
    NOT_A_SADDLE = "stationary, but no saddle point"
    NOT_STATIONARY = "not stationary"
    INFEASIBLE_POINT = "infeasible point"
    INFEASIBLE = "infeasible problem"
    LOCALLY_INFEASIBLE = "locally infeasible"
    UNBOUNDED = "unbounded problem"
    UNDETERMINED = "undetermined"

    @property
    def word(self) -> str:
        """The verdict in lower-case words."""
        return self.value

    @property
    def passed(self) -> bool:
        """Whether the point is what was asked for, as far as was looked."""
        return self in _PASSED

    @property
    def meaning(self) -> str:
        """The verdict as a sentence."""
        return _MEANINGS[self]

    def __str__(self) -> str:
        return self.value


_PASSED = frozenset(
    {
        Verdict.OPTIMAL,
        Verdict.LOCAL_MINIMUM,
        Verdict.LOCAL_SADDLE,
        Verdict.LOCAL_MINIMAX,
        Verdict.STATIONARY,
        Verdict.EPSILON_STATIONARY,
    }
)
_MEANINGS = {
    Verdict.OPTIMAL: "no feasible point is better, given that the problem is convex as declared",
    Verdict.LOCAL_MINIMUM: "first and second-order conditions hold: no point nearby is better",
    Verdict.LOCAL_SADDLE: "each player's conditions hold: neither can do better nearby",
    Verdict.LOCAL_MINIMAX: "y can do no better nearby, nor can x once y has answered",
    Verdict.STATIONARY: "the first-order conditions hold",
    Verdict.EPSILON_STATIONARY: "zero lies in the hull of gradients sampled around the point",
    Verdict.SADDLE: "the first-order conditions hold, but a feasible direction improves on it",
    Verdict.NOT_A_SADDLE: "the first-order conditions hold, but a player can do better nearby",
    Verdict.NOT_STATIONARY: "the first-order conditions do not hold",
    Verdict.INFEASIBLE_POINT: "the point violates a constraint or lies outside the set",
    Verdict.INFEASIBLE: "no point satisfies the constraints, as the ray shows",
    Verdict.LOCALLY_INFEASIBLE: "no small move reduces the violation of the constraints",
    Verdict.UNBOUNDED: "the objective improves without bound along the ray",
    Verdict.UNDETERMINED: "something is not finite, so nothing can be said",
}


@dataclasses.dataclass(frozen=True)
class Check:
    """One condition, measured.

    **Arguments:**

    - `kind`: `"stationarity"`, `"feasibility"`, `"dual sign"`, `"complementarity"`, `"set"` or
        `"finite"`; at a kink, `"hull of gradients"` in place of the first.
    - `name`: the constraint, or the place of the variable such as `"x['w']"`.
    - `absolute`: the largest violation in the statement's own units.
    - `scaled`: the same, free of units (a relative distance in x, or a relative force); it decides.
    - `passed`: whether `scaled` is within the tolerance and three standard errors.
    - `error`: the standard error of `scaled`, where it was estimated from samples.
    """

    kind: str
    name: str
    absolute: float
    scaled: float
    passed: bool
    error: float = 0.0


@dataclasses.dataclass(frozen=True)
class Curvature:
    """The second-order test: the Lagrangian's curvature along directions that keep first order.

    **Arguments:**

    - `smallest`, `largest`: the extreme curvatures; NaN where there is no such direction.
    - `scale`: the size that they are compared with.
    - `dimension`: of the critical subspace.
    - `undecided`: how many directions a zero multiplier neither holds nor frees.
    - `sign`: 1 positive, -1 negative, 0 neither within the tolerance.
    - `reason`: the finding in words.
    """

    smallest: float
    largest: float
    scale: float
    dimension: int
    undecided: int
    sign: int
    reason: str


@dataclasses.dataclass(frozen=True)
class Kink:
    """What gradients sampled around a point show where the one at the point does not vanish.

    With multipliers and the normals of bounds, a convex combination of gradients within `radius`
    of the point has length `residual`: the point is epsilon-stationary, epsilon the radius.

    **Arguments:**

    - `residual`: the combination's largest entry, relative to the largest force in it.
    - `radius`: epsilon, in units of x: the tolerance times the size of x.
    - `gradients`: how many have a part in it, those of active constraints included.
    - `points`: how many points were looked at.
    - `better`: whether a point a few radii away is so much better that no minimum is within one.
    """

    residual: float
    radius: float
    gradients: int
    points: int
    better: bool

    @property
    def reason(self) -> str:
        """The finding in words."""
        found = (
            f"0 lies within {self.residual:.1e} (relative) of the hull of {self.gradients} "
            f"gradients, found at {self.points} points within {self.radius:.1e} of x"
        )
        return f"{found}, but a point nearby is better" if self.better else found


@dataclasses.dataclass(frozen=True, eq=False)
class Ray:
    """A proof, or an attempted proof, that a problem has no answer.

    **Arguments:**

    - `kind`: `"infeasible"` (multipliers that no point of the set can satisfy) or `"unbounded"`
        (a direction along which the objective improves for ever).
    - `vector`: the multipliers by constraint name, or the direction by the variable's leaves.
    - `proved`: whether the check went through.
    - `reason`: what was checked, and what failed.
    """

    kind: str
    vector: dict[str, Float[np.ndarray, "..."]]
    proved: bool
    reason: str


@dataclasses.dataclass(frozen=True, eq=False)
class Certificate:
    """How stationary a point is: NumPy values and words only, so it can be stored and sent.

    **Arguments:**

    - `verdict`, `passed`, `tol`: the conclusion, and the tolerance it holds at.
    - `checks`: the conditions behind it.
    - `objective`: the value there, or one per objective of a `Balance`; NaN if there is none.
    - `duals`: the multipliers that were checked; L = f + <dual, g>.
    - `multipliers`: whether they were `"given"`, `"estimated"` here, or there are `"none"`.
    - `gap`: how far the objective can be from the optimum by a dual bound, where one was evaluated.
    - `gap_reason`: what that bound rests on, or why there is none.
    - `curvature`: the second-order test by player (`"x"`, and `"y"` of a saddle), where assessed.
    - `kink`: what gradients around the point show, where those at the point do not vanish and these
        have zero in their hull.
    - `ray`: a proof of infeasibility or unboundedness, or why a given one proves nothing.
    - `set_prices`: the multiplier of each leaf's set, where it has a size.
    - `weights`: per objective, for a `Balance`: those of the shortest combination of gradients.
    - `errors`: standard errors, where samples were drawn.
    - `notes`: whatever a careful reader should know.
    """

    verdict: Verdict
    tol: float
    checks: tuple[Check, ...]
    objective: float | dict[str, float]
    duals: dict[str, Float[np.ndarray, "..."]]
    multipliers: str
    gap: float | None = None
    gap_reason: str = ""
    curvature: dict[str, Curvature] = dataclasses.field(default_factory=dict)
    kink: Kink | None = None
    ray: Ray | None = None
    set_prices: dict[str, float] = dataclasses.field(default_factory=dict)
    weights: dict[str, float] = dataclasses.field(default_factory=dict)
    errors: dict[str, float] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the point is what was asked for, as far as was looked."""
        return self.verdict.passed

    @property
    def failures(self) -> tuple[Check, ...]:
        """The checks that do not hold."""
        return tuple(check for check in self.checks if not check.passed)

    def to_dict(self) -> dict[str, Any]:
        """The certificate as JSON can hold it: infinite and missing numbers as strings."""
        fields = {f.name: _plain(getattr(self, f.name)) for f in dataclasses.fields(self)}
        return {**fields, "verdict": self.verdict.word, "passed": self.passed}

    def __str__(self) -> str:
        from ._text import as_table

        return as_table(self)

    __repr__ = __str__


def _plain(value: Any) -> Any:
    """Dataclasses, arrays and numbers as lists, dicts, strings and finite floats."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return value
