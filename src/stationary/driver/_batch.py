"""Many problems of one shape at once, each with a status of its own."""

import dataclasses
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np
from jaxtyping import Float, Int, PyTree

from .._dtypes import as_arrays, cast, check_tolerance, default_tolerance, working_dtype
from .._method import AbstractMethod, Metrics, check_method
from .._point import Point
from .._registry import choose_method
from .._start import prepare
from .._statements import AbstractStatement
from .._status import Status
from ._lanes import Answers, Common, Part, Queue, advance_part, close_part, open_part

SLOTS = 64
"""Lanes that advance together on a CPU: few enough to stay in its caches."""

SLOTS_ELSEWHERE = 4096
"""Lanes that advance together on an accelerator, which wants many."""

CHUNK_SECONDS = 0.1
"""How long compiled code runs before the clock is looked at."""


@dataclasses.dataclass(frozen=True, eq=False)
class BatchSolution:
    """The answers of [`solve_batch`][stationary.solve_batch]: every array has a leading lane axis.

    **Arguments:**

    - `problem`: the statement whose data were varied.
    - `point`: primal and duals, NumPy arrays of shape `(lanes, ...)`.
    - `status`: one `Status` integer per lane.
    - `steps`: steps each lane took.
    - `metrics`: the metrics of each lane's point.
    - `data`: the data of all lanes.
    - `method`, `reason`: what was used and why.
    - `compile_seconds`, `run_seconds`: what it cost.
    """

    problem: AbstractStatement
    point: Point
    status: Int[np.ndarray, "lanes"]
    steps: Int[np.ndarray, "lanes"]
    metrics: Metrics
    data: PyTree
    method: str
    reason: str
    compile_seconds: float
    run_seconds: float

    def __len__(self) -> int:
        return len(self.status)

    @property
    def value(self) -> PyTree[np.ndarray]:
        """The unknowns of all lanes."""
        return self.point.primal

    @property
    def duals(self) -> dict[str, Float[np.ndarray, "lanes ..."]]:
        """The multipliers of all lanes by constraint name."""
        return self.point.duals  # pyright: ignore[reportReturnType]

    @property
    def converged(self) -> np.ndarray:
        """Which lanes converged."""
        return self.status == Status.CONVERGED

    def certificate(self, lane: int) -> Any:
        """The certificate of one lane."""
        from ..certify import certify

        point = jax.tree.map(lambda x: x[lane], self.point)
        data = jax.tree.map(lambda x: x[lane], self.data)
        return certify(self.problem, point, data=data)

    def __repr__(self) -> str:
        words, counts = np.unique(self.status, return_counts=True)
        tally = ", ".join(
            f"{count} {Status(int(word)).word}" for word, count in zip(words, counts, strict=True)
        )
        return f"BatchSolution({len(self)} lanes: {tally}; {self.run_seconds:.3g} s)"


