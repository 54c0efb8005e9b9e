"""Many problems of one shape at once, each with a status of its own."""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PyTree

from .._dtypes import as_arrays, check_tolerance, default_tolerance, working_dtype
from .._method import AbstractMethod, Metrics, check_method
from .._point import Point
from .._registry import choose_method
from .._run import Progress, advance, begin
from .._start import prepare
from .._statements import AbstractStatement
from .._status import Status

SMALLEST = 32
"""Batches are not repacked below this many lanes."""

LOOK_EVERY = 8
"""Steps between looks at which lanes have finished."""


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
        return self.point.duals

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
    threads: int = 2,
) -> BatchSolution:
    """Solve one statement for many data or starts at once.

    Lanes advance together in compiled code; every so often those that have finished are dropped
    and the rest are packed closer. A lane that fails does not disturb the others.

    **Arguments:**

    - `problem`: the statement; its own `data` gives shapes, `data` gives the lanes.
    - `x0`: starts, every array with a leading lane axis.
    - `method`: default: chosen as by [`solve`][stationary.solve].
    - `data`: data, every array with a leading lane axis; or `None` to share the statement's.
    - `duals`: multipliers to start from, with a leading lane axis.
    - `tol`, `max_steps`, `max_seconds`: as for `solve`, per lane and for the whole.
    - `seed`: the randomness of randomised methods; every lane has its own stream.
    - `threads`: how many parts of the batch advance side by side on a CPU.

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

    primal = jax.tree.map(lambda x: jnp.asarray(x, dtype), x0)
    given = {name: jnp.asarray(dual, dtype) for name, dual in (duals or {}).items()}
    zeros = {name: jnp.zeros((lanes, *z.shape), dtype) for name, z in sample.point.duals.items()}
    point = Point(primal, zeros | given)
    lane_data = sample.data if shared else as_arrays(data)
    keys = jax.random.split(jax.random.key(seed), lanes)
    common = (method, system, shared, np.asarray(tol, dtype))

    compiling = time.perf_counter()
    parts = np.array_split(np.arange(lanes), max(1, min(threads, lanes // (4 * SMALLEST))))
    starts = []
    for rows in parts:
        own = lane_data if shared else _row(lane_data, rows)
        progress = _start(*common[:3], _row(point, rows), own, keys[rows])
        starts.append((_advance(*common, progress, own, np.int32(0)), own))
    jax.block_until_ready(starts)
    running = time.perf_counter()

    def finish(part: tuple[Progress, PyTree]) -> Progress:
        return _run_lanes(common, *part, max_steps, max_seconds)

    if len(starts) == 1:
        results = [finish(starts[0])]
    else:  # compiled code runs outside the interpreter's lock, so parts advance side by side
        with ThreadPoolExecutor(len(starts)) as pool:
            results = list(pool.map(finish, starts))
    progress = jax.tree.map(lambda *xs: np.concatenate(xs), *results)
    status = np.where(progress.status == Status.RUNNING, Status.MAX_STEPS, progress.status)
    ended = time.perf_counter()
    return BatchSolution(
        problem=problem,
        point=jax.vmap(method.point)(progress.state),
        status=status,
        steps=progress.steps,
        metrics=progress.metrics,
        data=None if shared else lane_data,
        method=repr(method),
        reason=reason,
        compile_seconds=running - compiling,
        run_seconds=ended - running,
    )


def _run_lanes(
    common: tuple,
    progress: Progress,
    data: PyTree,
    max_steps: int,
    max_seconds: float | None,
) -> Progress:
    """Advance lanes until each has stopped, packing the unfinished ones closer as others finish."""
    shared = common[2]
    lanes = np.arange(len(progress.steps))
    finished = jax.tree.map(np.array, progress)
    began, limit = time.perf_counter(), 0
    while True:
        limit = min(limit + LOOK_EVERY, max_steps)
        progress = _advance(*common, progress, data, np.int32(limit))
        status = np.asarray(progress.status)
        going = status == Status.RUNNING
        late = max_seconds is not None and time.perf_counter() - began > max_seconds
        done = not going.any() or limit == max_steps or late
        size = _bucket(len(going), int(going.sum()))
        if not done and size == len(going):
            continue
        own = lanes >= 0
        _store(finished, lanes[own], _row(jax.tree.map(np.asarray, progress), own))
        if done:
            if late:
                finished.status[finished.status == Status.RUNNING] = Status.MAX_SECONDS
            return finished
        # A bucket is filled up with finished lanes, which cost nothing: they do not step any more.
        rows = np.concatenate([np.flatnonzero(going), np.flatnonzero(~going)])[:size]
        lanes = np.where(going[rows], lanes[rows], -1)
        progress, data = _pack(progress, data, rows, shared)


def _bucket(size: int, wanted: int) -> int:
    """The smallest of a few sizes that holds `wanted` lanes: each size is compiled once."""
    while size // 4 >= max(wanted, SMALLEST):
        size //= 4
    return size


@eqx.filter_jit
def _pack(progress: Progress, data: PyTree, rows: np.ndarray, shared: bool):
    return _row(progress, rows), data if shared else _row(data, rows)


def _store(into: PyTree, lanes: np.ndarray, rows: PyTree) -> None:
    def leaf(target: np.ndarray, source: np.ndarray) -> None:
        target[lanes] = source

    jax.tree.map(leaf, into, rows)


def _row(tree: PyTree, rows: Any) -> PyTree:
    return jax.tree.map(lambda x: x[rows], tree)


@eqx.filter_jit
def _start(method, system, shared, point, data, keys) -> Progress:
    def one(point, data, key):
        return begin(method, system, point, data, key)

    return jax.vmap(one, in_axes=(0, None if shared else 0, 0))(point, data, keys)


@eqx.filter_jit
def _advance(method, system, shared, tol, progress, data, until) -> Progress:
    def one(progress, data):
        return advance(method, system, progress, data, tol, until)

    return jax.vmap(one, in_axes=(0, None if shared else 0))(progress, data)


def _lanes(x0: PyTree, data: PyTree, duals: PyTree) -> int:
    """The number of lanes that all arguments agree on."""
    sizes = {np.shape(leaf)[:1] for leaf in jax.tree.leaves((x0, data, duals))}
    if len(sizes) != 1 or () in sizes or (0,) in sizes:
        raise ValueError(
            "solve_batch needs a common, non-empty leading lane axis on every array of x0, data "
            f"and duals; got leading axes {sorted(sizes)}."
        )
    return sizes.pop()[0]
