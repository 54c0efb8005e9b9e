"""Search directions: what past gradients say about where to go next."""

import abc
from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

Curvature = Callable[[Float[Array, "n"]], Float[Array, "n"]]


class AbstractDirection(eqx.Module):
    """A rule that turns a gradient into a descent direction, learning from accepted moves.

    Vectors are flat. `free` masks the entries that may move; held entries get a zero direction.
    """

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
        self,
        memory: PyTree[Array],
        gradient: Float[Array, "n"],
        free: Bool[Array, "n"],
        curvature: Curvature,
    ) -> tuple[Float[Array, "n"], PyTree[Array]]:
        """A direction at a point with this gradient, and the memory of having taken it.

        `curvature` maps a vector to its product with the Hessian there; only rules that call it
        pay for it.
        """


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

    def __call__(self, memory, gradient, free, curvature):
        return -memory * jnp.where(free, gradient, 0), memory


class Newton(AbstractDirection):
    """Newton's direction on the free entries, for up to about a hundred unknowns.

    The Hessian is formed from products and regularised until it is positive definite, by a shift
    that adapts from step to step.
    """

    class Memory(eqx.Module):
        """The present shift of the Hessian, and the stretch of steps that cannot use it."""

        shift: Float[Array, ""]
        stretch: Float[Array, ""]

    def init(self, gradient):
        return self.Memory(jnp.zeros((), gradient.dtype), jnp.ones((), gradient.dtype))

    def update(self, memory, move, change):
        return memory

    def __call__(self, memory, gradient, free, curvature):
        identity = jnp.eye(gradient.size, dtype=gradient.dtype)
        hessian = jax.vmap(curvature)(identity)
        hessian = 0.5 * (hessian + hessian.T)
        kept = free[:, None] & free[None, :]
        hessian = jnp.where(kept, hessian, 0)
        size = jnp.max(jnp.abs(hessian))
        factor = jnp.linalg.cholesky(
            hessian + jnp.where(free, memory.shift, 1) * identity, symmetrize_input=False
        )
        definite = jnp.all(jnp.isfinite(factor)) & (size > 0)
        factor = jnp.where(definite, factor, identity)
        target = jnp.where(free, gradient, 0)
        newton = jax.scipy.linalg.cho_solve((factor, True), target)
        # Until the shift is right: each entry on its own, with a bound on its curvature, and ever
        # further as long as there is no curvature to stop it.
        bound = jnp.sum(jnp.abs(hessian), axis=1)
        alone = memory.stretch * target / jnp.maximum(bound, jnp.linalg.norm(target))
        eps = jnp.finfo(gradient.dtype).eps
        lowered = jnp.where(memory.shift > jnp.sqrt(eps) * size, 0.1 * memory.shift, 0)
        raised = jnp.maximum(10 * memory.shift, 1e-4 * size)
        memory = self.Memory(
            jnp.where(definite, lowered, raised), jnp.where(definite, 1, 4 * memory.stretch)
        )
        return -jnp.where(definite, newton, jnp.nan_to_num(alone)), memory


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

    def __call__(self, memory, gradient, free, curvature):
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
