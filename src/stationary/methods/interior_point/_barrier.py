"""The barrier problem: bounds and slacks kept positive by a logarithm, in two phases.

Ordinary phase: min f - mu sum log(distances to bounds) subject to c(x) + s = 0. Restoration:
min rho |c(x) + s|_1 + (zeta / 2) |D (x - x_R)|^2 - mu sum log(...), where the absolute value is the
elastic form min p + n over p - n = c + s, p, n > 0, with p and n eliminated in closed form.
"""

from typing import NamedTuple

import equinox as eqx
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
    """Multipliers: of constraints, of slacks, and of lower and upper bounds."""

    y: Float[Array, "m"]
    slack: Float[Array, "m"]
    lower: Float[Array, "n"]
    upper: Float[Array, "n"]


class Distances(NamedTuple):
    """How far a point is from its bounds; 1 where there is none."""

    slack: Float[Array, "m"]
    lower: Float[Array, "n"]
    upper: Float[Array, "n"]


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
    half = (mu - ELASTIC_PRICE * jnp.abs(r)) / (2 * ELASTIC_PRICE)
    root = jnp.sqrt(half**2 + mu * jnp.abs(r) / (2 * ELASTIC_PRICE))
    # The smaller part: half + root, without cancellation when half < 0.
    product = mu * jnp.abs(r) / (2 * ELASTIC_PRICE)
    small = jnp.where(half > 0, half + root, product / jnp.maximum(root - half, 1e-300))
    small = jnp.maximum(small, jnp.finfo(r.dtype).tiny * 1e10)
    large = small + jnp.abs(r)
    return Elastic(jnp.where(r > 0, large, small), jnp.where(r > 0, small, large))


class Anchor(NamedTuple):
    """Where restoration began, and how strongly it holds x there."""

    x: Float[Array, "n"]
    weight: Float[Array, "n"]
    """zeta D^2, without zeta = sqrt(mu)."""


