"""The pure layer: a whole solve as one function that jit, vmap and grad accept."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray, PyTree

from ._adjoint import implicit
from ._dtypes import default_tolerance, strong, working_dtype
from ._method import AbstractMethod, Metrics, check_method, unmeasured
from ._point import Point
from ._start import prepare
from ._statements import AbstractStatement
from ._status import Status
from ._system import System


class Outcome(eqx.Module):
    """What [`run`][stationary.run] returns: arrays only.

    **Arguments:**

    - `point`: primal and duals, differentiable in the problem's data and constants.
    - `status`: a [`Status`][stationary.Status] as an integer array.
    - `steps`: steps taken.
    - `metrics`: the metrics at `point`.
    """

    point: Point
    status: Int[Array, ""]
    steps: Int[Array, ""]
    metrics: Metrics


class Progress(eqx.Module):
    """A solve under way: the method's state, with the counters and verdict kept around it."""

    state: PyTree[Array]
    metrics: Metrics
    status: Int[Array, ""]
    steps: Int[Array, ""]


def begin(
    method: AbstractMethod, system: System, point: Point, data: PyTree, key: PRNGKeyArray
) -> Progress:
    """A solve before its first step."""
    state = strong(method.init(system, point, data, key=key))
    # What a step will report, without tracing one.
    metrics = unmeasured(system.constraints, working_dtype(point.primal))
    running = jnp.asarray(int(Status.RUNNING), jnp.int32)
    return Progress(state, metrics, running, jnp.zeros((), jnp.int32))


def take_step(
    method: AbstractMethod, system: System, progress: Progress, data: PyTree, tol: Any
) -> Progress:
    """One step, and what it decides."""
    state, metrics = method.step(system, progress.state, data)
    metrics = jax.tree.map(lambda new, old: new.astype(old.dtype), metrics, progress.metrics)
    status = jnp.asarray(method.status(state, metrics, tol), jnp.int32)
    status = jnp.where(metrics.residual <= tol, int(Status.CONVERGED), status)
    broken = ~jnp.isfinite(metrics.residual)
    status = jnp.where(broken, int(Status.NONFINITE), status).astype(jnp.int32)
    return Progress(state, metrics, status, progress.steps + 1)


def advance(
    method: AbstractMethod, system: System, progress: Progress, data: PyTree, tol: Any, until: Any
) -> Progress:
    """Step until something is decided or `until` steps have been taken in all."""

    def going(p: Progress):
        return (p.status == Status.RUNNING) & (p.steps < until)

    def step(p: Progress) -> Progress:
        return take_step(method, system, p, data, tol)

    return jax.lax.while_loop(going, step, progress)


def run(
    problem: AbstractStatement | System,
    x0: PyTree,
    method: AbstractMethod,
    *,
    data: PyTree = None,
    duals: dict[str, Any] | None = None,
    tol: float | None = None,
    max_steps: int = 10_000,
    key: PRNGKeyArray | None = None,
    differentiable: bool = True,
) -> Outcome:
    """Solve a problem as a pure function: under `jit`, `vmap` and `grad`, with no host in between.

    Derivatives, forward and reverse, go through the equations that the answer satisfies (the
    implicit function theorem on the KKT residual), so they cost one linear solve and hold to the
    accuracy of the answer. Solve tightly when you differentiate.

    **Arguments:**

    - `problem`: a statement or a lowered system.
    - `x0`: the start, a pytree of real floating arrays.
    - `method`: for example `methods.AugmentedLagrangian()`.
    - `data`: replaces the statement's data; differentiable.
    - `duals`: multipliers to start from.
    - `tol`: the scaled residual to reach; default 1e-6 in float64, 1e-4 in float32.
    - `max_steps`: the step limit.
    - `key`: the randomness of a randomised method.
    - `differentiable`: `False` drops the derivative rule, and with it the linear solve.

    **Returns:** an [`Outcome`][stationary.Outcome].

    **Raises:** `TypeError` for what is no method; what [`solve`][stationary.solve] raises for a
    malformed problem; values (NaN, a start outside the set) are not checked here.

    !!! example
        >>> import jax, jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x, t: jnp.sum((x - t) ** 2), data=jnp.ones(2))
        >>> def answer(t):
        ...     method = st.methods.AugmentedLagrangian()
        ...     return st.run(problem, jnp.zeros(2), method, data=t).point.primal
        >>> jax.jacobian(answer)(jnp.array([1.0, 2.0])).round(3).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if not isinstance(method, AbstractMethod):
        raise TypeError(
            f"run needs a method such as st.methods.AugmentedLagrangian(), got {method!r}. "
            "st.solve chooses one."
        )
    system, point, data = prepare(problem, x0, data=data, duals=duals)
    check_method(method, system)
    tol = default_tolerance(working_dtype(point.primal)) if tol is None else tol
    seed = jax.random.key(0) if key is None else key

    # The iterations see no tangents; the derivative is attached to their result.
    method, still, begun, fixed = jax.tree.map(_stop, (method, system, point, data))
    progress = begin(method, still, begun, fixed, seed)
    progress = advance(method, still, progress, fixed, tol, max_steps)
    answer = method.point(progress.state)
    if differentiable:
        answer = implicit(answer, system, data)
    status = jnp.where(
        progress.status == Status.RUNNING, int(Status.MAX_STEPS), progress.status
    ).astype(jnp.int32)
    return Outcome(answer, status, progress.steps, progress.metrics)


def _stop(leaf: Any) -> Any:
    return jax.lax.stop_gradient(leaf) if eqx.is_inexact_array(leaf) else leaf
