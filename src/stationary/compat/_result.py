"""An answer under SciPy's names."""

import dataclasses
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PyTree

from .._point import Point
from .._solution import Solution
from .._start import prepare
from .._status import Status
from .._system import System
from ..sets import Box

_SHOWN = ("message", "success", "status", "fun", "x", "nit", "jac", "multipliers", "maxcv")


@dataclasses.dataclass(frozen=True, eq=False)
class OptimizeResult:
    """What [`compat_minimize`][stationary.compat_minimize] returns: SciPy's names, and ours.

    Fields are attributes and, as in SciPy, also keys: `result.x` and `result["x"]`.

    **Arguments:**

    - `x`: the answer.
    - `fun`: the objective there.
    - `success`: whether the solve converged, which the certificate's first-order conditions have
        confirmed.
    - `status`, `message`: why it stopped, a [`Status`][stationary.Status], and the same in words.
    - `nit`: steps taken.
    - `nfev`: always `None`: evaluations happen inside compiled steps, where none are counted.
    - `multipliers`: a vector for each constraint that was given, an entry per row of its value
        c(x), for L = f + <multipliers, c>: positive where an upper bound holds c back, negative
        where a lower one does, as `ineq` is. That is the sign of `v` of SciPy's `trust-constr`;
        `SLSQP` has the opposite one.
    - `notices`: what was changed or not used of the input.
    - `solution`: the [`Solution`][stationary.Solution], with certificate, trace and report.
    """

    x: Float[np.ndarray, "n"]
    fun: float
    success: bool
    status: Status
    message: str
    nit: int
    nfev: int | None
    multipliers: list[Float[np.ndarray, "rows"]]
    notices: tuple[str, ...]
    solution: Solution

    @cached_property
    def jac(self) -> Float[np.ndarray, "n"]:
        """The gradient of the objective at `x`; computed when first asked for."""
        return np.asarray(self._measured[0])

    @cached_property
    def maxcv(self) -> float:
        """The largest violation of a constraint or bound at `x`; 0 where none is violated."""
        broken = float(self._measured[1])
        box = getattr(self.solution.problem, "over", None)
        if isinstance(box, Box):
            outside = np.maximum(np.asarray(box.lower) - self.x, self.x - np.asarray(box.upper))
            broken = max(broken, float(np.max(outside, initial=0.0)))
        return broken

    @cached_property
    def _measured(self) -> tuple[Array, Array]:
        prepared = prepare(self.solution.problem, self.solution.value)
        return _measure(*prepared)

    def keys(self) -> Iterator[str]:
        """The names of all fields, the computed ones included."""
        return iter([*(f.name for f in dataclasses.fields(self)), "jac", "maxcv"])

    def __getitem__(self, name: str) -> Any:
        if name not in set(self.keys()):
            raise KeyError(name)
        return getattr(self, name)

    def __str__(self) -> str:
        lines = []
        for name in (*_SHOWN, *(("notices",) if self.notices else ())):
            text = str(self[name]).replace("\n", "\n" + 14 * " ")
            lines.append(f"{name:>12}: {text}")
        return "\n".join(lines)

    __repr__ = __str__


@eqx.filter_jit
def _measure(system: System, point: Point, data: PyTree) -> tuple[Array, Array]:
    """The objective's gradient, and the largest violation of a constraint."""
    at = system.linearize(point.primal, data)
    gradient = at.direction(jax.tree.map(jnp.zeros_like, point.duals))
    broken = [jnp.zeros(())]
    for name, c in system.constraints.items():
        g = at.constraints[name]
        broken.append(jnp.max(jnp.abs(g - c.cone.project(g)), initial=0.0))
    return gradient, jnp.max(jnp.stack(broken))
