"""Common descent for objectives with kinks, by sampling the Goldstein epsilon-subdifferential."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._method import AbstractMethod, Metrics, Oracle
from ..._point import Point
from ..._status import Status
from ..._system import System, largest
from ._bundle import Bundle
from ._subgradients import Objectives, objectives_of

REFINE, TEST, BISECT, SEARCH = range(4)
"""What the next step does: shrink the radius, try the direction, bisect, or look further."""

LOOK, WEIGH = 4, 5
"""What is left to do in a step: sample anew at the point, or find the bundle's shortest vector."""


class EpsilonDescentState(eqx.Module):
    """A point, the subgradients sampled around it, and where the sampling stands.

    **Arguments:**

    - `primal`, `values`: the point, and each objective there, in alphabetical order.
    - `bundle`: the sampled subgradients; minus the shortest vector of their hull is the direction.
    - `epsilon`, `delta`: the radius, and the length of that vector that ends it.
    - `phase`: what the next step does.
    - `pending`: the objectives that the direction does not improve enough at the radius.
    - `low`, `high`, `slack`, `drift`: per objective, the ends of its bisection along the
        direction, what is bisected at `high`, and the slope it is tilted by.
    - `trials`: bisections since the direction was chosen.
    - `length`: of the next trial of the line search, or of the last move.
    - `subgradients`, `moves`: how many have been evaluated and made.
    - `fault`: the objective whose bisection found nothing, or -1.
    - `flat`: what could still be gained drowns in rounding.
    """

    primal: PyTree[Array]
    values: Float[Array, "k"]
    bundle: Bundle
    epsilon: Float[Array, ""]
    delta: Float[Array, ""]
    phase: Int[Array, ""]
    pending: Bool[Array, "k"]
    low: Float[Array, "k"]
    high: Float[Array, "k"]
    slack: Float[Array, "k"]
    drift: Float[Array, "k"]
    trials: Int[Array, ""]
    length: Float[Array, ""]
    subgradients: Int[Array, ""]
    moves: Int[Array, ""]
    fault: Int[Array, ""]
    flat: Bool[Array, ""]


