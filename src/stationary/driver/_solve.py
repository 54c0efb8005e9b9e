"""The host driver: a solve in chunks, so that everything outside compiled code stays possible."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .._dtypes import check_tolerance, default_tolerance, working_dtype
from .._functions import takes_data
from .._method import AbstractMethod, check_method
from .._operators import CommonDescentOperator
from .._point import Point
from .._registry import choose_method
from .._run import Progress
from .._solution import Solution, Stats
from .._start import prepare, settle, with_data
from .._statements import AbstractStatement
from .._status import Status
from .._system import System
from . import _loop
from ._checkpoint import fingerprint, load, save
from ._events import Callback, Event, interruptible
from ._history import History
from ._loop import Records, Run, chunk, start
from ._progress import progress_display

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
    if data is not None:
        problem = with_data(problem, data)
    if x0 is None:
        if state is None:
            raise TypeError("solve needs x0, a start: an array or a pytree of arrays.")
        if method is None:
            raise TypeError("to continue from state without x0, pass the method it belongs to.")
        x0 = method.point(state.state).primal
    prepared, notices = settle(prepare(problem, x0, duals=duals))
    system, point, data = prepared
    method, reason = _method(method, system)
    notices += method.check(system, point, data)
    dtype = working_dtype(point.primal)
    tol = default_tolerance(dtype) if tol is None else tol
    check_tolerance(tol, dtype)

    compiling = time.perf_counter()
    run = start(method, system, point, data, jax.random.key(seed))
    if state is not None:
        run = _continued(run, state)
    history = History(tuple(system.constraints))
    seconds_before, level = 0.0, tol
    path = None if checkpoint is None else Path(checkpoint)
    owner = "" if path is None else fingerprint(method, system, data, run)
    if path is not None and resume:
        if path.exists():
            run, columns, about, warnings = load(path, owner, run)
            history.restore(columns)
            seconds_before = about["seconds"]
            level = about["level"] if about["tol"] == tol else tol
            run = _reopened(run, level)
            notices += [f"resumed at step {int(run.progress.steps):,}.", *warnings]
        else:
            notices.append("no checkpoint yet: started from the beginning.")

    def advance(run: Run, limit: int) -> tuple[Run, Records]:
        bounds = np.asarray(level, dtype), np.int32(limit)
        return jax.block_until_ready(chunk(method, system, data, run, *bounds))

    # Calls that may take no step compile the programs and nothing else.
    run, _ = advance(run, int(run.progress.steps))
    _demanded(system, run, point, data, tol, level)
    running = time.perf_counter()

    display = progress_display(progress)
    listeners = [listener for listener in (display, callback) if listener is not None]
    status, budget, saved = Status.RUNNING, 2 * _loop.RECORDS, running

    def elapsed() -> float:
        return seconds_before + time.perf_counter() - running

    def store() -> None:
        if path is not None:
            about = {"seconds": elapsed(), "tol": tol, "level": level}
            save(path, owner, run, history.to_arrays(), about)

    with interruptible() as interrupt:
        while status is Status.RUNNING:
            before, since = int(run.progress.steps), time.perf_counter()
            run, records = advance(run, min(before + budget, max_steps))
            steps, took = int(run.progress.steps), time.perf_counter() - since
            history.add(records, elapsed() - took, elapsed())
            budget = _next_budget(budget, steps - before, took)

            status = Status(int(run.progress.status))
            if status is Status.CONVERGED:
                level = _demanded(system, run, method.point(run.progress.state), data, tol, level)
                run = _reopened(run, level)
                status = Status(int(run.progress.status))
            elif status is Status.STALLED and float(run.progress.metrics.residual) <= tol:
                status = Status.CONVERGED  # as asked; what could not be had is the level below
            if status is Status.RUNNING and steps >= max_steps:
                status = Status.MAX_STEPS
            if status is Status.RUNNING and max_seconds is not None and elapsed() >= max_seconds:
                status = Status.MAX_SECONDS
            if status is Status.RUNNING and interrupt.pressed:
                status = Status.INTERRUPTED
            if listeners:
                event = _event(method, run, status, elapsed())
                asked = [bool(listener(event)) for listener in listeners]
                if status is Status.RUNNING and any(asked):
                    status = Status.STOPPED
            if status is Status.RUNNING and time.perf_counter() - saved >= checkpoint_every:
                store()
                saved = time.perf_counter()
    store()
    ended = time.perf_counter()
    answer, last = _answer(method, system, run, status)
    stats = Stats(
        method=repr(method),
        reason=reason,
        steps=int(run.progress.steps),
        compile_seconds=running - compiling,
        run_seconds=seconds_before + ended - running,
        seconds=seconds_before + ended - began,
        traces=_loop.traces - traces_before,
        tol=tol,
        notices=tuple(notices),
    )
    value, aux = _finish(problem, system, answer, data)
    return Solution(
        problem=problem,
        point=answer,
        last=last,
        objective=value,
        status=status,
        trace=history.to_trace(),
        stats=stats,
        aux=aux,
        state=run.progress,
    )


def _method(method: AbstractMethod | None, system: System) -> tuple[AbstractMethod, str]:
    if method is None:
        method, reason = choose_method(system)
    elif isinstance(method, AbstractMethod):
        reason = "asked for"
    else:
        raise TypeError(
            f"method is {method!r}; pass an instance such as st.methods.AugmentedLagrangian()."
        )
    check_method(method, system)
    return method, reason


def _continued(run: Run, state: Progress) -> Run:
    """`run`, taken up at an earlier state."""
    if jax.tree.structure(run.progress) != jax.tree.structure(state):
        raise ValueError(
            "state belongs to another method or problem; pass the method and statement that it "
            "came from, or start from x0=solution instead."
        )
    return eqx.tree_at(lambda r: r.progress, run, _running(state))


def _reopened(run: Run, tol: float) -> Run:
    """A restored run, set going again unless it had already reached this tolerance."""
    status = Status(int(run.progress.status))
    if status is Status.CONVERGED and not float(run.progress.metrics.residual) <= tol:
        return eqx.tree_at(lambda r: r.progress, run, _running(run.progress))
    return run


def _demanded(
    system: System, run: Run, point: Point, data: PyTree, tol: float, level: float
) -> float:
    """How small the method's residual must be for the certificate's to be below `tol`.

    A method measures in the problem's own units, a certificate in none: a small violation of a
    flat constraint is a long way in x. Where they disagree the method must go further.
    """
    if system.is_stochastic or isinstance(system.operator, CommonDescentOperator):
        return level
    from ..certify._first_order import shortfall  # loaded when first needed

    asked = shortfall(system, point, data)
    floor = 100 * float(jnp.finfo(working_dtype(point.primal)).eps)
    if not asked > tol or level <= floor:
        return level
    reached = min(level, float(run.progress.metrics.residual))
    return max(0.5 * reached * max(tol / asked, 1e-3), floor)


def _running(progress: Progress) -> Progress:
    status = jnp.full_like(progress.status, int(Status.RUNNING))
    return eqx.tree_at(lambda p: p.status, progress, status)


def _next_budget(budget: int, taken: int, seconds: float) -> int:
    """Steps for the next chunk, so that it lasts about `CHUNK_SECONDS`."""
    if taken == 0:
        return budget
    wanted = int(CHUNK_SECONDS * taken / max(seconds, 1e-6))
    return int(np.clip(wanted, 1, 64 * budget))


def _event(method: AbstractMethod, run: Run, status: Status, seconds: float) -> Event:
    point = method.point(run.progress.state)
    metrics, duals = jax.device_get((run.progress.metrics, point.duals))
    return Event(
        step=int(run.progress.steps),
        seconds=seconds,
        status=status,
        objective=float(metrics.objective),
        residual=float(metrics.residual),
        stationarity=float(metrics.stationarity),
        feasibility=float(metrics.feasibility),
        violations={name: float(v) for name, v in metrics.violations.items()},
        multipliers={
            name: float(dual.item() if dual.size == 1 else np.max(np.abs(dual), initial=0))
            for name, dual in duals.items()
        },
        get_point=lambda: point,
    )


def _answer(
    method: AbstractMethod, system: System, run: Run, status: Status
) -> tuple[Point, Point]:
    """The point to return, and the last one."""
    last = method.point(run.progress.state)
    recorded = bool(jnp.isfinite(run.best.violation))
    # A point that has run away is itself the evidence that the problem is unbounded.
    decided = status in (Status.CONVERGED, Status.UNBOUNDED)
    if decided or system.is_stochastic or not recorded:
        return last, last
    return run.best.point, last


def _finish(
    problem: AbstractStatement, system: System, answer: Point, data: PyTree
) -> tuple[float, Any]:
    """The objective and auxiliary output at the point that is returned, not at some other one."""
    value = float(_objective(system, answer.primal, data))
    if not getattr(problem, "has_aux", False):
        return value, None
    fn = problem.objective  # pyright: ignore[reportAttributeAccessIssue]
    aux = fn(answer.primal, data) if takes_data(fn) else fn(answer.primal)
    return value, aux[1]


@eqx.filter_jit
def _objective(system: System, primal: PyTree, data: PyTree) -> Any:
    return system.linearize(primal, data).objective
