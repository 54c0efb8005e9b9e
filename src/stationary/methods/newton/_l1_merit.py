"""Objective plus a price on violation: the merit of sequential quadratic programming."""

from typing import ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..interior_point._program import Program
from ._exact_augmented_lagrangian import check_decrease
from ._merit import AbstractMerit, Found, Move, Place

_HALVINGS = 40


class L1Merit(AbstractMerit):
    """f + penalty * (sum |c_i| over equalities + sum max(c_i, 0) over inequalities).

    Exact once the penalty exceeds the multipliers; it is raised until the step's model wants to
    satisfy the linearised constraints as far as they can be satisfied. Its kinks can refuse good
    steps near a solution (the Maratos effect), so a refused full step is tried once more with a
    second-order correction towards the constraints. Handles equalities, inequalities and bounds.

    **Arguments:**

    - `penalty`: the first penalty.
    - `decrease`: the share of the promised decrease that a step must bring, in (0, 1/2).
    - `correction`: whether to try second-order corrections.

    **Raises:** `ValueError` for a penalty that is not positive, or another share.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x: jnp.sum((x - 1) ** 2), {"disc": st.at_most(lambda x: x @ x, 1.0)}
        ... )
        >>> method = st.methods.LagrangeNewton(st.methods.L1Merit())
        >>> outcome = st.run(problem, jnp.array([0.5, -0.5]), method)
        >>> outcome.point.primal.round(4).tolist(), round(float(outcome.point.duals["disc"]), 4)
        ([0.7071, 0.7071], 0.4142)

    !!! cite "Reference"
        Han (1977), A globally convergent method for nonlinear programming; Fletcher (1982), Second
        order corrections for non-differentiable optimization.
    """

    penalty: float = 10.0
    decrease: float = 1e-4
    correction: bool = eqx.field(static=True, default=True)

    inequalities: ClassVar[bool] = True
    convexify: ClassVar[bool] = True

    class Weights(eqx.Module):
        """The present penalty, which is also the price of elastic rows in the step's model."""

        penalty: Float[Array, ""]

    def __check_init__(self):
        if not self.penalty > 0:
            raise ValueError(f"penalty must be positive, got {self.penalty}.")
        check_decrease(self.decrease)

    def first_weights(self, dtype):
        return self.Weights(jnp.asarray(self.penalty, dtype))

    def measure(self, program, weights, x, y):
        f, c = program.values(x)
        return f + weights.penalty * violation(program, c)

    def slope(self, program: Program, weights: Weights, at: Place, move: Move) -> Float[Array, ""]:
        """A bound on the merit's derivative along a step, by convexity of its linear model."""
        gain = violation(program, at.local.constraints) - left_over(program, at, move)
        return at.local.gradient @ move.x - weights.penalty * gain

    def adapt(self, program, weights, at, move):
        c = at.local.constraints
        present = violation(program, c)
        gain = present - left_over(program, at, move)
        curvature = jnp.maximum(move.x @ at.local.hessian @ move.x, 0.0)
        rise = at.local.gradient @ move.x + 0.5 * curvature
        real = gain > 1e-6 * present
        wanted = rise / (0.9 * jnp.where(real, gain, 1.0))
        short = real & (wanted > weights.penalty)
        penalty = jnp.where(short, 1.5 * wanted, weights.penalty)
        return self.Weights(penalty), ~short

    def search(self, program, weights, at, move):
        local = at.local
        here = local.objective + weights.penalty * violation(program, local.constraints)
        slope = jnp.minimum(self.slope(program, weights, at, move), 0.0)
        size = jnp.abs(local.objective) + weights.penalty * violation(program, local.constraints)
        noise = 10 * jnp.finfo(here.dtype).eps * size
        bounds = program.bounds

        class Trial(NamedTuple):
            length: Float[Array, ""]
            fix: Float[Array, "n"]
            count: Array
            accepted: Array

        def refused(t: Trial):
            return ~t.accepted & (t.count < _HALVINGS)

        def attempt(t: Trial) -> Trial:
            # Attempts: the full step, the same corrected, then ever shorter steps.
            corrected = (t.count == 1) & self.correction
            length = jnp.where(t.count <= 1, 1.0, t.length / 2)
            fix = jnp.where(corrected, t.fix, 0.0)
            f, c = program.values(bounds.clip(at.x + length * move.x + fix))
            value = f + weights.penalty * violation(program, c)
            accepted = value <= here + self.decrease * length * slope + noise
            if not self.correction:
                return Trial(length, fix, t.count + 1, accepted)
            # A correction that is longer than the step itself would not be a correction.
            fresh = back_to_constraints(local.jacobian, c, move)
            small = jnp.sum(fresh**2) <= jnp.sum(move.x**2)
            fresh = jnp.where(small & jnp.all(jnp.isfinite(fresh)), fresh, 0.0)
            fix = jnp.where(accepted, fix, jnp.where(t.count == 0, fresh, 0.0))
            return Trial(length, fix, t.count + 1, accepted)

        count = jnp.zeros((), jnp.int32)
        start = Trial(jnp.ones_like(here), jnp.zeros_like(at.x), count, jnp.array(False))
        found = jax.lax.while_loop(refused, attempt, start)
        length = jnp.where(found.accepted, found.length, 0.0)
        fix = jnp.where(found.accepted, found.fix, 0.0)
        x = bounds.clip(at.x + length * move.x + fix)
        return Found(x, at.y + length * move.y, weights, length, found.accepted)


def violation(program: Program, c: Float[Array, "m"]) -> Float[Array, ""]:
    """By how much the rows miss zero, or exceed it where they are inequalities: the sum."""
    return jnp.sum(jnp.where(program.equality, jnp.abs(c), jnp.maximum(c, 0.0)))


def left_over(program: Program, at: Place, move: Move) -> Float[Array, ""]:
    """The violation of the linearised rows after a full step."""
    return violation(program, at.local.constraints + at.local.jacobian @ move.x)


def back_to_constraints(
    jacobian: Float[Array, "m n"], c: Float[Array, "m"], move: Move
) -> Float[Array, "n"]:
    """The shortest step of the entries that are not held to the working rows' linearisation."""
    rows = jnp.where(move.working[:, None] & ~move.held, jacobian, 0.0)
    gram = rows @ rows.T
    eps = jnp.finfo(c.dtype).eps
    slack = jnp.where(move.working, 10 * eps * jnp.trace(gram) + jnp.finfo(c.dtype).tiny, 1.0)
    factor = jnp.linalg.cholesky(gram + jnp.diag(slack))
    return -rows.T @ jax.scipy.linalg.cho_solve((factor, True), jnp.where(move.working, c, 0.0))
