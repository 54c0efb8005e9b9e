"""A thousand small constrained problems: `solve_batch` against a loop over SciPy's SLSQP."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

import stationary as st

from ._figure import Figure, alternate, ratio, summary

LANES, VARIABLES, CONSTRAINTS = 1000, 10, 5
TOL = 1e-6


def loss(x, d):
    """A convex quadratic and exponentials."""
    return 0.5 * x @ d["Q"] @ x + d["c"] @ x + 0.1 * jnp.sum(jnp.exp(0.3 * x))


def limits(x, d):
    """Balls in all but name: linear with a common curvature."""
    return d["A"] @ x - d["b"] + 0.05 * jnp.sum(x**2)


def data() -> dict[str, np.ndarray]:
    """The arrays of all lanes."""
    rng = np.random.default_rng(0)
    root = rng.normal(size=(LANES, VARIABLES, VARIABLES))
    return {
        "Q": root @ np.swapaxes(root, 1, 2) / VARIABLES + 0.1 * np.eye(VARIABLES),
        "c": rng.normal(size=(LANES, VARIABLES)),
        "A": rng.normal(size=(LANES, CONSTRAINTS, VARIABLES)),
        "b": rng.uniform(0.1, 1, size=(LANES, CONSTRAINTS)),
    }


def run() -> list[Figure]:
    """Throughput, at one tolerance in one measure: the residual of the first-order conditions."""
    every = data()
    one = jax.tree.map(lambda x: x[0], every)
    problem = st.Minimize(loss, {"limits": st.at_most(limits)}, data=one)
    starts = np.zeros((LANES, VARIABLES))
    residuals = _residuals(problem, every)

    def ours():
        return st.solve_batch(problem, starts, data=every, tol=TOL)

    # One compiled call gives SLSQP everything that it asks for at a point.
    oracle = jax.jit(
        lambda x, d: (*jax.value_and_grad(loss)(x, d), -limits(x, d), -jax.jacobian(limits)(x, d))
    )
    rows = [jax.tree.map(lambda x, i=i: jnp.asarray(x[i]), every) for i in range(LANES)]

    def theirs(accuracy: float):
        return [_slsqp(oracle, row, starts[0], accuracy) for row in rows]

    # The loosest accuracy of SLSQP at which nine lanes in ten are as good as ours asks for.
    for accuracy in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12):
        found = theirs(accuracy)
        reached = residuals(np.stack([x for x, _ in found]), np.stack([dual for _, dual in found]))
        if np.mean(reached <= TOL) >= 0.9:
            break
    batch = ours()
    own = residuals(batch.value, batch.duals["limits"])
    gap = float(np.max(np.abs(batch.value - np.stack([x for x, _ in found]))))
    times = alternate(7, ours=ours, slsqp=lambda: theirs(accuracy), loose=lambda: theirs(1e-6))
    detail = summary(times) | {
        "converged lanes": int(batch.converged.sum()),
        "our residual, worst": float(own.max()),
        "SLSQP's ftol": accuracy,
        "SLSQP's residual, median and worst": [float(np.median(reached)), float(reached.max())],
        "answers differ by at most": gap,
    }
    name = f"throughput of {LANES} solves, ratio"
    peer = "a loop over scipy's SLSQP, exact jitted gradients"
    return [
        Figure(name, ratio(times, "slsqp", "ours"), peer, None, 40, detail),
        Figure(name, ratio(times, "loose", "ours"), "the same at SLSQP's default accuracy"),
    ]


def _slsqp(oracle, row, start, accuracy):
    """One answer and its multipliers; values and gradients at a point come from one call."""
    seen: list = [None, None]

    def at(x):
        if seen[0] is None or not np.array_equal(seen[0], x):
            seen[:] = x.copy(), [np.asarray(v) for v in oracle(x, row)]
        return seen[1]

    answer = minimize(
        lambda x: (float(at(x)[0]), at(x)[1]),
        start,
        jac=True,
        method="SLSQP",
        constraints=[{"type": "ineq", "fun": lambda x: at(x)[2], "jac": lambda x: at(x)[3]}],
        options={"ftol": accuracy, "maxiter": 200},
    )
    return answer.x, answer.multipliers


def _residuals(problem, every):
    """The residual by which `solve_batch` calls a lane converged, at any points and multipliers."""
    system = problem.lower(np.zeros(VARIABLES))

    @jax.jit
    @jax.vmap
    def residual(x, dual, d):
        point = st.Point(x, {"limits": dual})
        at = system.linearize(x, d)
        return system.metrics(point, at, at.direction(point.duals)).residual

    return lambda x, dual: np.asarray(residual(x, dual, every))
