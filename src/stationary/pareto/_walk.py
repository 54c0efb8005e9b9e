"""The solves that make a front, in order, and what each has found."""

import time
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._compiled import jit_once
from .._point import Point
from .._start import prepare, settle
from .._statements import Balance, Minimize
from .._status import Status
from .._system import System
from ..driver import solve_batch
from ._front import ParetoFront
from ._moving_target import march
from ._path import Path, Settings
from ._scalarize import Scalarized, is_distance, reference_distance, weighted_sum
from ._sweep import LARGEST, sweep

END = 1e-3
"""The weight of the other objective at an end of the front, so that no improvement is left out."""


class Walk:
    """The solves for one front.

    **Arguments:**

    - `problem`: the problem with several objectives.
    - `x0`: the start of the first solve.
    - `settings`: how to solve.

    **Raises:** as `solve` for a malformed problem or start, by the names of the objectives.
    """

    def __init__(self, problem: Balance, x0: PyTree, settings: Settings) -> None:
        self._began = time.perf_counter()
        self._problem, self._settings = problem, settings
        start, notices = settle(prepare(problem, x0))
        self._system, self._x0, self._data = start.system, start.point.primal, start.data
        self._found: list[_Found] = []
        self._notices: list[str] = notices
        self._method = ""

    def along(self, scalarized: Minimize, rows: Float[np.ndarray, "m k"], warm: bool) -> None:
        """One solve per row of coefficients, one after another or all at once."""
        if not warm:
            return self._batch(scalarized, rows)
        self._follow(Path(scalarized, self._x0, self._settings), rows)

    def march(self, spacing: float) -> None:
        """The reference point method, its target moved from one end of the front to the other.

        **Raises:** `ValueError` unless there are two objectives and the spacing is in (0, 0.5].
        """
        if len(self._problem.objectives) != 2:
            raise ValueError(
                f"spacing is for two objectives, not {len(self._problem.objectives)}: give "
                "weights or reference_points."
            )
        if not 0 < spacing <= 0.5:
            raise ValueError(f"spacing must lie in (0, 0.5], got {spacing}.")
        ends = Path(weighted_sum(self._problem, [1 - END, END]), self._x0, self._settings)
        self._follow(ends, np.array([[1 - END, END], [END, 1 - END]]))
        first, last = (each.values for each in self._found)
        second = self._found.pop()
        if not (first[0] < last[0] and last[1] < first[1]):
            self._notices.append("no objective costs another: the front is a single point.")
            return
        extent, corner = np.abs(last - first), np.array([first[0], last[1]])
        path = Path(
            reference_distance(self._problem, corner, extent),
            self._found[0].point.primal,
            self._settings,
        )

        def nearest(target: np.ndarray) -> np.ndarray:
            return (self._solve(path, corner + extent * target) - corner) / extent

        self._notices += march(nearest, np.array([1 - END, END]) * extent, spacing)
        self._found.append(second)

    def front(self, certificates: bool) -> ParetoFront:
        """What was found."""
        found, names = self._found, list(self._problem.objectives)
        points = jax.tree.map(lambda *leaves: np.stack(leaves), *(each.point for each in found))
        table = np.stack([each.values for each in found])
        targets = np.stack([each.target for each in found])
        judged = tuple(_certify(self._problem, each.point.primal) for each in found if certificates)
        remarks = [
            f"point {i}: {remark}" for i, each in enumerate(found) for remark in each.remarks(names)
        ]
        return ParetoFront(
            problem=self._problem,
            points=points.primal,
            values={name: table[:, i] for i, name in enumerate(names)},
            duals=points.duals,
            weights=np.stack([each.weights for each in found]),
            reference_points=None if np.all(np.isnan(targets)) else targets,
            statuses=tuple(each.status for each in found),
            steps=np.array([each.steps for each in found]),
            certificates=judged if certificates else None,
            method=self._method,
            seconds=time.perf_counter() - self._began,
            notices=(*self._notices, *remarks),
        )

    def _solve(
        self,
        path: Path,
        row: Float[np.ndarray, "k"],
        start: Point | None = None,
        before: int = 0,
    ) -> Float[np.ndarray, "k"]:
        """Solve for one row of coefficients; returns the objectives there.

        **Arguments:**

        - `start`, `before`: a point to start from instead of the predicted one, and the steps that
            led to it.
        """
        solution = path.go(row, start)
        self._method, stats = solution.stats.method, solution.stats
        steps = before + stats.steps
        return self._keep(path.problem, row, solution.point, solution.status, steps, stats.notices)

    def _follow(self, path: Path, rows: Float[np.ndarray, "m k"]) -> None:
        """Solve for all rows: where there are few unknowns in compiled code, what it leaves and
        what is large one by one."""
        if sum(map(np.size, jax.tree.leaves(self._x0))) > LARGEST:
            for row in rows:
                self._solve(path, row)
            return
        begun = path.begin(rows[0])
        system, trail, data = begun
        method = path.method(system)
        self._method = repr(method)
        self._notices += method.check(system, trail.last, data)
        done = 0
        for found in sweep(path, self._system, rows, method, begun):
            for i, steps in enumerate(found.steps):
                row, point = rows[done], jax.tree.map(lambda leaf: leaf[i], found.point)  # noqa: B023
                done += 1
                if found.good[i]:
                    values = {name: value[i] for name, value in found.values.items()}
                    self._keep(path.problem, row, point, Status.CONVERGED, int(steps), (), values)
                else:
                    self._solve(path, row, point, int(steps))

    def _batch(self, scalarized: Minimize, rows: Float[np.ndarray, "m k"]) -> None:
        def repeat(tree: PyTree) -> PyTree:
            return jax.tree.map(
                lambda leaf: np.broadcast_to(leaf, (len(rows), *np.shape(leaf))), tree
            )

        shared = scalarized.data
        data = Scalarized(rows, repeat(shared.scale), repeat(shared.data))
        options = {name: self._settings.options[name] for name in ("tol", "max_steps")}
        batch = solve_batch(
            scalarized, repeat(self._x0), self._settings.method, data=data, **options
        )
        self._method = batch.method
        for i, row in enumerate(rows):
            point = jax.tree.map(lambda leaf: leaf[i], batch.point)  # noqa: B023
            self._keep(scalarized, row, point, Status(int(batch.status[i])), int(batch.steps[i]))

    def _keep(
        self,
        scalarized: Minimize,
        row: Float[np.ndarray, "k"],
        point: Point,
        status: Status,
        steps: int,
        notices: tuple[str, ...] = (),
        each: dict[str, Any] | None = None,
    ) -> Float[np.ndarray, "k"]:
        # By name: compiled code returns them in alphabetical order.
        each = each or _values(self._system, point.primal, self._data)
        values = np.array([float(each[name]) for name in self._problem.objectives])
        weights, target = row, np.full_like(row, np.nan)
        if is_distance(scalarized):
            # The distance's gradient is this combination of the objectives' gradients.
            weights, target = (values - row) / np.asarray(scalarized.data.scale) ** 2, row
        total = float(np.sum(weights))
        found = _Found(
            jax.tree.map(np.asarray, point),
            values,
            weights / total if total > 0 else weights,
            target,
            status,
            steps,
            notices,
        )
        self._found.append(found)
        number = len(self._found)
        self._settings.observe(f"point {number}: {status.word} after {steps} steps")
        return values


class _Found:
    """One point of a front."""

    def __init__(
        self,
        point: Point,
        values: Float[np.ndarray, "k"],
        weights: Float[np.ndarray, "k"],
        target: Float[np.ndarray, "k"],
        status: Status,
        steps: int,
        notices: tuple[str, ...],
    ) -> None:
        self.point, self.values, self.weights, self.target = point, values, weights, target
        self.status, self.steps, self._notices = status, steps, notices

    def remarks(self, names: list[str]) -> list[str]:
        """What the reader should know about this point."""
        below = [
            name for name, far in zip(names, self.values - self.target, strict=True) if far < 0
        ]
        if not below:
            return list(self._notices)
        return [
            *self._notices,
            f"its reference point is not below the front: {', '.join(map(repr, below))} came out "
            "lower. It need not be Pareto optimal.",
        ]


@jit_once
def _values(system: System, primal: PyTree[Array], data: PyTree) -> dict[str, Float[Array, ""]]:
    return system.linearize(primal, data).objectives


def _certify(problem: Balance, primal: PyTree) -> Any:
    from ..certify import certify

    return certify(problem, primal)
