"""Which constant steps are stable on a linear operator, from its eigenvalues."""

import dataclasses
import math

import numpy as np
from jaxtyping import Complex


@dataclasses.dataclass(frozen=True)
class StepInterval:
    """The open interval of steps that are locally stable; perhaps empty.

    **Arguments:**

    - `low`, `high`: its ends; `low >= high` where no step is stable.

    !!! example
        >>> interval = StepInterval(0.5, 2.0)
        >>> 0.4 in interval, 1.0 in interval, interval.empty
        (False, True, False)
    """

    low: float
    high: float

    @property
    def empty(self) -> bool:
        """Whether no step is stable."""
        return not self.low < self.high

    def __contains__(self, step: float) -> bool:
        return bool(self.low < step < self.high)

    def __str__(self) -> str:
        return "no step" if self.empty else f"steps from {self.low:.4g} to {self.high:.4g}"


def stable_steps(eigenvalues: Complex[np.ndarray, "n"], *, ahead: bool) -> StepInterval:
    """The steps at which all modes shrink.

    A mode of eigenvalue l is multiplied by 1 - s l + (s l)^2 in a step s of extragradient, and by
    1 - s l in one of descent-ascent.

    **Arguments:**

    - `eigenvalues`: of the operator's derivative.
    - `ahead`: of extragradient rather than descent-ascent.
    """
    low, high = 0.0, math.inf
    for value in eigenvalues:
        size = abs(value)
        if size == 0:
            return StepInterval(0.0, 0.0)
        least, most = (_ahead if ahead else _plain)(float(value.real / size))
        low, high = max(low, least / size), min(high, most / size)
    return StepInterval(low, high) if low < high else StepInterval(0.0, 0.0)


def _plain(cosine: float) -> tuple[float, float]:
    """Where |1 - u e^(i angle)| < 1, u > 0."""
    return 0.0, 2 * max(cosine, 0.0)


def _ahead(cosine: float) -> tuple[float, float]:
    """Where |1 - z + z^2| < 1 for z = u e^(i angle), u > 0: always one interval.

    |1 - z + z^2|^2 - 1 = u (u^3 - 2 c u^2 + (4 c^2 - 1) u - 2 c) with c the cosine.
    """
    roots = np.roots([1.0, -2 * cosine, 4 * cosine**2 - 1, -2 * cosine])
    real = np.sort(roots[np.abs(roots.imag) < 1e-9].real)
    if cosine >= 0:  # negative from 0 on; the one positive root lies near 1
        return 0.0, float(real[-1])
    positive = real[real > 0]
    return (float(positive[0]), float(positive[-1])) if positive.size > 1 else (0.0, 0.0)