def solve_batch(
    problem: AbstractStatement,
    x0: PyTree,
    method: AbstractMethod | None = None,
    *,
    data: PyTree = None,
    duals: dict[str, Any] | None = None,
    tol: float | None = None,
    max_steps: int = 10_000,
    max_seconds: float | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> BatchSolution:
    """Solve one statement for many data or starts at once.

    A few lanes advance together in compiled code; as soon as some have finished, others take
    their places, so quick lanes never wait for slow ones. A lane that fails does not disturb the
    others.

    **Arguments:**

    - `problem`: the statement; its own `data` gives shapes, `data` gives the lanes.
    - `x0`: starts, every array with a leading lane axis.
    - `method`: default: chosen as by [`solve`][stationary.solve].
    - `data`: data, every array with a leading lane axis; or `None` to share the statement's.
    - `duals`: multipliers to start from, with a leading lane axis.
    - `tol`, `max_steps`, `max_seconds`: as for `solve`, per lane and for the whole.
    - `seed`: the randomness of randomised methods; every lane has its own stream.
    - `threads`: how many parts of the batch advance side by side on a CPU; default one per core.

    **Returns:** a [`BatchSolution`][stationary.BatchSolution].

    **Raises:** what `solve` raises for a malformed problem, and `ValueError` when leading axes
    disagree. Values are not checked lane by lane: a lane that is not finite says so in its status.

    !!! example
        >>> import jax.numpy as jnp, numpy as np, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x, t: jnp.sum((x - t) ** 2),
        ...     subject_to={"sum": st.at_most(lambda x: jnp.sum(x), 1.0)},
        ...     data=jnp.ones(2),
        ... )
        >>> targets = np.array([[1.0, 1.0], [0.0, 0.5]])
        >>> batch = st.solve_batch(problem, np.zeros((2, 2)), data=targets)
        >>> batch.value.round(3).tolist(), batch.converged.tolist()
        ([[0.5, 0.5], [0.0, 0.5]], [True, True])
    """
    lanes = _lanes(x0, data, duals)
    shared = data is None
    sample = prepare(
        problem,
        _row(x0, 0),
        data=None if shared else _row(data, 0),
        duals=None if duals is None else _row(duals, 0),
    )
    system = sample.system
    method, reason = (method, "asked for") if method is not None else choose_method(system)
    check_method(method, system)
    dtype = working_dtype(sample.point.primal)
    tol = default_tolerance(dtype) if tol is None else tol
    check_tolerance(tol, dtype)

    dual = {n: np.zeros((lanes, *z.shape), dtype) for n, z in sample.point.duals.items()}
    point = Point(*cast(as_arrays((x0, dual | dict(duals or {}))), dtype))
    queue = Queue(point, None if shared else as_arrays(data), jax.random.key(seed))
    level, most = np.asarray(tol, dtype), np.int32(max_steps)
    common = Common(method, system, sample.data if shared else None, level, most)

    compiling = time.perf_counter()
    size, slots = _layout(lanes, threads)
    parts = [
        open_part(common, queue, np.int32(first), np.int32(min(first + size, lanes)), size, slots)
        for first in range(0, lanes, size)
    ]
    alone = len(parts) == 1
    # A call that may take no step compiles the program and nothing else.
    close_part(common, advance_part(common, queue, parts[0], np.int32(0), alone))
    jax.block_until_ready(parts)
    running = time.perf_counter()

    double = jax.config.read("jax_enable_x64")

    def finish(part: Part) -> Answers:
        # What `with jax.enable_x64()` says holds for its own thread only.
        with jax.enable_x64(double):
            return _finish(common, queue, part, max_seconds, alone)

    # Compiled code runs outside the interpreter's lock, so parts advance side by side.
    with ThreadPoolExecutor(len(parts)) as pool:
        results = list(pool.map(finish, parts))
    answers = jax.tree.map(lambda *xs: np.concatenate(xs)[:lanes], *results)
    return BatchSolution(
        problem=problem,
        point=answers.point,
        status=answers.status,
        steps=answers.steps,
        metrics=answers.metrics,
        data=queue.data,
        method=repr(method),
        reason=reason,
        compile_seconds=running - compiling,
        run_seconds=time.perf_counter() - running,
    )


def _layout(lanes: int, threads: int | None) -> tuple[int, int]:
    """How many lanes each part of a batch has, and how many of them advance together."""
    if jax.default_backend() != "cpu":
        return lanes, min(lanes, SLOTS_ELSEWHERE)
    parts = max(1, min(threads or os.cpu_count() or 1, lanes // (2 * SLOTS)))
    size = -(-lanes // parts)
    return size, min(size, SLOTS)


def _finish(
    common: Common, queue: Queue, part: Part, max_seconds: float | None, alone: bool
) -> Answers:
    """Advance a part until each of its lanes has stopped or the time is over."""
    began, steps = time.perf_counter(), 64
    while True:
        since = time.perf_counter()
        part = jax.block_until_ready(advance_part(common, queue, part, np.int32(steps), alone))
        now = time.perf_counter()
        late = max_seconds is not None and now - began >= max_seconds
        if late or not np.any(np.asarray(part.slots.status) == Status.RUNNING):
            answers = jax.tree.map(np.array, close_part(common, part))
            answers.status[answers.status == Status.RUNNING] = Status.MAX_SECONDS
            return answers
        wanted = int(steps * CHUNK_SECONDS / (now - since))
        steps = max(1, min(wanted, 64 * steps, 2**30))


def _row(tree: PyTree, lane: int) -> PyTree:
    return jax.tree.map(lambda x: x[lane], tree)


def _lanes(x0: PyTree, data: PyTree, duals: PyTree) -> int:
    """The number of lanes that all arguments agree on."""
    sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves((x0, data, duals))}
    if len(sizes) != 1 or () in sizes or (0,) in sizes:
        raise ValueError(
            "solve_batch needs a common, non-empty leading lane axis on every array of x0, data "
            f"and duals; got leading axes {sorted(sizes)}."
        )
    return sizes.pop()[0]
