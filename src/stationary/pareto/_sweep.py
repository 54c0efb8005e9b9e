"""All solves along a path in one compiled program, for problems whose steps take no time."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from .._compiled import jit_once
from .._dtypes import check_tolerance, default_tolerance, working_dtype
from .._method import AbstractMethod
from .._point import Point
from .._run import advance, begin
from .._status import Status
from .._system import System
from ._path import Path, Trail, predict
from ._scalarize import Scalarized

LARGEST = 1000
"""Unknowns beyond which solves are long enough to be watched one by one."""
ROWS, STEPS = 16, 500
"""Solves per call of the compiled program, and steps per solve: it cannot be interrupted inside."""
_TRIES = 4
"""How often a solve is asked to go further, because a certificate's residual is larger."""


class Swept(NamedTuple):
    """Answers along a path, every array with a leading axis over the solves."""

    point: Point
    values: dict[str, Any]
    steps: Int[Array | np.ndarray, "*m"]
    good: Bool[Array | np.ndarray, "*m"]
    """Whether the method converged and a certificate's first-order checks agree."""


def sweep(
    path: Path,
    several: System,
    rows: Float[np.ndarray, "m k"],
    method: AbstractMethod,
    begun: tuple[System, Trail, Scalarized],
) -> Iterator[Swept]:
    """Solve for one row of coefficients after another, a few rows at a time.

    **Arguments:**

    - `path`: how to predict, and how far to solve.
    - `several`: the system of the problem with several objectives.
    - `rows`: the coefficients.
    - `method`: how to solve.
    - `begun`: what `path.begin` returned for the first row.

    **Returns:** the answers, of at most `ROWS` solves each.
    """
    system, trail, data = begun
    options = path.settings.options
    dtype = working_dtype(trail.last.primal)
    tol = default_tolerance(dtype) if options["tol"] is None else options["tol"]
    check_tolerance(tol, dtype)
    level, limit = np.asarray(tol, dtype), np.int32(min(options["max_steps"], STEPS))
    for first in range(0, len(rows), ROWS):
        part = rows[first : first + ROWS]
        # The last row again, which is solved by then: one program serves any number.
        full = np.concatenate([part, np.repeat(part[-1:], ROWS - len(part), axis=0)])
        given = (method, system, several, trail, data, full, level, limit)
        trail, found = _sweep(path.settings.predictor, *given)
        yield jax.tree.map(lambda leaf: np.asarray(leaf)[: len(part)], found)  # noqa: B023


@jit_once
def _sweep(
    predictor: str,
    method: AbstractMethod,
    system: System,
    several: System,
    trail: Trail,
    data: Scalarized,
    rows: Array,
    tol: Array,
    limit: Array,
) -> tuple[Trail, Swept]:
    from ..certify._first_order import judge  # loaded when first needed

    def solve(trail: Trail, row: Array):
        here = eqx.tree_at(lambda d: d.coefficients, data, row)
        start = predict(predictor, system, trail, here)
        progress = begin(method, system, start, here, jax.random.key(0))

        def short(carry):
            progress, _, asked, tries = carry
            again = (progress.status == Status.CONVERGED) & (asked > tol) & (tries < _TRIES)
            return (tries == 0) | again

        def further(carry):
            # As a solve does: where the certificate disagrees, the method must go further.
            progress, level, _, tries = carry
            running = jnp.full_like(progress.status, int(Status.RUNNING))
            progress = eqx.tree_at(lambda p: p.status, progress, running)
            progress = advance(method, system, progress, here, level, limit)
            asked = judge(system, method.point(progress.state), here).shortfall
            level = 0.5 * jnp.minimum(level, progress.metrics.residual)
            level = jnp.maximum(level * jnp.maximum(tol / asked, 1e-3), floor)
            return progress, level.astype(tol.dtype), asked, tries + 1

        floor = 100 * jnp.finfo(tol.dtype).eps
        begun = progress, tol, jnp.full_like(progress.metrics.residual, jnp.inf), jnp.asarray(0)
        progress, _, asked, _ = jax.lax.while_loop(short, further, begun)
        answer = method.point(progress.state)
        objectives = several.linearize(answer.primal, data.data).objectives
        stopped = (progress.status == Status.CONVERGED) | (progress.status == Status.STALLED)
        good = stopped & (progress.metrics.residual <= tol) & (asked <= tol)
        return trail.then(answer, row), Swept(answer, objectives, progress.steps, good)

    return jax.lax.scan(solve, trail, rows.astype(trail.new.dtype))
