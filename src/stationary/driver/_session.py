"""The compiled programs of one solve, and what they hand from one to the next."""

import math
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._compiled import SMALL, Compiled, Split
from .._dtypes import working_dtype
from .._hoist import shape_of
from .._memory import remember
from .._method import AbstractMethod
from .._operators import CommonDescentOperator
from .._point import Point
from .._run import Progress
from .._start import Probe
from .._status import Status
from .._system import System
from ._loop import RECORDS, Report, Run, chunk, start

LIGHT = 10_000_000
"""Up to this many unknowns, a mini-batch is evaluated in less time than its program compiles."""


class Session:
    """A method at work on a system.

    **Arguments:**

    - `method`, `system`, `data`: what is solved, and how.
    - `point`: a point of the right shapes.
    - `seed`: the randomness of a randomised method.
    """

    def __init__(
        self, method: AbstractMethod, system: System, point: Point, data: PyTree, seed: int
    ):
        of_method = remember(method, "apart", lambda: _take_apart(method))
        of_system = remember(system, "apart", lambda: _take_apart(system))
        parts = of_method, of_system, _take_apart((point, data))
        self._method, self._system = of_method.split, of_system.split
        self._data = data
        self._seed = np.int64(seed)
        self._dtype = working_dtype(point.primal)
        self._numbers = sum(part.numbers for part in parts)
        self.stochastic = remember(system, "stochastic", lambda: system.is_stochastic)
        # One mini-batch is no work, however large the data: compiling in haste is over sooner.
        light = self.stochastic and parts[2].numbers <= LIGHT
        self._once = min(self._numbers, SMALL) if light else self._numbers
        several = isinstance(system.operator, CommonDescentOperator)
        self._judged = not (several or self.stochastic or system.operator.scheduled)
        self._run: Split | None = None
        self._again = False
        self._kind = tuple(part.kind for part in parts)
        self._compiling = [] if self._kind in _compiled else self._compile(point)

    def _compile(self, point: Point) -> list[Future]:
        """Begin to compile what later calls need, `start` first.

        XLA works outside the interpreter's lock, so one program compiles while the next is traced.
        Accelerators, which time alternatives while they compile, get one program at a time.
        """
        size, once, method, system = self._numbers, self._once, self._method, self._system
        data = self._data
        pool = ThreadPoolExecutor(3 if jax.default_backend() == "cpu" else 1)
        (run, _), finish = start.ahead(once, method, system, point, data, self._seed)
        begun = [pool.submit(finish)]
        _, finish = chunk.ahead(size, method, system, data, run, *self._bounds(1.0, 0))
        begun.append(pool.submit(finish))
        if self._judged:
            from ..certify._first_order import assess  # loaded when first needed

            _, finish = assess.ahead(size, system, point, data)
        else:
            _, finish = _objective.ahead(once, system, point.primal, data)
        begun.append(pool.submit(finish))
        pool.shutdown(wait=False)
        return begun

    @property
    def first_budget(self) -> int:
        """Steps before the driver looks up for the first time and learns how long one takes."""
        return 2 * RECORDS if self._numbers <= SMALL else 1

    def begin(self, point: Point) -> Probe:
        """Stand before the first step; returns the values at the start."""
        if self._compiling:
            self._compiling[0].result()
        program = start.for_size(self._once)
        self._run, values = program(self._method, self._system, point, self._data, self._seed)
        return values

    def finish_compiling(self) -> None:
        """Wait until everything is compiled, so that what follows is stepping."""
        for program in self._compiling:
            program.result()
        self._compiling = []
        _compiled.add(self._kind)

    def advance(self, tol: float, limit: int) -> Report:
        """Step until something is decided, or until step `limit`."""
        bounds = self._bounds(tol, limit)
        program = chunk.for_size(self._numbers)
        self._run, report = program(self._method, self._system, self._data, self._run, *bounds)
        self._again = False
        return jax.block_until_ready(report)

    def _bounds(self, tol: float, limit: int) -> tuple[np.bool_, Any, np.int32]:
        return np.bool_(self._again), np.asarray(tol, self._dtype), np.int32(limit)

    def reopen(self) -> None:
        """Go on, although the method had decided something."""
        self._again = True

    @property
    def run(self) -> Run:
        """The run as it stands."""
        assert self._run is not None
        return self._run.whole

    @run.setter
    def run(self, run: Run) -> None:
        self._run = Split.of(run)

    def take_up(self, state: Progress) -> None:
        """Continue from an earlier state."""
        run = self.run
        if jax.tree.structure(run.progress) != jax.tree.structure(state):
            raise ValueError(
                "state belongs to another method or problem; pass the method and statement that "
                "it came from, or start from x0=solution instead."
            )
        running = np.asarray(int(Status.RUNNING), np.int32)
        progress = eqx.tree_at(lambda p: p.status, state, running)
        self.run = eqx.tree_at(lambda r: r.progress, run, progress)

    def judge(self, point: Point) -> tuple[float, float]:
        """The residual that a certificate would find, and the objective.

        The residual is 0 where a certificate is not comparable with what methods measure: of
        samples, of several objectives, and of coefficients that change.
        """
        if not self._judged:
            program = _objective.for_size(self._once)
            return 0.0, float(program(self._system, point.primal, self._data))
        from ..certify._first_order import assess

        found = assess.for_size(self._numbers)(self._system, point, self._data)
        return float(found.shortfall), float(found.objective)


_compiled: set[Hashable] = set()


class _Part(NamedTuple):
    """A pytree for compiled code, what such code depends on, and how many numbers it holds."""

    split: Split
    kind: Hashable
    numbers: int


def _take_apart(tree: PyTree) -> _Part:
    split = Split.of(tree)
    shapes = tuple(map(shape_of, split.arrays))
    return _Part(split, (split.rest, shapes), sum(math.prod(shape.shape) for shape in shapes))


def _value(system: Split, primal: PyTree, data: PyTree) -> Float[Array, ""]:
    return system.whole.linearize(primal, data).objective


_objective = Compiled(_value, once=True)
