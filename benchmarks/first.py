"""What a solve costs around its method: the first, the next ones, the first of another process.

The method here does nothing, so what is left is the driver: lowering, tracing and compiling its own
programs, checking the start, records, the certificate's residual, and the solution.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import jax
import jax.numpy as jnp

import stationary as st
from stationary import problems

from ._figure import Figure

STEPS, ROUNDS = 5, 200


class Idle(st.AbstractMethod):
    """Stays where it is for a few steps, and then calls it an answer."""

    needs = frozenset()
    handles_constraints = True
    summary = "nothing"

    def init(self, system, point, data=None, *, key=None):
        return point, jnp.zeros((), jnp.int32)

    def step(self, system, state, data=None):
        point, steps = state
        zero = jnp.zeros((), point.primal.dtype)
        residual = jnp.where(steps + 1 < STEPS, zero + 1, zero)
        violations = dict.fromkeys(system.constraints, zero)
        return (point, steps + 1), st.Metrics(zero, residual, residual, zero, violations)

    def point(self, state):
        return state[0]


def measure(folder: str) -> dict[str, float]:
    """Seconds of the first solve of this process, and of the next ones.

    Processor seconds are those of all threads; on a busy machine they are the steadier figure.
    """
    jax.config.update("jax_enable_x64", True)
    if folder:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.block_until_ready(jnp.zeros(1))  # the backend itself is not what is measured
    example, method = problems.get("HS71"), Idle()

    def solve() -> tuple[float, float]:
        began, worked = time.perf_counter(), time.process_time()
        solution = st.solve(
            example.problem, example.optimum, method, duals=example.duals, progress=False
        )
        took = time.perf_counter() - began, time.process_time() - worked
        assert (solution.status, solution.stats.steps) == (st.Status.CONVERGED, STEPS)
        return took

    first, again = solve(), [solve() for _ in range(ROUNDS)]
    wall, processor = map(statistics.median, zip(*again, strict=True))
    return {
        "first": first[0],
        "first, processor": first[1],
        "again": wall,
        "again, processor": processor,
        "again, least": min(again)[0],
    }


def run() -> list[Figure]:
    """HS71 in fresh processes, without and with compiled programs kept on disk."""
    with tempfile.TemporaryDirectory() as folder:
        alone, _, second = (_process(kept) for kept in ("", folder, folder))
    peer = "none: the driver around a method that does nothing, HS71"
    return [
        Figure("first solve of a process, s", alone["first"], peer, 0.35, detail=alone),
        Figure("the same, programs on disk, s", second["first"], peer, 0.25, detail=second),
        Figure("each further solve, s", alone["again"], peer, 0.0015),
    ]


def _process(folder: str) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, folder]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    return json.loads(done.stdout)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
