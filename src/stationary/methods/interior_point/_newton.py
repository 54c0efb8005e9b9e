"""The Newton system of each phase, and the directions that follow from its solution."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from ._barrier import ELASTIC_PRICE, Barrier, Duals, elastic
from ._kkt import Factors, factorize, solve
from ._program import Program
from ._state import ESTIMATE, State


class Direction(NamedTuple):
    """Where a Newton step points."""

    x: Float[Array, "n"]
    s: Float[Array, "m"]
    duals: Duals


class Newton(NamedTuple):
    """[[H, A'], [A, -D]] (dx, dy) = (a, b), with slacks and bound multipliers eliminated.

    Estimating multipliers is the same system with H = I: its solution's second part is the
    least-squares estimate itself.
    """

    program: Program
    problem: Barrier
    state: State
    factors: Factors
    stationarity: Float[Array, "n"]
    slack_force: Float[Array, "m"]
    slack_stiffness: Float[Array, "m"]
    offset: Float[Array, "m"]
    """What b has besides the constraints' residual."""

    def direction(self) -> Direction:
        """The step in x, slacks and all multipliers."""
        u, v = self._solve(self.state.residual)
        ds = self._slacks(v)
        duals, away = self.state.duals, self.problem.distances(self.state.x, self.state.s)
        mu, b = self.problem.mu, self.problem.bounds
        present = self.problem.inequality
        return Direction(
            u,
            ds,
            Duals(
                v,
                jnp.where(present, mu / away.slack - duals.slack * (1 + ds / away.slack), 0.0),
                jnp.where(b.has_lower, mu / away.lower - duals.lower * (1 + u / away.lower), 0.0),
                jnp.where(b.has_upper, mu / away.upper - duals.upper * (1 - u / away.upper), 0.0),
            ),
        )

    def corrected(self, residual: Float[Array, "m"]) -> tuple[Array, Array]:
        """The step in x and slacks that cancels another residual of the constraints."""
        u, v = self._solve(residual)
        return u, self._slacks(v)

    def _solve(self, residual):
        b = jnp.where(self.state.phase == ESTIMATE, 0.0, -residual) + self.offset
        return solve(self.factors, self.program.equality, self.stationarity, b)

    def _slacks(self, v):
        force = (v + self.slack_force) / self.slack_stiffness
        return jnp.where(self.problem.inequality, -force, 0.0)


def newton(program: Program, problem: Barrier, state: State) -> Newton:
    """Assemble and factorise the system of the current phase."""
    x, s, duals, at = state.x, state.s, state.duals, state.local
    estimating, restoring = state.phase == ESTIMATE, problem.restoring
    bounds, present = problem.bounds, problem.inequality
    away = problem.distances(x, s)
    by_x, by_s = problem.gradient(at, x, s)

    stiffness = jnp.where(present, duals.slack / away.slack, 1.0)
    slack_force = jnp.where(present, duals.y + by_s, 0.0)
    curvature = jnp.where(bounds.has_lower, duals.lower / away.lower, 0.0)
    curvature += jnp.where(bounds.has_upper, duals.upper / away.upper, 0.0)
    compliance = jnp.where(present, 1 / stiffness, 0.0)
    offset = jnp.where(present, slack_force / stiffness, 0.0)

    parts = elastic(state.residual, problem.mu)
    below, above = ELASTIC_PRICE - duals.y, ELASTIC_PRICE + duals.y
    compliance += jnp.where(restoring, parts.above / below + parts.below / above, 0.0)
    offset += jnp.where(restoring, problem.mu / below - problem.mu / above, 0.0)

    eye = jnp.eye(program.size, dtype=program.dtype)
    hessian = at.hessian + jnp.diag(curvature + problem.proximal)
    force = -(by_x + duals.y @ at.jacobian)
    plain = at.gradient - duals.lower + duals.upper
    still = ~state.moving
    factors = factorize(
        jnp.where(still, eye, hessian),
        at.jacobian,
        jnp.where(still, jnp.where(present, 1.0, 0.0), compliance),
        program.equality,
        bounds.free,
        state.regularization,
    )
    return Newton(
        program,
        problem,
        state,
        factors,
        jnp.where(bounds.free, jnp.where(estimating, -plain, force), 0.0),
        slack_force,
        stiffness,
        jnp.where(estimating, jnp.where(present, -duals.slack, 0.0), offset),
    )
