"""What there is to say about a solution, as plain numbers and words, for text and pages alike."""

import dataclasses
import re
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Float

from .._nested import Nested
from .._statements import Saddle
from ..certify import Certificate, Verdict
from ..sets import Zero

if TYPE_CHECKING:
    from .._solution import Solution
    from .._statements import AbstractStatement

# Below this share of the largest multiplier, an entry counts as zero.
_NEGLIGIBLE = 1e-6


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One array of the unknown: where it sits, and its values on the host."""

    where: str
    values: Float[np.ndarray, "..."]
    dtype: str

    @property
    def shape(self) -> str:
        """The shape in words: `"3 × 4"`, or `"number"`."""
        return " × ".join(map(str, self.values.shape)) if self.values.shape else "number"


@dataclasses.dataclass(frozen=True)
class Limit:
    """One constraint at the answer.

    **Arguments:**

    - `name`, `words`: the constraint's name, and what it asks for.
    - `dual`: its multiplier.
    - `violation`: the largest violation by the certificate, else as the method last saw it; NaN
        when neither knows.
    - `binding`: entries with a multiplier that is not negligible.
    - `equality`: whether it binds by its nature.
    """

    name: str
    words: str
    dual: Float[np.ndarray, "..."]
    violation: float
    binding: int
    equality: bool

    @property
    def multiplier(self) -> float:
        """The multiplier when it is one number, else its entry of the largest size."""
        flat = self.dual.reshape(-1)
        return float(flat[np.argmax(np.abs(flat))]) if flat.size else float("nan")

    @property
    def activity(self) -> str:
        """Whether the constraint matters at the answer, in a word or two."""
        if self.dual.size == 1:
            return "yes" if self.equality or self.binding else "no"
        if self.equality:
            return f"all {self.dual.size}"
        return f"{self.binding} of {self.dual.size}"


@dataclasses.dataclass(frozen=True)
class Facts:
    """A solution, read once.

    **Arguments:**

    - `statement`: the statement in words, a line per part.
    - `certificate`: None when it could not be computed; `trouble` then says why.
    - `leaves`, `limits`: the unknown's arrays and the constraints.
    """

    statement: list[str]
    certificate: Certificate | None
    trouble: str
    leaves: list[Leaf]
    limits: list[Limit]

    @property
    def verdict(self) -> str:
        """The certificate's verdict in words."""
        return "not certified" if self.certificate is None else self.certificate.verdict.word

    @property
    def meaning(self) -> str:
        """The verdict as a sentence."""
        if self.certificate is None:
            return f"the certificate could not be computed ({self.trouble})"
        return self.certificate.verdict.meaning

    @property
    def mark(self) -> str:
        """The verdict as one character."""
        if self.certificate is None or self.certificate.verdict is Verdict.UNDETERMINED:
            return "?"
        return "✓" if self.passed else "✗"

    @property
    def passed(self) -> bool:
        """Whether the certificate passed."""
        return self.certificate is not None and bool(self.certificate.passed)


def facts(solution: "Solution") -> Facts:
    """Read a solution, with its certificate; nothing here raises on a poor answer."""
    certificate, trouble = None, ""
    try:
        certificate = solution.certificate
    except Exception as error:  # a report of a solve must come out even when its check cannot
        trouble = f"{type(error).__name__}: {error}"
    leaves = [
        Leaf(_place(solution.problem, path), np.asarray(leaf, float), str(np.asarray(leaf).dtype))
        for path, leaf in jax.tree_util.tree_leaves_with_path(solution.value)
    ]
    return Facts(
        statement=solution.problem.describe(),
        certificate=certificate,
        trouble=trouble,
        leaves=leaves,
        limits=_limits(solution, certificate),
    )


def _place(problem: "AbstractStatement", path: tuple) -> str:
    """Where an array sits, by the name that the statement calls the variable by."""
    if isinstance(problem, Saddle | Nested):
        first, rest = path[0].idx, jax.tree_util.keystr(path[1:])
        return f"{'xy'[first]}{rest}" if first < 2 else f"value[{first}]{rest}"
    return "x" + jax.tree_util.keystr(path)


def _limits(solution: "Solution", certificate: Certificate | None) -> list[Limit]:
    constraints = getattr(solution.problem, "subject_to", {})
    duals = {name: np.asarray(dual, float) for name, dual in solution.duals.items()}
    sizes = [np.max(np.abs(dual)) for dual in duals.values() if dual.size]
    floor = _NEGLIGIBLE * max([1.0, *(size for size in sizes if np.isfinite(size))])
    checked = _violations(certificate)
    limits = []
    # Pytrees sort their keys; a reader expects the order of the statement.
    for name in [*constraints, *(name for name in duals if name not in constraints)]:
        constraint, dual = constraints.get(name), duals[name]
        seen = solution.trace.violations.get(name, np.zeros(0))
        last = float(seen[-1]) if len(seen) else float("nan")
        limits.append(
            Limit(
                name=name,
                words=constraint.describe() if constraint else "",
                dual=dual,
                violation=checked.get(name, last),
                binding=int(np.sum(np.abs(dual) > floor)),
                equality=isinstance(getattr(constraint, "cone", None), Zero),
            )
        )
    return limits


def _violations(certificate: Certificate | None) -> dict[str, float]:
    checks = [] if certificate is None else certificate.checks
    return {check.name: float(check.absolute) for check in checks if check.kind == "feasibility"}


def method_name(method: str) -> str:
    """The name of a method from its spelling: `"PrimalDual"`."""
    return re.split(r"\W", method, maxsplit=1)[0] or method


def tightened(tol: float, dtype: str) -> float | None:
    """A tolerance a hundred times smaller, or None where `dtype` cannot certify it."""
    smaller = 0.01 * tol
    return smaller if smaller >= 10 * float(np.finfo(dtype).eps) else None
