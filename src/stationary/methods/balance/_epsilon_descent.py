"""Common descent for functions with kinks, by sampling the Goldstein epsilon-subdifferential."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from ..._method import AbstractMethod, Metrics, Oracle, unmeasured
from ..._point import Point
from ..._status import Status
from ..._system import System, largest
from ._bundle import Bundle
from ._epsilon_state import EpsilonDescentState
from ._faces import Faces
from ._subgradients import Functions, Sample, functions_of

REFINE, TEST, BISECT, SEARCH = range(4)
"""What the next step does: shrink the radius, try the direction, bisect, or look further."""

LOOK, WEIGH = 4, 5
"""What is left to do in a step: sample anew at the point, or find the bundle's shortest vector."""


class EpsilonDescent(AbstractMethod):
    """Common descent for locally Lipschitz objectives, one or several, by sampled subgradients.

    Around the point, within a radius epsilon, subgradients are collected until the shortest
    vector v of their hull points downhill for every objective, f_i(x - eps v/|v|) <= f_i(x) -
    c eps |v|, or is shorter than delta. Where an objective fails this test, bisection along the
    way finds the subgradient that is missing. A move improves every objective. At |v| <= delta
    the radius and delta shrink, and it starts again.

    Inequalities may have kinks too. The first moves lower the largest of them to 0; from then on
    none is violated. One that the direction would violate has a subgradient found and put into the
    hull, and its share of v over that of the objectives is its multiplier. Bounds on entries of x
    within the radius take up what presses on them before v is shortest.

    The residual is the largest of epsilon, |v| over the objectives' share of it, and the violation
    of the constraints: at a residual of 1e-6 there are subgradients within 1e-6 of the point of
    which a combination is no longer than 1e-6, and a constraint with a multiplier can be violated
    by moving as far. That needs float64, for the decrease that is tested is of the order of their
    product.

    **Arguments:**

    - `epsilon`, `delta`: the first radius, in units of x, and the first length of v.
    - `decrease`: c, the part of the decrease promised by v that must come true; in (0, 1).
    - `shrink`: what epsilon and delta are multiplied by; in (0, 1).
    - `step_size`: the length of the first step tried, in units of x; later ones follow the last.
    - `capacity`: how many subgradients are kept; at least two more than there are objectives, and
        one more with constraints.
    - `bisections`: how many in a row may fail to find a subgradient that contradicts v. Beyond,
        the solve ends as `INCONSISTENT`: a function is not locally Lipschitz, or its
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
        locally Lipschitz multiobjective optimization problems, arXiv:2004.11578. The constraints,
        by the improvement function of Kiwiel (1985), Methods of Descent for Nondifferentiable
        Optimization, section 5.7.
    """

    epsilon: float = 0.1
    delta: float = 0.1
    decrease: float = 0.25
    shrink: float = 0.125
    step_size: float = 1.0
    capacity: int = 32
    bisections: int = 50
    subgradients: Mapping[str, Callable] | None = None

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.PROJECT, Oracle.FULL})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "objectives and inequalities with kinks, one or several; bounds on x"

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
        functions = self._functions(system, point.primal, data)
        count, objectives = functions.count, functions.objectives
        if self.capacity < count + 2:
            also = " and the constraints" if functions.constraints else ""
            raise ValueError(
                f"EpsilonDescent(capacity={self.capacity}) is too small for {objectives} "
                f"objectives{also}; it must be at least {count + 2}."
            )
        primal = system.space.project(point.primal)
        flat, _ = ravel_pytree(primal)
        none, zero = jnp.zeros(count, flat.dtype), jnp.zeros((), jnp.int32)
        duals = system.zero_duals(primal)
        sizes = objectives + sum(dual.size for dual in duals.values())
        nothing = jnp.zeros((count, flat.size), flat.dtype), jnp.zeros((count, sizes), flat.dtype)
        state = EpsilonDescentState(
            primal=primal,
            values=none,
            entries=duals,
            slopes=none[:objectives],
            duals=duals,
            bundle=Bundle.of(*nothing, jnp.ones(count, bool), self.capacity),
            epsilon=jnp.asarray(self.epsilon, flat.dtype),
            delta=jnp.asarray(self.delta, flat.dtype),
            phase=zero,
            pending=jnp.zeros(count, bool),
            low=none,
            high=none,
            slack=none,
            drift=none,
            trials=zero,
            length=jnp.asarray(self.step_size / 2, flat.dtype),
            subgradients=zero,
            moves=zero,
            fault=jnp.full((), -1, jnp.int32),
            rest=Point(primal, duals),
            reached=unmeasured(system.constraints, flat.dtype),
            flat=jnp.array(False),
            settled=jnp.array(False),
        )
        return _weigh(system, functions, self._look(functions, state))

    def step(self, system, state, data=None) -> tuple[EpsilonDescentState, Metrics]:
        functions = self._functions(system, state.primal, data)
        phases = (self._refine, self._test, self._bisect, self._search)
        branches = [lambda s, phase=phase: phase(system, functions, s) for phase in phases]
        state = jax.lax.switch(state.phase, branches, state)
        look = lambda s: self._look(functions, s)  # noqa: E731
        weigh = lambda s: _weigh(system, functions, s)  # noqa: E731
        state = jax.lax.cond(state.phase == LOOK, look, _same, state)
        state = jax.lax.cond(state.phase >= LOOK, weigh, _same, state)
        now, metrics = (Point(state.primal, state.duals), _metrics(functions, state))
        rest, reached = _choose(state.phase == REFINE, (now, metrics), (state.rest, state.reached))
        settled = state.flat & (reached.residual < metrics.residual)
        state = eqx.tree_at(
            lambda s: (s.rest, s.reached, s.settled), state, (rest, reached, settled)
        )
        return state, _choose(settled, reached, metrics)

    def point(self, state) -> Point:
        return _choose(state.settled, state.rest, Point(state.primal, state.duals))

    def status(self, state, metrics, tol):
        flat = jnp.where(state.flat, int(Status.STALLED), int(Status.RUNNING))
        at_rest = (state.phase == REFINE) & (state.epsilon <= tol) & (state.delta <= tol)
        stuck = at_rest & (metrics.feasibility > tol)
        flat = jnp.where(stuck, int(Status.INFEASIBLE), flat)
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
        name = self._functions(system, state.primal, data).names[fault]
        return [
            f"{name}: {self.bisections} bisections found no subgradient that explains "
            "its values along the direction. Either its subgradient is wrong (compare it with "
            "finite differences) or it is not locally Lipschitz there."
        ]

    def _functions(self, system: System, primal: PyTree, data: PyTree) -> Functions:
        return functions_of(system, data, primal, self.subgradients, "EpsilonDescent")

    def _look(self, functions: Functions, state: EpsilonDescentState) -> EpsilonDescentState:
        """Begin anew where the point is, with one subgradient per function that has to fall."""
        nowhere = jnp.zeros_like(state.bundle.shortest)
        found = functions.sample(state.primal, nowhere, jnp.zeros_like(state.values))
        objectives = jnp.arange(functions.count) < functions.objectives
        slopes = jnp.linalg.norm(found.rows[: functions.objectives], axis=1)
        wanted = objectives == _inside(functions, found.values)
        return eqx.tree_at(
            lambda s: (
                s.values, s.entries, s.slopes, s.bundle, s.subgradients, s.phase
            ),
            state,
            (
                found.values,
                functions.entries(state.primal),
                slopes,
                Bundle.of(found.rows, found.parts, wanted, self.capacity),
                state.subgradients + functions.count,
                jnp.full_like(state.phase, LOOK),
            ),
        )  # fmt: skip

    def _refine(
        self, system: System, functions: Functions, state: EpsilonDescentState
    ) -> EpsilonDescentState:
        """Go on with a smaller radius."""
        smaller = (self.shrink * state.epsilon, self.shrink * state.delta)
        return eqx.tree_at(
            lambda s: (s.epsilon, s.delta, s.phase),
            state,
            (*smaller, jnp.full_like(state.phase, LOOK)),
        )

    def _test(
        self, system: System, functions: Functions, state: EpsilonDescentState
    ) -> EpsilonDescentState:
        """See whether the direction improves every function enough at the radius."""
        size = jnp.linalg.norm(state.bundle.shortest)
        promised = state.epsilon * size
        values = functions.values(_ahead(system, state, state.epsilon / size))
        pending = self._short(functions, state, values, promised)
        kept = (state.values - values) / promised
        kept = jnp.where(jnp.isfinite(kept), kept, 0)
        # Constraints that held have but to rise for a missing subgradient to be found.
        floor = jnp.full_like(values, self.decrease)
        if functions.constraints:
            held = _inside(functions, state.values)
            floor = floor.at[-1].set(jnp.where(held, 0, self.decrease))
        drift = (floor + kept) / 2
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

    def _bisect(
        self, system: System, functions: Functions, state: EpsilonDescentState
    ) -> EpsilonDescentState:
        """Halve the way of each pending function, towards where it falls less than promised."""
        v = state.bundle.shortest
        square = jnp.vdot(v, v)
        middle = (state.low + state.high) / 2
        found = _to_scale(functions, state, functions.sample(state.primal, -v, middle))
        missing = found.rows @ v < self.decrease * square
        new = state.pending & missing
        # Tilted, a function rises over the part of the way that holds the missing subgradient.
        slack = found.values - state.values + state.drift * middle * square
        right = state.slack > slack
        pending = state.pending & ~new
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
                state.bundle.add(found.rows, found.parts, new),
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

    def _search(
        self, system: System, functions: Functions, state: EpsilonDescentState
    ) -> EpsilonDescentState:
        """Try a longer move; the radius itself is known to do."""
        size = jnp.linalg.norm(state.bundle.shortest)
        there = _ahead(system, state, state.length / size)
        values = functions.values(there)
        short = self._short(functions, state, values, state.length * size)
        accepted = ~jnp.any(short) | (state.length <= state.epsilon)
        shorter = jnp.maximum(state.length / 2, state.epsilon)
        # Objectives have had no say until the constraints hold: their radius is the first one.
        entered = accepted & ~_inside(functions, state.values) & _inside(functions, values)
        return eqx.tree_at(
            lambda s: (s.primal, s.moves, s.length, s.phase, s.epsilon, s.delta),
            state,
            (
                _choose(accepted, there, state.primal),
                state.moves + accepted,
                jnp.where(accepted, state.length, shorter),
                jnp.where(accepted, LOOK, SEARCH).astype(jnp.int32),
                jnp.where(entered, self.epsilon, state.epsilon),
                jnp.where(entered, self.delta, state.delta),
            ),
        )

    def _short(
        self,
        functions: Functions,
        state: EpsilonDescentState,
        values: Float[Array, "functions"],
        promised: Float[Array, ""],
    ) -> Bool[Array, "functions"]:
        """Which functions do not fall as promised, or violate the constraints."""
        # Not >, so that NaN counts as no improvement.
        short = ~(values <= state.values - self.decrease * promised)
        if not functions.constraints:
            return short
        inside, violated = _inside(functions, state.values), ~(values[-1] <= 0)
        last = violated & (inside | short[-1])
        return jnp.append(short[:-1] & inside, last)


