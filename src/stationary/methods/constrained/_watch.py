"""Suspecting that constraints contradict each other, from how their multipliers grow."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PyTree

from ..._method import Metrics
from ..._operators import Duals
from ..._system import Linearization, largest


class Watch(eqx.Module):
    """Multipliers of contradictory constraints grow for ever while the violation stands still.

    Compared at doublings of the step count. Growth alone proves nothing (a feasible problem with
    large multipliers looks the same at first), so it counts only once multipliers are far beyond
    the balance of objective and constraints at the start, and the constraints' own pull has all
    but vanished. Even then it is a suspicion: the certificate checks the ray.
    """

    total: Float[Array, ""]
    steps: Int[Array, ""]
    level: Float[Array, ""]
    """Mean violation between the last two doublings."""
    size: Float[Array, ""]
    """The largest multiplier at the last doubling."""
    held: Int[Array, ""]
    """Doublings in a row at which multipliers had grown and violations had not fallen."""
    balance: Float[Array, ""]
    slope: Float[Array, ""]

    def after(self, count: Int[Array, ""], metrics: Metrics, duals: Duals) -> "Watch":
        """The watch after step number `count`."""
        total, steps = self.total + metrics.feasibility, self.steps + 1
        due = (count & (count - 1)) == 0
        mean, size = total / steps, largest(duals).astype(self.size.dtype)
        standing = (mean >= 0.95 * self.level) & (size >= 1.5 * self.size) & (size > 0)
        return Watch(
            total=jnp.where(due, 0, total).astype(self.total.dtype),
            steps=jnp.where(due, 0, steps),
            level=jnp.where(due, mean, self.level).astype(self.level.dtype),
            size=jnp.where(due, size, self.size),
            held=jnp.where(due, jnp.where(standing, self.held + 1, 0), self.held),
            balance=self.balance,
            slope=self.slope,
        )

    def suspects(self, metrics: Metrics, tol: Float[Array, ""] | float) -> Bool[Array, ""]:
        """Whether the constraints seem to contradict each other."""
        return (
            (self.held >= 3)
            & (self.size > 100 * self.balance)
            & (metrics.stationarity <= 0.1 * self.slope)
            & (metrics.feasibility > 10 * tol)
        )


def watch(at: Linearization, duals: Duals) -> Watch:
    """A watch that starts at a linearisation, from which it takes the scales of the problem."""
    zeros = {name: jnp.zeros_like(dual) for name, dual in duals.items()}
    ones = {name: jnp.ones_like(dual) for name, dual in duals.items()}
    pull, push = at.direction(zeros), at.direction(ones)
    dtype = jnp.result_type(*duals.values()) if duals else jnp.result_type(float)
    force = largest(pull).astype(dtype)
    slope = _gap(push, pull).astype(dtype)
    slope = jnp.where(slope > 0, slope, 1)
    zero = jnp.zeros((), dtype)
    count = jnp.zeros((), jnp.int32)
    return Watch(zero, count, zero, zero, count, jnp.maximum(1, force / slope), slope)


def _gap(a: PyTree[Array], b: PyTree[Array]) -> Float[Array, ""]:
    return largest(jax.tree.map(jnp.subtract, a, b))
