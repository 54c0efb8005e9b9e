"""What the command line returns to the shell."""

import enum
from typing import TYPE_CHECKING

from .._solution import Solution
from .._status import Status

if TYPE_CHECKING:
    from ..certify import Certificate


class Exit(enum.IntEnum):
    """Exit codes of `stationary`.

    !!! example
        >>> Exit.LIMIT.value, Exit.LIMIT.meaning
        (3, 'a limit or Ctrl-C ended the solve; continue with --resume')
    """

    OK = 0
    NOT_CERTIFIED = 1
    BAD_INPUT = 2
    LIMIT = 3
    NO_ANSWER = 4
    FAILED = 5
    KILLED = 130

    @property
    def meaning(self) -> str:
        """The code in words."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "done; a solve converged, and its certificate passes",
    Exit.NOT_CERTIFIED: "there is an answer, but its certificate does not pass",
    Exit.BAD_INPUT: "the command, the file or the problem in it is wrong",
    Exit.LIMIT: "a limit or Ctrl-C ended the solve; continue with --resume",
    Exit.NO_ANSWER: "the problem is infeasible or unbounded, as the certificate confirms",
    Exit.FAILED: "the method failed: it diverged, met a NaN, or gave up without a proof",
    Exit.KILLED: "Ctrl-C twice, or before the solve began",
}


def exit_of(solution: Solution) -> Exit:
    """The code for a solve: why it stopped first, how good the answer is second."""
    status, certificate = solution.status, certificate_of(solution)
    if status.is_failure:
        # A method that finds no answer may be wrong about there being none.
        return Exit.NO_ANSWER if has_no_answer(certificate) else Exit.FAILED
    # Stalled at the precision of the arithmetic is no limit that --resume would lift.
    if status.is_limit and status is not Status.STALLED:
        return Exit.LIMIT
    return Exit.OK if certificate is not None and certificate.passed else Exit.NOT_CERTIFIED


def has_no_answer(certificate: "Certificate | None") -> bool:
    """Whether the certificate itself says that the problem has no answer, or none nearby."""
    from ..certify import Verdict

    none = (Verdict.INFEASIBLE, Verdict.LOCALLY_INFEASIBLE, Verdict.UNBOUNDED)
    return certificate is not None and certificate.verdict in none


def certificate_of(solution: Solution) -> "Certificate | None":
    """The certificate, or `None` when computing it failed: that must not lose the answer."""
    try:
        return solution.certificate
    except Exception:
        return None


def table() -> str:
    """The codes as lines of text, for `--help` and the documentation."""
    return "\n".join(f"  {code.value:<4} {code.meaning}" for code in Exit)
