"""Optax directions on sets: a direction from Optax, a retraction from the set."""

from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._method import AbstractMethod, Oracle
from ..._operators import Duals
from ..._point import Point
from ..._status import Status
from ..._system import Linearization, System

if TYPE_CHECKING:
    import optax


class OptaxState(eqx.Module):
    """A point, and the direction there that the next move will use."""

    primal: PyTree[Array]
    direction: PyTree[Array]
    value: Float[Array, ""]
    memory: PyTree[Array]
    """The Optax transformation's own state."""
    index: Int[Array, ""]
    """Moves made so far: also which mini-batch `direction` came from."""
    scale: Float[Array, ""]
    """The residual at the start."""


class OptaxDescent(AbstractMethod):
    """Descent along a direction chosen by Optax; [`from_optax`][stationary.methods.from_optax]."""

    transform: Any

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.GRAD, Oracle.RETRACT})
    handles_constraints: ClassVar[bool] = False
    summary: ClassVar[str] = "any Optax rule on any set, with mini-batches; no constraints"

    def init(self, system, point, data=None, *, key=None) -> OptaxState:
        at = system.linearize(point.primal, data, 0)
        direction = at.direction({})
        metrics = system.metrics(point, at, direction)
        return OptaxState(
            primal=point.primal,
            direction=direction,
            value=lagrangian(system, at, {}),
            memory=start(self.transform, point.primal),
            index=jnp.zeros((), jnp.int32),
            scale=jnp.maximum(1, metrics.residual),
        )

    def step(self, system, state, data=None):
        primal, memory = move(
            system,
            self.transform,
            state.memory,
            state.primal,
            state.direction,
            state.value,
            {},
            data,
            state.index,
        )
        index = state.index + 1
        at = system.linearize(primal, data, index)
        direction = at.direction({})
        metrics = system.metrics(Point(primal, {}), at, direction)
        value = lagrangian(system, at, {})
        return OptaxState(primal, direction, value, memory, index, state.scale), metrics

    def point(self, state) -> Point:
        return Point(state.primal, {})

    def status(self, state, metrics, tol):
        return jnp.where(metrics.blown_up(state.scale), int(Status.DIVERGED), int(Status.RUNNING))


def from_optax(transform: "optax.GradientTransformation") -> OptaxDescent:
    """A method that moves along any Optax rule's direction and returns to the set.

    Works on every system without constraints: `Minimize` over any set (on a manifold the rule
    sees the tangent gradient, and the set retracts), `Saddle` and `VariationalInequality` (the
    direction is the operator), `Balance` (the common descent direction), and with mini-batches
    (step k uses batch k). A rule that keeps momentum keeps it as an ambient vector; its part
    along the manifold is what moves the point. Rules that rescale coordinates one by one (Adam) are
    right for elementwise sets; over a simplex or a ball their projected steps may come to rest
    where plain descent would not.

    Make the method once and reuse it: two calls of `optax.adam(1e-3)` are two rules to a compiler.

    **Arguments:**

    - `transform`: any `optax.GradientTransformation`, sign and learning rate included. Rules that
        ask for `value`, `grad` or `value_fn` get them where the statement has one objective.

    **Returns:** a method for [`solve`][stationary.solve] and [`run`][stationary.run].

    **Raises:** `TypeError` when `transform` is no Optax transformation.

    !!! example
        >>> import jax.numpy as jnp, optax, stationary as st
        >>> problem = st.Minimize(lambda x: jnp.sum((x - 2) ** 2), over=st.sets.Box(0, 1))
        >>> method = st.methods.from_optax(optax.adam(0.1))
        >>> st.run(problem, jnp.zeros(2), method).point.primal.tolist()
        [1.0, 1.0]

    !!! cite "Reference"
        DeepMind et al., The DeepMind JAX Ecosystem (2020): Optax.
    """
    check_rule(transform, "from_optax", "optax.adam(1e-3)")
    return OptaxDescent(transform)


def check_rule(rule: Any, where: str, remedy: str) -> None:
    """Refuse what is not an Optax transformation.

    **Raises:** `TypeError` saying what to pass instead.
    """
    if not (callable(getattr(rule, "init", None)) and callable(getattr(rule, "update", None))):
        raise TypeError(
            f"{where} takes an optax.GradientTransformation such as {remedy}, got {rule!r}."
        )


def start(rule: Any, primal: PyTree[Array]) -> PyTree[Array]:
    """The memory of a rule (an Optax transformation, or a learning rate) before any move."""
    memory = _transform(rule).init(primal)
    return jax.tree.map(lambda leaf: _like(leaf, leaf), memory)


def move(
    system: System,
    rule: Any,
    memory: PyTree[Array],
    primal: PyTree[Array],
    direction: PyTree[Array],
    value: Float[Array, ""],
    duals: Duals,
    data: PyTree,
    index: Int[Array, ""],
) -> tuple[PyTree[Array], PyTree[Array]]:
    """One move of a rule from `primal`, back in the set, and the rule's memory of it.

    **Arguments:**

    - `rule`: an Optax transformation, or a learning rate for plain descent.
    - `direction`, `value`: the Lagrangian's gradient and value at `primal`.
    - `duals`, `data`, `index`: what they were evaluated with.
    """
    space = system.space
    gradient = space.gradient(primal, direction)
    extra: dict[str, Any] = {}
    if system.operator.has_potential:
        extra = {
            "value": value,
            "grad": gradient,
            "value_fn": lambda x: lagrangian(system, system.linearize(x, data, index), duals),
        }
    updates, after = _transform(rule).update(gradient, memory, primal, **extra)
    updates = jax.tree.map(lambda u, x: u.astype(x.dtype), updates, primal)
    if space.curved:
        # What momentum says is ambient; a retraction wants a tangent.
        updates = jax.tree.map(
            lambda s, x, u: s.gradient(x, u) if s.curved else u,
            space.sets,
            primal,
            updates,
            is_leaf=lambda node: hasattr(node, "curved"),
        )
    # A rule may return weakly typed numbers; a state keeps its dtypes for ever.
    return space.retract(primal, updates), jax.tree.map(_like, after, memory)


def lagrangian(system: System, at: Linearization, duals: Duals) -> Float[Array, ""]:
    """The Lagrangian's value at a linearisation, the objective's sign included."""
    value = jnp.asarray(system.sign * at.objective)
    for name, dual in duals.items():
        value = value + jnp.vdot(dual, at.smooth[name])
    return value


def _transform(rule: Any) -> Any:
    import optax

    if callable(getattr(rule, "init", None)):
        return optax.with_extra_args_support(rule)
    return optax.with_extra_args_support(optax.sgd(rule))


def _like(new: Any, old: Any) -> Any:
    old = jnp.asarray(old)
    if jnp.issubdtype(old.dtype, jax.dtypes.prng_key):
        return new
    return jnp.asarray(new, old.dtype)
