"""One solver on one case, in a process that may be killed: `python -m benchmarks._worker`.

Reads a task per line of standard input and writes a row per line of standard output, as JSON.
"""

import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from functools import cache
from typing import Any

import jax

import stationary as st

from . import _cutest
from ._score import Answer, score

ROUNDS = 5
QUICK = 0.5
"""A warm solve that takes less is timed `ROUNDS` times, and its median counts."""

TEDIOUS = 5.0
"""A solve by SciPy that takes more is not timed again."""


def ours(case: _cutest.Case, name: str, task: dict[str, Any]) -> Callable[[], Answer]:
    """`st.solve` with a method by name; `"default"` leaves the choice to the library."""
    method = None if name == "default" else getattr(st.methods, name)()

    def solve() -> Answer:
        solution = st.solve(
            case.statement,
            case.x0,
            method,
            tol=task.get("tol"),
            max_seconds=task["seconds"],
            progress=False,
        )
        claims = solution.status is st.Status.CONVERGED
        steps = solution.stats.steps
        return Answer(solution.value, solution.duals, solution.status.word, claims, steps)

    return solve


def compiled(case: _cutest.Case, name: str, task: dict[str, Any], steps: int) -> dict[str, Any]:
    """The warm time of `st.run` under jit: the solve alone, with no host around it."""
    method = getattr(st.methods, name)()

    @jax.jit
    def run(x0):
        return st.run(
            case.statement,
            x0,
            method,
            tol=task.get("tol"),
            max_steps=2 * steps + 100,  # there is no clock in there
            differentiable=False,
        )

    def solve():
        return jax.block_until_ready(run(case.x0))

    outcome = solve()
    found = score(case.statement, outcome.point.primal, outcome.point.duals)
    return {"run": median_seconds(solve), "run solved": found.solved, "run worst": found.worst}


def perform(task: dict[str, Any]) -> dict[str, Any]:
    """What a task asks for: a case for one solver, a batch of instances, or a large problem."""
    match task["kind"]:
        case "case":
            return on_case(task)
        case "first":
            return first_answer(task)
        case "batch":
            from ._instances import batch

            return batch(task)
        case _:
            from ._large import large

            return large(task)


def on_case(task: dict[str, Any]) -> dict[str, Any]:
    """One solver on one case: what it found, how good that is, and how long it took."""
    case, name = _case(task["case"]), task["solver"]
    prepare = _preparation(task)
    row = {"case": case.name, "solver": name, "n": case.flat.x0.size, "m": case.flat.m}
    began = time.perf_counter()
    solve = prepare(case)
    answer = solve()
    row["first"] = time.perf_counter() - began
    found = score(case.statement, answer.x, answer.duals)
    row |= {"status": answer.status, "claims": answer.claims, "steps": answer.steps}
    row |= found._asdict()
    if not (task["warm"] and found.solved):
        return row
    if task["peer"] and name != "ipopt" and row["first"] > TEDIOUS:
        row["warm"] = row["first"]  # far behind with or without its few programs to compile
        return row
    row["warm"] = median_seconds(solve)
    if not task["peer"] and name != "default":
        row |= compiled(case, name, task, answer.steps)
    return row


def first_answer(task: dict[str, Any]) -> dict[str, Any]:
    """Seconds from a statement to its answer in this process, imports and loading excluded."""
    case = _case(task["case"])
    prepare = _preparation(task)
    jax.block_until_ready(jax.numpy.zeros(1) + 1.0)  # starts the backend
    began = time.perf_counter()
    answer = prepare(case)()
    seconds = time.perf_counter() - began
    row = {"case": case.name, "solver": task["solver"], "first": seconds}
    return row | {"status": answer.status, "claims": answer.claims}


def _preparation(task: dict[str, Any]) -> Callable[[_cutest.Case], Callable[[], Answer]]:
    """From a case to its solver, everything imported."""
    if not task["peer"]:
        return lambda case: ours(case, task["solver"], task)
    import cyipopt  # noqa: F401

    from . import _peers

    return lambda case: _peers.solver(case.flat, task["solver"], task["seconds"])


def median_seconds(solve: Callable[[], Any]) -> float:
    """Median seconds of a call that has been made before."""
    times = []
    while len(times) < ROUNDS and (not times or times[0] < QUICK):
        began = time.perf_counter()
        solve()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


@cache
def _case(name: str) -> _cutest.Case:
    return _cutest.load(name)


def configure(cache_folder: str | None) -> None:
    """Float64 as everywhere in the benchmarks; compiled programs kept on disk where asked."""
    jax.config.update("jax_enable_x64", True)
    if cache_folder:
        jax.config.update("jax_compilation_cache_dir", cache_folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def main() -> None:
    """Answer tasks until the input ends."""
    # Solvers in C print where they like; the rows have a channel of their own.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    configure(os.environ.get("BENCHMARK_CACHE"))
    last = None
    for line in sys.stdin:
        task = json.loads(line)
        if last not in (None, task["case"]):  # a process may be kept for a few of them
            _case.cache_clear()
            jax.clear_caches()  # programs of earlier cases are of no use to later ones
        last = task["case"]
        try:
            row = perform(task)
        except Exception as error:  # a case that breaks a solver is a result, not the end
            row = {"case": task["case"], "solver": task["solver"], "status": "error"}
            row |= {"claims": False, "solved": False, "error": f"{type(error).__name__}: {error}"}
            if os.environ.get("BENCHMARK_TRACEBACKS"):
                traceback.print_exc()
        row["load"] = round(os.getloadavg()[0], 1)  # of the machine: a reader may doubt the times
        print(json.dumps(row), file=channel, flush=True)


if __name__ == "__main__":
    main()
