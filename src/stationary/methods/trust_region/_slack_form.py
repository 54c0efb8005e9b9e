"""A problem with slacks: min f(x) subject to c(x) + s = 0 and bounds on w = (x, s)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..interior_point._program import Program

_SAFE = 1e10
"""How far bound multipliers may be from barrier over distance."""


class Local(NamedTuple):
    """Values at one point, and products with first derivatives there; w has N entries, h has m."""

    objective: Float[Array, ""]
    residual: Float[Array, "m"]
    """h = c + s."""
    gradient: Float[Array, "N"]
    """Of the objective."""
    product: Callable[[Float[Array, "N"]], Float[Array, "m"]]
    """v -> A v, with A the Jacobian of h."""
    pull: Callable[[Float[Array, "m"]], Float[Array, "N"]]
    """y -> A' y."""


class SlackForm:
    """A `Program` whose inequalities have slacks s >= 0; equalities have slacks fixed at zero.

    Without inequalities there are no slacks at all.

    **Arguments:**

    - `program`: the problem seen flat.
    """

    def __init__(self, program: Program):
        self.program = program
        self.slacks = 0 if program.equality.all() else program.rows
        bounds = program.bounds
        rows = jnp.asarray(~program.equality[: self.slacks])
        none, all_rows = jnp.zeros(self.slacks, bool), jnp.zeros(self.slacks, program.dtype)
        self.bounds = bounds
        self.lower = jnp.concatenate([bounds.lower, all_rows])
        self.upper = jnp.concatenate([bounds.upper, jnp.where(rows, jnp.inf, 0.0)])
        self.has_lower = jnp.concatenate([bounds.has_lower, rows])
        self.has_upper = jnp.concatenate([bounds.has_upper, none])
        self.free = jnp.concatenate([bounds.free, rows])
        self.bounded = self.has_lower | self.has_upper

    def split(self, w: Float[Array, "N"]) -> tuple[Float[Array, "n"], Float[Array, "m"]]:
        """x, and one slack per row."""
        n, rows = self.program.size, self.program.rows
        return w[:n], w[n:] if self.slacks else jnp.zeros(rows, w.dtype)

    def padded(self, x: Float[Array, "n"]) -> Float[Array, "N"]:
        """x with zeros in place of slacks."""
        return jnp.pad(x, (0, self.slacks))

    def distances(self, w: Float[Array, "N"]) -> tuple[Float[Array, "N"], Float[Array, "N"]]:
        """How far each entry is from its lower and its upper bound; infinite where it has none."""
        return (
            jnp.where(self.has_lower, w - self.lower, jnp.inf),
            jnp.where(self.has_upper, self.upper - w, jnp.inf),
        )

    def start(self, x: Float[Array, "n"]) -> Float[Array, "N"]:
        """x moved inside its bounds; slacks follow once the constraints are known."""
        inside = self.bounds.inside(x, jnp.asarray(1e-2, x.dtype))
        return jnp.concatenate([inside, jnp.ones(self.slacks, x.dtype) * self.free[x.size :]])

    def with_slacks(
        self, w: Float[Array, "N"], constraints: Float[Array, "m"], least: Float[Array, ""] | float
    ) -> Float[Array, "N"]:
        """w with slacks raised to what the constraints leave, and to at least `least`.

        A slack that is smaller than it need be is worse in violation and in barrier.
        """
        if not self.slacks:
            return w
        x, s = self.split(w)
        raised = jnp.maximum(jnp.maximum(s, least), -constraints)
        return jnp.concatenate([x, jnp.where(self.free[x.size :], raised, 0.0)])

    def linearize(self, w: Float[Array, "N"]) -> Local:
        """Values and first derivatives, for as many products as wanted."""
        program, x = self.program, self.split(w)[0]
        (f, c), tangent = jax.linearize(program.values, x)
        of_objective = jax.linear_transpose(lambda v: tangent(v)[0], x)
        of_constraints = jax.linear_transpose(lambda v: tangent(v)[1], x)

        def product(v):
            dx, ds = self.split(v)
            return tangent(dx)[1] + ds

        def pull(y):
            pulled = of_constraints(y)[0]
            return jnp.concatenate([pulled, y]) if self.slacks else pulled

        gradient = self.padded(of_objective(jnp.ones_like(f))[0])
        return Local(f, c + self.split(w)[1], gradient, product, pull)

    def curvature(
        self, w: Float[Array, "N"], y: Float[Array, "m"]
    ) -> Callable[[Float[Array, "N"]], Float[Array, "N"]]:
        """v -> H v, with H the Hessian of f + y . c."""
        program, n = self.program, self.program.size
        duals = program.unstack(y)

        def gradient(x):
            at = program.system.linearize(program.unravel(x), program.data)
            return program.flatten(at.direction(duals))

        tangent = jax.linearize(gradient, w[:n])[1]
        return lambda v: self.padded(tangent(v[:n]))

    def scaling(self, w: Float[Array, "N"]) -> Float[Array, "N"]:
        """The length of one unit of the trust region in each entry: less near bounds, 0 if fixed.

        Slacks count relative to themselves, unknowns at most as they are.
        """
        nearest = jnp.minimum(*self.distances(w))
        n = self.program.size
        limit = jnp.where(jnp.arange(nearest.size) < n, 1.0, jnp.inf)
        return jnp.where(self.free, jnp.minimum(nearest, limit), 0.0)

    def barrier_value(self, w: Float[Array, "N"], mu: Float[Array, ""]) -> Float[Array, ""]:
        """- mu sum log(distances)."""
        logs = [
            jnp.where(has, jnp.log(jnp.where(has, distance, 1.0)), 0.0)
            for has, distance in zip(
                (self.has_lower, self.has_upper), self.distances(w), strict=True
            )
        ]
        return -mu * jnp.sum(logs[0] + logs[1])

    def barrier_gradient(self, w: Float[Array, "N"], mu: Float[Array, ""]) -> Float[Array, "N"]:
        """The gradient of `barrier_value`."""
        lower, upper = self.distances(w)
        return mu / upper - mu / lower

    def barrier_curvature(
        self, w: Float[Array, "N"], force: Float[Array, "N"], mu: Float[Array, ""]
    ) -> Float[Array, "N"]:
        """The primal-dual diagonal: multipliers of bounds over distances.

        **Arguments:**

        - `force`: the gradient of f + y . h, which the multipliers of the bounds balance.
        """
        lower, upper = self.distances(w)

        def share(force, distance, other):
            safe = jnp.where(jnp.isinf(distance), 1.0, distance)
            guess = jnp.clip(force + mu / other, mu / safe / _SAFE, mu / safe * _SAFE)
            # Where the estimate has the wrong sign the primal barrier's own curvature is safer.
            guess = jnp.where(force + mu / other > 0, guess, mu / safe)
            return jnp.where(jnp.isinf(distance), 0.0, guess / safe)

        return share(force, lower, upper) + share(-force, upper, lower)

    def room(
        self, w: Float[Array, "N"], units: Float[Array, "N"], share: float
    ) -> tuple[Float[Array, "N"], Float[Array, "N"]]:
        """Limits on steps, in units of the trust region, that keep a share of the distances."""
        safe = jnp.where(units > 0, units, 1.0)
        lower, upper = self.distances(w)
        return -share * lower / safe, share * upper / safe
