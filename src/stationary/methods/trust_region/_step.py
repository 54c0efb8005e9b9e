"""The two parts of a composite step, in the trust region's own units: toward feasibility, and down.

Vectors `u` are scaled: a move in w is d = T u, with T the lengths of the trust region's units.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from ._normal_equations import Layout, NormalEquations

Linear = Callable[[Float[Array, "..."]], Float[Array, "..."]]

_REFINEMENTS = 4
_UNHURRIED = 30
"""Iterates of conjugate gradients outside the bounds before they are given up."""


class Box(NamedTuple):
    """Limits on a step, entry by entry; zero is between them."""

    lower: Float[Array, "N"]
    upper: Float[Array, "N"]

    def holds(self, u: Float[Array, "N"]) -> Bool[Array, ""]:
        """Whether a step keeps the limits, up to rounding."""
        slack = 1e-12
        return jnp.all((u >= self.lower * (1 + slack)) & (u <= self.upper * (1 + slack)))

    def reach(self, start: Float[Array, "N"] | float, move: Float[Array, "N"]) -> Float[Array, ""]:
        """The largest share in [0, 1] of a move from a step within the limits that keeps them."""
        room = jnp.where(move < 0, self.lower, self.upper) - start
        share = room / jnp.where(move == 0, 1.0, move)
        return jnp.clip(jnp.min(jnp.where(move == 0, jnp.inf, share), initial=1.0), 0.0, 1.0)

    def less(self, step: Float[Array, "N"], share: float | Float[Array, ""]) -> "Box":
        """What is left of a share of the limits after a step."""
        return Box(share * self.lower - step, share * self.upper - step)


class Projection(NamedTuple):
    """The orthogonal projection onto the null space of A T, and least-squares multipliers."""

    layout: Layout
    equations: NormalEquations
    product: Linear
    """u -> A T u."""
    pull: Linear
    """y -> T A' y."""

    def square(self, y: Float[Array, "m"]) -> Float[Array, "m"]:
        """A T T A' y."""
        return self.product(self.pull(y))

    def solve(self, target: Float[Array, "m"]) -> Float[Array, "m"]:
        """y with A T T A' y = target, up to one solve's rounding."""
        scale = self.equations.scale
        return scale * self.equations.solve(self.layout, self.square, scale * target)

    def __call__(
        self, r: Float[Array, "N"], target: Float[Array, "m"]
    ) -> tuple[Float[Array, "N"], Float[Array, "m"], Float[Array, "m"]]:
        """g with A T g = target, closest to r.

        **Returns:** g; the multipliers y with r = g + T A' y; and A T g - target, which refinement
        has made small.
        """
        if self.layout.rows == 0:
            return r, target, target
        scale = self.equations.scale
        eps = jnp.finfo(r.dtype).eps

        def size(left):
            return jnp.linalg.norm(scale * left)

        def refine(carry):
            g, y, left, count, _ = carry
            more = self.solve(left)
            new = g - self.pull(more)
            remains = self.product(new) - target
            # Rows that cannot be satisfied together leave something behind, whatever one does.
            better = size(remains) < 0.5 * size(left)
            done = ~better | (size(remains) <= 1e4 * eps * jnp.linalg.norm(new))
            kept = (g, y, left)
            found = jax.tree.map(
                lambda a, b: jnp.where(better, a, b), (new, y + more, remains), kept
            )
            return *found, count + 1, done

        def going(carry):
            *_, count, done = carry
            return ~done & (count < _REFINEMENTS)

        left = self.product(r) - target
        start = (r, jnp.zeros_like(target), left, jnp.zeros((), jnp.int32), size(left) == 0)
        g, y, left, *_ = jax.lax.while_loop(going, refine, start)
        return g, y, left


def normal_step(
    projection: Projection,
    residual: Float[Array, "m"],
    newton: Float[Array, "N"],
    left_at_newton: Float[Array, "m"],
    radius: Float[Array, ""],
    box: Box,
) -> tuple[Float[Array, "N"], Float[Array, "m"]]:
    """A step that reduces |A T v + h| within the trust region: Powell's dogleg, or a cut one.

    **Arguments:**

    - `projection`: with the constraints' products.
    - `residual`: h.
    - `newton`, `left_at_newton`: the shortest step with A T v + h = 0, and what is left of h there.
    - `radius`: how long the step may be.
    - `box`: what the bounds allow.

    **Returns:** the step, and what it leaves of the residual to first order.

    !!! cite "Reference"
        Byrd, Gilbert and Nocedal, A trust region method based on interior point techniques for
        nonlinear programming (Mathematical Programming, 2000), section 3.2.
    """
    if projection.layout.rows == 0:
        return jnp.zeros_like(projection.pull(residual)), residual
    slope = projection.pull(residual)
    image = projection.product(slope)
    tiny = jnp.finfo(slope.dtype).tiny
    length = jnp.vdot(slope, slope) / jnp.maximum(jnp.vdot(image, image), tiny)
    cauchy, left_at_cauchy = -length * slope, residual - length * image
    # Where the rows depend on each other Newton's step may miss; then the dogleg ends at Cauchy's.
    useful = jnp.linalg.norm(left_at_newton) < jnp.linalg.norm(left_at_cauchy)
    useful &= jnp.all(jnp.isfinite(newton))
    newton = jnp.where(useful, newton, cauchy)
    left_at_newton = jnp.where(useful, left_at_newton, left_at_cauchy)

    short = jnp.minimum(_to_sphere(jnp.zeros_like(cauchy), cauchy, radius), box.reach(0.0, cauchy))
    turn = newton - cauchy
    second = jnp.minimum(_to_sphere(cauchy, turn, radius), box.reach(cauchy, turn))
    second = jnp.where(short >= 1.0, second, 0.0)
    along = short * cauchy + second * turn
    left_along = residual + short * (left_at_cauchy - residual)
    left_along += second * (left_at_newton - left_at_cauchy)

    cut = jnp.minimum(_to_sphere(jnp.zeros_like(newton), newton, radius), box.reach(0.0, newton))
    left_cut = residual + cut * (left_at_newton - residual)
    better = jnp.linalg.norm(left_cut) <= jnp.linalg.norm(left_along)
    return jnp.where(better, cut * newton, along), jnp.where(better, left_cut, left_along)