def _choose(first: Bool[Array, ""], one: PyTree[Array], other: PyTree[Array]) -> PyTree[Array]:
    return jax.tree.map(lambda a, b: jnp.where(first, a, b), one, other)


def _same(state: EpsilonDescentState) -> EpsilonDescentState:
    return state


def _inside(functions: Functions, values: Float[Array, "functions"]) -> Bool[Array, ""]:
    """Whether all constraints hold."""
    return values[-1] <= 0 if functions.constraints else jnp.array(True)


def _to_scale(functions: Functions, state: EpsilonDescentState, found: Sample) -> Sample:
    """The sample with a subgradient of constraints that hold as long as those of objectives.

    Then their units do not matter: only its direction counts where they have but to stay below 0.
    """
    if not functions.constraints:
        return found
    length, unit = jnp.linalg.norm(found.rows[-1]), jnp.max(state.slopes)
    known = _inside(functions, state.values) & (length > 0) & (unit > 0)
    scale = jnp.where(known, unit / jnp.where(length > 0, length, 1), 1)
    rows, parts = (x.at[-1].multiply(scale) for x in (found.rows, found.parts))
    return Sample(found.values, rows, parts)


def _weigh(system: System, functions: Functions, state: EpsilonDescentState) -> EpsilonDescentState:
    """Find the bundle's shortest vector, and decide what to do with it."""
    bundle = state.bundle.solve(Faces.of(system.space, state.primal, state.epsilon))
    size, before = jnp.linalg.norm(bundle.shortest), jnp.linalg.norm(state.bundle.shortest)
    phase = jnp.where(size <= state.delta, REFINE, TEST).astype(jnp.int32)
    # A row that was missing shortens the vector, unless that has come down to rounding.
    flat = (state.phase == WEIGH) & (size >= before)
    _, unravel = ravel_pytree(state.duals)
    share = _share(functions, bundle)
    duals = bundle.shares[functions.objectives :] / jnp.where(share > 0, share, 1)
    return eqx.tree_at(
        lambda s: (s.bundle, s.phase, s.flat, s.duals), state, (bundle, phase, flat, unravel(duals))
    )


