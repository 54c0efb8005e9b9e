"""Search directions: what past gradients say about where to go next."""

import abc
from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree


class Terrain(NamedTuple):
    """What a direction is chosen from, at one point; vectors are flat.

    **Arguments:**

    - `gradient`: the merit's gradient.
    - `free`: the entries that may move; the others are held at a bound.
    - `curvature`: maps a vector to its product with the Hessian; only rules that call it pay.
    - `clip`: cuts a step off where it leaves the set; `None` where no step does.
    - `free_after`: the entries that may move after a step, given the gradient there.
    """

    gradient: Float[Array, "n"]
    free: Bool[Array, "n"]
    curvature: Callable[[Float[Array, "n"]], Float[Array, "n"]]
    clip: Callable[[Float[Array, "n"]], Float[Array, "n"]] | None
    free_after: Callable[[Float[Array, "n"], Float[Array, "n"]], Bool[Array, "n"]]


class AbstractDirection(eqx.Module):
    """A rule that turns a gradient into a descent direction, learning from accepted moves."""

    @abc.abstractmethod
    def init(self, gradient: Float[Array, "n"]) -> PyTree[Array]:
        """The memory before any move."""

    @abc.abstractmethod
    def update(
        self, memory: PyTree[Array], move: Float[Array, "n"], change: Float[Array, "n"]
    ) -> PyTree[Array]:
        """The memory after a move along which the gradient changed by `change`."""

    @abc.abstractmethod
    def __call__(
        self, memory: PyTree[Array], at: Terrain
    ) -> tuple[Float[Array, "n"], PyTree[Array]]:
        """A direction, and the memory of having taken it."""


def _first_scale(gradient: Float[Array, "n"]) -> Float[Array, ""]:
    """The length of a first step: unit, or less for a small gradient."""
    return 1 / jnp.maximum(1.0, jnp.linalg.norm(gradient)).astype(gradient.dtype)


def steepest(gradient: Float[Array, "n"], free: Bool[Array, "n"]) -> Float[Array, "n"]:
    """The negative gradient over the free entries, at most unit length: the safe direction."""
    return -_first_scale(gradient) * jnp.where(free, gradient, 0)


def _curvature(move, change) -> tuple[Float[Array, ""], Bool[Array, ""]]:
    """The curvature seen along a move, and whether it is safely positive."""
    along = jnp.vdot(move, change)
    eps = jnp.finfo(move.dtype).eps
    lengths = jnp.linalg.norm(move) * jnp.linalg.norm(change)
    return along, along > jnp.sqrt(eps) * eps**0.25 * lengths


def _rescale(scale, move, change, along, positive, numerator):
    """The next inverse curvature: measured where positive, else four times longer."""
    measured = numerator / jnp.where(positive, along, 1)
    # Along a straight or downward-curving direction only ever longer steps make sense.
    moved = jnp.any(move != 0)
    return jnp.where(positive, measured, jnp.where(moved, 4 * scale, scale))


class SpectralGradient(AbstractDirection):
    """The negative gradient, scaled by the curvature along the last move (Barzilai-Borwein).

    Needs nothing of the set but a projection or retraction.

    !!! cite "Reference"
        Birgin, Martinez and Raydan, Nonmonotone spectral projected gradient methods on convex
        sets, SIAM J. Optim. 10 (2000).
    """

    def init(self, gradient):
        return _first_scale(gradient)

    def update(self, memory, move, change):
        along, positive = _curvature(move, change)
        numerator = jnp.vdot(move, move)
        return jnp.clip(_rescale(memory, move, change, along, positive, numerator), 1e-12, 1e12)

    def __call__(self, memory, at):
        return -memory * jnp.where(at.free, at.gradient, 0), memory


