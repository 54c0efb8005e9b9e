"""Jacobian descent: moves along one combination of the gradients of several objectives."""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray, PyTree

from ..._method import AbstractMethod, Metrics, Oracle
from ..._operators import CommonDescentOperator, Duals, minimum_norm_weights
from ..._point import Point
from ..._status import Status
from ..._system import Linearization, System
from ..constrained._duals import as_dual_rule, project_duals
from ..constrained._primal_dual import check_primal
from ..descent._optax import move, start
from ._aggregator import AbstractAggregator
from ._dual_cone import UPGrad
from ._several import metric, several


class JacobianDescentState(eqx.Module):
    """A point with its multipliers, and the update there that the next move will use."""

    primal: PyTree[Array]
    duals: Duals
    """The multipliers that the dual rule moves, for the objectives weighed as they are."""
    estimate: Duals
    """The same for weights that sum to 1: those that are reported."""
    update: PyTree[Array]
    weights: Float[Array, "m"]
    """The weight of each objective in `update`."""
    value: Float[Array, ""]
    """The mean of the objectives."""
    primal_memory: PyTree[Array]
    dual_memory: PyTree[Array]
    index: Int[Array, ""]
    """Moves made so far: also which mini-batch `update` came from."""
    key: PRNGKeyArray
    scale: Float[Array, ""]


class Seen(eqx.Module):
    """What one look at a point tells."""

    update: PyTree[Array]
    weights: Float[Array, "m"]
    duals: Duals
    estimate: Duals
    value: Float[Array, ""]
    metrics: Metrics


