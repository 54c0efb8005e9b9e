"""What an interior-point solve does on arriving at a point: scale, restore, lower the barrier."""

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..._point import Point
from ..._system import System, largest
from ._barrier import ELASTIC_PRICE, Anchor, Duals, Errors
from ._program import Local, Program
from ._search import Trial
from ._state import ESTIMATE, EVALUATE, NORMAL, RESTORE, State, choose

_STEEPEST = 100.0
"""Functions are scaled so that no gradient at the start is larger than this."""
_SLACK_PUSH, _WARM_PUSH = 1e-2, 1e-4
_LARGEST_BOUND_DUAL = 1e3
_PROGRESS = 10.0
"""The barrier parameter falls once the error is below this many times it (kappa_epsilon)."""
_LINEAR, _SUPERLINEAR = 0.2, 1.5
_SHARPER, _POLISH = 100.0, 8
"""The scaled error is to fall below tol / 100, unless it has not fallen for so many steps."""
_RECOVERY = 0.9
"""The share to which the first restoration must bring the violation down; later ones further."""


def evaluate(program: Program, state: State, second: bool) -> State:
    """The state with the derivatives at its point, and the scaling if this is the start."""
    opening, restoring = state.phase == EVALUATE, state.phase == RESTORE
    eps = jnp.finfo(program.dtype).eps
    # Restoration forgets the objective: what is left of its curvature is far below rounding.
    weight = jnp.where(restoring, eps**1.5, 1.0)
    scale = state.objective_scale * weight
    at = program.derivatives(state.x, state.duals.y * state.row_scale / scale, second=second)
    free = program.bounds.free
    steepness = jnp.max(jnp.abs(jnp.where(free, at.gradient, 0.0)), initial=0.0)
    steepness_of_rows = jnp.max(jnp.abs(jnp.where(free, at.jacobian, 0.0)), axis=1, initial=0.0)
    objective_scale = jnp.where(opening, _gentle(steepness), state.objective_scale)
    row_scale = jnp.where(opening, _gentle(steepness_of_rows), state.row_scale)
    gradient, jacobian = at.gradient * objective_scale, at.jacobian * row_scale[:, None]
    hessian = at.hessian * objective_scale * weight
    local = Local(
        at.objective * objective_scale, at.constraints * row_scale, gradient, jacobian, hessian
    )
    return state.replace(local=local, objective_scale=objective_scale, row_scale=row_scale)


def _gentle(steepness: Float[Array, "..."]) -> Float[Array, "..."]:
    return jnp.clip(_STEEPEST / jnp.maximum(steepness, 1e-30), 1e-8, 1.0)


def opened(program: Program, state: State, opening: Bool[Array, ""]) -> State:
    """The first iterate: slacks, multipliers and the filter's limits from the values at hand."""
    rows = ~program.equality
    push = jnp.where(state.warm, _WARM_PUSH, _SLACK_PUSH)
    s = jnp.where(rows, jnp.maximum(-state.local.constraints, push), 0.0)

    # A warm start brings multipliers: those of bounds follow, and so does the barrier.
    problem = state.barrier_problem(program)
    y = state.duals.y * state.objective_scale / state.row_scale
    force = state.local.gradient + y @ state.local.jacobian
    z = jnp.maximum(jnp.concatenate([y, force, -force]), 1e-2 * push)
    products = jnp.where(problem.present, problem.distances(state.x, s) * z, 0.0)
    mean = jnp.sum(products) / jnp.maximum(jnp.sum(problem.present), 1)
    warm = Duals(y, jnp.where(problem.present, z, 0.0))
    barrier = jnp.where(state.warm, jnp.clip(mean, 1e-8, state.barrier), state.barrier)
    violation = jnp.maximum(1.0, jnp.sum(jnp.abs(state.local.constraints + s)))
    return state.replace_where(
        opening,
        s=s,
        duals=choose(state.warm, warm, state.duals),
        barrier=barrier,
        kept_barrier=barrier,
        filter=state.filter._replace(ceiling=1e4 * violation, small=1e-4 * violation),
        phase=jnp.where(state.warm, NORMAL, ESTIMATE),
    )


def restored_from(state: State, enter: Bool[Array, ""]) -> State:
    """The first state of a restoration: violations become what is minimised."""
    y, z = state.duals
    return state.replace_where(
        enter,
        kept_barrier=state.barrier,
        barrier=jnp.maximum(state.barrier, largest(state.residual)),
        duals=Duals(jnp.zeros_like(y), jnp.minimum(z, ELASTIC_PRICE)),
        anchor=Anchor(state.x, 1 / jnp.maximum(1.0, jnp.abs(state.x)) ** 2),
        anchor_violation=jnp.sum(jnp.abs(state.residual)),
        restorations=state.restorations + 1,
        phase=RESTORE,
    )


