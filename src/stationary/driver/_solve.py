"""The host driver: a solve in chunks, so that everything outside compiled code stays possible."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .._dtypes import check_tolerance, default_tolerance, working_dtype
from .._functions import takes_data
from .._memory import remember
from .._method import AbstractMethod, check_method
from .._point import Point
from .._registry import choose_method
from .._run import Progress
from .._solution import Solution, Stats
from .._start import describe_nonfinite, prepare, settle, with_data
from .._statements import AbstractStatement
from .._status import Status
from .._system import System
from . import _loop
from ._checkpoint import fingerprint, load, save
from ._events import Callback, Event, interruptible
from ._history import History
from ._loop import Report, columns
from ._progress import progress_display
from ._session import Session

CHUNK_SECONDS = 0.1
"""How long the driver lets compiled code run before it looks up."""


def solve(
    problem: AbstractStatement,
    x0: "PyTree | Solution | None" = None,
    method: AbstractMethod | None = None,
    *,
    data: PyTree = None,
    duals: Mapping[str, Any] | None = None,
    state: Progress | None = None,
    tol: float | None = None,
    max_steps: int = 100_000,
    max_seconds: float | None = None,
    callback: Callback | None = None,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: float = 30.0,
    resume: bool = False,
    seed: int = 0,
) -> Solution:
    """Solve a problem, watching over it from the host.

    Compiled code runs for about a tenth of a second at a time; in between the driver reports
    progress, keeps the best feasible point, writes checkpoints, and looks for Ctrl-C, time limits
    and callbacks. None of this is inside the compiled program.

    **Arguments:**

    - `problem`: a `Minimize`, `Saddle`, `Nested`, `Balance` or `VariationalInequality`.
    - `x0`: the start, a pytree of real floating arrays; or an earlier `Solution`, whose point and
        multipliers are then the start.
    - `method`: default: chosen by what the problem provides; `solution.stats.reason` says why.
    - `data`: replaces the statement's data.
    - `duals`: multipliers to start from, by constraint name.
    - `state`: an earlier `solution.state` of the same method, to continue exactly there.
    - `tol`: the scaled residual to reach; default 1e-6 in float64, 1e-4 in float32.
    - `max_steps`, `max_seconds`: limits; the point so far is returned.
    - `callback`: called with an [`Event`][stationary.Event] between chunks; a true return value
        stops the solve.
    - `progress`: show live progress on stderr; default only on a terminal.
    - `checkpoint`: a file to save the solve to, every `checkpoint_every` seconds and at the end.
    - `resume`: continue from the checkpoint if there is one; the answer is then bitwise the one
        of an uninterrupted solve on the same device and versions.
    - `seed`: the randomness of a randomised method.

    **Returns:** a [`Solution`][stationary.Solution].

    **Raises:** `TypeError` or `ValueError` naming what is wrong with the problem, the start, the
    tolerance or the method; `CheckpointError` for a checkpoint that cannot be resumed from.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum((x - 2) ** 2), subject_to={"sum": st.at_most(jnp.sum, 2.0)}
        ... )
        >>> solution = st.solve(problem, jnp.zeros(2))
        >>> solution.status.word, solution.value.round(3).tolist()
        ('converged', [1.0, 1.0])
        >>> round(float(solution.duals["sum"]), 3)
        2.0
    """
    began = time.perf_counter()
    traces_before = _loop.traces
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, got {max_steps}.")
    if resume and checkpoint is None:
        raise ValueError("resume=True needs checkpoint=PATH, the file to resume from.")
    if isinstance(x0, Solution):
        duals = x0.duals if duals is None else duals
        x0 = x0.value
    if x0 is None:
        if state is None:
            raise TypeError("solve needs x0, a start: an array or a pytree of arrays.")
        if method is None:
            raise TypeError("to continue from state without x0, pass the method it belongs to.")
        x0 = method.point(state.state).primal
    given, prepared = data, prepare(problem, x0, data=data, duals=duals)
    system, point, data = prepared
    method, reason = _method(method, system)
    dtype = working_dtype(point.primal)
    tol = default_tolerance(dtype) if tol is None else tol
    check_tolerance(tol, dtype)

    compiling = time.perf_counter()
    session = Session(method, system, point, data, seed)
    (_, point, _), notices = settle(prepared, session.begin)
    notices += method.check(system, point, data)
    session.finish_compiling()
    if state is not None:
        session.take_up(state)
    history = History(tuple(system.constraints))
    seconds_before, level = 0.0, tol
    path = None if checkpoint is None else Path(checkpoint)
    owner = "" if path is None else fingerprint(method, system, data, session.run)
    if path is not None and resume:
        if path.exists():
            session.run, arrays, about, warnings = load(path, owner, session.run)
            history.restore(arrays)
            seconds_before = about["seconds"]
            level = about["level"] if about["tol"] == tol else tol
            kept = session.run.progress
            if _unfinished(Status(int(kept.status)), float(kept.metrics.residual), level):
                session.reopen()
            notices += [f"resumed at step {int(kept.steps):,}.", *warnings]
        else:
            notices.append("no checkpoint yet: started from the beginning.")
    before = int(session.run.progress.steps) if state is not None or resume else 0
    running = time.perf_counter()

    display = progress_display(progress)
    listeners = [listener for listener in (display, callback) if listener is not None]
    status, budget, saved = Status.RUNNING, session.first_budget, running

    def elapsed() -> float:
        return seconds_before + time.perf_counter() - running

    def store() -> None:
        if path is not None:
            about = {"seconds": elapsed(), "tol": tol, "level": level}
            save(path, owner, session.run, history.to_arrays(), about)

    with interruptible() as interrupt:
        while status is Status.RUNNING:
            since = time.perf_counter()
            report, judged = session.advance(level, min(before + budget, max_steps)), None
            steps, took = int(report.steps), time.perf_counter() - since
            history.add(report, elapsed() - took, elapsed())
            budget = _next_budget(budget, steps - before, took)
            before, residual = steps, float(np.asarray(report.now)[_RESIDUAL])

            status = Status(int(report.status))
            if status is Status.CONVERGED:
                judged = session.judge(report.point)
                level = _demanded(judged[0], residual, tol, level, dtype)
                if _unfinished(status, residual, level):
                    session.reopen()
                    status = Status.RUNNING
            elif status is Status.STALLED and residual <= tol:
                status = Status.CONVERGED  # as asked; what could not be had is the level below
            if status is Status.RUNNING and steps >= max_steps:
                status = Status.MAX_STEPS
            if status is Status.RUNNING and max_seconds is not None and elapsed() >= max_seconds:
                status = Status.MAX_SECONDS
            if status is Status.RUNNING and interrupt.pressed:
                status = Status.INTERRUPTED
            if listeners:
                event = _event(tuple(system.constraints), report, status, elapsed())
                asked = [bool(listener(event)) for listener in listeners]
                if status is Status.RUNNING and any(asked):
                    status = Status.STOPPED
            if status is Status.RUNNING and time.perf_counter() - saved >= checkpoint_every:
                store()
                saved = time.perf_counter()
    store()
    ended = time.perf_counter()
    notices += method.remarks(system, session.run.progress.state, status, data)
    if status is Status.NONFINITE:
        notices += describe_nonfinite(system, report.point, data, "the last point")
    last, answer = report.point, _answer(session, report.point, status)
    stats = Stats(
        method=remember(method, "spelling", lambda: repr(method)),
        reason=reason,
        steps=steps,
        compile_seconds=running - compiling,
        run_seconds=seconds_before + ended - running,
        seconds=seconds_before + ended - began,
        traces=_loop.traces - traces_before,
        tol=tol,
        notices=tuple(notices),
    )
    if judged is None or answer is not last:
        judged = session.judge(answer)
    return Solution(
        problem=problem if given is None else with_data(problem, given),
        point=answer,
        last=last,
        objective=judged[1],
        status=status,
        trace=history.to_trace(),
        stats=stats,
        aux=_aux(problem, answer, data),
        state=session.run.progress,
    )


_RESIDUAL = _loop.SERIES.index("residual")


def _method(method: AbstractMethod | None, system: System) -> tuple[AbstractMethod, str]:
    if method is None:
        method, reason = choose_method(system)
    elif isinstance(method, AbstractMethod):
        reason = "asked for"
    else:
        raise TypeError(
            f"method is {method!r}; pass an instance such as st.methods.AugmentedLagrangian()."
        )
    chosen = method
    fits = (type(chosen), chosen.needs, chosen.handles_constraints)
    remember(system, fits, lambda: check_method(chosen, system))
    return chosen, reason


def _unfinished(status: Status, residual: float, level: float) -> bool:
    """Whether a method that called itself converged must go on."""
    return status is Status.CONVERGED and not residual <= level


def _demanded(asked: float, residual: float, tol: float, level: float, dtype: np.dtype) -> float:
    """How small the method's residual must be for the certificate's to be below `tol`.

    A method measures in the problem's own units, a certificate in none: a small violation of a
    flat constraint is a long way in x. Where they disagree the method must go further.

    **Arguments:**

    - `asked`: what the certificate measures now.
    - `residual`, `level`: what the method measures, and has been asked for.
    """
    floor = 100 * float(jnp.finfo(dtype).eps)
    if not asked > tol or level <= floor:
        return level
    return max(0.5 * min(level, residual) * max(tol / asked, 1e-3), floor)


def _next_budget(budget: int, taken: int, seconds: float) -> int:
    """Steps for the next chunk, so that it lasts about `CHUNK_SECONDS`."""
    if taken == 0:
        return budget
    wanted = int(CHUNK_SECONDS * taken / max(seconds, 1e-6))
    return int(np.clip(wanted, 1, 64 * budget))


def _event(constraints: tuple[str, ...], report: Report, status: Status, seconds: float) -> Event:
    names = columns(constraints, report.log)
    now = dict(zip(names, np.asarray(report.now).tolist(), strict=True))
    return Event(
        step=int(report.steps),
        seconds=seconds,
        status=status,
        **{name: now[name] for name in _loop.SERIES},
        violations={name: now[f"violations:{name}"] for name in constraints},
        multipliers={name: now[f"duals:{name}"] for name in constraints},
        get_point=lambda: report.point,
    )


def _answer(session: Session, last: Point, status: Status) -> Point:
    """The point to return."""
    # What a method ends with on purpose is its evidence: an answer, a point that has run away, or
    # one where no small move reduces the violation.
    purposeful = (Status.CONVERGED, Status.UNBOUNDED, Status.INFEASIBLE)
    if status in purposeful or session.stochastic:
        return last
    best = session.run.best
    return best.point if np.isfinite(best.violation) else last


def _aux(problem: AbstractStatement, answer: Point, data: PyTree) -> Any:
    """The auxiliary output at the point that is returned, not at some other one."""
    if not getattr(problem, "has_aux", False):
        return None
    fn = problem.objective  # pyright: ignore[reportAttributeAccessIssue]
    return (fn(answer.primal, data) if takes_data(fn) else fn(answer.primal))[1]
