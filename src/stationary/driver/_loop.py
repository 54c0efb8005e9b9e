"""The compiled part of a solve: many steps and a few records per call."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from .._compiled import Compiled, Split
from .._method import AbstractMethod
from .._point import Point
from .._run import Progress, advance, begin
from .._start import Probe, probe
from .._status import Status
from .._system import System

RECORDS = 64
"""Records per doubling of the step count."""

BOOK = 8 * RECORDS
"""Records that one chunk has room for."""


class Best(eqx.Module):
    """The best recorded point so far: the least infeasible, then the lowest.

    Where there is no objective to compare, the lowest residual.
    """

    point: Point
    violation: Float[Array, ""]
    value: Float[Array, ""]


class Run(eqx.Module):
    """Everything that a solve carries from one chunk to the next, and a checkpoint holds."""

    progress: Progress
    best: Best


class Report(NamedTuple):
    """What the host wants to know after a chunk, in as few arrays as possible."""

    status: Int[Array, ""]
    steps: Int[Array, ""]
    now: Float[Array, "columns"]
    """The columns of `columns` at the point of the last step."""
    point: Point
    """That point."""
    written: Int[Array, ""]
    """How many records were made."""
    record_steps: Int[Array, "book"]
    records: Float[Array, "book columns"]
    log: dict[str, None]
    """The names of the method's log: part of the structure, so that it costs no array."""


traces = 0
"""How often the solver's program has been traced in this process."""


def _start(
    method: Split, system: Split, point: Point, data: PyTree, seed: Any
) -> tuple[Split, Probe]:
    """A solve before its first step, and the values at its start."""
    given: System = system.whole
    # The key is made here because the same outside compiled code costs a tenth of a millisecond.
    run = begin_run(method.whole, given, point, data, jax.random.key(seed))
    return Split.of(run), probe(given, point, data)


start = Compiled(_start, once=True)


def begin_run(method, system, point, data, key) -> Run:
    """`start`, not yet compiled."""
    progress = begin(method, system, point, data, key)
    infinity = jnp.full_like(progress.metrics.residual, jnp.inf)
    return Run(progress, Best(point, infinity, infinity))


def _chunk(
    method: Split, system: Split, data: PyTree, run: Split, again: Any, tol: Any, limit: Any
) -> tuple[Split, Report]:
    """Advance to step `limit`, or until something is decided or the record book is full.

    Records fall on step numbers that depend on nothing but the step count, so neither the trace
    nor the best point depends on how a solve was cut into chunks.

    **Arguments:**

    - `again`: whether to go on although something had been decided.
    """
    begun: Run = run.whole
    status = jnp.where(again, int(Status.RUNNING), begun.progress.status)
    begun = eqx.tree_at(lambda r: r.progress.status, begun, status)
    after, report = advance_run(method.whole, system.whole, data, begun, tol, limit)
    return Split.of(after), report


chunk = Compiled(_chunk)


def advance_run(
    method: AbstractMethod, system: System, data: PyTree, run: Run, tol: Any, limit: Any
) -> tuple[Run, Report]:
    """`chunk`, not yet compiled."""
    global traces
    traces += 1

    def going(carry) -> Any:
        run, _, written = carry
        progress = run.progress
        return (progress.status == Status.RUNNING) & (progress.steps < limit) & (written < BOOK)

    def segment(carry) -> Any:
        run, (steps, rows), written = carry
        due = _next_record(run.progress.steps)
        progress = advance(method, system, run.progress, data, tol, jnp.minimum(due, limit))
        record = (progress.steps == due) | (progress.status != Status.RUNNING)
        point = method.point(progress.state)
        best = _update(system, run.best, point, progress, tol, record)
        # A row that is no record stays where the next one is written.
        steps = steps.at[written].set(progress.steps)
        rows = rows.at[written].set(_row(method, system, progress, point))
        return Run(progress, best), (steps, rows), written + record.astype(jnp.int32)

    log = dict.fromkeys(method.log(run.progress.state))
    width, dtype = len(columns(tuple(system.constraints), log)), run.progress.metrics.residual.dtype
    book = jnp.zeros(BOOK, run.progress.steps.dtype), jnp.zeros((BOOK, width), dtype)
    run, (steps, rows), written = jax.lax.while_loop(going, segment, (run, book, jnp.int32(0)))
    progress, point = run.progress, method.point(run.progress.state)
    now = _row(method, system, progress, point)
    return run, Report(progress.status, progress.steps, now, point, written, steps, rows, log)


def _next_record(steps: Int[Array, ""]) -> Int[Array, ""]:
    """The next step number to record: every one up to 128, then 64 per doubling."""
    doublings = 31 - jax.lax.clz(jnp.maximum(steps, 1))
    stride = jnp.left_shift(1, jnp.maximum(doublings - 6, 0))
    return (steps // stride + 1) * stride


def _update(system: System, best: Best, point: Point, progress: Progress, tol, record) -> Best:
    if system.is_stochastic:  # values of different batches cannot be compared
        return best
    metrics = progress.metrics
    violation = jnp.maximum(metrics.feasibility - tol, 0)
    potential = system.operator.has_potential
    value = system.sign * metrics.objective if potential else metrics.residual
    better = (violation < best.violation) | ((violation == best.violation) & (value < best.value))
    new = Best(point, violation.astype(best.violation.dtype), value.astype(best.value.dtype))
    # A condition and not a choice per array: XLA would work out `better` anew for each.
    return jax.lax.cond(record & better, lambda: new, lambda: best)


SERIES = ("objective", "residual", "stationarity", "feasibility")


def columns(constraints: tuple[str, ...], log: Iterable[str]) -> list[str]:
    """What the columns of a row are; names are sorted, as they are in compiled code."""
    kinds = {"violations": constraints, "duals": constraints, "log": log}
    return [*SERIES, *(f"{kind}:{name}" for kind, names in kinds.items() for name in sorted(names))]


def _row(
    method: AbstractMethod, system: System, progress: Progress, point: Point
) -> Float[Array, "columns"]:
    """A record: the metrics, a violation and a multiplier per constraint, and the method's log."""
    metrics, names = progress.metrics, sorted(system.constraints)
    log = method.log(progress.state)
    duals = [point.duals[name] for name in names]
    return jnp.stack(
        [
            *(getattr(metrics, name) for name in SERIES),
            *(metrics.violations[name] for name in names),
            *(d.ravel()[0] if d.size == 1 else jnp.max(jnp.abs(d), initial=0.0) for d in duals),
            *(log[name] for name in sorted(log)),
        ],
        dtype=metrics.residual.dtype,
    )
