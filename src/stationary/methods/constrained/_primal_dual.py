"""First-order primal-dual methods: descent on the unknown, ascent on the multipliers."""

from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.core
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._method import AbstractMethod, Oracle
from ..._operators import Duals
from ..._point import Point
from ..._status import Status
from ..._system import System
from ..descent._optax import check_rule, lagrangian, move, start
from ._duals import AbstractDualRule, as_dual_rule, check_positive, project_duals
from ._watch import Watch, watch

if TYPE_CHECKING:
    import optax


class State(eqx.Module):
    """A point, its multipliers, and what the next move needs to know about it."""

    primal: PyTree[Array]
    duals: Duals
    """The multipliers that the dual rule moves."""
    estimate: Duals
    """The multipliers that the unknown feels: damping included."""
    direction: PyTree[Array]
    values: Duals
    value: Float[Array, ""]
    """The Lagrangian at `estimate`, whose gradient is `direction`."""
    primal_memory: PyTree[Array]
    dual_memory: PyTree[Array]
    index: Int[Array, ""]
    watch: Watch
    scale: Float[Array, ""]


class PrimalDual(AbstractMethod):
    """Descent on the unknown and ascent on the multipliers, one gradient per step.

    The method for constrained training: any Optax rule for the unknown, mini-batches, any set,
    any cone. A surrogate steers the unknown while the multipliers see the true constraint.

    The defaults are plain gradient descent-ascent. With `damping` c the unknown feels
    P_polar(dual + c g) instead of the dual: the augmented Lagrangian's gradient, which damps the
    oscillation of descent-ascent and makes it converge where the Lagrangian curves downwards.
    Inequalities need no slack variables in this form, so nothing can get stuck at a zero slack.
    The multipliers that are reported are those that the unknown feels.

    **Arguments:**

    - `primal`: an Optax transformation, or the learning rate of plain descent.
    - `dual`: a learning rate for [`GradientAscent`][stationary.methods.GradientAscent], or a dual
        rule such as [`NuPI`][stationary.methods.NuPI].
    - `order`: `"alternating"`, where the multipliers see the new point's constraints, or
        `"simultaneous"`, where both move from the old point.
    - `damping`: c, at least 0.

    **Raises:** `ValueError` for a rate that is not positive, a negative damping or an unknown
    order; `TypeError` for an Optax rule as `dual`.

    !!! example
        >>> import jax.numpy as jnp, optax, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum((x - 2) ** 2), subject_to={"sum": st.at_most(jnp.sum, 2.0)}
        ... )
        >>> method = st.methods.PrimalDual(optax.sgd(0.1), dual=0.1)
        >>> point = st.run(problem, jnp.zeros(2), method).point
        >>> point.primal.round(3).tolist(), round(float(point.duals["sum"]), 3)
        ([1.0, 1.0], 2.0)

    !!! cite "Reference"
        Arrow, Hurwicz and Uzawa (1958); damping after Platt and Barr, Constrained Differential
        Optimization, NeurIPS 1987; surrogates after Cotter et al., arXiv:1809.04198.
    """

    primal: Any = 1e-2
    dual: Any = 1e-2
    order: str = eqx.field(static=True, default="alternating")
    damping: Any = 0.0

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.RETRACT})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "constrained training: any Optax rule, multipliers, mini-batches"

    def __check_init__(self):
        check_primal(self.primal, "PrimalDual(primal=...)")
        as_dual_rule(self.dual, "PrimalDual(dual=...)")
        if self.order not in ("simultaneous", "alternating"):
            raise ValueError(
                f"PrimalDual(order=...) is 'simultaneous' or 'alternating', got {self.order!r}."
            )
        check_damping(self.damping, "PrimalDual(damping=...)")

    @property
    def _rule(self) -> AbstractDualRule:
        return as_dual_rule(self.dual, "PrimalDual(dual=...)")

    def init(self, system, point, data=None, *, key=None) -> State:
        duals = project_duals(system, point.duals)
        at = system.linearize(point.primal, data, 0)
        estimate = self._felt(system, duals, at.smooth)
        direction = at.direction(estimate)
        metrics = system.metrics(Point(point.primal, estimate), at, direction)
        return State(
            primal=point.primal,
            duals=duals,
            estimate=estimate,
            direction=direction,
            values=at.constraints,
            value=lagrangian(system, at, estimate),
            primal_memory=start(self.primal, point.primal),
            dual_memory=self._rule.init(duals),
            index=jnp.zeros((), jnp.int32),
            watch=watch(at, duals),
            scale=jnp.maximum(1, metrics.residual),
        )

    def step(self, system, state, data=None):
        primal, primal_memory = move(
            system,
            self.primal,
            state.primal_memory,
            state.primal,
            state.direction,
            state.value,
            state.estimate,
            data,
            state.index,
        )
        index = state.index + 1
        at = system.linearize(primal, data, index)
        seen = at.constraints if self.order == "alternating" else state.values
        duals, dual_memory = self._rule(state.dual_memory, state.duals, seen)
        duals = project_duals(system, duals)
        estimate = self._felt(system, duals, at.smooth)
        direction = at.direction(estimate)
        metrics = system.metrics(Point(primal, estimate), at, direction)
        state = State(
            primal=primal,
            duals=duals,
            estimate=estimate,
            direction=direction,
            values=at.constraints,
            value=lagrangian(system, at, estimate),
            primal_memory=primal_memory,
            dual_memory=dual_memory,
            index=index,
            watch=state.watch.after(index, metrics, duals),
            scale=state.scale,
        )
        return state, metrics

    def _felt(self, system: System, duals: Duals, values: Duals) -> Duals:
        if isinstance(self.damping, int | float) and self.damping == 0:
            return duals
        penalty = {name: jnp.asarray(self.damping, dual.dtype) for name, dual in duals.items()}
        return system.shift(duals, penalty, values)

    def point(self, state) -> Point:
        return Point(state.primal, state.estimate)

    def status(self, state, metrics, tol):
        return first_order_status(state.watch, state.scale, metrics, tol)


