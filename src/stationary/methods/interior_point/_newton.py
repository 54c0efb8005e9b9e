"""The Newton system of each phase, and the directions that follow from its solution."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._barrier import Barrier, Duals, elastic
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
    far: Float[Array, "w"]
    by_x: Float[Array, "n"]
    """The gradient of the barrier objective, constraints apart."""
    by_s: Float[Array, "m"]
    pushed: Float[Array, "m"]
    """While restoring, the derivative of the violation's cost by the residual; else 0."""
    stationarity: Float[Array, "n"]
    slack_force: Float[Array, "m"]
    slack_stiffness: Float[Array, "m"]
    offset: Float[Array, "m"]
    """What b has besides the constraints' residual."""

    def direction(self) -> Direction:
        """The step in x, slacks and all multipliers."""
        dx, ds, dy = self._solve(self.state.residual, jnp.array(True))
        z, mu = self.state.duals.z, self.problem.mu
        dz = (mu - z * self.problem.moves(dx, ds)) / self.far - z
        return Direction(dx, ds, Duals(dy, jnp.where(self.problem.present, dz, 0.0)))

    def corrected(
        self, residual: Float[Array, "m"], wanted: Bool[Array, ""]
    ) -> tuple[Array, Array]:
        """The step in x and slacks for another residual of the constraints; cheap if unwanted.

        A condition would compute it anyway in a batch, where others may want theirs.
        """
        return self._solve(residual, wanted)[:2]

    def change(self, along: tuple[Array, Array]) -> Float[Array, "m"]:
        """How a step in x and slacks changes the residual, to first order."""
        return self.state.local.jacobian @ along[0] + along[1]

    def slope(self, along: tuple[Array, Array]) -> Float[Array, ""]:
        """The derivative of the barrier objective along a step in x and slacks."""
        return self.by_x @ along[0] + self.by_s @ along[1] + self.pushed @ self.change(along)

    def _solve(self, residual, wanted):
        b = jnp.where(self.state.phase == ESTIMATE, 0.0, -residual) + self.offset
        a, b = jnp.where(wanted, self.stationarity, 0.0), jnp.where(wanted, b, 0.0)
        u, v = solve(self.factors, self.program.equality, a, b)
        force = (v + self.slack_force) / self.slack_stiffness
        return u, jnp.where(self.problem.inequality, -force, 0.0), v


def newton(program: Program, problem: Barrier, state: State) -> Newton:
    """Assemble and factorise the system of the current phase."""
    x, s, (y, z), at = state.x, state.s, state.duals, state.local
    estimating, restoring = state.phase == ESTIMATE, problem.restoring
    bounds, rows = problem.bounds, problem.inequality
    far, mu = problem.distances(x, s), problem.mu
    by_x, by_s = problem.gradient(at, x, mu / far)

    stiffness = z / far
    slack_stiffness = jnp.where(rows, stiffness[: rows.size], 1.0)
    slack_force = jnp.where(rows, y + by_s, 0.0)
    compliance = jnp.where(rows, 1 / slack_stiffness, 0.0)
    offset = slack_force * compliance
    curvature = jnp.sum(stiffness[rows.size :].reshape(2, -1), axis=0) + problem.proximal

    parts = elastic(state.residual, mu)
    below, above = problem.prices_left(y)
    compliance += jnp.where(restoring, parts.above / below + parts.below / above, 0.0)
    offset += jnp.where(restoring, mu / below - mu / above, 0.0)

    still = ~state.moving
    eye = jnp.eye(program.size, dtype=program.dtype)
    factors = factorize(
        jnp.where(still, eye, at.hessian + jnp.diag(curvature)),
        at.jacobian,
        jnp.where(still, rows.astype(program.dtype), compliance),
        program.equality,
        bounds.free,
        state.regularization,
        1e-8 * mu**0.25,
    )
    estimate = problem.gathered(z)[0] - at.gradient
    force = jnp.where(estimating, estimate, -(by_x + y @ at.jacobian))
    return Newton(
        program,
        problem,
        state,
        factors,
        far,
        by_x,
        by_s,
        jnp.where(restoring, parts.slope(mu), 0.0),
        jnp.where(bounds.free, force, 0.0),
        slack_force,
        slack_stiffness,
        jnp.where(estimating, jnp.where(rows, -z[: rows.size], 0.0), offset),
    )
