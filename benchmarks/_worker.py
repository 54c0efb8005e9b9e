"""One solver on one case, in a process that may be killed: `python -m benchmarks._worker`.

Reads a task per line of standard input and writes a row per line of standard output, as JSON.
"""

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import equinox as eqx
import jax

import stationary as st

from . import _cutest
from ._score import Answer, score

ROUNDS = 7
QUICK = 0.5
"""A warm solve that takes less is timed `ROUNDS` times, and its median counts."""


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

    @eqx.filter_jit
    def run(statement, x0):
        return st.run(
            statement,
            x0,
            method,
            tol=task.get("tol"),
            max_steps=2 * steps + 100,  # there is no clock in there
            differentiable=False,
        )

    def solve():
        return jax.block_until_ready(run(case.statement, case.x0))

    outcome = solve()
    found = score(case.statement, outcome.point.primal, outcome.point.duals)
    return {"run": _median(solve), "run solved": found.solved, "run worst": found.worst}


def perform(task: dict[str, Any]) -> dict[str, Any]:
    """One solver on one case: what it found, how good that is, and how long it took."""
    case = _case(task["case"])
    name = task["solver"]
    row: dict[str, Any] = {
        "case": case.name,
        "solver": name,
        "n": case.flat.x0.size,
        "m": case.flat.m,
    }
    began = time.perf_counter()
    if task["peer"]:
        from . import _peers  # needs solvers that this project does not

        solve = _peers.solver(case.flat, name, task["seconds"])
    else:
        solve = ours(case, name, task)
    answer = solve()
    row["first"] = time.perf_counter() - began
    found = score(case.statement, answer.x, answer.duals)
    row |= {"status": answer.status, "claims": answer.claims, "steps": answer.steps}
    row |= found._asdict()
    if task["warm"]:
        row["warm"] = _median(solve)
        if not task["peer"] and name != "default":
            row |= compiled(case, name, task, answer.steps)
    return row


def _median(solve: Callable[[], Any]) -> float:
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
        if last not in (None, task["case"]):
            _case.cache_clear()
            jax.clear_caches()  # programs of earlier cases are of no use to later ones
        last = task["case"]
        try:
            row = perform(task)
        except Exception as error:  # a case that breaks a solver is a result, not the end
            row = {"case": task["case"], "solver": task["solver"], "status": "error"}
            row |= {"claims": False, "solved": False, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(row), file=channel, flush=True)


if __name__ == "__main__":
    main()
