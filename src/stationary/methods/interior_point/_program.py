"""A smooth problem as arrays: flat unknowns with bounds, one stacked vector of constraints."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Bool, Float, PyTree

from ..._operators import Duals
from ..._system import Linearization, System
from ...sets import AbstractSet, Box, Euclidean, Nonnegative, Nonpositive, Positive, Zero

DIRECTIONS = 256
"""Second derivatives are taken along this many directions at once, to bound their memory."""


class Bounds(NamedTuple):
    """lower <= x <= upper, entry by entry, as data.

    A fixed entry (equal bounds) is not free and counts as having no bounds.
    """

    lower: Float[Array, "n"]
    upper: Float[Array, "n"]
    has_lower: Bool[Array, "n"]
    has_upper: Bool[Array, "n"]
    free: Bool[Array, "n"]

    def inside(self, x: Float[Array, "n"], push: Float[Array, ""]) -> Float[Array, "n"]:
        """`x`, moved away from bounds that it is on or beyond (kappa_1, kappa_2)."""
        width = self.upper - self.lower
        gap_lower = jnp.minimum(push * jnp.maximum(1.0, jnp.abs(self.lower)), push * width)
        gap_upper = jnp.minimum(push * jnp.maximum(1.0, jnp.abs(self.upper)), push * width)
        lower = jnp.where(self.has_lower, self.lower + gap_lower, -jnp.inf)
        upper = jnp.where(self.has_upper, self.upper - gap_upper, jnp.inf)
        return jnp.where(self.free, jnp.clip(x, lower, upper), self.lower)

    def clip(self, x: Float[Array, "n"]) -> Float[Array, "n"]:
        """The nearest point within the bounds."""
        return jnp.clip(x, self.lower, self.upper)


class Local(NamedTuple):
    """A program at one point, in its own scaling."""

    objective: Float[Array, ""]
    constraints: Float[Array, "m"]
    gradient: Float[Array, "n"]
    jacobian: Float[Array, "m n"]
    hessian: Float[Array, "n n"]
    """Of weight * objective + multipliers . constraints."""


class Program:
    """min f(x) subject to c_i(x) = 0 or c_i(x) <= 0, and bounds: a `System` seen flat.

    Built inside compiled code, from a system whose set bounds entries one by one and whose cones
    are orthants.

    **Arguments:**

    - `system`, `data`: the lowered problem.
    - `primal`: any point of the right structure.

    Its `bounds` are those of every entry; `present` and `single` say which slacks and distances to
    bounds there are, in the order of `Barrier.distances`, and which are an entry's only one.
    """

    def __init__(self, system: System, primal: PyTree[Array], data: PyTree):
        self.system, self.data = system, data
        flat, self.unravel = ravel_pytree(primal)
        self.size, self.dtype = flat.size, flat.dtype
        self.names = list(system.constraints)
        kinds = [(c.cone, int(np.prod(c.shape))) for c in system.constraints.values()]
        self.rows = sum(size for _, size in kinds)
        equality = [np.full(size, isinstance(cone, Zero)) for cone, size in kinds]
        flipped = [np.full(size, isinstance(cone, Nonnegative)) for cone, size in kinds]
        self.equality = np.concatenate([np.zeros(0, bool), *equality])
        signs = np.where(np.concatenate([np.zeros(0, bool), *flipped]), -1.0, 1.0)
        self.orientation = signs.astype(self.dtype)
        self.bounds = b = self._bounds()
        rows = ~self.equality
        self.present = jnp.concatenate([rows, b.has_lower, b.has_upper])
        lone = b.has_lower & ~b.has_upper, b.has_upper & ~b.has_lower
        self.single = jnp.concatenate([rows, *lone])

    def flatten(self, primal: PyTree[Array]) -> Float[Array, "n"]:
        return ravel_pytree(primal)[0]

    def stack(self, duals: Duals) -> Float[Array, "m"]:
        """Values or multipliers by name as one vector, oriented as c <= 0."""
        parts = [jnp.ravel(duals[name]) for name in self.names]
        return jnp.concatenate([jnp.zeros(0, self.dtype), *parts]) * self.orientation

    def unstack(self, vector: Float[Array, "m"]) -> Duals:
        """The reverse of `stack`."""
        out, start = {}, 0
        vector = vector * self.orientation
        for name in self.names:
            shape = self.system.constraints[name].shape
            stop = start + int(np.prod(shape))
            out[name] = vector[start:stop].reshape(shape)
            start = stop
        return out

    def _bounds(self) -> Bounds:
        shapes = jax.tree.leaves(jax.eval_shape(self.unravel, jnp.zeros(self.size, self.dtype)))
        pairs = [limits(s) for s in self.system.space.leaves]
        ends = []
        for side in range(2):
            parts = [
                jnp.broadcast_to(jnp.asarray(pair[side], self.dtype), shape.shape).ravel()
                for pair, shape in zip(pairs, shapes, strict=True)
            ]
            ends.append(jnp.concatenate(parts))
        lower, upper = ends
        free = lower < upper
        return Bounds(
            lower,
            upper,
            free & (lower > -jnp.inf),
            free & (upper < jnp.inf),
            free,
        )

    def values(self, x: Float[Array, "n"]) -> tuple[Float[Array, ""], Float[Array, "m"]]:
        """Objective (to be minimised) and constraints."""
        at = self.system.linearize(self.unravel(x), self.data)
        return self.system.sign * at.objective, self.stack(at.constraints)

    def derivatives(
        self, x: Float[Array, "n"], multipliers: Float[Array, "m"], *, second: bool = True
    ) -> Local:
        """Values, first derivatives and the Hessian of f + multipliers . c, in one sweep.

        Forward derivatives of x -> (f, c, grad L) along every direction: the user's functions
        appear once in the compiled program.
        """
        duals = self.unstack(multipliers)

        def everything(flat):
            at = self.system.linearize(self.unravel(flat), self.data)
            pull = self.flatten(at.direction(duals)) if second else flat
            return self.system.sign * at.objective, self.stack(at.constraints), pull

        def along(direction):
            return jax.jvp(everything, (x,), (direction,))

        units = jnp.eye(self.size, dtype=self.dtype)
        if self.size <= DIRECTIONS:
            (f, c, _), (df, dc, dpull) = jax.vmap(along, out_axes=((None,) * 3, 0))(units)
        else:
            (f, c, _), (df, dc, dpull) = jax.lax.map(along, units, batch_size=DIRECTIONS)
            f, c = f[0], c[0]
        hessian = 0.5 * (dpull + dpull.T) if second else jnp.zeros_like(dpull)
        return Local(f, c, df, dc.T, hessian)

    def linearization(self, local: Local, row_scale, objective_scale) -> Linearization:
        """What `System.linearize` would give, from derivatives that are at hand (scaled)."""
        objective = self.system.sign * local.objective / objective_scale
        constraints = self.unstack(local.constraints / row_scale)

        def direction(duals):
            pulled = (self.stack(duals) / row_scale) @ local.jacobian
            return self.unravel(local.gradient / objective_scale + pulled)

        return Linearization(
            objective, {"objective": objective}, constraints, constraints, direction
        )


def limits(s: AbstractSet) -> tuple[Any, Any]:
    """The bounds that a set puts on every entry."""
    match s:
        case Euclidean():
            return -np.inf, np.inf
        case Positive():
            return 0.0, np.inf
        case Zero() | Nonnegative() | Nonpositive():
            return s.bounds
        case Box():
            return s.lower, s.upper
    raise TypeError(f"{s.describe()} does more than bound entries one by one")
