"""What an interior-point solve carries from step to step."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._method import Metrics
from ..._point import Point
from ._barrier import Anchor, Barrier, Duals
from ._program import Local, Program
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
    give: Float[Array, ""]
    """How far slacks may lie below zero."""
    barrier: Float[Array, ""]
    kept_barrier: Float[Array, ""]
    """The ordinary barrier parameter, while restoring."""
    phase: Int[Array, ""]
    filter: Filter
    anchor: Anchor
    anchor_violation: Float[Array, ""]
    restorations: Int[Array, ""]
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
        return Barrier(
            bounds=program.bounds,
            give=self.give,
            inequality=~program.equality,
            present=program.present,
            single=program.single,
            mu=self.barrier,
            restoring=self.phase == RESTORE,
            anchor=self.anchor,
        )

    def replace(self, **changes: Any) -> "State":
        """The state with some fields replaced, in their dtypes."""
        return self.replace_where(None, **changes)

    def replace_where(self, condition: Bool[Array, ""] | None, **changes: Any) -> "State":
        """The state with some fields replaced where a condition holds."""

        def pick(new, old):
            new = jnp.asarray(new, old.dtype)
            return new if condition is None else jnp.where(condition, new, old)

        values = [jax.tree.map(pick, new, getattr(self, name)) for name, new in changes.items()]
        return eqx.tree_at(lambda t: [getattr(t, name) for name in changes], self, values)


def choose(condition: Bool[Array, ""], yes: PyTree[Array], no: PyTree[Array]) -> PyTree[Array]:
    """One of two pytrees of the same structure."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), yes, no)
