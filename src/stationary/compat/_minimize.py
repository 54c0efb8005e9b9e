"""`scipy.optimize.minimize`, spelled as there."""

import inspect
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._statements import Minimize
from .._status import Status
from ..driver import Event, solve
from ._constraints import as_box, as_rows
from ._functions import as_real, given, shape_at
from ._options import settings
from ._result import OptimizeResult

_DIFFERENCES = (None, False, "2-point", "3-point", "cs")


def compat_minimize(
    fun: Callable,
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable | None = None,
    options: Any = None,
) -> OptimizeResult:
    """Solve a problem that is stated as for `scipy.optimize.minimize`.

    Functions must be written with `jax.numpy`: they are compiled and differentiated, so nothing
    is approximated by differences. A second call with the same functions compiles nothing anew,
    whatever the numbers in `x0`, `args` and the bounds.

    **Arguments:**

    - `fun`: `fun(x, *args)`, a number; with `jac=True` the pair of it and its gradient.
    - `x0`: the start, one-dimensional.
    - `args`: further arguments of `fun`, a tuple; numbers and arrays reach compiled code as
        arguments, and everything else (integers too) is fixed when it is compiled.
    - `method`: a name of SciPy's is accepted with a notice, and the method is chosen here; or a
        method of ours, such as `st.methods.InteriorPoint()`.
    - `jac`, `hess`, `hessp`: not used, with a notice where they are functions: JAX differentiates.
    - `bounds`: a `Bounds` object, or a pair (min, max) per entry with `None` for no bound.
    - `constraints`: dicts with `type` `"eq"` (fun(x) = 0) or `"ineq"` (fun(x) >= 0), `fun` and
        `args`; `NonlinearConstraint(fun, lb, ub)`; `LinearConstraint(A, lb, ub)`, also with a
        sparse A; one of them, or a sequence.
    - `tol`: the scaled residual to reach; default 1e-6 in float64.
    - `callback`: `callback(x)` or `callback(intermediate_result)` with its `x` and `fun`; called
        about ten times a second rather than at each step. Returning `True` or raising
        `StopIteration` ends the solve.
    - `options`: `maxiter`; `gtol`, which is another name for `tol`; `disp`, which shows progress.
        Options of single methods of SciPy are accepted with a notice.

    **Returns:** an [`OptimizeResult`][stationary.compat.OptimizeResult].

    **Raises:** `TypeError` for a function that JAX cannot trace, saying what to change in it, and
    for arguments of the wrong kind; `ValueError` for unknown methods and options, wrong shapes,
    bounds that contradict each other, and what [`solve`][stationary.solve] refuses.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> result = st.compat_minimize(
        ...     lambda x: (x[0] - 1) ** 2 + (x[1] - 2.5) ** 2,
        ...     [2.0, 0.0],
        ...     method="SLSQP",
        ...     bounds=[(0, None), (0, None)],
        ...     constraints={"type": "ineq", "fun": lambda x: 2 - x[0] - x[1]},
        ... )
        >>> result.success, result.x.round(4).tolist(), result.multipliers[0].round(4).tolist()
        (True, [0.25, 1.75], [-1.5])
    """
    wanted = settings(method, tol, options)
    start = _start(x0)
    objective = given(fun, args, "fun")
    pair = jac is True

    def value(x: Array, data: dict) -> Array:
        found = objective(x, data["fun"])
        return as_real(found[0] if pair else found, x, "fun").ravel()[0]

    def checked(x: Array, arrays: Any) -> Array:
        return as_real(objective(x, arrays)[0] if pair else objective(x, arrays), x, "fun")

    shape = shape_at(checked, "fun", start, objective.arrays)
    if int(np.prod(shape)) != 1:
        raise TypeError(f"fun must return a number, but returns an array of shape {shape}.")
    rows = as_rows(constraints, start)
    box, moved = as_box(bounds, start.size), ()
    if box is not None and not np.array_equal(inside := box.project(start), start):
        start, moved = inside, ("x0 lay outside the bounds; it was moved to the nearest point.",)
    problem = Minimize(
        value,
        {name: part for row in rows for name, part in row.as_constraints().items()},
        box,
        {"fun": objective.arrays, **{row.name: row.given.arrays for row in rows}},
    )
    solution = solve(
        problem,
        start,
        wanted.method,
        tol=wanted.tol,
        max_steps=wanted.max_steps,
        callback=None if callback is None else _listener(callback),
        progress=wanted.progress,
    )
    notices = (*wanted.notices, *moved, *_unused(jac, hess, hessp, constraints))
    if np.asarray(x0).dtype.itemsize > start.dtype.itemsize:
        notices += (
            "solved in float32, JAX's default. For SciPy's precision begin the program with "
            "jax.config.update('jax_enable_x64', True).",
        )
    return OptimizeResult(
        x=np.asarray(solution.value),
        fun=solution.objective,
        success=solution.status is Status.CONVERGED,
        status=solution.status,
        message=solution.status.message,
        nit=solution.stats.steps,
        nfev=None,
        multipliers=[row.multipliers(solution.duals) for row in rows],
        notices=(*notices, *solution.stats.notices),
        solution=solution,
    )


def _start(x0: Any) -> Float[Array, "n"]:
    """The start as a floating vector."""
    try:
        start = np.atleast_1d(np.asarray(x0))
        if start.dtype.kind in "biu":
            start = start.astype(float)
        if start.dtype.kind != "f":
            raise TypeError(f"its dtype is {start.dtype}")
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"x0 must be a vector of real numbers ({error}). For any other unknown, a pytree of "
            "arrays say, use st.solve."
        ) from None
    if start.ndim > 1:
        raise ValueError(
            f"x0 has shape {start.shape}, but SciPy's spelling wants a vector. Reshape x inside "
            "fun, or use st.solve, which takes arrays of any shape."
        )
    return jnp.asarray(start, jax.dtypes.canonicalize_dtype(start.dtype))


def _unused(jac: Any, hess: Any, hessp: Any, constraints: Any) -> tuple[str, ...]:
    """What is to be said about derivatives that were given."""
    listed = constraints if isinstance(constraints, list | tuple) else (constraints,)
    inner = any(isinstance(c, dict) and callable(c.get("jac")) for c in listed)
    names = [name for name, it in (("jac", jac), ("hess", hess), ("hessp", hessp)) if callable(it)]
    names += ["the gradient that fun returns"] if jac is True else []
    names += ["the jac of constraints"] if inner else []
    if isinstance(jac, str) and jac not in _DIFFERENCES:
        raise ValueError(f"jac is {jac!r}; leave it out, for JAX differentiates fun.")
    return (f"not used: {', '.join(names)}; JAX differentiates.",) if names else ()


def _listener(callback: Callable) -> Callable[[Event], bool]:
    """SciPy's callback as one of ours."""
    try:
        by_name = "intermediate_result" in inspect.signature(callback).parameters
    except (TypeError, ValueError):
        by_name = False

    def listener(event: Event) -> bool:
        x = np.asarray(event.value)
        try:
            if by_name:
                return bool(callback(intermediate_result=Intermediate(x, event.objective)))
            return bool(callback(x))
        except StopIteration:
            return True

    return listener


class Intermediate:
    """Where a solve is: `x` and `fun`, as SciPy's callbacks expect them."""

    def __init__(self, x: np.ndarray, fun: float) -> None:
        self.x = x
        self.fun = fun