class Barrier(eqx.Module):
    """The barrier problem of one step: bounds, which rows are inequalities, mu, and the phase.

    **Arguments:**

    - `bounds`: of x, relaxed a little so that they have an interior.
    - `slack_floor`: the (slightly negative) lower bound of slacks.
    - `inequality`: which rows have slacks.
    - `restoring`: whether this is the restoration's problem.
    """

    bounds: Bounds
    slack_floor: Float[Array, "m"]
    inequality: Bool[np.ndarray, "m"]
    mu: Float[Array, ""]
    restoring: Bool[Array, ""]
    anchor: Anchor

    def distances(self, x: Float[Array, "n"], s: Float[Array, "m"]) -> Distances:
        b = self.bounds
        return Distances(
            jnp.where(self.inequality, s - self.slack_floor, 1.0),
            jnp.where(b.has_lower, x - b.lower, 1.0),
            jnp.where(b.has_upper, b.upper - x, 1.0),
        )

    @property
    def pull(self) -> Float[Array, "n"]:
        """The sign of the damping: towards the only bound that an entry has."""
        b = self.bounds
        return jnp.where(b.has_lower & ~b.has_upper, 1.0, 0.0) - jnp.where(
            b.has_upper & ~b.has_lower, 1.0, 0.0
        )

    @property
    def proximal(self) -> Float[Array, "n"]:
        """zeta D^2 while restoring, else 0."""
        return jnp.where(self.restoring, jnp.sqrt(self.mu) * self.anchor.weight, 0.0)

    def measures(self, f, c, x, s) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Violation and barrier objective: what the filter compares. Restoration has no violation."""
        d, b, mu = self.distances(x, s), self.bounds, self.mu
        logs = jnp.sum(jnp.log(d.slack)) + jnp.sum(jnp.log(d.lower)) + jnp.sum(jnp.log(d.upper))
        ends = jnp.where(self.pull > 0, d.lower, d.upper)
        damping = _DAMPING * jnp.sum(jnp.where(self.pull != 0, ends, 0.0))
        damping += _DAMPING * jnp.sum(jnp.where(self.inequality, d.slack, 0.0))
        r = c + s
        away = 0.5 * jnp.sum(self.proximal * (x - self.anchor.x) ** 2)
        cost = jnp.where(self.restoring, elastic(r, mu).cost(mu) + away, f)
        violation = jnp.where(self.restoring, 0.0, jnp.sum(jnp.abs(r)))
        return violation, cost - mu * (logs - damping)

    def objective_gradient(self, at: Local, x) -> Float[Array, "n"]:
        """Of f, or of restoration's distance term."""
        return jnp.where(self.restoring, self.proximal * (x - self.anchor.x), at.gradient)

    def gradient(self, at: Local, x, s) -> tuple[Float[Array, "n"], Float[Array, "m"]]:
        """Of the barrier objective without multipliers, by x and by s."""
        d, b, mu = self.distances(x, s), self.bounds, self.mu
        by_x = self.objective_gradient(at, x)
        by_x = by_x - jnp.where(b.has_lower, mu / d.lower, 0.0)
        by_x = by_x + jnp.where(b.has_upper, mu / d.upper, 0.0) + _DAMPING * mu * self.pull
        by_s = jnp.where(self.inequality, _DAMPING * mu - mu / d.slack, 0.0)
        return jnp.where(b.free, by_x, 0.0), by_s

    def slope(self, at: Local, x, s, dx, ds) -> Float[Array, ""]:
        """The derivative of the barrier objective along a step."""
        by_x, by_s = self.gradient(at, x, s)
        r = at.constraints + s
        pushed = jnp.sum(elastic(r, self.mu).slope(self.mu) * (at.jacobian @ dx + ds))
        return by_x @ dx + by_s @ ds + jnp.where(self.restoring, pushed, 0.0)

    def error(self, at: Local, x, s, duals: Duals, mu) -> Float[Array, ""]:
        """How far the perturbed optimality conditions are from holding, scaled (E_mu)."""
        d, b = self.distances(x, s), self.bounds
        y = duals.y
        by_x = self.objective_gradient(at, x) + y @ at.jacobian - duals.lower + duals.upper
        by_x = jnp.where(b.free, by_x + _DAMPING * mu * self.pull, 0.0)
        by_s = jnp.where(self.inequality, y - duals.slack + _DAMPING * mu, 0.0)
        r = at.constraints + s
        gap = r - jnp.where(self.restoring, mu / (ELASTIC_PRICE - y) - mu / (ELASTIC_PRICE + y), 0)
        products = (
            jnp.where(self.inequality, d.slack * duals.slack - mu, 0.0),
            jnp.where(b.has_lower, d.lower * duals.lower - mu, 0.0),
            jnp.where(b.has_upper, d.upper * duals.upper - mu, 0.0),
        )
        held = jnp.sum(jnp.abs(duals.slack)) + jnp.sum(duals.lower) + jnp.sum(duals.upper)
        count = jnp.sum(self.inequality) + jnp.sum(b.has_lower) + jnp.sum(b.has_upper)
        ease = jnp.maximum(100.0, held / jnp.maximum(count, 1)) / 100
        total = (held + jnp.sum(jnp.abs(y))) / jnp.maximum(count + y.size, 1)
        scale = jnp.maximum(100.0, total) / 100
        stationarity = jnp.maximum(_peak(by_x), _peak(by_s)) / scale
        complementarity = _peak(jnp.concatenate(products)) / ease
        return jnp.maximum(jnp.maximum(stationarity, _peak(gap)), complementarity)

    def longest_step(self, x, s, dx, ds) -> Float[Array, ""]:
        """The share of a step, at most 1, that keeps a distance from every bound."""
        d, b = self.distances(x, s), self.bounds
        return self._share(
            (d.slack, jnp.where(self.inequality, ds, 0.0)),
            (d.lower, jnp.where(b.has_lower, dx, 0.0)),
            (d.upper, jnp.where(b.has_upper, -dx, 0.0)),
        )

    def longest_dual_step(self, duals: Duals, moves: Duals) -> Float[Array, ""]:
        """The same for multipliers; while restoring those of constraints are bounded as well."""
        room = ELASTIC_PRICE - jnp.abs(duals.y)
        outwards = jnp.sign(duals.y) * moves.y
        outwards = jnp.where(duals.y == 0, 0.0, outwards)
        beyond = jnp.where(self.restoring, -outwards, 0.0)
        across = jnp.where(self.restoring, -jnp.abs(moves.y), 0.0)
        return self._share(
            (duals.slack, moves.slack),
            (duals.lower, moves.lower),
            (duals.upper, moves.upper),
            (room, beyond),
            (ELASTIC_PRICE + jnp.abs(duals.y), across),
        )

    def _share(self, *pairs) -> Float[Array, ""]:
        keep = jnp.maximum(0.99, 1 - self.mu)
        share = jnp.ones((), self.mu.dtype)
        for distance, move in pairs:
            bound = jnp.where(move < 0, -keep * distance / jnp.where(move < 0, move, 1.0), 1.0)
            share = jnp.minimum(share, jnp.min(bound, initial=1.0))
        return share

    def kept_near(self, duals: Duals, x, s) -> Duals:
        """Bound multipliers within a wide range of mu / distance."""
        d, b = self.distances(x, s), self.bounds

        def near(z, distance, present):
            central = self.mu / distance
            z = jnp.clip(z, central / _DUAL_RANGE, central * _DUAL_RANGE)
            return jnp.where(present, z, 0.0)

        return Duals(
            duals.y,
            near(duals.slack, d.slack, self.inequality),
            near(duals.lower, d.lower, b.has_lower),
            near(duals.upper, d.upper, b.has_upper),
        )


def _peak(x: Float[Array, "..."]) -> Float[Array, ""]:
    return jnp.max(jnp.abs(x), initial=0.0)
