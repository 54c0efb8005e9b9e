"""A line search on the divergence of the Newton field, without weights."""

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ._divergence import lagrangian_gradient, newton_field, trace_probes
from ._merit import AbstractMerit, Found, along

LENGTHS = (1.0, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.05)
SEARCHES = ("grid", "golden", "reconstructed zigzag")
_GOLDEN = (5**0.5 - 1) / 2
_REFINEMENTS = 12
_CEILING = 1.0
"""How high the criterion may rise when the reconstructed zigzag leaves a floor."""
_LEVEL = 1e-12


class DivergenceCriterion(AbstractMerit):
    """(tau - 1)^2, with tau the divergence of the Newton field: a merit without any weight.

    The criterion is zero at every stationary point with an invertible Hessian, and small along
    ravines that run through them; a search along Newton's step goes where it is least. It damps
    steps in curved valleys, sometimes to a crawl. Its author finds its use hard to tell; in
    [the atlas](../atlas/index.md) full Newton steps need fewer iterations than its grid search on
    every problem, and no third derivatives. Zero does not imply stationary, so a solve stops on
    the Lagrangian's gradient alone. For equality constraints only, or none; functions need three
    derivatives.

    **Arguments:**

    - `length`: `"grid"`, the best of eight lengths from 0.05 to 1; `"golden"`, refined between its
        neighbours by golden sections; `"reconstructed zigzag"`, steps that alternate between a
        ravine's floor and Newton steps of limited rise. The paper's own zigzag procedure was not
        available to us: this one is our reconstruction from its description.
    - `probes`, `seed`: as for [`newton_divergence`][stationary.methods.newton_divergence].

    **Raises:** `ValueError` for an unknown length or fewer than one probe.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x: x[0] + x[1], {"circle": st.equal(lambda x: x @ x, 2.0)})
        >>> method = st.methods.LagrangeNewton(st.methods.DivergenceCriterion())
        >>> outcome = st.run(problem, jnp.array([-2.0, 0.5]), method)
        >>> outcome.point.primal.round(4).tolist()
        [-1.0, -1.0]

    !!! cite "Reference"
        Möller (2026), Exploring an alternative line-search method for Lagrange-Newton optimization
        (arXiv:2601.08431).
    """

    length: str = eqx.field(static=True, default="grid")
    probes: int | None = eqx.field(static=True, default=None)
    seed: int = eqx.field(static=True, default=0)

    inequalities: ClassVar[bool] = False
    convexify: ClassVar[bool] = False

    class Weights(eqx.Module):
        """Which half of the zigzag is next."""

        leaving: Bool[Array, ""]

    def __check_init__(self):
        if self.length not in SEARCHES:
            raise ValueError(f"length is one of {list(SEARCHES)}, got {self.length!r}.")
        if self.probes is not None and self.probes < 1:
            raise ValueError(f"probes must be at least 1, got {self.probes}.")

    def first_weights(self, dtype):
        return self.Weights(jnp.array(False))

    def measure(self, program, weights, x, y):
        z = jnp.concatenate([x, y])
        probes = trace_probes(z.size, self.probes, self.seed, z.dtype)
        return (newton_field(lagrangian_gradient(program), z, probes).divergence - 1) ** 2

    def adapt(self, program, weights, at, move):
        return weights, jnp.array(True)

    def search(self, program, weights, at, move):
        def height(length):
            value = self.measure(program, weights, *along(at, move, length))
            return jnp.where(jnp.isfinite(value), value, jnp.inf)

        lengths = jnp.asarray(LENGTHS, at.x.dtype)
        heights = jax.vmap(height)(lengths)
        best = jnp.argmin(heights)
        finite = jnp.isfinite(heights)
        spread = jnp.max(jnp.where(finite, heights, -jnp.inf)) - jnp.min(heights)
        level = jnp.all(finite) & (spread <= _LEVEL)
        length = jnp.where(level, 1.0, lengths[best])
        if self.length != "grid":
            refined = self._refined(height, lengths, best)
            length = jnp.where(level, 1.0, refined)
        if self.length == "reconstructed zigzag":
            # Leaving a floor: the longest step on which the criterion stays below the ceiling.
            allowed = heights <= _CEILING
            longest = jnp.where(jnp.any(allowed), lengths[jnp.argmax(allowed)], lengths[-1])
            length = jnp.where(weights.leaving, longest, length)
            weights = self.Weights(~weights.leaving)
        accepted = jnp.any(finite)
        length = jnp.where(accepted, length, 0.0)
        return Found(*along(at, move, length), weights, length, accepted)

    def _refined(self, height, lengths: Float[Array, "k"], best) -> Float[Array, ""]:
        """Golden sections between the neighbours of the best length of the grid.

        Never below the shortest of them: on the floor of a ravine the criterion only grows along a
        step, and a search that may end at zero stands still there.
        """
        low = lengths[jnp.minimum(best + 1, lengths.size - 1)]
        high = lengths[jnp.maximum(best - 1, 0)]

        def narrow(_, ends):
            low, high = ends
            width = _GOLDEN * (high - low)
            left, right = high - width, low + width
            first, second = jax.vmap(height)(jnp.stack([left, right]))
            return jnp.where(first <= second, low, left), jnp.where(first <= second, right, high)

        low, high = jax.lax.fori_loop(0, _REFINEMENTS, narrow, (low, high))
        return (low + high) / 2