def mdmm(
    primal: "optax.GradientTransformation | float" = 1e-2,
    dual: AbstractDualRule | float | None = None,
    *,
    damping: Any = 1.0,
) -> PrimalDual:
    """The modified differential method of multipliers: simultaneous descent-ascent with damping.

    Its flow is x' = -grad f - (dual + c g) grad g, dual' = g. Near a minimum of a convex problem
    it does not oscillate once c is large enough; where the Lagrangian curves downwards, c above
    that curvature makes it converge, and plain descent-ascent cannot.

    **Arguments:**

    - `primal`: an Optax transformation, or the learning rate of plain descent.
    - `dual`: a learning rate or a dual rule; default the learning rate of `primal`. Weight decay,
        clipping and adaptive rules act on the unknown alone and never bias the multipliers.
    - `damping`: c, at least 0.

    **Returns:** a [`PrimalDual`][stationary.methods.PrimalDual].

    **Raises:** `TypeError` when `dual` is left out and `primal` is an Optax rule; otherwise as
    `PrimalDual`.

    !!! example
        The saddle of a concave objective, which plain descent-ascent runs away from:

        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x: -(x**2), subject_to={"one": st.equal(lambda x: x, 1.0)})
        >>> outcome = st.run(problem, jnp.array(0.0), st.methods.mdmm(0.1, damping=4.0))
        >>> round(float(outcome.point.primal), 3), round(float(outcome.point.duals["one"]), 3)
        (1.0, 2.0)

    !!! cite "Reference"
        Platt and Barr, Constrained Differential Optimization, NeurIPS 1987; in the slack-free
        form of Rockafellar, The multiplier method of Hestenes and Powell applied to convex
        programming (1973).
    """
    if dual is None:
        if callable(getattr(primal, "init", None)):
            raise TypeError(
                "mdmm(primal, dual): the multipliers' learning rate cannot be read off an Optax "
                "rule; pass it, for example mdmm(optax.adam(1e-3), 1e-2)."
            )
        dual = primal  # pyright: ignore[reportAssignmentType]
    return PrimalDual(primal, dual, order="simultaneous", damping=damping)


def check_primal(rule: Any, where: str) -> None:
    """Refuse a primal rule that is neither an Optax transformation nor a positive number.

    **Raises:** `TypeError` or `ValueError`.
    """
    if isinstance(rule, int | float) or eqx.is_array(rule):
        check_positive(rule, where)
    else:
        check_rule(rule, where, "optax.adam(1e-3), or a learning rate")


def check_damping(damping: Any, where: str) -> None:
    """Refuse a negative damping.

    **Raises:** `ValueError`.
    """
    if not isinstance(damping, jax.core.Tracer) and jnp.ndim(damping) == 0 and not damping >= 0:
        raise ValueError(
            f"{where} must be at least 0, got {damping}. A negative one feeds the oscillation; "
            "0 is plain descent-ascent."
        )


def first_order_status(
    watching: Watch, scale: Float[Array, ""], metrics: Any, tol: Any
) -> Int[Array, ""]:
    """Why a first-order method gives up: blown up, or the constraints seem to contradict."""
    status = jnp.where(watching.suspects(metrics, tol), int(Status.INFEASIBLE), 0)
    return jnp.where(metrics.blown_up(scale), int(Status.DIVERGED), status)
