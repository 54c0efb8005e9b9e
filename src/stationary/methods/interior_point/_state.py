"""What an interior-point solve carries from step to step."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._method import Metrics
from ..._point import Point
from ._barrier import Anchor, Barrier, Duals
from ._program import Local, Program, slightly
from ._search import Filter

# What the next step is to do: look at the start, estimate multipliers, or move.
EVALUATE, ESTIMATE, NORMAL, RESTORE = range(4)

COLUMNS = (
    "barrier",
    "move",
    "step",
    "dual step",
    "regularization",
    "trials",
    "corrections",
    "restoring",
)
"""The numbers of the iteration log."""


class State(eqx.Module):
    """The iterate in the program's scaling, the filter, and the derivatives at the iterate."""

    point: Point
    x: Float[Array, "n"]
    s: Float[Array, "m"]
    duals: Duals
    local: Local
    objective_scale: Float[Array, ""]
    row_scale: Float[Array, "m"]
    barrier: Float[Array, ""]
    kept_barrier: Float[Array, ""]
    """The ordinary barrier parameter, while restoring."""
    phase: Int[Array, ""]
    filter: Filter
    anchor: Anchor
    anchor_violation: Float[Array, ""]
    regularization: Float[Array, ""]
    """The last one that was needed."""
    warm: Bool[Array, ""]
    best: Float[Array, ""]
    idle: Int[Array, ""]
    """Steps since the residual last fell by a tenth."""
    stuck: Int[Array, ""]
    """Searches in a row that found nothing."""
    blocked: Bool[Array, ""]
    """Whether restoration has ended at a violation that no small move reduces."""
    metrics: Metrics
    start_size: Float[Array, ""]
    log: dict[str, Float[Array, ""]]

    @property
    def moving(self) -> Bool[Array, ""]:
        """Whether the next step moves at all."""
        return (self.phase == NORMAL) | (self.phase == RESTORE)

    @property
    def residual(self) -> Float[Array, "m"]:
        """c(x) + s."""
        return self.local.constraints + self.s

    def barrier_problem(self, program: Program) -> Barrier:
        """The barrier problem that the current phase solves."""
        bounds = program.bounds().relaxed()
        floor = -slightly(jnp.zeros_like(self.s))
        restoring = self.phase == RESTORE
        return Barrier(bounds, floor, ~program.equality, self.barrier, restoring, self.anchor)


def choose(condition: Bool[Array, ""], yes: PyTree[Array], no: PyTree[Array]) -> PyTree[Array]:
    """One of two pytrees of the same structure."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)


def replace(state: State, **changes) -> State:
    """The state with some fields replaced, in their dtypes."""
    names = list(changes)
    values = [
        jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), changes[k], getattr(state, k))
        for k in names
    ]
    return eqx.tree_at(lambda t: [getattr(t, k) for k in names], state, values)
