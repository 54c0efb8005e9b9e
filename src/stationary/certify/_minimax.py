"""Local minimax points: what second derivatives say about min over x of max over y, in this order.

**Source:** Jin, Netrapalli and Jordan (2020), What is local optimality in nonconvex-nonconcave
minimax optimization?, arXiv:1902.00618; Chae, Kim and Kim (2023), Two-timescale extragradient for
finding local minimax points, arXiv:2305.16242.
"""

import dataclasses
import enum

import numpy as np
from jaxtyping import Complex, Float

from ._steps import StepInterval, stable_steps


class MinimaxVerdict(enum.Enum):
    """What a stationary point is for min over x of max over y.

    !!! example
        >>> MinimaxVerdict.STRICT.word
        'strict local minimax'
    """

    STRICT = "strict local minimax"
    CALM = "calm local minimax, as far as second order tells"
    NOT = "not a local minimax"
    UNDETERMINED = "undetermined"

    @property
    def word(self) -> str:
        """The verdict in lower-case words."""
        return self.value

    def __str__(self) -> str:
        return self.value


@dataclasses.dataclass(frozen=True, eq=False)
class MinimaxPoint:
    """A stationary point of a `Saddle` by its second derivatives: NumPy values only.

    With A, B, C the blocks of the Hessian (xx, yy, xy), N a basis of the kernel of B and U one of
    the orthogonal complement of the range of C N, the restricted Schur complement is
    U' (A - C B^+ C') U. Where y has curvature in all directions it is A - C B^-1 C', the curvature
    of max over y; where it has none, y punishes every move in the range of C N, and only the rest
    of x counts.

    **Arguments:**

    - `verdict`, `reason`: the finding, and what it rests on in words.
    - `maximizer`: the eigenvalues of B, ascending.
    - `minimizer`: the eigenvalues of the restricted Schur complement, ascending; none where y
        punishes every move of x.
    - `kernel`: the dimension of the kernel of B.
    - `rtol`: what counted as zero, relative to the largest singular value of the Hessian.
    - `jacobian`: [[A, C], [-C', -B]], the derivative of (grad_x f, -grad_y f), in the order of the
        flattened unknown.
    - `split`: how many of its rows belong to x.
    """

    verdict: MinimaxVerdict
    reason: str
    maximizer: Float[np.ndarray, "y"]
    minimizer: Float[np.ndarray, "free"]
    kernel: int
    rtol: float
    jacobian: Float[np.ndarray, "n n"]
    split: int

    def eigenvalues(self, timescale: float = 1.0) -> Complex[np.ndarray, "n"]:
        """The eigenvalues of the operator's derivative when y moves `timescale` times as fast.

        **Arguments:**

        - `timescale`: at least 1; the rows of x are divided by it.

        **Raises:** `ValueError` for a timescale below 1 or not finite.
        """
        if not (np.isfinite(timescale) and timescale >= 1):
            raise ValueError(f"timescale must be a finite number of at least 1, got {timescale}.")
        slow = np.arange(len(self.jacobian)) < self.split
        scaled = self.jacobian / np.where(slow, timescale, 1.0)[:, None]
        return np.linalg.eigvals(scaled).astype(complex)

    def step_interval(self, timescale: float = 1.0, *, ahead: bool = True) -> StepInterval:
        """The constant steps at which iterations that begin nearby converge to this point.

        An empty interval is an answer, too: even some local minimax points repel at every step.
        Where the interval does not begin at 0, short steps diverge.

        **Arguments:**

        - `timescale`: how many times as fast as x the player y moves.
        - `ahead`: of [`ExtraGradient`][stationary.methods.ExtraGradient]; `False` is simultaneous
            [`GradientDescentAscent`][stationary.methods.GradientDescentAscent].

        **Raises:** `ValueError` for a timescale below 1 or not finite.
        """
        return stable_steps(self.eigenvalues(timescale), ahead=ahead)

    def __str__(self) -> str:
        return f"{self.verdict.word}: {self.reason}"


def judge_minimax(jacobian: Float[np.ndarray, "n n"], split: int, rtol: float) -> MinimaxPoint:
    """The finding from [[A, C], [-C', -B]] at a stationary point.

    **Arguments:**

    - `jacobian`: the derivative of (grad_x f, -grad_y f).
    - `split`: how many unknowns x has.
    - `rtol`: what counts as zero, relative to the largest singular value.
    """
    found, *others = (_judge(jacobian, split, rtol * factor) for factor in (1.0, 0.1, 10.0))
    verdicts = {found.verdict, *(other.verdict for other in others)}
    decided = verdicts - {MinimaxVerdict.UNDETERMINED}
    if len(decided) > 1:
        words = " or ".join(sorted(verdict.word for verdict in decided))
        reason = f"it hangs on what counts as zero (rtol {rtol:.3g}): {words}"
        return dataclasses.replace(found, verdict=MinimaxVerdict.UNDETERMINED, reason=reason)
    return found


def _judge(jacobian: np.ndarray, split: int, rtol: float) -> MinimaxPoint:
    a, c = _symmetric(jacobian[:split, :split]), jacobian[:split, split:]
    b = _symmetric(-jacobian[split:, split:])
    zero = rtol * _norm(jacobian)
    values, vectors = np.linalg.eigh(b) if b.size else (np.zeros(0), b)
    flat = np.abs(values) <= zero
    curved = vectors[:, ~flat]
    response = (c @ curved) / values[~flat] @ (c @ curved).T
    schur = a - response
    left, singular, _ = np.linalg.svd(c @ vectors[:, flat], full_matrices=True)
    free = left[:, int(np.sum(singular > zero)) :]
    restricted = _symmetric(free.T @ schur @ free)
    rest = np.linalg.eigvalsh(restricted) if restricted.size else np.zeros(0)
    slack = rtol * max(_norm(a) + _norm(response), _norm(jacobian))
    kernel = int(np.sum(flat))

    def result(verdict: MinimaxVerdict, reason: str) -> MinimaxPoint:
        return MinimaxPoint(verdict, reason, values, rest, kernel, rtol, jacobian, split)

    if np.any(values > zero):
        return result(
            MinimaxVerdict.NOT, f"y does better nearby: its curvature is up to {values[-1]:.3g}"
        )
    if np.any(rest < -slack):
        calm = "" if not kernel else ", and y has flat directions: none that is calm"
        return result(
            MinimaxVerdict.NOT,
            f"x does better nearby after y's answer: curvature as low as {rest[0]:.3g}{calm}",
        )
    if np.any(np.abs(rest) <= slack):
        return result(
            MinimaxVerdict.UNDETERMINED,
            f"{int(np.sum(np.abs(rest) <= slack))} directions of x are flat after y's answer",
        )
    up = f"x curves up after that, by {rest[0]:.3g} or more" if rest.size else ""
    if kernel:
        held = up or "punish every move of x"
        return result(
            MinimaxVerdict.CALM, f"{kernel} of {values.size} directions of y are flat, and {held}"
        )
    down = f"y curves down, by {-values[-1]:.3g} or more" if values.size else "y is nothing"
    return result(MinimaxVerdict.STRICT, "; ".join(filter(None, (down, up))))


def _symmetric(matrix: np.ndarray) -> np.ndarray:
    return (matrix + matrix.T) / 2


def _norm(matrix: np.ndarray) -> float:
    return float(np.linalg.norm(matrix, 2)) if matrix.size else 0.0
