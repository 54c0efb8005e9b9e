"""Sequential quadratic programming in a trust region, with products only."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ..._method import AbstractMethod, Metrics, Oracle, unmeasured
from ..._point import Point
from ..._status import Status
from ..._system import Linearization, System, largest
from ..interior_point._advice import refuse, remarks
from ..interior_point._program import Program
from ._normal_equations import Layout, normal_equations
from ._slack_form import Local, SlackForm
from ._step import Box, Projection, normal_step, tangential_step

COLUMNS = ("barrier", "radius", "penalty", "normal", "tangential", "ratio", "products", "band")
"""The numbers of the iteration log."""

_NORMAL_SHARE = 0.8
"""Of the trust region and of the distance to bounds, for the normal step."""
_TO_BOUNDS = 0.995
"""The share of the distance to a bound that a step may take."""
_CREDIT = 0.3
"""How much of the predicted fall in violation the merit must see (rho)."""
_LINEAR, _SUPERLINEAR = 0.2, 1.5
_CEILING = 10.0
"""How much more than the start an iterate may violate the constraints."""
_BLOCKED = 1e-5
"""A violation is stationary when moves of the size of x promise no larger share of it than this."""


class State(eqx.Module):
    """The next iterate, the trust region and the merit; and the point last looked at."""

    point: Point
    metrics: Metrics
    w: Float[Array, "N"]
    """Unknowns and slacks."""
    barrier: Float[Array, ""]
    penalty: Float[Array, ""]
    radius: Float[Array, ""]
    attempt: Int[Array, ""]
    """How A A' is factorised: as narrow a band as has been found to do."""
    ceiling: Float[Array, ""]
    """No iterate may violate the constraints by more: a merit is no guide that far out."""
    opening: Bool[Array, ""]
    """Whether slacks and trust region are yet to be set."""
    blocked: Int[Array, ""]
    """Steps in a row at which the violation was stationary though not small."""
    best: Float[Array, ""]
    idle: Int[Array, ""]
    """Steps since the residual last fell by a tenth."""
    start_size: Float[Array, ""]
    log: dict[str, Float[Array, ""]]