class Tangential(NamedTuple):
    """The state of conjugate gradients in the null space, and what they end with."""

    u: Float[Array, "N"]
    g: Float[Array, "N"]
    """The projected gradient of the model."""
    p: Float[Array, "N"]
    """The next direction; before anything else, the normal step."""
    square: Float[Array, ""]
    goal: Float[Array, ""]
    value: Float[Array, ""]
    """Of the model at u, the normal step included."""
    inside: Float[Array, "N"]
    """The last point found within the bounds."""
    inside_value: Float[Array, ""]
    outside: Int[Array, ""]
    count: Int[Array, ""]
    """Products with the curvature."""
    done: Bool[Array, ""]


def tangential_step(
    projection: Projection,
    curvature: Linear,
    gradient: Float[Array, "N"],
    normal: Float[Array, "N"],
    radius: Float[Array, ""],
    box: Box,
    tolerance: Float[Array, ""],
    limit: int,
) -> Tangential:
    """Projected conjugate gradients on the model from a normal step v, along A T u = 0.

    The model is g'(v + u) + (v + u)'W(v + u) / 2. The iterations stop at the tolerance, on the
    trust region's boundary, or along negative curvature. Iterates may leave the bounds and come
    back; the last point within them is what counts.

    **Arguments:**

    - `curvature`: u -> W u.
    - `gradient`: g, of the model at zero.
    - `normal`: v.
    - `radius`: how long u may be.
    - `box`: what the bounds allow u.
    - `tolerance`: the relative reduction of the projected gradient to stop at.
    - `limit`: the most iterations.

    !!! cite "Reference"
        Gould, Hribar and Nocedal, On the solution of equality constrained quadratic programming
        problems arising in optimization (SIAM Journal on Scientific Computing, 2001);
        Steihaug, The conjugate gradient method and trust regions in large scale optimization
        (SIAM Journal on Numerical Analysis, 1983).
    """
    zero, nothing = jnp.zeros_like(gradient), jnp.zeros_like(radius)
    nowhere = jnp.zeros(projection.layout.rows, gradient.dtype)
    count, no = jnp.zeros((), jnp.int32), jnp.array(False)
    start = Tangential(
        zero, gradient, normal, nothing, nothing, nothing, zero, nothing, count, count, no
    )

    def iterate(at: Tangential) -> Tangential:
        opening = at.count == 0  # goes from zero to the normal step: one program for both
        bent = curvature(at.p)
        curved = jnp.vdot(at.p, bent)
        to_edge = _to_sphere(at.u, at.p, radius)
        step = at.square / jnp.where(curved > 0, curved, 1.0)
        edge = ~opening & ((curved <= 0) | (step >= to_edge))
        step = jnp.where(edge, to_edge, step)
        slope = jnp.where(opening, jnp.vdot(gradient, normal), -at.square)
        move = jnp.where(opening, 0.0, step) * at.p
        u = at.u + move

        def model(step):
            step = jnp.where(opening, 1.0, step)
            return at.value + step * slope + 0.5 * step**2 * curved

        # From within the bounds go as far as they let; from outside come back only as a whole.
        was_inside = at.outside == 0
        share = jnp.where(was_inside, box.reach(at.u, move), 0.0)
        stays = box.holds(u)
        inside = jnp.where(was_inside, at.u + share * move, at.inside)
        inside = jnp.where(stays, u, inside)
        inside_value = jnp.where(was_inside, model(share * step), at.inside_value)
        inside_value = jnp.where(stays, model(step), inside_value)
        outside = jnp.where(stays, 0, at.outside + 1)
        # The projected gradient in place of the gradient: so it stays small as it should.
        g, _, _ = projection(at.g + jnp.where(opening, 1.0, step) * bent, nowhere)
        square = jnp.vdot(g, g)
        ratio = jnp.where(opening, 0.0, square / jnp.where(opening, 1.0, at.square))
        goal = jnp.where(opening, tolerance**2 * square, at.goal)
        done = edge | ~(square > goal) | (outside > _UNHURRIED)
        return Tangential(
            u,
            g,
            ratio * at.p - g,
            square,
            goal,
            model(step),
            inside,
            inside_value,
            outside,
            at.count + 1,
            done,
        )

    def going(at: Tangential):
        return ~at.done & (at.count <= limit)

    return jax.lax.while_loop(going, iterate, start)


def _to_sphere(
    start: Float[Array, "N"], direction: Float[Array, "N"], radius: Float[Array, ""]
) -> Float[Array, ""]:
    """How far along a direction the sphere of a radius is, from within it."""
    a = jnp.maximum(jnp.vdot(direction, direction), jnp.finfo(start.dtype).tiny)
    b = jnp.vdot(start, direction)
    c = jnp.minimum(jnp.vdot(start, start) - radius**2, 0.0)
    root = jnp.sqrt(b * b - a * c)
    return jnp.where(b > 0, -c / jnp.maximum(b + root, jnp.finfo(start.dtype).tiny), (root - b) / a)
