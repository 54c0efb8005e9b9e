"""The method of multipliers, one trial point per step."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._method import AbstractMethod, Metrics, Oracle
from ..._operators import Duals
from ..._point import Point
from ..._status import Status
from ..._system import Linearization, System, largest
from ..descent._directions import AbstractDirection
from ..descent._search import (
    Search,
    aim,
    choose,
    direction_for,
    judge,
    refuse,
    start_search,
    trial,
)

_STATIONARY = 1e-5
"""A violation is stationary when moves of the size of x promise no larger share of it than this."""


class State(eqx.Module):
    """The search on the current merit, and the multipliers that define it."""

    search: Search
    duals: Duals
    penalty: Duals
    estimate: Duals
    """First-order multiplier estimates at the search's point: what is reported."""
    breach: Duals
    """Violation and complementarity per constraint when the multipliers last moved."""
    best_breach: Float[Array, ""]
    tolerance: Float[Array, ""]
    """How stationary the inner problem must be before the multipliers move."""
    moves: Int[Array, ""]
    """Moves accepted since then."""
    fruitless: Int[Array, ""]
    """Outer iterations since the worst breach last fell."""
    blocked: Bool[Array, ""]
    """Whether the violation was stationary, though not zero, when the multipliers last moved."""
    metrics: Metrics
    start_size: Float[Array, ""]


class AugmentedLagrangian(AbstractMethod):
    """The method of multipliers for any cone constraints over any set with a projection.

    Minimises the augmented Lagrangian by descent (Newton's method, L-BFGS or spectral gradients,
    as size and set allow), then moves the multipliers; penalties grow constraint by
    constraint where violation does not fall. Inner and outer iterations share one flat loop: a
    step is one evaluation of the objective, the constraints and one gradient, so batched solves
    never wait for each other's line searches.

    **Arguments:**

    - `penalty`: the first penalty, relative to the balance of objective and constraints.
    - `growth`: the factor by which a penalty grows.
    - `decrease`: how far an outer iteration must bring the violation down for it not to.
    - `inner_steps`: accepted moves after which the multipliers are moved regardless.
    - `direction`: the descent rule; default by size and set.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum(x**2), subject_to={"sum": st.equal(jnp.sum, 1.0)}
        ... )
        >>> solution = st.solve(problem, jnp.zeros(2), st.methods.AugmentedLagrangian())
        >>> solution.value.round(4).tolist(), round(float(solution.duals["sum"]), 4)
        ([0.5, 0.5], -1.0)

    !!! cite "Reference"
        Hestenes (1969), Powell (1969), Rockafellar (1973); safeguards after Birgin and Martinez,
        Practical Augmented Lagrangian Methods (SIAM, 2014), algorithm 4.1.
    """

    penalty: float = 1.0
    growth: float = 10.0
    decrease: float = 0.1
    inner_steps: int = 500
    direction: AbstractDirection | None = None

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.VALUE, Oracle.GRAD, Oracle.FULL})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "constrained minimisation over any set: multipliers around Newton, L-BFGS or "
        "spectral-gradient descent"
    )

    def _rule(self, system: System, primal: PyTree[Array]) -> AbstractDirection:
        if self.direction is not None:
            return self.direction
        return direction_for(system, sum(leaf.size for leaf in jax.tree.leaves(primal)))

    def init(self, system, point, data=None, *, key=None) -> State:
        at = system.linearize(point.primal, data)
        metrics = system.metrics(point, at, at.direction(point.duals))
        infinity = jnp.full_like(metrics.residual, jnp.inf)
        zero = jnp.zeros((), jnp.int32)
        return State(
            search=start_search(point.primal, self._rule(system, point.primal)),
            duals=point.duals,
            penalty=_first_penalties(system, at, self.penalty),
            estimate=point.duals,
            breach=dict.fromkeys(point.duals, infinity),
            best_breach=infinity,
            tolerance=0.1 * jnp.maximum(1.0, metrics.stationarity),
            moves=zero,
            fruitless=zero,
            blocked=jnp.array(False),
            metrics=metrics,
            start_size=1 + largest(point.primal),
        )

    def step(self, system, state, data=None):
        rule = self._rule(system, state.search.primal)
        there = trial(system, state.search)
        value, gradient, at = system.merit(there, state.duals, state.penalty, data)
        judged = judge(system, state.search, rule, there, value, gradient)

        def accept() -> State:
            estimate = system.shift(state.duals, state.penalty, at.smooth)
            breach = largest(_breach(estimate, state.duals, state.penalty))
            enough = jnp.maximum(state.tolerance, 0.1 * jnp.minimum(breach, 1))
            solved = judged.stationarity <= enough * jnp.maximum(1.0, largest(estimate))
            inner_done = solved | (state.moves >= self.inner_steps) | state.search.stuck
            blocked = jax.lax.cond(
                inner_done, lambda: _is_blocked(system, there, at), lambda: state.blocked
            )
            moved = choose(inner_done, self._move_multipliers(system, state, at, solved), state)
            value, gradient = system.merit_at(at, moved.duals, moved.penalty)
            grown = [moved.penalty[name] > state.penalty[name] for name in moved.penalty]
            search = aim(
                system,
                state.search,
                rule,
                judged,
                there,
                value,
                gradient,
                lambda x: system.merit(x, moved.duals, moved.penalty, data)[1],
                changed=inner_done,
                forget=jnp.any(jnp.array([False, *grown])),
            )
            return eqx.tree_at(
                lambda s: (s.search, s.estimate, s.moves, s.blocked, s.metrics),
                moved,
                (
                    search,
                    estimate,
                    jnp.where(inner_done, 0, state.moves + 1),
                    blocked,
                    system.metrics(Point(there, estimate), at, at.direction(estimate)),
                ),
            )

        def decline() -> State:
            search = refuse(system, state.search, rule, judged, there, value)
            return eqx.tree_at(lambda s: s.search, state, search)

        state = jax.lax.cond(judged.accepted, accept, decline)
        return state, state.metrics

    def _move_multipliers(
        self, system: System, state: State, at: Linearization, solved: Bool[Array, ""]
    ) -> State:
        new = system.shift(state.duals, state.penalty, at.constraints)
        breach = _breach(new, state.duals, state.penalty)
        eps = jnp.finfo(state.tolerance.dtype).eps
        ceiling = 1 / jnp.sqrt(eps)

        def penalty(name: str) -> Float[Array, ""]:
            old = state.penalty[name]
            fine = (breach[name] <= self.decrease * state.breach[name]) | (breach[name] <= 10 * eps)
            fine |= ~solved  # a higher penalty would only make the inner problem harder
            return jnp.where(fine, old, jnp.maximum(old, jnp.minimum(self.growth * old, ceiling)))

        worst = largest(breach)
        better = worst < 0.9 * state.best_breach
        return eqx.tree_at(
            lambda s: (s.duals, s.penalty, s.breach, s.best_breach, s.tolerance, s.fruitless),
            state,
            (
                {name: jnp.clip(dual, -1 / eps, 1 / eps) for name, dual in new.items()},
                {name: penalty(name) for name in new},
                breach,
                jnp.minimum(worst, state.best_breach),
                jnp.where(solved, jnp.maximum(0.1 * state.tolerance, 10 * eps), state.tolerance),
                jnp.where(better, 0, state.fruitless + 1),
            ),
        )

    def point(self, state) -> Point:
        return Point(state.search.primal, state.estimate)

    def status(self, state, metrics, tol):
        size = largest(state.search.primal)
        unbounded = (size > 1e8 * state.start_size) & (metrics.feasibility <= tol * size)
        infeasible = (state.fruitless >= 8) & state.blocked & (metrics.feasibility > tol)
        stalled = (state.fruitless >= 12) | (state.search.failures >= 60)
        status = jnp.where(stalled, int(Status.STALLED), int(Status.RUNNING))
        status = jnp.where(infeasible, int(Status.INFEASIBLE), status)
        return jnp.where(unbounded, int(Status.UNBOUNDED), status)


