"""The interior-point method: Newton's method on the barrier problem behind a filter line search."""

from typing import ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ..._method import AbstractMethod, Oracle, unmeasured
from ..._point import Point
from ..._status import Status
from ..._system import largest
from ._advice import refuse, remarks
from ._barrier import Anchor, Barrier, Duals
from ._kkt import Factors
from ._newton import Direction, newton
from ._phases import (
    evaluate,
    lowered,
    opened,
    reported,
    restoration_ended,
    restored_from,
    trial_at,
)
from ._program import Local, Program
from ._search import Found, Origin, Trial, empty_filter, search
from ._state import COLUMNS, ESTIMATE, EVALUATE, NORMAL, RESTORE, State, choose

_LARGEST_ESTIMATE = 1e3
"""Least-squares multipliers beyond this size are not trusted."""
_AWAY = 1e10
"""Growth of x after which the objective is taken to fall without bound."""
_FAR = 1e6
"""The same where no further step is possible."""


class InteriorPoint(AbstractMethod):
    """Primal-dual interior-point method for smooth problems with equalities, inequalities, bounds.

    Newton steps on a sequence of barrier problems, with exact Hessians regularised to the right
    inertia, a filter line search with second-order corrections, and a feasibility restoration
    that also finds out when constraints contradict each other. A step is one factorisation.

    Linear algebra is dense: memory is that of a few n x n and m x n matrices, so n up to a
    thousand or two.

    **Arguments:**

    - `barrier`: the first barrier parameter; a warm start (given multipliers) chooses its own.
    - `hessian`: `"exact"`, or `"bfgs"` for functions without second derivatives.

    **Raises:** `TypeError` for a set that does more than bound entries one by one, a cone that is
    no orthant, or surrogates.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum((x - 1) ** 2),
        ...     subject_to={"circle": st.at_most(lambda x: x @ x, 1.0)},
        ... )
        >>> solution = st.solve(problem, jnp.array([0.5, -0.5]), st.methods.InteriorPoint())
        >>> solution.value.round(4).tolist(), round(float(solution.duals["circle"]), 4)
        ([0.7071, 0.7071], 0.4142)

    !!! cite "Reference"
        Waechter and Biegler, On the implementation of an interior-point filter line-search
        algorithm for large-scale nonlinear programming (Mathematical Programming, 2006).
    """

    barrier: float = 0.1
    hessian: str = "exact"

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.VALUE, Oracle.HVP, Oracle.FULL})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = (
        "smooth problems with equalities, inequalities and bounds, to high accuracy"
    )

    def __check_init__(self):
        if self.hessian not in ("exact", "bfgs"):
            raise ValueError(f'hessian is "exact" or "bfgs", got {self.hessian!r}.')
        if not self.barrier > 0:
            raise ValueError(f"barrier must be positive, got {self.barrier}.")

    def check(self, system, point, data=None) -> list[str]:
        refuse(system, "InteriorPoint")
        return remarks(system)

    def init(self, system, point, data=None, *, key=None) -> State:
        refuse(system, "InteriorPoint")
        program = Program(system, point.primal, data)
        n, m, dtype = program.size, program.rows, program.dtype
        y = program.stack(point.duals)
        warm = jnp.any(y != 0)
        bounds = program.bounds
        x = bounds.inside(program.flatten(point.primal), jnp.where(warm, 1e-4, 1e-2))
        zero, infinite = jnp.zeros((), dtype), jnp.full((), jnp.inf, dtype)
        count, rows = jnp.zeros((), jnp.int32), jnp.zeros(m, dtype)
        mu, give = zero + self.barrier, zero + jnp.finfo(dtype).eps ** 0.51
        anchor = Anchor(x, jnp.zeros(n, dtype))
        return State(
            point=Point(program.unravel(x), point.duals),
            x=x,
            s=jnp.where(program.equality, rows, 1.0),
            duals=Duals(y, program.present.astype(dtype)),
            local=Local(
                zero, rows, jnp.zeros(n, dtype), jnp.zeros((m, n), dtype), jnp.eye(n, dtype=dtype)
            ),
            objective_scale=zero + 1,
            row_scale=rows + 1,
            give=give,
            barrier=mu,
            kept_barrier=mu,
            phase=count + EVALUATE,
            filter=empty_filter(dtype),
            anchor=anchor,
            anchor_violation=zero,
            restorations=count,
            regularization=zero,
            warm=warm,
            best=infinite,
            idle=count,
            stuck=count,
            blocked=jnp.array(False),
            metrics=unmeasured(program.names, dtype),
            start_size=1 + largest(x),
            log=dict.fromkeys(COLUMNS, zero),
        )

    def step(self, system, state, data=None):
        program = Program(system, state.point.primal, data)
        problem = state.barrier_problem(program)
        newtons = newton(program, problem, state)
        direction = newtons.direction()
        at, before = state.local, state
        theta, phi = problem.measures(at.objective, at.constraints, state.x, state.s)
        here = Trial(state.x, state.s, state.residual, theta, phi)
        along = direction.x, direction.s
        guard = choose(problem.restoring, empty_filter(program.dtype), state.filter)
        found = search(
            Origin(theta, phi, newtons.slope(along), guard),
            lambda step, along: trial_at(program, state, problem, step, along),
            newtons.corrected,
            newtons.change,
            here,
            along,
            lambda along: problem.longest_step(newtons.far, problem.moves(*along)),
            state.moving,
            problem.restoring,
        )
        state, lost = _moved(problem, state, direction, found, here, newtons.factors)

        eps = jnp.finfo(program.dtype).eps
        enter = lost & (before.phase == NORMAL) & (largest(state.residual) > eps**0.6)
        state = evaluate(program, restored_from(state, enter), self.hessian == "exact")
        if self.hessian == "bfgs":
            state = _with_secant(before, state)
        state = opened(program, state, before.phase == EVALUATE)
        problem = state.barrier_problem(program)
        errors = problem.errors(state.local, state.x, state.s, state.duals)
        state = restoration_ended(program, state, errors, before.phase == RESTORE)
        state = state.replace_where(before.phase == ESTIMATE, phase=NORMAL)
        state = lowered(program, state, errors, lost & ~enter)
        state = reported(system, program, state, errors)
        return state, state.metrics

    def point(self, state) -> Point:
        return state.point

    def log(self, state) -> dict[str, Float[Array, ""]]:
        return state.log

    def status(self, state, metrics, tol):
        size = largest(state.x)
        near = metrics.feasibility <= 1e-6 * size
        away = (size > _AWAY * state.start_size) | (state.local.objective < -(_AWAY**2))
        away &= near
        # A quadratic's rounding ends the descent before the distance does.
        stalled = self._stalled(state)
        far = (size > _FAR * state.start_size) & (state.local.objective < -(_FAR**2)) & near
        unbounded = (away & (state.phase == NORMAL)) | (far & (stalled | state.blocked))
        blocked = jnp.where(away, int(Status.DIVERGED), int(Status.INFEASIBLE))
        status = jnp.where(stalled, int(Status.STALLED), int(Status.RUNNING))
        status = jnp.where(state.blocked, blocked, status)
        return jnp.where(unbounded, int(Status.UNBOUNDED), status)

    def _stalled(self, state: State) -> Bool[Array, ""]:
        floor = state.barrier <= 2 * jnp.finfo(state.x.dtype).eps ** 0.8
        patience = jnp.where(state.phase == RESTORE, 150, jnp.where(floor, 30, 500))
        return (state.stuck >= 5) | (state.idle >= patience)


