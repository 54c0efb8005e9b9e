"""The quadratic programme of a step under inequalities and bounds, elastic where it must be."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..interior_point._program import Program
from ._l1_merit import L1Merit, violation
from ._merit import Move, Place
from ._null_space import _FLAT, _LIFT
from ._quadratic import Quadratic, solve_quadratic
from ._step import Step, Trouble

_ANCHOR = 1e3
"""How strongly a model holds to the working constraints, relative to its largest curvature."""
_ATTEMPTS = 8
_HIGHEST = 1e10
_TRUSTED = 1e3
"""Least-squares multipliers beyond this size are not believed."""


def quadratic_step(
    program: Program,
    merit: L1Merit,
    weights: L1Merit.Weights,
    accuracy: Float[Array, ""],
    at: Place,
    working: Bool[Array, "m"],
    held: Bool[Array, "n"],
) -> Step:
    """The step that minimises a convex model of the Lagrangian under linearised constraints.

    Constraints cost the merit's penalty times their violation, so contradictory ones are no
    obstacle. The penalty rises while that reduces the violation that is left.
    """
    local, bounds = at.local, program.bounds()
    share = jnp.where(bounds.closed, 1.0, 0.99)
    lower = jnp.where(bounds.free, share * (bounds.lower - at.x), 0.0)
    upper = jnp.where(bounds.free, share * (bounds.upper - at.x), 0.0)
    # Bounds that x has left by rounding must not push the step.
    lower, upper = jnp.minimum(lower, 0.0), jnp.maximum(upper, 0.0)
    hessian, pull = model(program, at, working, held)

    def solve(penalty):
        price = jnp.full_like(local.constraints, penalty)
        fall = jnp.where(program.equality, price, 0.0)
        return solve_quadratic(
            Quadratic(
                hessian,
                local.gradient + pull,
                local.jacobian,
                local.constraints,
                price,
                fall,
                lower,
                upper,
            )
        )

    def left(answer):
        return violation(program, local.constraints + local.jacobian @ answer.step)

    size = jnp.max(jnp.abs(local.constraints), initial=0.0)
    tolerance = 1e-8 * jnp.maximum(violation(program, local.constraints), 1e-6 * size)

    class Try(NamedTuple):
        penalty: Float[Array, ""]
        answer: Any
        left: Float[Array, ""]
        work: Int[Array, ""]
        count: Int[Array, ""]
        again: Bool[Array, ""]

    def attempt(t: Try) -> Try:
        answer = solve(t.penalty)
        now = left(answer)
        # More of the same only while it helps.
        helps = (t.count == 0) | (now < 0.9 * t.left)
        again = (now > tolerance) & helps & (t.penalty < _HIGHEST)
        penalty = jnp.where(again, 10 * t.penalty, t.penalty)
        return Try(penalty, answer, now, t.work + answer.steps, t.count + 1, again)

    zero = jnp.zeros((), jnp.int32)
    shapes = jax.eval_shape(solve, weights.penalty)
    nothing = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    infinite = jnp.full_like(weights.penalty, jnp.inf)
    t = jax.lax.while_loop(
        lambda t: t.again & (t.count < _ATTEMPTS),
        attempt,
        Try(weights.penalty, nothing, infinite, zero, zero, jnp.array(True)),
    )
    answer: Any = t.answer
    rows = answer.working | program.equality
    move = Move(answer.step, answer.multipliers - at.y, rows, answer.held)
    weights, _ = merit.adapt(program, L1Merit.Weights(t.penalty), at, move)
    trouble = jnp.where(answer.solved, int(Trouble.NONE), int(Trouble.INACCURATE))
    return Step(
        move=move,
        weights=weights,
        accuracy=accuracy,
        sound=jnp.all(jnp.isfinite(move.x)) & jnp.all(jnp.isfinite(move.y)),
        trouble=trouble,
        dependent=jnp.zeros(program.rows, bool),
        left=t.left,
        work=t.work,
        estimate=first_multipliers(program, at),
    )


def first_multipliers(program: Program, at: Place) -> Float[Array, "m"]:
    """Least-squares multipliers of the equalities; 0 where they would be large."""
    rows = jnp.where(jnp.asarray(program.equality)[:, None], at.local.jacobian, 0.0)
    eps = jnp.finfo(at.x.dtype).eps
    gram = rows @ rows.T
    slack = jnp.where(program.equality, eps * jnp.trace(gram) + jnp.finfo(at.x.dtype).tiny, 1.0)
    factor = jnp.linalg.cholesky(gram + jnp.diag(slack))
    y = -jax.scipy.linalg.cho_solve((factor, True), rows @ at.local.gradient)
    return jnp.where(jnp.max(jnp.abs(y), initial=0.0) <= _TRUSTED, y, 0.0)


def model(
    program: Program, at: Place, working: Bool[Array, "m"], held: Bool[Array, "n"]
) -> tuple[Float[Array, "n n"], Float[Array, "n"]]:
    """A positive definite Hessian and what to add to the gradient.

    Curvature is added across the working constraints, where the step has no freedom anyway: as
    the square of their linearisation, which is zero on them. Only curvature that is still missing
    is lifted; so near a solution that satisfies the second-order conditions the step is
    Newton's own.
    """
    local = at.local
    hessian = local.hessian
    largest = jnp.max(jnp.abs(hessian))
    norms = jnp.sum(local.jacobian**2, axis=1)
    strength = _ANCHOR * largest * jnp.where(working & (norms > 0), 1 / norms, 0.0)
    across = (local.jacobian.T * strength) @ local.jacobian
    pinned = jnp.diag(jnp.where(held, _ANCHOR * largest, 0.0))
    values, vectors = jnp.linalg.eigh(hessian + across + pinned)
    flat = ~(values > _FLAT * largest)
    lifted = jnp.where(flat, jnp.maximum(jnp.abs(values), _LIFT), values)
    # The shift towards bounds that hold an entry: its distance from them.
    bounds = program.bounds()
    gap = jnp.where(bounds.has_lower, bounds.lower - at.x, jnp.inf)
    other = jnp.where(bounds.has_upper, bounds.upper - at.x, jnp.inf)
    nearest = jnp.where(jnp.abs(gap) <= jnp.abs(other), gap, other)
    nearest = jnp.where(jnp.isfinite(nearest), nearest, 0.0)
    pull = (strength * local.constraints) @ local.jacobian
    pull -= jnp.where(held, _ANCHOR * largest * nearest, 0.0)
    better = (vectors * lifted) @ vectors.T
    return 0.5 * (better + better.T), pull