def _first_penalties(system: System, at: Linearization, factor: float) -> Duals:
    """Penalties that put each constraint's curvature on the scale of the objective."""
    objective = jnp.maximum(1.0, jnp.abs(at.objective))
    zeros = {name: jnp.zeros_like(g) for name, g in at.constraints.items()}
    base = at.direction(zeros)
    penalties = {}
    for name, g in at.smooth.items():
        cone = system.constraints[name].cone
        violation = 0.5 * jnp.sum((g - cone.project(g)) ** 2)
        probe = {**zeros, name: jnp.ones_like(g)}
        slope = largest(jax.tree.map(jnp.subtract, at.direction(probe), base))
        balance = 10 * factor * objective / jnp.maximum(1.0, violation)
        penalties[name] = jnp.clip(balance / jnp.maximum(1.0, slope) ** 2, 1e-6, 1e3)
    return penalties


def _is_blocked(system: System, primal: PyTree[Array], at: Linearization) -> Bool[Array, ""]:
    """Whether the violation is stationary though not zero: no small move promises less of it.

    Its square's projected gradient, over moves of the size of x, is compared with the square
    itself. That is indifferent to the units of x, in which a flat constraint has small gradients.
    """
    if not system.constraints:
        return jnp.array(False)
    gaps = {name: g - system.constraints[name].cone.project(g) for name, g in at.smooth.items()}
    # Both at once, so that the functions' derivatives appear once in the program.
    pairs = jax.tree.map(lambda gap: jnp.stack([gap, jnp.zeros_like(gap)]), gaps)
    slope = jax.tree.map(lambda both: both[0] - both[1], jax.vmap(at.direction)(pairs))
    gain = largest(system.space.residual(primal, slope)) * (1 + largest(primal))
    worst = largest(gaps)
    return (worst > 0) & (gain <= _STATIONARY * worst * jnp.minimum(worst, 1.0))


def _breach(new: Duals, old: Duals, penalty: Duals) -> Duals:
    """Violation and lack of complementarity, per constraint: how far the multipliers would move."""
    return {
        name: jnp.max(jnp.abs(dual - old[name]), initial=0.0) / penalty[name]
        for name, dual in new.items()
    }
