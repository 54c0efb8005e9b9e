"""Which directions a set or cone leaves open at a point, and how its boundary curves there.

Both are read off the derivative M of the projection at x + t v, where v is minus the gradient (or
the multiplier). On a closed convex set, and on a manifold, M is symmetric; its range is the
critical subspace, and (M^+ - I) / t is what the curvature of the boundary adds to the Lagrangian's
Hessian. For a sphere that is the usual Riemannian correction, for polyhedra it vanishes, for the
semidefinite cone it is the sigma term. One formula serves them all.

**Source:** Rockafellar and Wets (1998), Variational Analysis, section 13.G; Shapiro (2003),
Sensitivity analysis of generalized equations.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..sets import AbstractSet

REACH = 0.1
"""How far along the normal the derivative is taken, relative to the size of x."""
_SHAKES = 2


class Derivatives(NamedTuple):
    """The projection's derivative at a point and at shaken ones; diagonals if elementwise."""

    centre: Float[Array, "*size"]
    shaken: Float[Array, "shakes *size"]
    bend: Float[Array, "n n"] | None
    """The correction itself, times reach, where the set has no projection to take it from."""


class Face(NamedTuple):
    """The open directions: a basis of those left for certain, and of those that may be left."""

    certain: Float[np.ndarray, "n certain"]
    possible: Float[np.ndarray, "n possible"]
    bend: Float[np.ndarray, "n n"] | None
    """What the boundary's curvature adds to the Hessian; None for nothing."""

    @property
    def undecided(self) -> int:
        """How many directions a vanishing multiplier neither holds nor frees."""
        return self.possible.shape[1] - self.certain.shape[1]


def derivatives(
    s: AbstractSet,
    at: Float[Array, "*shape"],
    normal: Float[Array, "*shape"],
    shake: Float[Array, ""],
) -> Derivatives:
    """The projection's derivative at `at + normal`, and nearby; traceable."""
    size, shape = at.size, at.shape
    if not s.closed:
        return _by_retraction(s, at, normal)
    point = at + normal

    def derivative(z):
        if s.elementwise:
            return jax.jvp(s.project, (z,), (jnp.ones_like(z),))[1].reshape(size)
        return jax.jacfwd(s.project)(z).reshape(size, size)

    moves = jax.random.rademacher(jax.random.key(2), (_SHAKES, *shape), at.dtype)
    moves = shake * jnp.concatenate([moves, -moves])
    shaken = jax.vmap(lambda move: derivative(point + move))(moves)
    return Derivatives(derivative(point), shaken, None)


def _by_retraction(s, at, normal) -> Derivatives:
    # The second derivative of <gradient, retract(x, t d)> in t.
    units = jnp.eye(at.size, dtype=at.dtype).reshape(at.size, *at.shape)
    open_ways = jax.vmap(lambda e: s.gradient(at, e).ravel())(units)

    def along(d):
        return -jnp.sum(normal * s.retract(at, d.reshape(at.shape)))

    bend = jax.hessian(along)(jnp.zeros(at.size, at.dtype))
    onto = open_ways @ jnp.linalg.pinv(open_ways)
    return Derivatives(onto, onto[None], bend)


def face(found: Derivatives, reach: float) -> Face:
    """Read a face off the derivatives.

    **Arguments:**

    - `found`: from `derivatives`.
    - `reach`: t, in the units in which the bend is wanted.
    """
    centre, shaken = np.asarray(found.centre), np.asarray(found.shaken)
    if centre.ndim == 1:
        held = np.mean(shaken > 0.5, axis=0)
        units = np.eye(len(centre))
        return Face(units[:, held == 1], units[:, held > 0], None)
    onto, inverse = _range(centre)
    mean = np.mean([_range(m)[0] for m in shaken], axis=0)
    share, vectors = np.linalg.eigh(mean)
    if not np.any((share > 0.05) & (share < 0.95)):
        values, basis = np.linalg.eigh(onto)
        basis = basis[:, values > 0.5]
        if found.bend is not None:
            bend = np.asarray(found.bend) / reach
        else:
            bend = (inverse - onto) / reach
            bend = None if np.max(np.abs(bend), initial=0.0) * reach < 1e-9 else bend
        return Face(basis, basis, bend)
    # A boundary that bends adds curvature only, so leaving it out keeps a positive finding sound.
    return Face(vectors[:, share >= 0.95], vectors[:, share > 0.05], None)


def _range(m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The projector onto a symmetric matrix's range, and its pseudo-inverse."""
    values, vectors = np.linalg.eigh((m + m.T) / 2)
    some = np.abs(values) > 1e-8
    kept = vectors[:, some]
    return kept @ kept.T, kept @ np.diag(1 / values[some]) @ kept.T
