"""The compiled part of a solve: many steps and a few records per call."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from .._method import AbstractMethod
from .._operators import Duals
from .._point import Point
from .._run import Progress, advance, begin
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


class Records(eqx.Module):
    """Rows of the trace; rows whose `steps` is negative are blank."""

    steps: Int[Array, "*records"]
    objective: Float[Array, "*records"]
    residual: Float[Array, "*records"]
    stationarity: Float[Array, "*records"]
    feasibility: Float[Array, "*records"]
    violations: Duals
    duals: Duals


traces = 0
"""How often the solver's program has been traced in this process."""


@eqx.filter_jit
def start(
    method: AbstractMethod, system: System, point: Point, data: PyTree, key: PRNGKeyArray
) -> Run:
    """A solve before its first step."""
    return begin_run(method, system, point, data, key)


def begin_run(method, system, point, data, key) -> Run:
    """`start`, not yet compiled."""
    progress = begin(method, system, point, data, key)
    infinity = jnp.full_like(progress.metrics.residual, jnp.inf)
    return Run(progress, Best(point, infinity, infinity))


@eqx.filter_jit
def chunk(
    method: AbstractMethod, system: System, data: PyTree, run: Run, tol: Any, limit: Any
) -> tuple[Run, Records]:
    """Advance to step `limit`, or until something is decided or the record book is full.

    Records fall on step numbers that depend on nothing but the step count, so neither the trace
    nor the best point depends on how a solve was cut into chunks.
    """
    return advance_run(method, system, data, run, tol, limit)


def advance_run(method, system, data, run, tol, limit) -> tuple[Run, Records]:
    """`chunk`, not yet compiled."""
    global traces
    traces += 1

    def going(carry) -> Any:
        run, _, written = carry
        progress = run.progress
        return (progress.status == Status.RUNNING) & (progress.steps < limit) & (written < BOOK)

    def segment(carry) -> Any:
        run, book, written = carry
        due = _next_record(run.progress.steps)
        progress = advance(method, system, run.progress, data, tol, jnp.minimum(due, limit))
        record = (progress.steps == due) | (progress.status != Status.RUNNING)
        point = method.point(progress.state)
        best = _update(system, run.best, point, progress, tol, record)
        row = _row(progress, point, record)
        book = jax.tree.map(lambda rows, new: rows.at[written].set(new), book, row)
        return Run(progress, best), book, written + record

    blank = _row(run.progress, method.point(run.progress.state), False)
    book = jax.tree.map(lambda x: jnp.full((BOOK, *x.shape), x), blank)
    run, book, _ = jax.lax.while_loop(going, segment, (run, book, 0))
    return run, book


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
    return jax.tree.map(lambda a, b: jnp.where(record & better, a, b), new, best)


def _row(progress: Progress, point: Point, record) -> Records:
    metrics = progress.metrics
    return Records(
        steps=jnp.where(record, progress.steps, -1),
        objective=metrics.objective,
        residual=metrics.residual,
        stationarity=metrics.stationarity,
        feasibility=metrics.feasibility,
        violations=metrics.violations,
        duals={
            name: jnp.reshape(dual, ()) if dual.size == 1 else jnp.max(jnp.abs(dual), initial=0.0)
            for name, dual in point.duals.items()
        },
    )