def _share(functions: Functions, bundle: Bundle) -> Float[Array, ""]:
    """How much of the shortest vector is the objectives'."""
    return jnp.sum(bundle.shares[: functions.objectives])


def _metrics(functions: Functions, state: EpsilonDescentState) -> Metrics:
    size, share = jnp.linalg.norm(state.bundle.shortest), _share(functions, state.bundle)
    # Without an objective in it, an objective's own subgradient may be added in full.
    alone = size + jnp.min(state.slopes)
    stationarity = jnp.where(share > 0, size / jnp.where(share > 0, share, 1), alone)
    violations = {name: largest(jnp.maximum(g, 0)) for name, g in state.entries.items()}
    feasibility = jnp.max(jnp.stack([jnp.zeros_like(size), *violations.values()]))
    return Metrics(
        objective=functions.sign * jnp.mean(state.values[: functions.objectives]),
        residual=jnp.maximum(jnp.maximum(state.epsilon, stationarity), feasibility),
        stationarity=stationarity,
        feasibility=feasibility,
        violations=violations,
    )


def _ahead(system: System, state: EpsilonDescentState, length: Float[Array, ""]) -> PyTree[Array]:
    """The point so far along minus the shortest vector; beyond the radius, up to any bounds."""
    flat, unravel = ravel_pytree(state.primal)
    bundle = state.bundle
    near = length * jnp.linalg.norm(bundle.shortest) <= state.epsilon * (1 + 1e-6)
    v = jnp.where(near, bundle.shortest, bundle.combined)
    return system.space.project(unravel(flat - length * v))
