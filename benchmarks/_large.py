"""Problems of a hundred thousand unknowns, where only products with derivatives are affordable."""

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import Bounds, NonlinearConstraint, minimize
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator

import stationary as st

from ._score import Answer, score

GIGABYTES = 10
"""A solver that wants more memory than this gets an error, and the machine stays usable."""

TORQUE = 5.0
"""Of the torsion problem, as in MINPACK-2 (Averick et al., 1992)."""

HORIZON = 10.0
"""Seconds that the oscillator is steered for."""


class Large(NamedTuple):
    """A problem with many unknowns, and its sparse Jacobian for solvers that want one.

    **Arguments:**

    - `statement`, `x0`: what `st.solve` takes.
    - `lower`, `upper`: bounds of the flat unknown, or `None`.
    - `constraints`: the equalities as a function of the flat unknown, or `None`.
    - `jacobian`: of `constraints`, as a sparse matrix.
    """

    statement: st.Minimize
    x0: Any
    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    constraints: Callable | None = None
    jacobian: Callable[[np.ndarray], csr_array] | None = None


def torsion(size: int) -> Large:
    """Elastic-plastic torsion of a square bar: a quadratic form within bounds on a grid.

    min 1/2 int |grad u|^2 - TORQUE int u subject to |u| <= distance to the boundary.
    """
    side = round(np.sqrt(size))
    step = 1 / (side + 1)
    place = step * np.arange(1, side + 1)
    near = np.minimum(place, 1 - place)
    distance = np.minimum(near[:, None], near[None, :])

    def energy(u):
        padded = jnp.pad(u, 1)
        bent = sum(jnp.sum(jnp.diff(padded, axis=axis) ** 2) for axis in (0, 1))
        return 0.5 * bent - TORQUE * step**2 * jnp.sum(u)

    statement = st.Minimize(energy, over=st.Box(-distance, distance), convex=True)
    return Large(statement, np.zeros((side, side)), -distance.ravel(), distance.ravel())


def control(size: int) -> Large:
    """Steering a van der Pol oscillator to rest: the trapezoidal rule at every step an equality.

    min int x^2 + v^2 + u^2 subject to x' = v, v' = (1 - x^2) v - x + u, from (1, 0).
    """
    steps = size // 3
    h = HORIZON / steps

    def moving(z):  # z = (x, v, u)
        return jnp.stack([z[1], (1 - z[0] ** 2) * z[1] - z[0] + z[2]])

    def defect(before, after):
        return after[:2] - before[:2] - 0.5 * h * (moving(before) + moving(after))

    first = jnp.array([1.0, 0.0, 0.0])  # its control does not matter enough to be an unknown

    def pairs(z):
        return jnp.concatenate([first[None], z[:-1]]), z

    def defects(z):
        return jax.vmap(defect)(*pairs(z))

    statement = st.Minimize(lambda z: h * jnp.sum(z**2), {"dynamics": st.equal(defects)})
    blocks = jax.jit(lambda z: jax.vmap(jax.jacfwd(defect, (0, 1)))(*pairs(z)))
    row = np.arange(2 * steps).reshape(steps, 2, 1)
    column = 3 * np.arange(steps).reshape(steps, 1, 1) + np.arange(3)
    where = np.broadcast_to(row, (steps, 2, 3)), np.broadcast_to(column, (steps, 2, 3))
    places = tuple(np.concatenate([a[1:].ravel(), a.ravel()]) for a in where)
    places[1][: 6 * (steps - 1)] -= 3  # the block before

    def jacobian(x):
        before, after = (np.asarray(part) for part in blocks(x.reshape(steps, 3)))
        values = np.concatenate([before[1:].ravel(), after.ravel()])
        return csr_array((values, places), shape=(2 * steps, 3 * steps))

    start = np.zeros((steps, 3))
    return Large(
        statement,
        start,
        constraints=lambda x: defects(x.reshape(steps, 3)).ravel(),
        jacobian=jacobian,
    )