class EpsilonDescent(AbstractMethod):
    """Common descent for locally Lipschitz objectives, one or several, by sampled subgradients.

    Around the point, within a radius epsilon, subgradients are collected until the shortest
    vector v of their hull points downhill for every objective, f_i(x - eps v/|v|) <= f_i(x) -
    c eps |v|, or is shorter than delta. Where an objective fails this test, bisection along the
    way finds the subgradient that is missing. A move improves every objective. At |v| <= delta
    the radius and delta shrink, and it starts again.

    The residual is the larger of epsilon and |v|: at a residual of 1e-6 there are subgradients
    within 1e-6 of the point of which a convex combination is no longer than 1e-6. That needs
    float64, for the decrease that is tested is of the order of their product.

    **Arguments:**

    - `epsilon`, `delta`: the first radius, in units of x, and the first length of v.
    - `decrease`: c, the part of the decrease promised by v that must come true; in (0, 1).
    - `shrink`: what epsilon and delta are multiplied by; in (0, 1).
    - `step_size`: the length of the first step tried, in units of x; later ones follow the last.
    - `capacity`: how many subgradients are kept; at least two more than there are objectives.
    - `bisections`: how many in a row may fail to find a subgradient that contradicts v. Beyond,
        the solve ends as `INCONSISTENT`: the objective is not locally Lipschitz, or its
        subgradient is wrong.
    - `subgradients`: functions `g(x)` or `g(x, data)` by objective name, each returning one
        subgradient, a pytree like x; JAX's derivative for the others. The objective of a
        `Minimize` is called "objective".

    **Raises:** `ValueError` for parameters outside their ranges.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> near = lambda corner: lambda x: jnp.sum(jnp.abs(x - jnp.array(corner)))
        >>> problem = st.Balance({"a": near([0.0, 0.0]), "b": near([2.0, 1.0])})
        >>> solution = st.solve(problem, jnp.array([1.0, 3.0]), st.methods.EpsilonDescent())
        >>> solution.status.word, bool(solution.value[1] <= 1.0 + 1e-6)
        ('converged', True)

    !!! cite "Reference"
        Mahdavi-Amiri and Yousefpour (2012), An effective nonsmooth optimization algorithm for
        locally Lipschitz functions; Gebken and Peitz (2021), An efficient descent method for
        locally Lipschitz multiobjective optimization problems, arXiv:2004.11578.
    """

    epsilon: float = 0.1
    delta: float = 0.1
    decrease: float = 0.25
    shrink: float = 0.125
    step_size: float = 1.0
    capacity: int = 32
    bisections: int = 50
    subgradients: Mapping[str, Callable] | None = None

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.FULL})
    handles_constraints: ClassVar[bool] = False
    summary: ClassVar[str] = "objectives with kinks, one or several; no constraints and no set"

    def __check_init__(self):
        for name in ("epsilon", "delta", "step_size"):
            if not getattr(self, name) > 0:
                raise ValueError(
                    f"EpsilonDescent({name}=...) must be positive, got {getattr(self, name)}."
                )
        for name in ("decrease", "shrink"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(
                    f"EpsilonDescent({name}=...) must lie in (0, 1), got {getattr(self, name)}."
                )
        if self.bisections < 1:
            raise ValueError(
                f"EpsilonDescent(bisections=...) must be at least 1, got {self.bisections}."
            )

    def init(self, system, point, data=None, *, key=None) -> EpsilonDescentState:
        objectives = self._objectives(system, point.primal, data)
        k = len(objectives.terms)
        if self.capacity < k + 2:
            raise ValueError(
                f"EpsilonDescent(capacity={self.capacity}) is too small for {k} objectives; "
                f"it must be at least {k + 2}."
            )
        flat, _ = ravel_pytree(point.primal)
        none, zero = jnp.zeros(k, flat.dtype), jnp.zeros((), jnp.int32)
        state = EpsilonDescentState(
            primal=point.primal,
            values=none,
            bundle=Bundle.of(jnp.zeros((k, flat.size), flat.dtype), self.capacity),
            epsilon=jnp.asarray(self.epsilon, flat.dtype),
            delta=jnp.asarray(self.delta, flat.dtype),
            phase=zero,
            pending=jnp.zeros(k, bool),
            low=none,
            high=none,
            slack=none,
            drift=none,
            trials=zero,
            length=jnp.asarray(self.step_size / 2, flat.dtype),
            subgradients=zero,
            moves=zero,
            fault=jnp.full((), -1, jnp.int32),
            flat=jnp.array(False),
        )
        return _weigh(self._look(objectives, state))

    def step(self, system, state, data=None) -> tuple[EpsilonDescentState, Metrics]:
        objectives = self._objectives(system, state.primal, data)
        phases = (self._refine, self._test, self._bisect, self._search)
        branches = [lambda s, phase=phase: phase(objectives, s) for phase in phases]
        state = jax.lax.switch(state.phase, branches, state)
        look = lambda s: self._look(objectives, s)  # noqa: E731
        state = jax.lax.cond(state.phase == LOOK, look, _same, state)
        state = jax.lax.cond(state.phase >= LOOK, _weigh, _same, state)
        dtype = state.values.dtype
        size = jnp.linalg.norm(state.bundle.shortest)
        metrics = Metrics(
            objective=objectives.sign * jnp.mean(state.values),
            residual=jnp.maximum(state.epsilon, size),
            stationarity=size,
            feasibility=jnp.zeros((), dtype),
            violations={},
        )
        return state, metrics

    def point(self, state) -> Point:
        return Point(state.primal, {})

    def status(self, state, metrics, tol):
        flat = jnp.where(state.flat, int(Status.STALLED), int(Status.RUNNING))
        return jnp.where(state.fault >= 0, int(Status.INCONSISTENT), flat)

    def log(self, state) -> dict[str, Float[Array, ""]]:
        """The radius, and how many subgradients have been evaluated and moves made so far."""
        dtype = state.values.dtype
        return {
            "epsilon": state.epsilon,
            "subgradients": state.subgradients.astype(dtype),
            "moves": state.moves.astype(dtype),
        }

    def remarks(self, system, state, status, data=None) -> list[str]:
        fault = int(state.fault)
        if fault < 0:
            return []
        name = sorted(getattr(system.operator, "objectives", {"objective": None}))[fault]
        return [
            f"objective {name!r}: {self.bisections} bisections found no subgradient that explains "
            "its values along the direction. Either its subgradient is wrong (compare it with "
            "finite differences) or it is not locally Lipschitz there."
        ]

    def _objectives(self, system: System, primal: PyTree, data: PyTree) -> Objectives:
        return objectives_of(system, data, primal, self.subgradients, "EpsilonDescent")

    def _look(self, objectives: Objectives, state: EpsilonDescentState) -> EpsilonDescentState:
        """Begin anew where the point is, with one subgradient per objective."""
        rows = objectives.subgradients(state.primal)
        return eqx.tree_at(
            lambda s: (s.values, s.bundle, s.subgradients, s.phase),
            state,
            (
                objectives.values(state.primal),
                Bundle.of(rows, self.capacity),
                state.subgradients + len(objectives.terms),
                jnp.full_like(state.phase, LOOK),
            ),
        )

    def _refine(self, objectives: Objectives, state: EpsilonDescentState) -> EpsilonDescentState:
        """Go on with a smaller radius."""
        smaller = (self.shrink * state.epsilon, self.shrink * state.delta)
        return eqx.tree_at(
            lambda s: (s.epsilon, s.delta, s.phase),
            state,
            (*smaller, jnp.full_like(state.phase, LOOK)),
        )

    def _test(self, objectives: Objectives, state: EpsilonDescentState) -> EpsilonDescentState:
        """See whether the direction improves every objective enough at the radius."""
        size = jnp.linalg.norm(state.bundle.shortest)
        promised = state.epsilon * size
        values = objectives.values(_ahead(state, state.epsilon / size))
        # Not <=, so that NaN counts as no improvement.
        pending = ~(values <= state.values - self.decrease * promised)
        kept = (state.values - values) / promised
        kept = jnp.where(jnp.isfinite(kept), kept, 0)
        drift = (self.decrease + kept) / 2
        noise = 4 * jnp.finfo(values.dtype).eps * jnp.max(jnp.abs(state.values))
        reach = jnp.full_like(values, state.epsilon / size)
        return eqx.tree_at(
            lambda s: (
                s.phase, s.pending, s.low, s.high, s.slack, s.drift, s.trials, s.length, s.flat
            ),
            state,
            (
                jnp.where(jnp.any(pending), BISECT, SEARCH).astype(jnp.int32),
                pending,
                jnp.zeros_like(values),
                reach,
                values - state.values + drift * promised,
                drift,
                jnp.zeros_like(state.trials),
                jnp.maximum(2 * state.length, state.epsilon),
                self.decrease * promised <= noise,
            ),
        )  # fmt: skip

    def _bisect(self, objectives: Objectives, state: EpsilonDescentState) -> EpsilonDescentState:
        """Halve the way of each pending objective, towards where it falls less than promised."""
        v = state.bundle.shortest
        square = jnp.vdot(v, v)
        middle = (state.low + state.high) / 2
        values, rows = objectives.along(state.primal, -v, middle)
        missing = -(rows @ v) > -self.decrease * square
        found = state.pending & missing
        # Tilted, an objective rises over the part of the way that holds the missing subgradient.
        slack = values - state.values + state.drift * middle * square
        right = state.slack > slack
        pending = state.pending & ~found
        trials = state.trials + 1
        failed = jnp.any(pending) & (trials >= self.bisections)
        # Values this close together differ by rounding alone, and prove nothing.
        resolved = jnp.sqrt(jnp.finfo(square.dtype).eps) * (1 + largest(state.primal))
        blind = failed & (state.epsilon <= resolved)
        return eqx.tree_at(
            lambda s: (
                s.phase, s.bundle, s.pending, s.low, s.high, s.slack, s.trials, s.subgradients,
                s.fault, s.flat,
            ),
            state,
            (
                jnp.where(jnp.any(pending), BISECT, WEIGH).astype(jnp.int32),
                state.bundle.add(rows, found),
                pending,
                jnp.where(right, middle, state.low),
                jnp.where(right, state.high, middle),
                jnp.where(right, state.slack, slack),
                trials,
                state.subgradients + jnp.sum(state.pending, dtype=jnp.int32),
                jnp.where(failed & ~blind, jnp.argmax(pending), -1).astype(jnp.int32),
                state.flat | blind,
            ),
        )  # fmt: skip

    def _search(self, objectives: Objectives, state: EpsilonDescentState) -> EpsilonDescentState:
        """Try a longer move; the radius itself is known to do."""
        size = jnp.linalg.norm(state.bundle.shortest)
        there = _ahead(state, state.length / size)
        values = objectives.values(there)
        improved = jnp.all(values <= state.values - self.decrease * state.length * size)
        accepted = improved | (state.length <= state.epsilon)

        shorter = jnp.maximum(state.length / 2, state.epsilon)
        return eqx.tree_at(
            lambda s: (s.primal, s.moves, s.length, s.phase),
            state,
            (
                jax.tree.map(lambda new, x: jnp.where(accepted, new, x), there, state.primal),
                state.moves + accepted,
                jnp.where(accepted, state.length, shorter),
                jnp.where(accepted, LOOK, SEARCH).astype(jnp.int32),
            ),
        )


def _same(state: EpsilonDescentState) -> EpsilonDescentState:
    return state


def _weigh(state: EpsilonDescentState) -> EpsilonDescentState:
    """Find the bundle's shortest vector, and decide what to do with it."""
    bundle = state.bundle.solve()
    size, before = jnp.linalg.norm(bundle.shortest), jnp.linalg.norm(state.bundle.shortest)
    phase = jnp.where(size <= state.delta, REFINE, TEST).astype(jnp.int32)
    # A row that was missing shortens the vector, unless that has come down to rounding.
    flat = (state.phase == WEIGH) & (size >= before)
    return eqx.tree_at(lambda s: (s.bundle, s.phase, s.flat), state, (bundle, phase, flat))


def _ahead(state: EpsilonDescentState, length: Float[Array, ""]) -> PyTree[Array]:
    """The point so far along minus the shortest vector."""
    flat, unravel = ravel_pytree(state.primal)
    return unravel(flat - length * state.bundle.shortest)
