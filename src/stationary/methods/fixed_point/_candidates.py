"""How close a direction is to a proof that a linear or quadratic program has no answer."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..._operators import Duals
from ..._point import Point
from ..._system import System, largest
from ...sets._product import is_set
from ._primal_dual import polar
from ._products import bounds, pull, push
from ._steps import Survey, norm, survey


class Setting(eqx.Module):
    """What all candidates share.

    **Arguments:**

    - `survey`: the sizes of the problem's numbers.
    - `lower`, `upper`: the bounds of the variables, infinite where there are none.
    - `alone`: multipliers for violated rows without an entry, each a proof by itself.
    """

    survey: Survey
    lower: PyTree[Array]
    upper: PyTree[Array]
    alone: Duals


class Weighed(NamedTuple):
    """A candidate made into two rays, each with its distance from a proof.

    **Arguments:**

    - `duals`, `pull`: multipliers y in the polar cones, at most 1, and A'y.
    - `infeasible`: the norm of what A'y lacks, times the size of x, over <y, g>: feasible points
        would have to be larger than x by the inverse of this number.
    - `primal`, `curved`, `pushed`: a direction d inside the box for ever, at most 1, with Qd and
        Ad.
    - `unbounded`: how fast moving along d breaks the constraints or bends upwards, per unit of
        descent.
    """

    duals: Duals
    pull: PyTree[Array]
    infeasible: Float[Array, ""]
    primal: PyTree[Array]
    curved: PyTree[Array]
    pushed: Duals
    unbounded: Float[Array, ""]


def setting(system: System, primal: PyTree[Array], data: PyTree) -> Setting:
    """Evaluate what all candidates share."""
    found, alone = survey(system, primal, data), {}
    for name, c in system.constraints.items():
        g = found.origin.values[name]
        # A row of a cone that ties its entries together proves nothing without the others.
        empty = (found.rows[name] == 0) & c.cone.elementwise
        alone[name] = jnp.where(empty, g - c.cone.project(g), jnp.zeros_like(g))
    return Setting(found, *bounds(system, primal), alone)


def weigh(system: System, data: PyTree, given: Setting, candidate: Point, at: Point) -> Weighed:
    """How close a direction of divergence is to either proof.

    Products are taken with what the projections leave of it, not from differences of earlier
    ones: a direction may be as small as the rounding of the points that it came from.

    **Arguments:**

    - `candidate`: an estimate of minus the infimal displacement.
    - `at`: where the iteration is; sizes are compared with it.
    """
    duals = _unit(polar(system, candidate.duals))
    primal = _unit(jax.tree.map(_kept, candidate.primal, given.lower, given.upper))
    zero = jax.tree.map(jnp.zeros_like, primal)
    pulled = pull(system, zero, data, duals)
    curved, pushed = push(system, zero, data, primal)
    extent = jnp.maximum(1.0, largest(at.primal))
    size = jnp.maximum(1.0, largest(at.duals)).astype(extent.dtype)

    # <y, g(x)> is at least height - |wrong| |x| for all x of the box.
    ends = jax.tree.map(
        lambda r, low, up: jnp.where(r > 0, low, up), pulled, given.lower, given.upper
    )
    wrong = jax.tree.map(lambda r, e: jnp.where(jnp.isfinite(e), 0, r), pulled, ends)
    bounded = jax.tree.map(lambda r, e: r * jnp.where(jnp.isfinite(e), e, 0), pulled, ends)
    products = [duals[name] * given.survey.origin.values[name] for name in duals]
    height, noise = _sum([*products, *jax.tree.leaves(bounded)])
    height -= sum(
        curved_margin(duals[name], given.survey.origin.values[name])
        for name, c in system.constraints.items()
        if not c.cone.elementwise
    )
    infeasible = _ratio(norm(wrong) * extent, height, noise)

    slopes = jax.tree.map(jnp.multiply, given.survey.origin.gradient, primal)
    climb, noise = _sum(jax.tree.leaves(slopes))
    left = {name: p - system.constraints[name].cone.project(p) for name, p in pushed.items()}
    leaving = norm(left) * size
    bending = norm(curved) * norm(primal) * extent
    unbounded = _ratio(jnp.maximum(leaving, bending), -climb, noise)
    unbounded = jnp.maximum(unbounded, outside(left, given).astype(unbounded.dtype))
    return Weighed(duals, pulled, infeasible, primal, curved, pushed, unbounded)


def curved_margin(dual: Array, value: Array) -> Float[Array, ""]:
    """What a product with a multiplier of a curved cone must exceed to prove anything.

    Where the polar cone is round, a multiplier outside of it by less than rounding can lean out by
    the square root of that.
    """
    return 10 * jnp.sqrt(jnp.finfo(dual.dtype).eps) * largest(dual) * largest(value)


def outside(gaps: Duals, given: Setting) -> Float[Array, ""]:
    """The largest violation as a distance in x."""
    return largest(
        {
            name: jnp.where(gap == 0, 0, jnp.abs(gap) / given.survey.rows[name])
            for name, gap in gaps.items()
        }
    )


def recession(system: System, move: PyTree[Array]) -> PyTree[Array]:
    """The nearest direction along which no bound is ever met; sets of other kinds are not asked."""

    def kept(s, leaf):
        if not s.elementwise:
            return leaf
        return _kept(leaf, *(s.project(jnp.full_like(leaf, end)) for end in (-jnp.inf, jnp.inf)))

    return jax.tree.map(kept, system.space.sets, move, is_leaf=is_set)


def _kept(move: Array, lower: Array, upper: Array) -> Array:
    """A direction without what runs into a bound: its projection onto the recession cone."""
    move = jnp.where(jnp.isfinite(lower), jnp.maximum(move, 0), move)
    return jnp.where(jnp.isfinite(upper), jnp.minimum(move, 0), move)


def _unit(tree: PyTree[Array]) -> PyTree[Array]:
    """A direction with a largest entry of 1, or zero."""
    size = largest(tree)
    return jax.tree.map(lambda x: x / jnp.where(size > 0, size, 1).astype(x.dtype), tree)


def _sum(terms: list[Array]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """The sum of all entries, and of their sizes."""
    return sum(map(jnp.sum, terms)), sum(jnp.sum(jnp.abs(t)) for t in terms)  # pyright: ignore


def _ratio(size: Array | float, height: Array, noise: Array) -> Float[Array, ""]:
    """`size` over a height that must be positive beyond rounding."""
    sure = height > 1e3 * jnp.finfo(height.dtype).eps * noise
    return jnp.where(sure, size / jnp.where(sure, height, 1), jnp.inf)