class TrustRegionSQP(AbstractMethod):
    """Trust-region SQP for large smooth problems with equalities, inequalities and bounds.

    A composite step (toward feasibility, then down along the constraints) in a trust region, by
    products with first and second derivatives: memory is O(n). Inequalities have slacks; they and
    bounds are kept by a barrier. Where constraints couple neighbours only, as in optimal control,
    A A' is a band matrix: its band is recovered from a few products and factorised.

    **Arguments:**

    - `barrier`: the first barrier parameter.
    - `radius`: the first trust-region radius per square root of the number of unknowns.
    - `inner_steps`: the most conjugate-gradient iterations in a step.

    **Raises:** `TypeError` for a set that does more than bound entries one by one, a cone that is
    no orthant, or surrogates.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum((x - 1) ** 2), subject_to={"circle": st.equal(lambda x: x @ x, 1)}
        ... )
        >>> start = jnp.array([0.5, -0.5])
        >>> solution = st.solve(problem, start, st.methods.TrustRegionSQP())
        >>> solution.value.round(4).tolist(), round(float(solution.duals["circle"]), 4)
        ([0.7071, 0.7071], 0.4142)

    !!! cite "Reference"
        Byrd, Hribar and Nocedal, An interior point algorithm for large-scale nonlinear programming
        (SIAM Journal on Optimization, 1999); Omojokun (1989) for equalities.
    """

    barrier: float = 0.1
    radius: float = 1.0
    inner_steps: int = eqx.field(static=True, default=500)

    needs: ClassVar[frozenset[Oracle]] = frozenset({Oracle.VALUE, Oracle.HVP, Oracle.FULL})
    handles_constraints: ClassVar[bool] = True
    summary: ClassVar[str] = "large smooth constrained problems, by products with derivatives"

    def __check_init__(self):
        for name in ("barrier", "radius", "inner_steps"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}.")

    def check(self, system, point, data=None) -> list[str]:
        refuse(system, "TrustRegionSQP")
        return remarks(system)

    def init(self, system, point, data=None, *, key=None) -> State:
        refuse(system, "TrustRegionSQP")
        program = Program(system, point.primal, data)
        form = SlackForm(program)
        x = form.bounds.clip(program.flatten(point.primal))
        w = form.start(x)
        dtype = program.dtype
        zero, infinite = jnp.zeros((), dtype), jnp.full((), jnp.inf, dtype)
        count = jnp.zeros((), jnp.int32)
        return State(
            point=Point(program.unravel(w[: program.size]), point.duals),
            metrics=unmeasured(program.names, dtype),
            w=w,
            barrier=zero + self.barrier,
            penalty=zero + 1,
            radius=zero + self.radius * jnp.sqrt(1.0 * w.size),
            attempt=count,
            ceiling=infinite,
            opening=jnp.array(True),
            blocked=count,
            best=infinite,
            idle=count,
            start_size=1 + largest(w[: program.size]),
            log=dict.fromkeys(COLUMNS, zero),
        )

    def step(self, system, state, data=None):
        program = Program(system, state.point.primal, data)
        form = SlackForm(program)
        layout = _layout(program)
        local = form.linearize(state.w)
        w = form.with_slacks(
            state.w, local.residual - form.split(state.w)[1], jnp.where(state.opening, 1e-2, 0.0)
        )
        change = form.split(w)[1] - form.split(state.w)[1]
        local = local._replace(residual=local.residual + change)

        here = _look(form, layout, local, w, state)
        point, metrics = _reported(system, form, local, w, here)
        solved = _barrier_error(form, local, w, here, state.barrier) <= state.barrier
        barrier = jnp.where(solved, _lowered(form, state.barrier), state.barrier)
        barrier = jnp.where(form.bounded.any(), barrier, state.barrier)

        found = _search(self, form, local, w, here, state, barrier)
        sound = here.projection.equations.sound
        blocked = _is_blocked(form, local, w)
        better = metrics.residual < 0.9 * state.best
        new = State(
            point=point,
            metrics=metrics,
            w=jnp.where(sound, found.w, w),
            barrier=jnp.where(sound, barrier, state.barrier),
            penalty=jnp.where(sound, found.penalty, state.penalty),
            radius=jnp.where(sound, found.radius, state.radius),
            attempt=jnp.where(sound, state.attempt, state.attempt + 1),
            ceiling=jnp.where(state.opening, found.ceiling, state.ceiling),
            opening=jnp.array(False),
            blocked=jnp.where(blocked, state.blocked + 1, 0),
            best=jnp.where(better, metrics.residual, state.best),
            idle=jnp.where(better | ~sound, 0, state.idle + 1),
            start_size=state.start_size,
            log=found.log | {"band": _band(layout, state.attempt).astype(w.dtype)},
        )
        return new, new.metrics

    def point(self, state) -> Point:
        return state.point

    def log(self, state) -> dict[str, Float[Array, ""]]:
        return state.log

    def status(self, state, metrics, tol):
        eps = jnp.finfo(state.w.dtype).eps
        size = largest(state.point.primal)
        unbounded = (size > 1e10 * state.start_size) & (metrics.feasibility <= tol)
        infeasible = (state.blocked >= 3) & (metrics.feasibility > tol)
        stalled = (state.radius <= 10 * eps) | (state.idle >= 100)
        status = jnp.where(stalled, int(Status.STALLED), int(Status.RUNNING))
        status = jnp.where(infeasible, int(Status.INFEASIBLE), status)
        return jnp.where(unbounded, int(Status.UNBOUNDED), status)


class _Here(NamedTuple):
    """What is known at an iterate besides values: projection, multipliers, curvature."""

    units: Float[Array, "N"]
    projection: Projection
    y: Float[Array, "m"]
    force: Float[Array, "N"]
    """The gradient of f + y . h."""
    newton: Float[Array, "N"]
    """The shortest step toward feasibility, in the trust region's units."""
    left: Float[Array, "m"]
    """What it leaves of the residual, to first order."""