def _moved(
    problem: Barrier,
    state: State,
    direction: Direction,
    found: Found,
    here: Trial,
    factors: Factors,
) -> tuple[State, Bool[Array, ""]]:
    """The state after the search, and whether the search found nothing."""
    moving, restoring = state.moving, problem.restoring
    gained = moving & found.accepted & factors.sound
    eps = jnp.finfo(state.x.dtype).eps
    tiny = moving & (largest(direction.x / (1 + jnp.abs(state.x))) < 10 * eps) & factors.sound
    tiny &= restoring | (largest(here.residual) <= eps**0.5)
    dual_step = problem.longest_dual_step(state.duals, direction.duals)
    step = jnp.where(gained | tiny, dual_step, 0.0)
    # Multipliers of constraints move with x; while restoring they are bounded like the others.
    y_step = jnp.where(gained & ~restoring, found.step, step)
    estimate = direction.duals.y
    estimate = jnp.where(largest(estimate) <= _LARGEST_ESTIMATE, estimate, 0.0)
    y = state.duals.y + y_step * direction.duals.y
    y = jnp.where(state.phase == ESTIMATE, estimate, y)
    x = jnp.where(gained, found.trial.x, state.x)
    s = jnp.where(gained, found.trial.s, state.s)
    z = problem.kept_near(state.duals.z + step * direction.duals.z, x, s)
    grow = (state.phase == NORMAL) & ~(gained & found.by_objective)
    shift = factors.regularization
    numbers = {
        "barrier": state.barrier,
        "move": found.step * largest((direction.x, direction.s)),
        "step": found.step,
        "dual step": dual_step,
        "regularization": shift,
        "trials": found.trials,
        "corrections": found.corrections,
        "restoring": restoring,
    }
    moved = state.replace(
        x=x,
        s=s,
        duals=Duals(y, jnp.where(moving, z, state.duals.z)),
        filter=state.filter.with_entry(here.theta, here.phi, grow),
        stuck=jnp.where(gained | ~moving, 0, state.stuck + 1),
        regularization=jnp.where(moving & (shift > 0), shift, state.regularization),
        log={name: jnp.where(moving, number, 0) for name, number in numbers.items()},
    )
    return moved, moving & ~gained & ~tiny


def _with_secant(before: State, state: State) -> State:
    """The Hessian's damped BFGS update (Powell, 1978), in place of second derivatives."""
    x, y, here, old = state.x - before.x, state.duals.y, state.local, before.local
    weight = jnp.where(state.phase == RESTORE, 0.0, 1.0)
    change = weight * (here.gradient - old.gradient) + y @ (here.jacobian - old.jacobian)
    bent = old.hessian @ x
    curvature, slope = x @ bent, x @ change
    safe = (curvature > jnp.finfo(x.dtype).tiny) & (before.phase != EVALUATE)
    share = jnp.where(slope >= 0.2 * curvature, 1.0, 0.8 * curvature / (curvature - slope))
    change = jnp.where(safe, share * change + (1 - share) * bent, 0.0)
    update = jnp.outer(change, change) / jnp.where(safe, x @ change, 1.0)
    update -= jnp.where(safe, jnp.outer(bent, bent) / jnp.where(safe, curvature, 1.0), 0.0)
    return state.replace(local=here._replace(hessian=old.hessian + update))
