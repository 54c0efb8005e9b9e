"""The exact augmented Lagrangian as a function to look at, and to minimise without constraints."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

import stationary as st

from ._walk import Walker


class End(NamedTuple):
    """Where an unconstrained minimisation ended: z = (x, y), |(grad_x L, c)| and |grad merit|."""

    z: np.ndarray
    residual: float
    slope: float


class Merit:
    """The merit of the problems of one size, with its gradient by automatic differentiation.

    **Arguments:**

    - `walker`: of that size.
    """

    def __init__(self, walker: Walker):
        self.problems = {p.name: (i, p) for i, p in enumerate(walker.problems)}
        n = walker.problems[0].x0.size
        self._rows = jax.eval_shape(walker.problems[0].c, walker.problems[0].x0).shape[0]
        merit = st.methods.ExactAugmentedLagrangian()

        def value(z, which, weights):
            # The weights are data here, so that one program serves all of them.
            weighted = eqx.tree_at(lambda m: (m.eta1, m.eta2), merit, weights)
            return weighted.value(walker.statement, st.Point(z[:n], {"rows": z[n:]}), which)

        def residual(z, which):
            root = walker.system.root(st.Point(z[:n], {"rows": z[n:]}), which)
            return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(root)))

        self._value = jax.jit(jax.value_and_grad(value))
        self._residual = jax.jit(residual)

    def value(self, name: str, weights: tuple[float, float], z: np.ndarray):
        """The merit and its gradient at z = (x, y), for weights (eta1, eta2)."""
        which = jnp.asarray(self.problems[name][0], jnp.int32)
        value, slope = self._value(jnp.asarray(z), which, tuple(map(jnp.asarray, weights)))
        return float(value), np.asarray(slope)

    def residual(self, name: str, z: np.ndarray) -> float:
        """|(grad_x L, c)| at z = (x, y)."""
        return float(self._residual(jnp.asarray(z), jnp.asarray(self.problems[name][0], jnp.int32)))

    def minimised(self, name: str, weights: tuple[float, float], x0: np.ndarray) -> End:
        """Where BFGS ends from x0 and multipliers of zero."""
        z0 = np.concatenate([x0, np.zeros(self._rows)])
        options = {"gtol": 1e-8, "maxiter": 2000}
        with np.errstate(all="ignore"):  # where the merit is not bounded below, it overflows
            found = minimize(
                lambda z: self.value(name, weights, z), z0, jac=True, method="BFGS", options=options
            )
            slope = float(np.linalg.norm(self.value(name, weights, found.x)[1]))
        return End(found.x, self.residual(name, found.x), slope)
