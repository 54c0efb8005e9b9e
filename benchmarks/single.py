"""One small problem: time to the first answer, and again once warm."""

import subprocess
import sys
import time

import jax
import numpy as np
from scipy.optimize import NonlinearConstraint, minimize

import stationary as st
from stationary import problems

from ._figure import Figure, alternate, ratio, summary

_FIRST = """
import time, jax
jax.config.update("jax_enable_x64", True)
import stationary as st
from stationary import problems
began = time.perf_counter()
example = problems.get("HS71")
assert st.solve(example.problem, example.x0, progress=False).status == st.Status.CONVERGED
print(time.perf_counter() - began)
"""


def run() -> list[Figure]:
    """HS71 in a fresh process, and again with everything compiled."""
    fresh = subprocess.run(
        [sys.executable, "-c", _FIRST], capture_output=True, text=True, check=True
    )
    example = problems.get("HS71")
    objective = jax.jit(jax.value_and_grad(example.problem.objective))
    product = example.problem.subject_to["product"].fn
    sphere = example.problem.subject_to["sphere"].fn
    slopes = [jax.jit(jax.grad(fn)) for fn in (product, sphere)]
    values = [jax.jit(fn) for fn in (product, sphere)]
    bounds = [(1.0, 5.0)] * 4

    def value(x):
        f, slope = objective(x)
        return float(f), np.asarray(slope)

    def numbers(fn, sign=1.0, shift=0.0):
        return lambda x: sign * (np.asarray(fn(x)) + shift)

    def slsqp():
        constraints = [
            {"type": "ineq", "fun": numbers(values[0], -1, 25), "jac": numbers(slopes[0], -1)},
            {"type": "eq", "fun": numbers(values[1], 1, -40), "jac": numbers(slopes[1])},
        ]
        options = {"ftol": 1e-9}
        answer = minimize(
            value, example.x0, jac=True, bounds=bounds, method="SLSQP",
            constraints=constraints, options=options,
        )  # fmt: skip
        assert example.error(answer.x) < 1e-5

    def interior():
        constraints = [
            NonlinearConstraint(numbers(values[0]), -np.inf, -25.0, jac=numbers(slopes[0])),
            NonlinearConstraint(numbers(values[1]), 40.0, 40.0, jac=numbers(slopes[1])),
        ]
        answer = minimize(
            value, example.x0, jac=True, bounds=bounds, method="trust-constr",
            constraints=constraints, options={"gtol": 1e-8},
        )  # fmt: skip
        assert example.error(answer.x) < 1e-4

    def ours():
        solution = st.solve(example.problem, example.x0, progress=False)
        assert example.error(solution.value) < 1e-5

    began = time.perf_counter()
    ours()
    compiled = time.perf_counter() - began
    times = alternate(9, ours=ours, slsqp=slsqp, interior=interior)
    detail = summary(times) | {"first answer in this process, s": compiled}
    return [
        Figure("HS71 in a fresh process, s", float(fresh.stdout), "none: tracing and compiling"),
        Figure("HS71 again, ratio", ratio(times, "ours", "slsqp"), "scipy's SLSQP", detail=detail),
        Figure("HS71 again, ratio to", ratio(times, "ours", "interior"), "scipy's trust-constr"),
    ]
