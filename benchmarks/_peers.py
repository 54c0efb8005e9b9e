"""Other solvers on the same functions, with the same derivatives from JAX, each compiled once."""

import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import Bounds, NonlinearConstraint, minimize

from ._cutest import Flat
from ._score import Answer

NAMES = ("ipopt", "slsqp", "trust-constr")
TOL = 1e-8
ITERATIONS = 3000

# What IPOPT's return codes mean; 0 and 1 claim a solution.
_IPOPT = {
    0: "converged",
    1: "acceptable",
    2: "infeasible",
    3: "tiny step",
    4: "diverging",
    5: "stopped",  # by our clock
    6: "feasible only",
    -1: "max steps",
    -2: "restoration failed",
    -3: "step failed",
    -4: "max seconds",
    -10: "too few freedoms",
    -11: "bad problem",
    -13: "invalid number",
}


class Oracles:
    """The functions of a problem, and their first and second derivatives, dense and compiled.

    **Arguments:**

    - `flat`: the problem on flat arrays; its functions take `(x, *data)`.
    - `data`: what its functions take beside x.
    """

    def __init__(self, flat: Flat, *data: Any) -> None:
        self.flat, self.data = flat, data
        n, f, c = flat.x0.size, flat.objective, flat.constraints
        self.m = 0 if c is None else jax.eval_shape(c, flat.x0, *data).shape[0]
        self._f, self._gradient = jax.jit(f), jax.jit(jax.grad(f))
        self._both = jax.jit(jax.value_and_grad(f))
        if c is None:
            self._lagrangian_hessian = jax.jit(
                lambda x, y, factor, *data: factor * jax.hessian(f)(x, *data)
            )
            return
        jacobian = jax.jacfwd if n <= self.m else jax.jacrev
        self._c, self._jacobian = jax.jit(c), jax.jit(jacobian(c))
        self._lagrangian_hessian = jax.jit(
            lambda x, y, factor, *data: jax.hessian(
                lambda x: factor * f(x, *data) + jnp.dot(y, c(x, *data))
            )(x)
        )
        self._constraint_hessian = jax.jit(
            lambda x, y, *data: jax.hessian(lambda x: jnp.dot(y, c(x, *data)))(x)
        )
        self._objective_hessian = jax.jit(jax.hessian(f))

    def objective(self, x: np.ndarray) -> float:
        """f."""
        return float(self._f(x, *self.data))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """f's gradient, shape `(n,)`."""
        return np.asarray(self._gradient(x, *self.data))

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """f and its gradient from one call."""
        value, gradient = self._both(x, *self.data)
        return float(value), np.asarray(gradient)

    def constraints(self, x: np.ndarray) -> np.ndarray:
        """c, shape `(m,)`."""
        return np.asarray(self._c(x, *self.data)) if self.m else np.zeros(0)

    def jacobian(self, x: np.ndarray) -> np.ndarray:
        """c's Jacobian, shape `(m, n)`."""
        return np.asarray(self._jacobian(x, *self.data)) if self.m else np.zeros((0, x.size))

    def lagrangian_hessian(self, x: np.ndarray, y: np.ndarray, factor: float) -> np.ndarray:
        """The Hessian of factor f + <y, c>, shape `(n, n)`."""
        return np.asarray(self._lagrangian_hessian(x, y, factor, *self.data))

    def objective_hessian(self, x: np.ndarray) -> np.ndarray:
        """The Hessian of f, shape `(n, n)`."""
        if not self.m:
            return self.lagrangian_hessian(x, np.zeros(0), 1.0)
        return np.asarray(self._objective_hessian(x, *self.data))

    def constraint_hessian(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The Hessian of <y, c>, shape `(n, n)`."""
        return np.asarray(self._constraint_hessian(x, y, *self.data))


class Ipopt:
    """IPOPT through cyipopt, with exact derivatives, called again and again.

    **Arguments:**

    - `oracles`: the problem's functions; `oracles.data` may be replaced between solves.
    - `seconds`: its time limit.
    """

    def __init__(self, oracles: Oracles, seconds: float) -> None:
        import cyipopt

        flat, n = oracles.flat, oracles.flat.x0.size
        self._oracles, self._seconds, self._steps = oracles, seconds, 0
        self._triangle = np.tril_indices(n)
        low = np.full(oracles.m, -np.inf)
        low[: flat.equalities] = 0.0
        self._problem = cyipopt.Problem(  # pyright: ignore[reportAttributeAccessIssue]
            n, oracles.m, self, flat.lower, flat.upper, low, np.zeros(oracles.m)
        )
        for option, value in (
            ("tol", TOL),
            ("max_iter", ITERATIONS),
            ("print_level", 0),
            ("sb", "yes"),
        ):
            self._problem.add_option(option, value)

    def objective(self, x):
        return self._oracles.objective(x)

    def gradient(self, x):
        return self._oracles.gradient(x)

    def constraints(self, x):
        return self._oracles.constraints(x)

    def jacobian(self, x):
        return self._oracles.jacobian(x).ravel()

    def hessian(self, x, multipliers, factor):
        return self._oracles.lagrangian_hessian(x, multipliers, factor)[self._triangle]

    def intermediate(self, *state) -> bool:
        """Count iterations, and stop when the time is over."""
        self._steps = int(state[1])
        return time.perf_counter() - self._began < self._seconds

    def solve(self, x0: np.ndarray | None = None) -> Answer:
        """One solve from the start."""
        flat = self._oracles.flat
        self._began = time.perf_counter()
        x, found = self._problem.solve(flat.x0 if x0 is None else x0)
        status = found["status"]
        duals = flat.duals(found["mult_g"])
        word = _IPOPT.get(status, str(status))
        return Answer(flat.unflatten(x), duals, word, status in (0, 1), self._steps)


class Slsqp:
    """SciPy's SLSQP with exact gradients. Arguments as for `Ipopt`."""

    def __init__(self, oracles: Oracles, seconds: float) -> None:
        self._oracles, self._seconds = oracles, seconds
        equal = oracles.flat.equalities
        # SciPy's multipliers are those of f - <y, c>: minus the functions, and they are ours.
        self._constraints = [
            {
                "type": kind,
                "fun": lambda x, part=part: -oracles.constraints(x)[part],
                "jac": lambda x, part=part: -oracles.jacobian(x)[part],
            }
            for kind, part, size in (
                ("eq", slice(None, equal), equal),
                ("ineq", slice(equal, None), oracles.m - equal),
            )
            if size
        ]

    def solve(self) -> Answer:
        """One solve from the start."""
        flat, began = self._oracles.flat, time.perf_counter()

        def stop(intermediate_result):
            if time.perf_counter() - began > self._seconds:
                raise StopIteration

        found = minimize(
            self._oracles.value_and_gradient,
            flat.x0,
            jac=True,
            method="SLSQP",
            bounds=_bounds(flat),
            constraints=self._constraints,
            callback=stop,
            options={"ftol": TOL, "maxiter": ITERATIONS},
        )
        duals = flat.duals(found.multipliers) if "multipliers" in found else None
        word = "converged" if found.success else str(found.message)[:40]
        return Answer(flat.unflatten(found.x), duals, word, bool(found.success), int(found.nit))


class TrustConstr:
    """SciPy's trust-constr with exact derivatives. Arguments as for `Ipopt`."""

    def __init__(self, oracles: Oracles, seconds: float) -> None:
        self._oracles, self._seconds = oracles, seconds
        low = np.full(oracles.m, -np.inf)
        low[: oracles.flat.equalities] = 0.0
        functions = oracles.constraints, low, 0.0, oracles.jacobian, oracles.constraint_hessian
        self._constraints = [NonlinearConstraint(*functions)] if oracles.m else []  # pyright: ignore[reportArgumentType]

    def solve(self) -> Answer:
        """One solve from the start."""
        flat, began = self._oracles.flat, time.perf_counter()
        found = minimize(
            self._oracles.value_and_gradient,
            flat.x0,
            jac=True,
            hess=self._oracles.objective_hessian,
            method="trust-constr",
            bounds=_bounds(flat),
            constraints=self._constraints,
            callback=lambda x, state: time.perf_counter() - began > self._seconds,
            options={"gtol": TOL, "maxiter": ITERATIONS},
        )
        duals = flat.duals(found.v[0]) if self._constraints else None
        word = "converged" if found.success else str(found.message)[:40]
        return Answer(flat.unflatten(found.x), duals, word, bool(found.success), int(found.nit))


def solver(flat: Flat, name: str, seconds: float) -> Callable[[], Answer]:
    """A solver by name, ready to be called; compiling happens in the first call."""
    make = {"ipopt": Ipopt, "slsqp": Slsqp, "trust-constr": TrustConstr}[name]
    return make(Oracles(flat), seconds).solve


def _bounds(flat: Flat) -> Bounds | None:
    finite = np.isfinite(flat.lower).any() or np.isfinite(flat.upper).any()
    return Bounds(flat.lower, flat.upper) if finite else None  # pyright: ignore[reportArgumentType]
