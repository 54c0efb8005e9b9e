"""Step sizes for a primal-dual operator: what is short enough, and what suits the problem."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ..._operators import Duals
from ..._system import System
from ._products import Evaluated, evaluate, pull, push, random_like

_SAFE = 0.81
"""What default steps make of the bound 1."""
_PROBES = 16
_PASSES = 8
_ITERATIONS = 100


class Survey(eqx.Module):
    """The sizes of a problem's numbers, from its values at zero and products at random.

    **Arguments:**

    - `origin`: the problem at x = 0 and y = 0, where g is -b and the gradient c.
    - `rows`: the norm of each row of A.
    - `across`, `down`: scales of x and of y, in which rows and columns are of like size.
    """

    origin: Evaluated
    rows: Duals
    across: PyTree[Array]
    down: Duals


def survey(system: System, primal: PyTree[Array], data: PyTree) -> Survey:
    """Look at a problem from afar, and equilibrate it.

    Norms come from products with standard normal vectors u: E (A u)_i^2 = |row i|^2.

    **Source:** Ruiz (2001), A scaling algorithm to equilibrate both rows and columns norms in
    matrices; on the matrix [[Q, A'], [A, 0]], as Stellato et al. (2020), OSQP.
    """
    zero = jax.tree.map(jnp.zeros_like, primal)
    origin = evaluate(system, data, zero, lambda g: jax.tree.map(jnp.zeros_like, g))
    keys = jax.random.split(jax.random.key(4), _PASSES * _PROBES).reshape(_PASSES, _PROBES)

    def norms(keys, across, down):
        def probe(key):
            one, two = jax.random.split(key)
            u, w = random_like(zero, one), random_like(origin.values, two)
            curved, pushed = push(system, zero, data, _times(across, u))
            pulled = pull(system, zero, data, _times(down, w))
            return _times(across, curved), _times(across, pulled), _times(down, pushed)

        means = jax.tree.map(lambda p: jnp.mean(p**2, axis=0), jax.vmap(probe)(keys))
        columns = jax.tree.map(lambda q, a: jnp.sqrt(q + a), *means[:2])
        rows = {
            # A cone that ties its entries together admits one size only.
            name: r if c.cone.elementwise else jnp.full_like(r, jnp.max(r, initial=0.0))
            for (name, r), c in zip(means[2].items(), system.constraints.values(), strict=True)
        }
        return columns, jax.tree.map(jnp.sqrt, rows)

    def body(i, carry):
        first, across, down = carry
        columns, rows = norms(keys[i], across, down)
        first = jax.tree.map(lambda old, new: jnp.where(i == 0, new, old), first, rows)
        return first, _evened(across, columns), _evened(down, rows)

    ones = jax.tree.map(jnp.ones_like, (zero, origin.values))
    return Survey(origin, *jax.lax.fori_loop(0, _PASSES, body, (origin.values, *ones)))


def step_sizes(
    system: System, found: Survey, data: PyTree, tau: Any, sigma: Any
) -> tuple[PyTree[Array], Duals]:
    """tau like x and sigma like y, of which those given are the same for all entries.

    Where neither is given, they are s w and s / w in scales that equilibrate the problem, with w
    the ratio of the sizes of b and c, and s such that M is positive definite. Traceable.

    **Source:** Pock and Chambolle (2011), Diagonal preconditioning for first order primal-dual
    algorithms; Applegate et al. (2021), arXiv:2106.04756, for w.
    """
    zero, values = found.origin.point.primal, found.origin.values
    dtype = jnp.result_type(*jax.tree.leaves(zero))
    over, up = jax.tree.map(jnp.ones_like, (zero, values))
    if tau is None and sigma is None:
        cost = norm(_times(found.across, found.origin.gradient))
        right = norm(_times(found.down, values))
        fine = (cost > 0) & (right > 0)
        weight = jnp.where(fine, right / jnp.where(fine, cost, 1), 1).astype(dtype)
        over = jax.tree.map(lambda d: weight * d**2, found.across)
        up = jax.tree.map(lambda d: d**2 / weight, found.down)
    loads = _loads(system, zero, data, over, up)
    if tau is None and sigma is None:
        share = loads.bend + jnp.sqrt(loads.bend**2 + 4 * _SAFE * loads.reach)
        tau = sigma = 2 * _SAFE * _inverse(share, 0.5 / _SAFE)
    elif sigma is None:
        sigma = _SAFE * (1 / jnp.asarray(tau, dtype) - loads.bend) * _inverse(loads.reach, 1.0)
    elif tau is None:
        tau = _SAFE * _inverse(loads.bend + jnp.asarray(sigma, dtype) * loads.reach, 1.0)
    return (
        jax.tree.map(lambda t: (tau * t).astype(dtype), over),
        jax.tree.map(lambda t: (sigma * t).astype(dtype), up),
    )


def check_steps(
    system: System, primal: PyTree[Array], data: PyTree, tau: Any, sigma: Any, owner: str
) -> None:
    """Refuse steps that are not positive, or for which the operator need not be nonexpansive.

    **Raises:** `ValueError` with the value that should have been below 1.
    """
    for name, step in (("primal_step", tau), ("dual_step", sigma)):
        if step is not None and not float(step) > 0:
            raise ValueError(f"{owner}: {name} must be positive, got {step}.")
    if tau is None:
        return
    loads = _of_one(system, primal, data, jnp.asarray(0.0 if sigma is None else sigma))
    joint = float(tau) * float(loads.joint)
    if joint < 1:
        return
    bends = float(loads.bend) > 0
    what = "primal_step * |Q + dual_step A'A|" if bends else "primal_step * dual_step * |A|^2"
    share = f" (of which Q alone makes {float(tau * loads.bend):.4g})" if bends else ""
    raise ValueError(
        f"{owner}: the steps are too long: {what}, by power iteration, is {joint:.4g}{share} and "
        "must be below 1. Shorten them, or leave both out."
    )


class _Loads(NamedTuple):
    """The largest eigenvalues of T Q, of T A'SA and of their sum, for steps T and S."""

    bend: Float[Array, ""]
    reach: Float[Array, ""]
    joint: Float[Array, ""]


def _loads(
    system: System, primal: PyTree[Array], data: PyTree, tau: PyTree[Array], sigma: Duals
) -> _Loads:
    """Three power iterations side by side, from below."""
    flat, unravel = ravel_pytree(primal)
    root = jnp.sqrt(ravel_pytree(tau)[0])
    shares = jnp.array([[1, 0], [0, 1], [1, 1]], flat.dtype)
    tiny = jnp.finfo(flat.dtype).tiny

    def product(vector, share):
        curved, pushed = push(system, primal, data, unravel(root * vector))
        pulled = pull(system, primal, data, jax.tree.map(jnp.multiply, sigma, pushed))
        both = share[0] * ravel_pytree(curved)[0] + share[1] * ravel_pytree(pulled)[0]
        return root * both

    def body(_, carry):
        vectors, sizes = carry
        images = jax.vmap(product)(vectors / jnp.maximum(sizes, tiny)[:, None], shares)
        return images, jnp.linalg.norm(images, axis=1)

    start = jax.random.normal(jax.random.key(0), (3, flat.size), flat.dtype)
    begun = (start, jnp.linalg.norm(start, axis=1))
    return _Loads(*jax.lax.fori_loop(0, _ITERATIONS, body, begun)[1])


@eqx.filter_jit
def _of_one(system: System, primal: PyTree, data: PyTree, sigma: Array) -> _Loads:
    """The eigenvalues for tau = 1 and one sigma."""
    values = system.zero_duals(primal)
    up = jax.tree.map(lambda v: jnp.full_like(v, sigma), values)
    return _loads(system, primal, data, jax.tree.map(jnp.ones_like, primal), up)


def norm(tree: PyTree[Array]) -> Float[Array, ""]:
    """The Euclidean norm of a pytree; 0 for an empty one."""
    squares = [jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)]
    return jnp.sqrt(jnp.sum(jnp.stack(squares))) if squares else jnp.zeros(())


def _times(scale: PyTree[Array], tree: PyTree[Array]) -> PyTree[Array]:
    return jax.tree.map(jnp.multiply, scale, tree)


def _evened(scale: PyTree[Array], sizes: PyTree[Array]) -> PyTree[Array]:
    """`scale` over the roots of sizes, where they are not zero."""
    return jax.tree.map(lambda d, r: d * jnp.sqrt(_inverse(r, 1.0)), scale, sizes)


def _inverse(size: Array, otherwise: float) -> Array:
    """1 / size, or 1 / otherwise where there is no size."""
    return 1 / jnp.where(size > 0, size, otherwise)