class Newton(AbstractDirection):
    """Newton's direction within bounds, for up to about a hundred unknowns.

    The Hessian is formed from products and shifted until it is positive definite. Where the step
    leaves the set, the quadratic model is minimised over it by guessing which entries end at a
    bound and correcting the guess (a primal-dual active set).

    !!! cite "Reference"
        Hintermuller, Ito and Kunisch, The primal-dual active set strategy as a semismooth Newton
        method, SIAM J. Optim. 13 (2002).
    """

    class Memory(eqx.Module):
        """The present shift of the Hessian, and the stretch of steps that cannot use it."""

        shift: Float[Array, ""]
        stretch: Float[Array, ""]

    def init(self, gradient):
        return self.Memory(jnp.zeros((), gradient.dtype), jnp.ones((), gradient.dtype))

    def update(self, memory, move, change):
        return memory

    def __call__(self, memory, at):
        identity = jnp.eye(at.gradient.size, dtype=at.gradient.dtype)
        hessian = jax.vmap(at.curvature)(identity)
        hessian = 0.5 * (hessian + hessian.T)
        size = jnp.max(jnp.abs(hessian))
        shifted = hessian + memory.shift * identity

        def solve(free, held_step):
            """The model's minimum over the free entries, the others taking a given step."""
            held_step = jnp.where(free, 0, held_step)
            kept = free[:, None] & free[None, :]
            matrix = jnp.where(kept, shifted, identity)
            factor = jnp.linalg.cholesky(matrix, symmetrize_input=False)
            target = jnp.where(free, -at.gradient - shifted @ held_step, held_step)
            return jax.scipy.linalg.cho_solve((factor, True), target)

        newton = solve(at.free, jnp.zeros_like(at.gradient))
        definite = jnp.all(jnp.isfinite(newton)) & (size > 0)
        if at.clip is not None:
            newton = _within_bounds(at, shifted, solve, jnp.where(definite, newton, 0))
            definite &= jnp.all(jnp.isfinite(newton))
        # Until the shift is right: each entry on its own, with a bound on its curvature, and ever
        # further as long as there is no curvature to stop it.
        target = jnp.where(at.free, at.gradient, 0)
        bound = jnp.sum(jnp.abs(hessian), axis=1)
        alone = memory.stretch * target / jnp.maximum(bound, jnp.linalg.norm(target))
        eps = jnp.finfo(target.dtype).eps
        lowered = jnp.where(memory.shift > jnp.sqrt(eps) * size, 0.1 * memory.shift, 0)
        raised = jnp.maximum(10 * memory.shift, 1e-4 * size)
        memory = self.Memory(
            jnp.where(definite, lowered, raised), jnp.where(definite, 1, 4 * memory.stretch)
        )
        return jnp.where(definite, newton, -jnp.nan_to_num(alone)), memory


def _within_bounds(at: Terrain, matrix, solve: Callable, step: Float[Array, "n"]):
    """The minimum of a quadratic model over the set, from its minimum without the set's limits."""
    clip = at.clip
    assert clip is not None

    def correct(carry):
        free, step, rounds, _ = carry
        clipped = clip(step)
        slope = at.gradient + matrix @ clipped
        held = free & (clipped != step)
        released = ~free & at.free_after(clipped, slope)
        guess = (free & ~held) | released
        return guess, solve(guess, clipped), rounds + 1, jnp.any(guess != free)

    def unsettled(carry):
        *_, rounds, changed = carry
        return changed & (rounds < 10)

    start = (at.free, step, 0, jnp.array(True))
    _, step, _, _ = jax.lax.while_loop(unsettled, correct, start)
    return clip(step)


class LBFGS(AbstractDirection):
    """Limited-memory BFGS, restricted to the free entries (Nocedal, 1980; Bertsekas, 1982).

    **Arguments:**

    - `memory`: how many past moves are kept.
    """

    memory: int = eqx.field(static=True, default=10)

    class Memory(eqx.Module):
        """The last moves and gradient changes, newest first."""

        moves: Float[Array, "m n"]
        changes: Float[Array, "m n"]
        scale: Float[Array, ""]

    def init(self, gradient):
        zeros = jnp.zeros((self.memory, gradient.size), gradient.dtype)
        return self.Memory(zeros, zeros, _first_scale(gradient))

    def update(self, memory, move, change):
        along, positive = _curvature(move, change)
        numerator = along**2 / _square(change)
        scale = _rescale(memory.scale, move, change, along, positive, numerator)

        def push(kept, new):
            return jnp.where(positive, jnp.roll(kept, 1, axis=0).at[0].set(new), kept)

        return self.Memory(push(memory.moves, move), push(memory.changes, change), scale)

    def __call__(self, memory, at):
        gradient, free = at.gradient, at.free
        moves = jnp.where(free, memory.moves, 0)
        changes = jnp.where(free, memory.changes, 0)
        along = jnp.sum(moves * changes, axis=1)
        used = along > 0
        weights = jnp.where(used, 1 / jnp.where(used, along, 1), 0)

        def newest_first(q, item):
            move, change, weight = item
            share = weight * jnp.vdot(move, q)
            return q - share * change, share

        def oldest_first(r, item):
            move, change, weight, share = item
            return r + move * (share - weight * jnp.vdot(change, r)), None

        q = jnp.where(free, gradient, 0)
        q, shares = jax.lax.scan(newest_first, q, (moves, changes, weights))
        r = memory.scale * q
        r, _ = jax.lax.scan(oldest_first, r, (moves, changes, weights, shares), reverse=True)
        return -jnp.where(free, r, 0), memory


def _square(x: Float[Array, "n"]) -> Float[Array, ""]:
    return jnp.maximum(jnp.vdot(x, x), jnp.finfo(x.dtype).tiny)
