"""The barrier problem: bounds and slacks kept positive by a logarithm, in two phases.

Ordinary phase: min f - mu sum log(distances to bounds) subject to c(x) + s = 0. Restoration:
min rho |c(x) + s|_1 + (zeta / 2) |D (x - x_R)|^2 - mu sum log(...), where the absolute value is the
elastic form min p + n over p - n = c + s, p, n > 0, with p and n eliminated in closed form.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ._program import Bounds, Local

ELASTIC_PRICE = 1000.0
"""rho: what a unit of violation costs in restoration."""
_DAMPING = 1e-5
"""Pull on entries with one bound only, so that they do not run away (kappa_d)."""
_DUAL_RANGE = 1e10
"""How far bound multipliers may be from mu / distance (kappa_sigma)."""


class Duals(NamedTuple):
    """Multipliers of the constraints, and of every distance in the order of `Barrier.distances`."""

    y: Float[Array, "m"]
    z: Float[Array, "w"]


class Elastic(NamedTuple):
    """The two parts of a violation r = p - n, and what they cost."""

    above: Float[Array, "m"]
    below: Float[Array, "m"]

    def cost(self, mu) -> Float[Array, ""]:
        p, n = self.above, self.below
        return jnp.sum(ELASTIC_PRICE * (p + n) - mu * (jnp.log(p) + jnp.log(n)))

    def slope(self, mu) -> Float[Array, "m"]:
        """The derivative of the cost by r: rho - mu / p, written where it does not cancel."""
        small = jnp.where(self.above < self.below, self.above, self.below)
        sign = jnp.where(self.above < self.below, 1.0, -1.0)
        return sign * (ELASTIC_PRICE - mu / small)


def elastic(r: Float[Array, "m"], mu: Float[Array, ""]) -> Elastic:
    """The cheapest p, n > 0 with p - n = r."""
    tiny = jnp.finfo(r.dtype).tiny
    half = (mu - ELASTIC_PRICE * jnp.abs(r)) / (2 * ELASTIC_PRICE)
    root = jnp.sqrt(half**2 + mu * jnp.abs(r) / (2 * ELASTIC_PRICE))
    # The smaller part: half + root, without cancellation when half < 0.
    product = mu * jnp.abs(r) / (2 * ELASTIC_PRICE)
    small = jnp.where(half > 0, half + root, product / jnp.maximum(root - half, tiny))
    small = jnp.maximum(small, 1e10 * tiny)
    large = small + jnp.abs(r)
    return Elastic(jnp.where(r > 0, large, small), jnp.where(r > 0, small, large))


class Anchor(NamedTuple):
    """Where restoration began, and how strongly it holds x there."""

    x: Float[Array, "n"]
    weight: Float[Array, "n"]
    """zeta D^2, without zeta = sqrt(mu)."""


class Barrier(NamedTuple):
    """The barrier problem of one step: what is kept positive, mu, and the phase.

    All that is kept positive is one vector of w = m + 2 n distances: slacks, then x - lower, then
    upper - x. Entries without such a bound are not `present`.

    **Arguments:**

    - `bounds`: of x.
    - `give`: how far slacks may lie below zero, so that rows which leave no room, such as an
        equality written as two inequalities, have an interior.
    - `inequality`: which rows have slacks.
    - `present`, `single`: which distances there are; which belong to an entry with no other bound.
    - `restoring`: whether this is the restoration's problem.
    """

    bounds: Bounds
    give: Float[Array, ""]
    inequality: Bool[np.ndarray, "m"]
    present: Bool[Array, "w"]
    single: Bool[Array, "w"]
    mu: Float[Array, ""]
    restoring: Bool[Array, ""]
    anchor: Anchor

    def distances(self, x: Float[Array, "n"], s: Float[Array, "m"]) -> Float[Array, "w"]:
        """How far a point is from each of its bounds; 1 where there is none."""
        b = self.bounds
        far = jnp.concatenate([s + self.give, x - b.lower, b.upper - x])
        return jnp.where(self.present, far, 1.0)

    def moves(self, dx: Float[Array, "n"], ds: Float[Array, "m"]) -> Float[Array, "w"]:
        """How a step changes the distances."""
        return jnp.where(self.present, jnp.concatenate([ds, dx, -dx]), 0.0)

    def gathered(self, w: Float[Array, "w"]) -> tuple[Float[Array, "n"], Float[Array, "m"]]:
        """The transpose of `moves`: forces on distances as forces on x and on slacks."""
        m, n = self.inequality.size, self.bounds.lower.size
        w = jnp.where(self.present, w, 0.0)
        return w[m : m + n] - w[m + n :], w[:m]

    @property
    def proximal(self) -> Float[Array, "n"]:
        """zeta D^2 while restoring, else 0."""
        return jnp.where(self.restoring, jnp.sqrt(self.mu) * self.anchor.weight, 0.0)

    def measures(self, f, c, x, s) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Violation and barrier objective; while restoring, the violation is part of the latter."""
        far, r, mu = self.distances(x, s), c + s, self.mu
        barrier = jnp.sum(jnp.where(self.single, _DAMPING * far, 0.0) - jnp.log(far))
        away = 0.5 * jnp.sum(self.proximal * (x - self.anchor.x) ** 2)
        cost = jnp.where(self.restoring, elastic(r, mu).cost(mu) + away, f)
        violation = jnp.where(self.restoring, 0.0, jnp.sum(jnp.abs(r)))
        return violation, cost + mu * barrier

    def gradient(self, at: Local, x, forces: Float[Array, "w"]):
        """Of the objective minus forces on the distances, by x and by s; with the damping."""
        by_x = jnp.where(self.restoring, self.proximal * (x - self.anchor.x), at.gradient)
        force_x, force_s = self.gathered(forces - jnp.where(self.single, _DAMPING * self.mu, 0.0))
        return jnp.where(self.bounds.free, by_x - force_x, 0.0), -force_s

    def errors(self, at: Local, x, s, duals: Duals) -> "Errors":
        """How far the optimality conditions of the barrier problem are from holding, scaled."""
        far, r, (y, z) = self.distances(x, s), at.constraints + s, duals
        by_x, by_s = self.gradient(at, x, z)
        by_x = jnp.where(self.bounds.free, by_x + y @ at.jacobian, 0.0)
        by_s = jnp.where(self.inequality, by_s + y, 0.0)
        parts = elastic(r, self.mu)
        products = [far * z, parts.above * (ELASTIC_PRICE - y), parts.below * (ELASTIC_PRICE + y)]
        elastics = jnp.broadcast_to(self.restoring, (2 * y.size,))
        held, count = jnp.sum(z), jnp.sum(self.present)
        ease = jnp.maximum(100.0, held / jnp.maximum(count, 1)) / 100
        total = (held + jnp.sum(jnp.abs(y))) / jnp.maximum(count + y.size, 1)
        scale = jnp.maximum(100.0, total) / 100
        # Restoration's multipliers are of the size of its price: larger ones are no excuse.
        most = jnp.where(self.restoring, ELASTIC_PRICE / 100, jnp.inf)
        ease, scale = jnp.minimum(ease, most), jnp.minimum(scale, most)
        left = [by_x / scale, by_s / scale, jnp.where(self.restoring, 0.0, r)]
        return Errors(
            jnp.max(jnp.abs(jnp.concatenate(left)), initial=0.0),
            jnp.concatenate(products),
            jnp.concatenate([self.present, elastics]),
            ease,
        )

    def prices_left(self, y: Float[Array, "m"]) -> tuple[Float[Array, "m"], Float[Array, "m"]]:
        """rho - y and rho + y: the multipliers of the elastic parts, kept above rounding."""
        least = 4 * jnp.finfo(y.dtype).eps * ELASTIC_PRICE
        return jnp.maximum(ELASTIC_PRICE - y, least), jnp.maximum(ELASTIC_PRICE + y, least)

    def longest_step(self, far: Float[Array, "w"], moves: Float[Array, "w"]) -> Float[Array, ""]:
        """The share of a step, at most 1, that keeps what is positive positive."""
        keep = jnp.maximum(0.99, 1 - self.mu)
        share = jnp.where(moves < 0, -keep * far / jnp.where(moves < 0, moves, 1.0), 1.0)
        return jnp.min(share, initial=1.0)

    def longest_dual_step(self, duals: Duals, moves: Duals) -> Float[Array, ""]:
        """The same for multipliers; while restoring those of constraints stay below the price."""
        room = jnp.concatenate([duals.z, ELASTIC_PRICE - duals.y, ELASTIC_PRICE + duals.y])
        bounded = jnp.where(self.restoring, moves.y, 0.0)
        return self.longest_step(room, jnp.concatenate([moves.z, -bounded, bounded]))

    def kept_near(self, z: Float[Array, "w"], x, s) -> Float[Array, "w"]:
        """Multipliers of distances, within a wide range of mu / distance."""
        central = self.mu / self.distances(x, s)
        z = jnp.clip(z, central / _DUAL_RANGE, central * _DUAL_RANGE)
        return jnp.where(self.present, z, 0.0)


class Errors(NamedTuple):
    """The error of the perturbed optimality conditions, as a function of mu (E_mu)."""

    steady: Float[Array, ""]
    """Stationarity and violation, which do not depend on mu."""
    products: Float[Array, "k"]
    """What must equal mu."""
    present: Bool[Array, "k"]
    ease: Float[Array, ""]

    def at(self, mu: Float[Array, ""] | float) -> Float[Array, ""]:
        """The error for a barrier parameter."""
        away = jnp.where(self.present, jnp.abs(self.products - mu), 0.0)
        return jnp.maximum(self.steady, jnp.max(away, initial=0.0) / self.ease)
