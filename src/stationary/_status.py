"""Why a solve stopped. How good its answer is, is the certificate's business."""

import enum


class Status(enum.IntEnum):
    """Why a solve stopped: an integer inside compiled code, a sentence when read.

    A status says nothing about how stationary the returned point is; that is the
    [`Certificate`][stationary.Certificate].

    !!! example
        >>> Status.CONVERGED.message
        'the residual fell below the tolerance'
        >>> Status(2).has_solution, Status.MAX_STEPS.is_limit
        (True, True)
    """

    RUNNING = 0
    CONVERGED = 1
    MAX_STEPS = 2
    MAX_SECONDS = 3
    INTERRUPTED = 4
    STOPPED = 5
    STALLED = 6
    DIVERGED = 7
    NONFINITE = 8
    INFEASIBLE = 9
    UNBOUNDED = 10
    INCONSISTENT = 11

    @property
    def message(self) -> str:
        """What happened, and what to try next where something can be tried."""
        return _MESSAGES[self]

    @property
    def word(self) -> str:
        """The status in lower-case words: `"max steps"`."""
        return self.name.lower().replace("_", " ")

    @property
    def has_solution(self) -> bool:
        """Whether the returned point is worth looking at (a converged point or a best effort)."""
        return self in _CONVERGED or self in _LIMITS

    @property
    def is_limit(self) -> bool:
        """Whether a budget, a callback or the user ended the solve: it can be continued."""
        return self in _LIMITS

    @property
    def is_failure(self) -> bool:
        """Whether the method itself gave up: the problem has no answer, or the method none."""
        return not (self in _CONVERGED or self in _LIMITS or self is Status.RUNNING)


_CONVERGED = frozenset({Status.CONVERGED})
_LIMITS = frozenset(
    {Status.MAX_STEPS, Status.MAX_SECONDS, Status.INTERRUPTED, Status.STOPPED, Status.STALLED}
)
_MESSAGES = {
    Status.RUNNING: "still running",
    Status.CONVERGED: "the residual fell below the tolerance",
    Status.MAX_STEPS: "the step limit was reached; raise max_steps or continue from the solution",
    Status.MAX_SECONDS: "the time limit was reached; continue from the solution",
    Status.INTERRUPTED: "interrupted; this is the point reached so far",
    Status.STOPPED: "a callback asked to stop; this is the point reached so far",
    Status.STALLED: (
        "no step makes further progress at this precision; "
        "look at the certificate, rescale the problem or use float64"
    ),
    Status.DIVERGED: "the iterates grow without bound; lower the step size or bound the variable",
    Status.NONFINITE: "the objective or a constraint became NaN or infinite on the way",
    Status.INFEASIBLE: (
        "no small move reduces the violation of the constraints; "
        "the certificate says whether that is proof that they contradict each other"
    ),
    Status.UNBOUNDED: "the objective falls without bound (see the certificate's ray)",
    Status.INCONSISTENT: (
        "values and derivatives of a function contradict each other; "
        "the notices say which function, and where"
    ),
}