def large(task: dict[str, Any]) -> dict[str, Any]:
    """One solver on one large problem: residual, seconds and memory.

    **Arguments:**

    - `task`: `case` (`"torsion"` or `"control"`), `solver` (one of our methods, `"l-bfgs-b"` or
        `"trust-constr"`), `size`, `seconds`.
    """
    resource.setrlimit(resource.RLIMIT_DATA, (GIGABYTES * 2**30, GIGABYTES * 2**30))
    problem = {"torsion": torsion, "control": control}[task["case"]](task["size"])
    own = not task["peer"]
    solve = _ours if own else {"l-bfgs-b": _lbfgsb, "trust-constr": _trust_constr}[task["solver"]]
    c, x0 = problem.constraints, np.ravel(problem.x0)
    m = 0 if c is None else jax.eval_shape(c, x0).shape[0]
    jax.block_until_ready(jnp.zeros(1) + 1.0)
    before, began = _resident(), time.perf_counter()
    answer = solve(problem, task)
    seconds = time.perf_counter() - began
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    row = {"case": task["case"], "solver": task["solver"], "ours": own, "n": problem.x0.size}
    row |= {"m": m, "first": seconds, "megabytes": (peak - before) / 1e6}
    row |= {"bytes per unknown": (peak - before) / problem.x0.size}
    row |= {"status": answer.status, "claims": answer.claims, "steps": answer.steps}
    return row | score(problem.statement, answer.x, answer.duals)._asdict()


def _ours(problem: Large, task: dict[str, Any]) -> Answer:
    name = task["solver"]
    method = None if name == "default" else getattr(st.methods, name)()
    options = {"tol": task["tol"], "max_seconds": task["seconds"], "progress": False}
    found = st.solve(problem.statement, problem.x0, method, **options)
    claims = found.status is st.Status.CONVERGED
    words = f"{found.status.word} ({found.stats.method.partition('(')[0]})"
    return Answer(found.value, found.duals, words, claims, found.stats.steps)


def _lbfgsb(problem: Large, task: dict[str, Any]) -> Answer:
    """SciPy's L-BFGS-B, as tight as it goes: its projected gradient is absolute."""
    began = time.perf_counter()

    def late(x):
        if time.perf_counter() - began > task["seconds"]:
            raise StopIteration

    found = minimize(
        _value_and_gradient(problem),
        np.ravel(problem.x0),
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(problem.lower, problem.upper),  # pyright: ignore[reportArgumentType]
        callback=late,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 100_000, "maxfun": 1_000_000},
    )
    x = found.x.reshape(problem.x0.shape)
    return Answer(x, None, str(found.message)[:40], bool(found.success), int(found.nit))


def _trust_constr(problem: Large, task: dict[str, Any]) -> Answer:
    """SciPy's trust-constr, with products by Hessians and a sparse Jacobian."""
    began, shape = time.perf_counter(), problem.x0.shape
    n = problem.x0.size

    def f(x):
        return problem.statement.objective(x.reshape(shape))  # pyright: ignore[reportCallIssue]

    f_product = jax.jit(lambda x, p: jax.jvp(jax.grad(f), (x,), (p,))[1])
    constraints = []
    if problem.constraints is not None:
        c = problem.constraints
        c_product = jax.jit(
            lambda x, y, p: jax.jvp(jax.grad(lambda x: jnp.dot(y, c(x))), (x,), (p,))[1]
        )
        c_value = jax.jit(c)
        constraints = [
            NonlinearConstraint(
                lambda x: np.asarray(c_value(x)),
                0.0,  # pyright: ignore[reportArgumentType]
                0.0,  # pyright: ignore[reportArgumentType]
                jac=problem.jacobian,  # pyright: ignore[reportArgumentType]
                hess=lambda x, y: _operator(n, lambda p: c_product(x, y, p)),
            )
        ]
    bounds = None if problem.lower is None else Bounds(problem.lower, problem.upper)  # pyright: ignore[reportArgumentType]
    found = minimize(
        _value_and_gradient(problem),
        np.ravel(problem.x0),
        jac=True,
        hess=lambda x: _operator(n, lambda p: f_product(x, p)),
        method="trust-constr",
        bounds=bounds,
        constraints=constraints,
        callback=lambda x, state: time.perf_counter() - began > task["seconds"],
        options={"gtol": 1e-8, "maxiter": 100_000, "sparse_jacobian": True},
    )
    duals = {"dynamics": found.v[0].reshape(-1, 2)} if constraints else None
    x = found.x.reshape(shape)
    return Answer(x, duals, str(found.message)[:40], bool(found.success), int(found.nit))


def _value_and_gradient(problem: Large) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
    both = jax.jit(jax.value_and_grad(problem.statement.objective))  # pyright: ignore[reportArgumentType]

    def at(x):
        value, gradient = both(x.reshape(problem.x0.shape))
        return float(value), np.ravel(gradient)

    return at


def _operator(n: int, product: Callable[[np.ndarray], Any]) -> LinearOperator:

    def matvec(p):
        return np.asarray(product(np.ravel(p).astype(float)))  # SciPy tries it out on integers

    return LinearOperator((n, n), matvec=matvec, dtype=float)  # pyright: ignore[reportCallIssue]


def _resident() -> int:
    """Bytes of memory in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
