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
from ..descent._search import Search, direction_for, judge, start_search, trial


class State(eqx.Module):
    """The search on the current merit, and the multipliers that define it."""

    search: Search
    duals: Duals
    penalty: Duals
    estimate: Duals
    """First-order multiplier estimates at the search's point: what is reported."""
    breach: Duals
    """Violation and complementarity per constraint at the last outer iteration."""
    best_breach: Float[Array, ""]
    tolerance: Float[Array, ""]
    """How stationary the inner problem must be before the multipliers move."""
    fruitless: Int[Array, ""]
    """Outer iterations since the worst breach last fell."""
    metrics: Metrics
    start_size: Float[Array, ""]


class AugmentedLagrangian(AbstractMethod):
    """The method of multipliers for any cone constraints over any set with a projection.

    Minimises the augmented Lagrangian by quasi-Newton descent (BFGS, L-BFGS or spectral
    gradients, as size and set allow), then moves the multipliers; penalties grow constraint by
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
    summary: ClassVar[str] = "constrained minimisation on any set: multipliers over quasi-Newton"

    def _rule(self, system: System, primal: PyTree[Array]) -> AbstractDirection:
        if self.direction is not None:
            return self.direction
        return direction_for(system, sum(leaf.size for leaf in jax.tree.leaves(primal)))

    def init(self, system, point, data=None, *, key=None) -> State:
        at = system.linearize(point.primal, data)
        penalty = _first_penalties(system, at, self.penalty)
        metrics = system.metrics(point, at, at.direction(point.duals))
        infinity = jnp.full_like(metrics.residual, jnp.inf)
        return State(
            search=start_search(system, point.primal, self._rule(system, point.primal)),
            duals=point.duals,
            penalty=penalty,
            estimate=point.duals,
            breach={name: infinity for name in point.duals},
            best_breach=infinity,
            tolerance=jnp.full_like(infinity, 0.1) * jnp.maximum(1.0, metrics.stationarity),
            fruitless=jnp.zeros((), jnp.int32),
            metrics=metrics,
            start_size=1 + largest(point.primal),
        )

    def step(self, system, state, data=None):
        rule = self._rule(system, state.search.primal)
        there = trial(system, state.search)
        value, gradient, at = system.merit(there, state.duals, state.penalty, data)
        search, accepted = judge(
            system,
            state.search,
            rule,
            there,
            value,
            gradient,
            lambda x: system.merit(x, state.duals, state.penalty, data)[1],
        )

        estimate = system.shift(state.duals, state.penalty, at.smooth)
        metrics = system.metrics(Point(there, estimate), at, gradient)
        keep = _choose(accepted, (estimate, metrics), (state.estimate, state.metrics))
        estimate, metrics = keep
        state = eqx.tree_at(
            lambda s: (s.search, s.estimate, s.metrics), state, (search, estimate, metrics)
        )

        dual_scale = jnp.maximum(1.0, largest(estimate))
        breach = largest(_breach(estimate, state.duals, state.penalty))
        inner_done = (
            (search.stationarity <= dual_scale * jnp.maximum(state.tolerance, 0.1 * breach))
            | (search.accepted >= self.inner_steps)
            | search.stuck
        )
        # At a refused trial `at` is not the search's own point, so nothing is decided there.
        outer = accepted & inner_done | search.stuck & ~accepted
        state = _choose(outer, self._move_multipliers(system, state, at, accepted), state)
        return state, metrics

    def _move_multipliers(
        self, system: System, state: State, at: Linearization, accepted: Bool[Array, ""]
    ) -> State:
        shifted = system.shift(state.duals, state.penalty, at.constraints)
        duals, penalty, breach = {}, {}, {}
        eps = jnp.finfo(state.tolerance.dtype).eps
        for name, dual in state.duals.items():
            new = jnp.where(accepted, shifted[name], state.estimate[name])
            moved = _breach({name: new}, state.duals, state.penalty)[name]
            improved = moved <= self.decrease * state.breach[name]
            ceiling = 1 / jnp.sqrt(eps)
            grown = jnp.minimum(self.growth * state.penalty[name], ceiling)
            settled = moved <= 10 * eps
            penalty[name] = jnp.where(
                improved | settled, state.penalty[name], jnp.maximum(grown, state.penalty[name])
            )
            duals[name] = jnp.clip(new, -1 / eps, 1 / eps)
            breach[name] = moved
        worst = largest(breach)
        better = worst < 0.9 * state.best_breach
        search = state.search
        search = eqx.tree_at(
            lambda s: (s.restart, s.accepted, s.failures, s.length),
            search,
            (
                jnp.array(True),
                # Curvature learnt under another penalty misleads: keep it only where none grew.
                jnp.where(
                    jnp.array([jnp.any(penalty[n] > state.penalty[n]) for n in penalty]).any()
                    if penalty
                    else jnp.array(False),
                    0,
                    1,
                ),
                jnp.zeros_like(search.failures),
                jnp.zeros_like(search.length),
            ),
        )
        return eqx.tree_at(
            lambda s: (
                s.search,
                s.duals,
                s.penalty,
                s.breach,
                s.best_breach,
                s.tolerance,
                s.fruitless,
            ),
            state,
            (
                search,
                duals,
                penalty,
                breach,
                jnp.minimum(worst, state.best_breach),
                jnp.maximum(0.1 * state.tolerance, 10 * eps),
                jnp.where(better, 0, state.fruitless + 1).astype(jnp.int32),
            ),
        )

    def point(self, state) -> Point:
        return Point(state.search.primal, state.estimate)

    def status(self, state, metrics, tol):
        far = largest(state.search.primal) > 1e8 * state.start_size
        feasible = metrics.feasibility <= tol * largest(state.search.primal)
        barred = (state.fruitless >= 8) & (state.best_breach > tol)
        spent = (state.fruitless >= 12) | (state.search.failures >= 60)
        nonfinite = ~jnp.isfinite(state.search.recent[0]) & (state.search.accepted > 0)
        status = jnp.where(spent, int(Status.STALLED), int(Status.RUNNING))
        status = jnp.where(barred, int(Status.INFEASIBLE), status)
        status = jnp.where(far & feasible, int(Status.UNBOUNDED), status)
        return jnp.where(nonfinite, int(Status.NONFINITE), status)


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


def _breach(new: Duals, old: Duals, penalty: Duals) -> Duals:
    """Violation and lack of complementarity, per constraint: how far the multipliers would move."""
    return {
        name: jnp.max(jnp.abs(dual - old[name]), initial=0.0) / penalty[name]
        for name, dual in new.items()
    }


def _choose(condition, yes, no):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
