"""Dual ascent with an approximate inner minimiser, keeping every iterate the theory speaks of."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ..._method import AbstractMethod, Oracle
from ..._operators import Duals
from ..._point import Point
from ..._system import System
from ..descent._optax import lagrangian, move, start
from ._duals import AbstractDualRule, as_dual_rule, project_duals
from ._primal_dual import check_primal, first_order_status
from ._watch import Watch, watch


class DualAscentState(eqx.Module):
    """The iterates of dual ascent: the last, the best, one at random, and averages.

    **Arguments:**

    - `last`: the last iterate, with the multipliers that it minimises the Lagrangian of.
    - `best`: the iterate with the largest dual value, and its multipliers.
    - `random`: an iterate drawn uniformly from all so far, and its multipliers.
    - `mean_values`: the mean over all iterates of each constraint's value g.
    - `mean_duals`: the mean of the multipliers.
    - `dual_value`: the largest dual value.
    - `updates`: iterates so far.
    """

    last: Point
    best: Point
    random: Point
    mean_values: Duals
    mean_duals: Duals
    dual_value: Float[Array, ""]
    updates: Int[Array, ""]
    duals: Duals
    memory: PyTree[Array]
    dual_memory: PyTree[Array]
    index: Int[Array, ""]
    key: PRNGKeyArray
    watch: Watch
    scale: Float[Array, ""]


class DualAscent(AbstractMethod):
    """Ascent on the dual function: minimise the Lagrangian, nearly, then move the multipliers.

    A step is one dual update: `inner_steps` moves of `inner` from the last iterate, and one move
    of the multipliers by the constraints there. In non-convex problems the guarantees differ
    between iterates, so the state keeps all of them: the last, the one with the largest dual
    value, and one drawn uniformly at random (the randomised solution). With few inner steps the
    minimiser is not one, and dual values are estimates from above.

    **Arguments:**

    - `inner`: an Optax transformation, or the learning rate of plain descent.
    - `inner_steps`: moves per dual update.
    - `dual`: a learning rate, or a dual rule. Cones decide which multipliers are signed.

    **Raises:** `ValueError` for a rate that is not positive or `inner_steps` below 1.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum((x - 2) ** 2), subject_to={"sum": st.at_most(jnp.sum, 2.0)}
        ... )
        >>> method = st.methods.DualAscent(0.2, inner_steps=20, dual=0.5)
        >>> solution = st.solve(problem, jnp.zeros(2), method)
        >>> solution.value.round(3).tolist(), round(float(solution.duals["sum"]), 3)
        ([1.0, 1.0], 2.0)
        >>> method.best(solution.state.state).primal.round(2).tolist()
        [1.0, 1.0]

    !!! cite "Reference"
        Elenter, Chamon and Ribeiro, Near-optimal solutions of constrained learning problems,
        ICLR 2024, arXiv:2403.11844, algorithm 1.
    """

    inner: Any = 1e-2
    inner_steps: int = 1
    dual: Any = 1e-2

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.VALUE, Oracle.GRAD, Oracle.RETRACT})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "constrained learning: an inner minimiser, keeps last, best, random"

    def __check_init__(self):
        check_primal(self.inner, "DualAscent(inner=...)")
        as_dual_rule(self.dual, "DualAscent(dual=...)")
        if self.inner_steps < 1:
            raise ValueError(f"DualAscent(inner_steps=...) must be >= 1, got {self.inner_steps}.")

    @property
    def _rule(self) -> AbstractDualRule:
        return as_dual_rule(self.dual, "DualAscent(dual=...)")

    def init(self, system, point, data=None, *, key: PRNGKeyArray) -> DualAscentState:
        duals = project_duals(system, point.duals)
        point = Point(point.primal, duals)
        at = system.linearize(point.primal, data, 0)
        metrics = system.metrics(point, at, at.direction(duals))
        zeros = jax.tree.map(jnp.zeros_like, duals)
        none = jnp.zeros((), jnp.int32)
        return DualAscentState(
            last=point,
            best=point,
            random=point,
            mean_values=zeros,
            mean_duals=zeros,
            dual_value=jnp.full_like(lagrangian(system, at, duals), -jnp.inf),
            updates=none,
            duals=duals,
            memory=start(self.inner, point.primal),
            dual_memory=self._rule.init(duals),
            index=none,
            key=key,
            watch=watch(at, duals),
            scale=jnp.maximum(1, metrics.residual),
        )

    def step(self, system, state, data=None):
        primal, memory, index = self._minimize(system, state, data)
        at = system.linearize(primal, data, index)
        here = Point(primal, state.duals)
        metrics = system.metrics(here, at, at.direction(state.duals))
        dual_value = lagrangian(system, at, state.duals)
        duals, dual_memory = self._rule(state.dual_memory, state.duals, at.constraints)
        duals = project_duals(system, duals)

        updates = state.updates + 1
        better = dual_value > state.dual_value
        # Each of n iterates survives with chance 1/n: a reservoir of one.
        draw = jax.random.uniform(jax.random.fold_in(state.key, updates))
        state = DualAscentState(
            last=here,
            best=_choose(better, here, state.best),
            random=_choose(draw * updates < 1, here, state.random),
            mean_values=_mean(state.mean_values, at.constraints, updates),
            mean_duals=_mean(state.mean_duals, state.duals, updates),
            dual_value=jnp.where(better, dual_value, state.dual_value),
            updates=updates,
            duals=duals,
            memory=memory,
            dual_memory=dual_memory,
            index=index + 1,
            key=state.key,
            watch=state.watch.after(updates, metrics, duals),
            scale=state.scale,
        )
        return state, metrics

    def _minimize(
        self, system: System, state: DualAscentState, data: PyTree
    ) -> tuple[PyTree[Array], PyTree[Array], Int[Array, ""]]:
        """The inner moves on the Lagrangian at the present multipliers."""

        def inner(_, carry):
            primal, memory, index = carry
            at = system.linearize(primal, data, index)
            primal, memory = move(
                system,
                self.inner,
                memory,
                primal,
                at.direction(state.duals),
                lagrangian(system, at, state.duals),
                state.duals,
                data,
                index,
            )
            return primal, memory, index + 1

        start_at = (state.last.primal, state.memory, state.index)
        return jax.lax.fori_loop(0, self.inner_steps, inner, start_at)

    def point(self, state) -> Point:
        return state.last

    def last(self, state: DualAscentState) -> Point:
        """The last iterate, with the multipliers that it answers to."""
        return state.last

    def best(self, state: DualAscentState) -> Point:
        """The iterate with the largest dual value."""
        return state.best

    def randomized(self, state: DualAscentState) -> Point:
        """An iterate drawn uniformly from all so far; another seed draws another."""
        return state.random

    def mean_values(self, state: DualAscentState) -> Duals:
        """The mean of each constraint's value over all iterates: at most 0 when they agree."""
        return state.mean_values

    def status(self, state, metrics, tol):
        return first_order_status(state.watch, state.scale, metrics, tol)


def _mean(mean: Duals, new: Duals, count: Int[Array, ""]) -> Duals:
    return {name: (old + (new[name] - old) / count).astype(old.dtype) for name, old in mean.items()}


def _choose(condition, yes, no):
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