class _Found(NamedTuple):
    """What the search leaves behind."""

    w: Float[Array, "N"]
    penalty: Float[Array, ""]
    radius: Float[Array, ""]
    ceiling: Float[Array, ""]
    log: dict[str, Float[Array, ""]]


def _layout(program: Program) -> Layout:
    return Layout([program.system.constraints[name].shape for name in program.names])


def _band(layout: Layout, attempt: Int[Array, ""]) -> Int[Array, ""]:
    """The half-bandwidth in use; 0 for none."""
    return jnp.array([*(size for _, size in layout.attempts), 0])[attempt]


def _look(form: SlackForm, layout: Layout, local: Local, w, state: State) -> _Here:
    units = form.scaling(w)

    def product(u):
        return local.product(units * u)

    def pull(y):
        return units * local.pull(y)

    equations = normal_equations(layout, lambda y: product(pull(y)), state.attempt, w.dtype)
    projection = Projection(layout, equations, product, pull)
    slope = local.gradient + form.barrier_gradient(w, state.barrier)
    # Multipliers and Newton's step toward feasibility, side by side.
    (_, newton), (y, _), (_, left) = jax.vmap(projection)(
        jnp.stack([units * slope, jnp.zeros_like(w)]),
        jnp.stack([jnp.zeros_like(local.residual), -local.residual]),
    )
    y = jnp.where(jnp.all(jnp.isfinite(y)), -y, 0.0)
    if form.slacks:  # a slack's multiplier is positive
        s = jnp.maximum(form.split(w)[1], jnp.finfo(w.dtype).tiny)
        least = jnp.minimum(1e-3, state.barrier / s)
        y = jnp.where(form.program.equality | (y > 0), y, least)
    return _Here(units, projection, y, local.gradient + local.pull(y), newton, left)


def _reported(
    system: System, form: SlackForm, local: Local, w: Float[Array, "N"], here: _Here
) -> tuple[Point, Metrics]:
    program = form.program
    x, s = form.split(w)
    point = Point(program.unravel(form.bounds.clip(x)), program.unstack(here.y))
    objective, values = program.system.sign * local.objective, program.unstack(local.residual - s)
    direction = program.unravel(here.force[: program.size])
    at = Linearization(objective, {}, values, values, lambda duals: direction)
    return point, system.metrics(point, at, direction)


def _barrier_error(form: SlackForm, local: Local, w, here: _Here, barrier) -> Float[Array, ""]:
    force = here.force + form.barrier_gradient(w, barrier)
    size = jnp.maximum(1.0, largest(here.y) / 100)
    return jnp.maximum(largest(here.units * force) / size, largest(local.residual))


def _lowered(form: SlackForm, barrier) -> Float[Array, ""]:
    floor = jnp.finfo(barrier.dtype).eps ** 0.75
    return jnp.maximum(floor, jnp.minimum(_LINEAR * barrier, barrier**_SUPERLINEAR))


def _is_blocked(form: SlackForm, local: Local, w) -> Bool[Array, ""]:
    """Whether the violation is stationary, to first order and over moves of the size of x."""
    program = form.program
    x, s = form.split(w)
    c = local.residual - s
    violation = jnp.where(program.equality, c, jnp.maximum(c, 0.0))
    slope = local.pull(violation)[: program.size]
    moved = form.bounds.clip(x - slope) - x
    moved = jnp.where(form.bounds.free, moved, 0.0)
    gain = largest(moved) * (1 + largest(x))
    worst = largest(violation)
    return (gain <= _BLOCKED * worst * jnp.minimum(worst, 1.0)) & (worst > 0)