def restoration_ended(
    program: Program, state: State, errors: Errors, restoring: Bool[Array, ""]
) -> State:
    """Back to the ordinary phase where the violation has fallen enough; blocked where it cannot."""
    problem = state.barrier_problem(program)
    eps = jnp.finfo(program.dtype).eps
    x, s, at = state.x, state.s, state.local
    ordinary = problem._replace(mu=state.kept_barrier, restoring=jnp.array(False))
    violation, merit = ordinary.measures(at.objective, at.constraints, x, s)
    left = largest(state.residual)
    feasible = left <= eps**0.6
    # Each restoration must do more than the last, or the two phases undo each other's work.
    share = _RECOVERY ** (state.restorations**2).astype(violation.dtype)
    better = violation <= share * state.anchor_violation
    leave = restoring & ((better & state.filter.accepts(violation, merit)) | feasible)
    settled = errors.at(0.0) <= eps**0.4
    blocked = restoring & ~leave & (settled | (state.stuck >= 3)) & (left > eps**0.35)
    y, z = state.duals
    huge = jnp.max(z, initial=0.0) > _LARGEST_BOUND_DUAL
    z = jnp.where(huge, problem.present, z)
    return state.replace_where(
        leave,
        phase=ESTIMATE,
        barrier=state.kept_barrier,
        duals=Duals(jnp.zeros_like(y), z),
        filter=choose(feasible & ~better, state.filter.emptied(), state.filter),
    ).replace(blocked=blocked)


def lowered(program: Program, state: State, errors: Errors, forced: Bool[Array, ""]) -> State:
    """The barrier parameter, lowered as far as the error allows, with the filter emptied."""
    # A constraint that holds with a multiplier of zero is met to the square root of this.
    floor = jnp.finfo(program.dtype).eps ** 1.2

    def next_of(mu):
        return jnp.maximum(floor, jnp.minimum(_LINEAR * mu, mu**_SUPERLINEAR))

    def solved(mu):
        return state.moving & (errors.at(mu) <= _PROGRESS * mu) & (mu > floor)

    first = jnp.where(forced & state.moving, next_of(state.barrier), state.barrier)
    mu = jax.lax.while_loop(solved, next_of, first)
    fell = (mu < state.barrier) & (state.phase == NORMAL)
    # Whoever goes on from here wants constraints held more closely.
    least = jnp.finfo(program.dtype).eps ** 0.75
    ended = (state.barrier <= jnp.finfo(program.dtype).eps ** 0.8) & (state.phase == NORMAL)
    give = jnp.where(ended, jnp.maximum(least, 0.1 * state.give), state.give)
    s = jnp.where(program.equality, state.s, state.s + state.give - give)
    state = state.replace(barrier=mu, give=give, s=s)
    return state.replace_where(fell | ended, filter=state.filter.emptied())


def reported(system: System, program: Program, state: State, errors: Errors) -> State:
    """The state with the point that it stands for, and the metrics there."""
    y = state.duals.y * state.row_scale / state.objective_scale
    y = jnp.where(program.equality, y, jnp.maximum(y, 0.0))
    x = program.bounds.clip(state.x)
    point = Point(program.unravel(x), program.unstack(y))
    at = program.linearization(state.local, state.row_scale, state.objective_scale)
    metrics = system.metrics(point, at, at.direction(point.duals))
    # Newton's last steps are cheap: go on while the scaled error still falls, as Ipopt does.
    settled = jnp.maximum(metrics.residual, _SHARPER * errors.at(0.0))
    better = settled < 0.9 * state.best
    ordinary = (state.phase == NORMAL) & (state.idle < _POLISH)
    residual = jnp.where(ordinary, settled, metrics.residual)
    return state.replace(
        point=point,
        metrics=dataclasses.replace(metrics, residual=residual),
        best=jnp.where(better, settled, state.best),
        idle=jnp.where(better, 0, state.idle + 1),
    )


def trial_at(program: Program, state: State, problem, step, direction) -> Trial:
    """The point a step away, with its violation and merit."""
    dx, ds = direction
    x = jnp.where(problem.bounds.free, state.x + step * dx, state.x)
    f, c = program.values(x)
    f, c = f * state.objective_scale, c * state.row_scale
    s = jnp.where(problem.inequality, state.s + step * ds, 0.0)
    return Trial(x, s, c + s, *problem.measures(f, c, x, s))
