"""The compiled part of a batch: a few slots in which one lane after another is solved.

Lanes wait in a queue. Those in the slots step together; when enough of them have finished, their
answers are kept and the next in the queue take their places. One program therefore serves any
number of lanes, works on little memory at a time, and never waits for the slowest lane but at the
very end.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, PRNGKeyArray, PyTree

from .._method import AbstractMethod, Metrics
from .._point import Point
from .._run import Progress, begin, take_step
from .._status import Status
from .._system import System

REFILL = 4
"""Slots are refilled once one in this many has finished."""


class Common(eqx.Module):
    """What all lanes share.

    **Arguments:**

    - `data`: the data of every lane, or `None` when each lane has its own.
    - `tol`, `max_steps`: when a lane has converged, and when it gives up.
    """

    method: AbstractMethod
    system: System
    data: PyTree[Array]
    tol: Any
    max_steps: Any

    def begin(self, point: Point, data: PyTree[Array], key: PRNGKeyArray) -> Progress:
        """A lane before its first step."""
        data = data if self.data is None else self.data
        return begin(self.method, self.system, point, data, key)

    def step(self, progress: Progress, data: PyTree[Array]) -> Progress:
        """A lane one step on; one that has finished stays as it is."""
        data = data if self.data is None else self.data
        moved = take_step(self.method, self.system, progress, data, self.tol)
        spent = (moved.status == Status.RUNNING) & (moved.steps >= self.max_steps)
        status = jnp.where(spent, int(Status.MAX_STEPS), moved.status).astype(jnp.int32)
        moved = eqx.tree_at(lambda p: p.status, moved, status)
        going = progress.status == Status.RUNNING
        return jax.tree.map(lambda new, old: jnp.where(going, new, old), moved, progress)


class Queue(eqx.Module):
    """Where all lanes start, every array with a leading lane axis, and the key of the batch."""

    point: Point
    data: PyTree[Array]
    key: PRNGKeyArray

    def take(self, lanes: Int[Array, "k"]) -> tuple[Point, PyTree[Array], Array]:
        """Start, data and key of some lanes; the last stands in for those beyond the end."""
        rows = (self.point, self.data)
        point, data = jax.tree.map(lambda x: jnp.take(x, lanes, axis=0, mode="clip"), rows)
        return point, data, jax.vmap(lambda lane: jax.random.fold_in(self.key, lane))(lanes)


class Answers(eqx.Module):
    """What is known of each lane; every array has a leading lane axis."""

    point: Point
    metrics: Metrics
    status: Int[Array, "lanes"]
    steps: Int[Array, "lanes"]


class Part(eqx.Module):
    """A run of neighbouring lanes under way.

    Every slot holds a lane of its own, finished or not, until another takes its place.
    """

    slots: Progress
    held: Int[Array, "slots"]
    """Which lane each slot holds."""
    data: PyTree[Array]
    answers: Answers
    first: Int[Array, ""]
    """This part's first lane; the answers begin with it."""
    next: Int[Array, ""]
    """The first lane that has not begun."""
    end: Int[Array, ""]
    """One beyond the last lane."""

    @property
    def busy(self) -> Bool[Array, "slots"]:
        """Which slots hold a lane that has not finished."""
        return self.slots.status == Status.RUNNING


@eqx.filter_jit
def open_part(common: Common, queue: Queue, first: Any, end: Any, size: int, slots: int) -> Part:
    """The lanes from `first` to `end` before any step; answers have room for `size`."""
    lanes = first + jnp.arange(slots, dtype=jnp.int32)
    start = queue.take(lanes)
    progress = jax.vmap(common.begin)(*start)
    status = jnp.where(lanes < end, progress.status, int(Status.STOPPED))
    progress = eqx.tree_at(lambda p: p.status, progress, status)
    answers = Answers(
        point=queue.take(first + jnp.arange(size))[0],
        metrics=jax.tree.map(lambda x: jnp.full(size, jnp.inf, x.dtype), progress.metrics),
        status=jnp.full(size, int(Status.RUNNING), jnp.int32),
        steps=jnp.zeros(size, jnp.int32),
    )
    return Part(progress, lanes, start[1], answers, first, first + slots, end)


def advance_part(common: Common, queue: Queue, part: Part, steps: Any, alone: bool) -> Part:
    """`steps` steps of every slot, or fewer when all lanes have finished.

    **Arguments:**

    - `alone`: no other part runs beside this one.
    """
    return (_advance if alone else _advance_beside)(common, queue, part, steps)


def _advance_part(common: Common, queue: Queue, part: Part, steps: Any) -> Part:
    batch = max(1, part.held.size // REFILL)

    def unfinished(carry: tuple[Part, Array]) -> Bool[Array, ""]:
        part, left = carry
        return jnp.any(part.busy) & (left > 0)

    def shift(carry: tuple[Part, Array]) -> tuple[Part, Array]:
        part, left = carry
        waiting = part.next < part.end

        def going(carry: tuple[Progress, Array]) -> Bool[Array, ""]:
            slots, left = carry
            busy = jnp.sum(slots.status == Status.RUNNING)
            enough = jnp.where(waiting, part.held.size - batch, 0)
            return (busy > enough) & (left > 0)

        def step(carry: tuple[Progress, Array]) -> tuple[Progress, Array]:
            slots, left = carry
            return jax.vmap(common.step)(slots, part.data), left - 1

        slots, left = jax.lax.while_loop(going, step, (part.slots, left))
        return _refill(common, queue, eqx.tree_at(lambda p: p.slots, part, slots), batch), left

    return jax.lax.while_loop(unfinished, shift, (part, steps))[0]


_advance = eqx.filter_jit(_advance_part)
# Parts side by side occupy the cores already: threads within each would only wait for one another.
_advance_beside = eqx.filter_jit(
    _advance_part,
    compiler_options={"xla_cpu_multi_thread_eigen": False},  # pyright: ignore[reportCallIssue]
)


@eqx.filter_jit
def close_part(common: Common, part: Part) -> Answers:
    """What is known of each lane of a part, finished or not."""
    return _keep(common, part)


def _refill(common: Common, queue: Queue, part: Part, batch: int) -> Part:
    """Keep what the slots hold, and begin at most `batch` lanes in those that are free."""
    free = jnp.nonzero(~part.busy, size=batch, fill_value=part.held.size)[0]
    lanes = part.next + jnp.arange(batch, dtype=jnp.int32)
    # A slot beyond the last stands for none.
    free = jnp.where(lanes < part.end, free, part.held.size)
    start = queue.take(lanes)

    def put(old: PyTree[Array], new: PyTree[Array]) -> PyTree[Array]:
        return jax.tree.map(lambda a, b: a.at[free].set(b, mode="drop"), old, new)

    return Part(
        slots=put(part.slots, jax.vmap(common.begin)(*start)),
        held=put(part.held, lanes),
        data=put(part.data, start[1]),
        answers=_keep(common, part),
        first=part.first,
        next=part.next + jnp.sum(free < part.held.size, dtype=jnp.int32),
        end=part.end,
    )


def _keep(common: Common, part: Part) -> Answers:
    """The answers, with what the slots hold written over them."""
    slots = part.slots
    rows = Answers(
        jax.vmap(common.method.point)(slots.state), slots.metrics, slots.status, slots.steps
    )
    where = part.held - part.first
    return jax.tree.map(lambda a, row: a.at[where].set(row, mode="drop"), part.answers, rows)