def _search(
    method: TrustRegionSQP, form: SlackForm, local: Local, w, here: _Here, state: State, barrier
) -> _Found:
    """The composite step, tried once, and once more with a second-order correction."""
    units, projection = here.units, here.projection
    eps = jnp.finfo(w.dtype).eps
    slope = local.gradient + form.barrier_gradient(w, barrier)
    diagonal = form.barrier_curvature(w, here.force, barrier) * units**2
    hessian = form.curvature(w, here.y)

    def curvature(u):
        return units * hessian(units * u) + diagonal * u

    box = Box(*form.room(w, units, _TO_BOUNDS))
    h = local.residual
    violation = jnp.linalg.norm(h)
    zero = jnp.zeros_like(w)
    v, left = normal_step(
        projection,
        h,
        here.newton,
        here.left,
        _NORMAL_SHARE * state.radius,
        box.less(zero, _NORMAL_SHARE),
    )
    rest = jnp.sqrt(jnp.maximum(state.radius**2 - jnp.vdot(v, v), 0.0))
    error = largest(units * (here.force + form.barrier_gradient(w, barrier)))
    tolerance = jnp.clip(jnp.sqrt(error), 1e-4, 0.1)
    most = min(method.inner_steps, 2 * w.size)
    t = tangential_step(
        projection, curvature, units * slope, v, rest, box.less(v, 1.0), tolerance, most
    )
    u = v + t.inside
    model = t.inside_value
    gain = jnp.maximum(violation - jnp.linalg.norm(left), 0.0)
    needed = model / ((1 - _CREDIT) * jnp.maximum(gain, jnp.finfo(w.dtype).tiny))
    seen = gain > 10 * eps * violation
    penalty = jnp.where(seen, jnp.maximum(state.penalty, needed), state.penalty)
    predicted = jnp.where(seen, penalty * gain, 0.0) - model
    merit = local.objective + form.barrier_value(w, barrier) + penalty * violation

    ceiling = jnp.where(state.opening, _CEILING * jnp.maximum(1.0, violation), state.ceiling)

    def attempt(carry):
        trial, u, _, _, ratio, count = carry
        x = form.split(trial)[0]
        f, c = form.program.values(x)
        trial = form.with_slacks(trial, c, 0.0)
        after = c + form.split(trial)[1]
        broken = jnp.linalg.norm(after)
        value = f + form.barrier_value(trial, barrier) + penalty * broken
        noise = 10 * eps * (jnp.abs(merit) + jnp.abs(f) + penalty * violation)
        ratio = (merit - value + noise) / (predicted + noise)
        usable = jnp.isfinite(value) & (predicted + noise > 0) & (broken <= ceiling)
        ratio = jnp.where(usable, ratio, -1.0)
        fine = ratio >= 1e-8
        correction = -projection.pull(projection.solve(after))
        corrected = w + units * (u + correction)
        usable = box.holds(u + correction) & jnp.all(jnp.isfinite(correction))
        again = ~fine & usable & (count == 0)
        best = jnp.where(fine, trial, w)
        return jnp.where(again, corrected, trial), u, best, ~again, ratio, count + 1

    def going(carry):
        *_, done, _, count = carry
        return ~done & (count < 2)

    start = (
        w + units * u,
        u,
        w,
        jnp.array(False),
        jnp.zeros_like(merit),
        jnp.zeros((), jnp.int32),
    )
    _, _, new, _, ratio, _ = jax.lax.while_loop(going, attempt, start)
    length = jnp.linalg.norm(u)
    radius = state.radius
    grown = jnp.where(ratio >= 0.9, 7.0, jnp.where(ratio >= 0.3, 2.0, 1.0))
    shrunk = jnp.maximum(0.1 * radius, 0.4 * jnp.minimum(length, radius))
    radius = jnp.where(
        ratio >= 1e-8, jnp.maximum(radius, jnp.where(grown > 1, grown * length, 0.0)), shrunk
    )
    log = {
        "barrier": barrier,
        "radius": state.radius,
        "penalty": penalty,
        "normal": jnp.linalg.norm(v),
        "tangential": jnp.linalg.norm(t.inside),
        "ratio": ratio,
        "products": t.count.astype(w.dtype),
    }
    return _Found(new, penalty, jnp.minimum(radius, 1e20), ceiling, log)
