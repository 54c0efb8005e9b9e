"""A differentiable exact merit of unknowns and multipliers together."""

from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._merit import AbstractMerit, Found, Move, Place, along, backtrack, first_order

_HIGHEST, _LOWEST = 1e8, 1e-8
"""Limits of the two weights, beyond which they are left alone."""


class ExactAugmentedLagrangian(AbstractMerit):
    """f + <y, c> + eta1/2 |c|^2 + eta2/2 |grad_x L|^2: smooth, and exact for suitable weights.

    For eta1 large and eta2 small enough its stationary points are those of the Lagrangian, so that
    unconstrained descent in x and y together solves the constrained problem. Near a solution it
    accepts Newton's full step, with no second-order correction. Its weights move only when a
    step is no descent direction, by growth^2 and 1/growth. For equality constraints only.

    **Arguments:**

    - `eta1`: the first weight of the violation.
    - `eta2`: the first weight of the Lagrangian's gradient.
    - `growth`: how the weights move (nu), above 1.
    - `decrease`: the share of the promised decrease that a step must bring (beta), in (0, 1/2).

    **Raises:** `ValueError` for numbers outside these ranges.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x: x[0] + x[1], {"circle": st.equal(lambda x: x @ x, 2.0)})
        >>> method = st.methods.LagrangeNewton(st.methods.ExactAugmentedLagrangian())
        >>> outcome = st.run(problem, jnp.array([-2.0, 0.5]), method)
        >>> outcome.point.primal.round(4).tolist(), round(float(outcome.point.duals["circle"]), 4)
        ([-1.0, -1.0], 0.5)

    !!! cite "Reference"
        Pillo and Grippo (1979), A new class of augmented Lagrangians; as used by Hong, Na, Mahoney
        and Kolar (2023, arXiv:2305.18379).
    """

    eta1: float = 1.0
    eta2: float = 0.1
    growth: float = 1.5
    decrease: float = 0.1

    inequalities: ClassVar[bool] = False
    convexify: ClassVar[bool] = True

    class Weights(eqx.Module):
        """The present weights of the violation and of the Lagrangian's gradient."""

        eta1: Float[Array, ""]
        eta2: Float[Array, ""]

    def __check_init__(self):
        for name in ("eta1", "eta2"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}.")
        if not self.growth > 1:
            raise ValueError(f"growth (nu) must exceed 1, got {self.growth}.")
        check_decrease(self.decrease)

    def first_weights(self, dtype):
        return self.Weights(jnp.asarray(self.eta1, dtype), jnp.asarray(self.eta2, dtype))

    def measure(self, program, weights, x, y):
        at = first_order(program, x, y)
        penalties = weights.eta1 * jnp.sum(at.constraints**2) + weights.eta2 * jnp.sum(at.force**2)
        return at.objective + y @ at.constraints + 0.5 * penalties

    def slope(self, weights: Weights, at: Place, move: Move) -> Float[Array, ""]:
        """The merit's derivative along a step, from derivatives that are at hand.

        By x it is grad L + eta2 (hess_xx L) grad L + eta1 J'c, with the *Lagrangian's* Hessian; by
        y it is c + eta2 J grad L.
        """
        local, force = at.local, at.force
        by_x = force + weights.eta2 * local.hessian @ force
        by_x += weights.eta1 * local.constraints @ local.jacobian
        by_y = local.constraints + weights.eta2 * local.jacobian @ force
        return by_x @ move.x + by_y @ move.y

    def adapt(self, program, weights, at, move):
        size = jnp.sum(at.residual**2)
        enough = self.slope(weights, at, move) <= -0.5 * weights.eta2 * size
        ended = (weights.eta1 > _HIGHEST) | (weights.eta2 < _LOWEST)
        enough |= ended
        moved = self.Weights(
            jnp.where(enough, weights.eta1, self.growth**2 * weights.eta1),
            jnp.where(enough, weights.eta2, weights.eta2 / self.growth),
        )
        return moved, enough

    def search(self, program, weights, at, move):
        local, force = at.local, at.force
        penalties = weights.eta1 * jnp.sum(local.constraints**2) + weights.eta2 * jnp.sum(force**2)
        here = local.objective + at.y @ local.constraints + 0.5 * penalties
        slope = self.slope(weights, at, move)
        found = backtrack(
            lambda length: self.measure(program, weights, *along(at, move, length)),
            here,
            slope,
            self.decrease,
        )
        return Found(*along(at, move, found.length), weights, found.length, found.accepted)


def check_decrease(decrease: float) -> None:
    """Refuse a share for Armijo's rule outside (0, 1/2).

    **Raises:** `ValueError`.
    """
    if not 0 < decrease < 0.5:
        raise ValueError(
            f"decrease (beta) must lie in (0, 1/2), got {decrease}: from 1/2 on, even the minimum "
            "of a parabola is refused."
        )