class JacobianDescent(AbstractMethod):
    """Descent along an aggregate of the objectives' gradients: with UPGrad, none gets worse.

    For a `Balance`, and for `Minimize` of an `Expectation` over a stream, where the objectives are
    the losses of the samples of a mini-batch: instance-wise risk minimisation. Any set, any
    constraints. The Jacobian is not kept: weights come from its Gramian, the update from one
    backward pass of the weighted objectives.

    Constraints have multipliers as in [`PrimalDual`][stationary.methods.PrimalDual], whose pull is
    added to the aggregate; reported are multipliers for weights that sum to 1. The residual of a
    `Balance` is the length of the shortest convex combination of the gradients of f_i + <dual, g>,
    whatever the aggregator; that of samples is the update, as another pass would cost as much as a
    step.

    **Arguments:**

    - `rule`: an Optax transformation, or the learning rate of plain descent.
    - `aggregator`: how gradients become one.
    - `dual`: a learning rate or a dual rule for the multipliers of constraints.

    **Raises:** `TypeError` or `ValueError` for a rule, an aggregator or a rate that is none; when
    solving, `TypeError` for a statement with one objective.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Balance(
        ...     {
        ...         "near 0": lambda x: jnp.sum(x**2),
        ...         "near 1": lambda x: 100 * jnp.sum((x - 1) ** 2),
        ...     }
        ... )
        >>> method = st.methods.JacobianDescent(0.004)
        >>> solution = st.solve(problem, jnp.array([2.0, -1.0]), method, progress=False)
        >>> print(solution.certificate.verdict)
        local minimum
        >>> bool(jnp.ptp(solution.value) < 1e-4)
        True

    !!! cite "Reference"
        Quinton and Rey (2024), Jacobian descent for multi-objective optimization,
        arXiv:2406.16232.
    """

    rule: Any = 1e-2
    aggregator: Any = UPGrad()
    dual: Any = 1e-2

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.RETRACT})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "several objectives, or the samples of a batch: none gets worse"

    def __check_init__(self):
        check_primal(self.rule, "JacobianDescent(rule=...)")
        as_dual_rule(self.dual, "JacobianDescent(dual=...)")
        if not isinstance(self.aggregator, AbstractAggregator):
            raise TypeError(
                "JacobianDescent(aggregator=...) is an aggregator such as UPGrad() or MGDA(), got "
                f"{self.aggregator!r}."
            )

    @property
    def _dual_rule(self):
        return as_dual_rule(self.dual, "JacobianDescent(dual=...)")

    def init(self, system, point, data=None, *, key=None) -> JacobianDescentState:
        key = jax.random.key(0) if key is None else key
        duals = project_duals(system, point.duals)
        index = jnp.zeros((), jnp.int32)
        primal = jax.tree.map(jnp.asarray, point.primal)
        seen = self._look(system, primal, lambda _: duals, data, index, key)
        return JacobianDescentState(
            primal=primal,
            duals=seen.duals,
            estimate=seen.estimate,
            update=seen.update,
            weights=seen.weights,
            value=seen.value,
            primal_memory=start(self.rule, primal),
            dual_memory=self._dual_rule.init(duals),
            index=index,
            key=key,
            scale=jnp.maximum(1, seen.metrics.residual),
        )

    def step(self, system, state, data=None):
        primal, primal_memory = move(
            system,
            self.rule,
            state.primal_memory,
            state.primal,
            state.update,
            state.value,
            state.estimate,
            data,
            state.index,
        )
        index = state.index + 1
        dual_memory = state.dual_memory

        def ascend(values: Duals) -> Duals:
            nonlocal dual_memory
            duals, dual_memory = self._dual_rule(state.dual_memory, state.duals, values)
            return project_duals(system, duals)

        seen = self._look(system, primal, ascend, data, index, state.key)
        state = JacobianDescentState(
            primal=primal,
            duals=seen.duals,
            estimate=seen.estimate,
            update=seen.update,
            weights=seen.weights,
            value=seen.value,
            primal_memory=primal_memory,
            dual_memory=dual_memory,
            index=index,
            key=state.key,
            scale=state.scale,
        )
        return state, seen.metrics

    def _look(self, system: System, primal, duals_at, data, index, key) -> Seen:
        """The aggregate and the metrics at a point, with the multipliers that follow from it."""
        at = several(system, primal, data, index)

        def smooth(x):
            return {name: c.smooth(x, data, index) for name, c in system.constraints.items()}

        softened, pullback = jax.vjp(smooth, primal)
        values = {
            name: softened[name] if c.surrogate is None else c.value(primal, data, index)
            for name, c in system.constraints.items()
        }
        duals = duals_at(values)
        gram = at.gramian()
        weights = self.aggregator.weights(gram, jax.random.fold_in(key, index))
        weights = jax.lax.stop_gradient(weights)
        update = jax.tree.map(jnp.add, at.pull(weights), pullback(duals)[0])
        total = jnp.sum(weights)
        total = jnp.where(total > 0, total, 1)
        estimate = jax.tree.map(lambda dual: dual / total, duals)

        if isinstance(system.operator, CommonDescentOperator):
            pressure = pullback(estimate)[0]
            if system.constraints:
                gram = _moved(gram, at.push, pressure, metric(system, primal))
            shortest = at.pull(minimum_norm_weights(gram))
            shortest = jax.tree.map(jnp.add, shortest, pressure)
        else:
            shortest = jax.tree.map(lambda u: u / total, update)
        met = Linearization(at.objective, at.objectives, values, softened, lambda _: shortest)
        metrics = system.metrics(Point(primal, estimate), met, shortest)
        return Seen(update, weights, duals, estimate, at.objective, metrics)

    def point(self, state) -> Point:
        return Point(state.primal, state.estimate)

    def status(self, state, metrics, tol):
        return jnp.where(metrics.blown_up(state.scale), int(Status.DIVERGED), int(Status.RUNNING))


def _moved(gram, push, vector, metric) -> Float[Array, "m m"]:
    """The Gramian after a vector is added to every gradient."""
    gradient = metric(vector)
    along = push(gradient)
    pairs = zip(jax.tree.leaves(vector), jax.tree.leaves(gradient), strict=True)
    return gram + along[:, None] + along[None, :] + sum(jnp.vdot(a, b) for a, b in pairs)
