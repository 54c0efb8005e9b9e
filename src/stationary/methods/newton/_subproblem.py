"""The quadratic programme of a step under inequalities and bounds, elastic where it must be."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..interior_point._program import Program
from ._l1_merit import L1Merit, violation
from ._merit import Move, Place, choose
from ._null_space import _FLAT, least_curvature
from ._quadratic import Answer, Quadratic, solve_quadratic
from ._step import Step, Trouble

_ANCHOR = 1e3
"""How strongly a model holds to the working constraints, relative to its largest curvature."""
_ATTEMPTS = 10
_PROBE, _HIGHEST = 1e6, 1e10
"""Penalties: to find the least violation that is possible, and the largest."""
_FAIR = 0.3
_TRUSTED = 1e3
"""Least-squares multipliers beyond this size are not believed."""


class _Try(NamedTuple):
    penalty: Float[Array, ""]
    answer: Answer
    left: Float[Array, ""]
    least: Float[Array, ""]
    """The violation that is left when nothing else counts; known from the second try on."""
    work: Int[Array, ""]
    count: Int[Array, ""]
    enough: Bool[Array, ""]


def quadratic_step(
    program: Program,
    merit: L1Merit,
    weights: L1Merit.Weights,
    accuracy: Float[Array, ""],
    at: Place,
    working: Bool[Array, "m"],
    held: Bool[Array, "n"],
    radius: Float[Array, ""],
) -> Step:
    """The step that minimises a convex model of the Lagrangian under linearised constraints.

    Constraints cost the merit's penalty times their violation, so contradictory ones are no
    obstacle. Where a step does not satisfy them all, the penalty rises until the step reduces the
    violation by a fair share of what is possible (Byrd, Nocedal and Waltz, 2008).

    **Arguments:**

    - `working`, `held`: the rows and bounds that held the step before this one.
    - `radius`: the largest move of any entry.
    """
    local, bounds = at.local, program.bounds
    share = 1.0 if program.system.space.closed else 0.99
    # Bounds that x has left by rounding must not push the step.
    lower = jnp.where(bounds.free, jnp.minimum(share * (bounds.lower - at.x), 0.0), 0.0)
    upper = jnp.where(bounds.free, jnp.maximum(share * (bounds.upper - at.x), 0.0), 0.0)
    near_lower, near_upper = jnp.maximum(lower, -radius), jnp.minimum(upper, radius)
    hessian, pull = model(program, at, working, held)
    gradient = local.gradient + pull
    present = violation(program, local.constraints)
    tolerance = 1e-8 * present + 10 * jnp.finfo(at.x.dtype).eps * jnp.maximum(1.0, present)

    def solve(penalty) -> Answer:
        rise = jnp.full_like(local.constraints, penalty)
        fall = jnp.where(program.equality, rise, 0.0)
        rows = (local.jacobian, local.constraints, rise, fall)
        return solve_quadratic(Quadratic(hessian, gradient, *rows, near_lower, near_upper))

    def attempt(t: _Try) -> _Try:
        probing = t.count == 1
        probe = jnp.maximum(_PROBE, 100 * t.penalty)
        answer = solve(jnp.where(probing, probe, t.penalty))
        now = violation(program, local.constraints + local.jacobian @ answer.step)
        least = jnp.where(probing, now, t.least)
        kept, left = choose(probing, (t.answer, t.left), (answer, now))
        gain, most = present - left, present - least
        fair = (gain >= _FAIR * most - 1e-6 * present) & (least > tolerance)
        enough = (left <= tolerance) | ((t.count > 0) & fair) | (t.penalty >= _HIGHEST)
        penalty = jnp.where(enough | (t.count == 0), t.penalty, 10 * t.penalty)
        return _Try(penalty, kept, left, least, t.work + answer.steps, t.count + 1, enough)

    zero, no = jnp.zeros((), jnp.int32), jnp.array(False)
    shapes = jax.eval_shape(solve, weights.penalty)
    nothing = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    infinite = jnp.full_like(weights.penalty, jnp.inf)
    t = jax.lax.while_loop(
        lambda t: ~t.enough & (t.count < _ATTEMPTS),
        attempt,
        _Try(weights.penalty, nothing, infinite, infinite, zero, zero, no),
    )
    d = t.answer.step
    bounded = (d <= lower) | (d >= upper)  # rather than stopped by the radius
    move = Move(
        d,
        t.answer.multipliers - at.y,
        t.answer.working | program.equality,
        t.answer.held & bounded,
    )
    weights, _ = merit.adapt(program, L1Merit.Weights(t.penalty), at, move)
    trouble = jnp.where(t.answer.solved, int(Trouble.NONE), int(Trouble.INACCURATE))
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
    lifted = jnp.where(flat, jnp.maximum(jnp.abs(values), least_curvature(at.x)), values)
    # The shift towards bounds that hold an entry: its distance from them.
    bounds = program.bounds
    gap = jnp.where(bounds.has_lower, bounds.lower - at.x, jnp.inf)
    other = jnp.where(bounds.has_upper, bounds.upper - at.x, jnp.inf)
    nearest = jnp.where(jnp.abs(gap) <= jnp.abs(other), gap, other)
    nearest = jnp.where(jnp.isfinite(nearest), nearest, 0.0)
    pull = (strength * local.constraints) @ local.jacobian
    pull -= jnp.where(held, _ANCHOR * largest * nearest, 0.0)
    better = (vectors * lifted) @ vectors.T
    return 0.5 * (better + better.T), pull
