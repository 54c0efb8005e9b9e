"""The size of the Lagrangian's gradient as a merit."""

from typing import ClassVar

import jax.numpy as jnp

from ._exact_augmented_lagrangian import check_decrease
from ._merit import AbstractMerit, Found, along, backtrack, first_order


class GradientNorm(AbstractMerit):
    """|(grad_x L, c)|^2 / 2: Newton's method as a root finder, with nothing to tune.

    It has no preference between minima, maxima and saddles of the problem: look at the
    certificate's second order. It can stall where its own gradient vanishes and the Lagrangian's
    does not. For equality constraints only, or none.

    **Arguments:**

    - `decrease`: the share of the promised decrease that a step must bring, in (0, 1/2).

    **Raises:** `ValueError` for another share.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x: x**4 / 4 - x)
        >>> method = st.methods.LagrangeNewton(st.methods.GradientNorm())
        >>> st.run(problem, jnp.array(3.0), method).point.primal.round(6).item()
        1.0

    !!! cite "Reference"
        Dennis and Schnabel (1996), Numerical Methods for Unconstrained Optimization and Nonlinear
        Equations, chapter 6.
    """

    decrease: float = 1e-4

    inequalities: ClassVar[bool] = False
    convexify: ClassVar[bool] = False

    def __check_init__(self):
        check_decrease(self.decrease)

    def first_weights(self, dtype):
        return ()

    def measure(self, program, weights, x, y):
        at = first_order(program, x, y)
        return 0.5 * (jnp.sum(at.force**2) + jnp.sum(at.constraints**2))

    def adapt(self, program, weights, at, move):
        return weights, jnp.array(True)

    def search(self, program, weights, at, move):
        here = 0.5 * jnp.sum(at.residual**2)
        found = backtrack(
            lambda length: self.measure(program, weights, *along(at, move, length)),
            here,
            -2 * here,
            self.decrease,
        )
        return Found(*along(at, move, found.length), weights, found.length, found.accepted)
