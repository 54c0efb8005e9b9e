"""How the answer of a lower problem moves with the upper unknown, from its own equations."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from .._dtypes import as_arrays
from .._point import Point
from ..sets import Euclidean
from ._exact import Exact, exactly, widen

_SINGULAR = 1e-7
_OUTSIDE = 1e-6


class Response(NamedTuple):
    """dy/dx at a lower answer, and what the lower problem leaves open.

    **Arguments:**

    - `slope`: the shortest dy/dx.
    - `free`: directions, orthonormal columns, in which y moves to other lower answers.
    - `consistent`: whether the lower equations have a derivative in every direction of x.
    """

    slope: Float[Array, "ny nx"]
    free: Float[Array, "ny k"]
    consistent: bool


def respond(below: Any, x: PyTree, y: PyTree, duals: dict, data: PyTree, request: Any) -> Response:
    """The response of the lower problem at its answer y with multipliers.

    **Arguments:**

    - `below`: from x and data to the lower problem alone, a statement in y.
    - `x`, `y`, `duals`, `data`: where.
    - `request`: what `certify` was asked for.
    """
    duals = {name: jnp.asarray(dual) for name, dual in duals.items()}
    flat_answer, unravel_answer = ravel_pytree(Point(y, duals))
    flat_x, unravel_x = ravel_pytree(x)

    @jax.jit
    def equations(answer, x, data):
        def root(answer, x):
            exact = _exact(below, unravel_x(x), y, data, request)
            return ravel_pytree(exact.system.root(unravel_answer(answer), exact.data))[0]

        return jax.jacfwd(root, argnums=(0, 1))(answer, x)

    by_answer, by_x = map(np.asarray, equations(flat_answer, flat_x, as_arrays(widen(data))))
    rows = np.linalg.norm(by_answer, axis=1)
    rows = np.where(rows > 0, rows, 1.0)[:, None]  # the units of a constraint do not matter
    by_answer, by_x = by_answer / rows, by_x / rows
    left, values, right = np.linalg.svd(by_answer)
    some = values > _SINGULAR * max(values[0], np.finfo(float).tiny)
    inverse = np.where(some, 1 / np.where(some, values, 1.0), 0.0)
    moved = right.T @ (inverse[:, None] * (left.T @ by_x))
    outside = np.linalg.norm(left[:, ~some].T @ by_x)
    count = ravel_pytree(y)[0].size
    # A direction that moves multipliers alone is no other answer.
    basis, sizes, _ = np.linalg.svd(right[~some].T[:count], full_matrices=False)
    return Response(
        jnp.asarray(-moved[:count]),
        jnp.asarray(basis[:, sizes > _OUTSIDE]),
        bool(outside <= _OUTSIDE * max(1.0, float(np.linalg.norm(by_x)))),
    )


def adjoint_state(
    below: Any, upper: Any, x: PyTree, y: PyTree, data: PyTree, request: Any
) -> tuple[PyTree, float]:
    """The w with (d equations / dy)' w = dF/dy, matrix-free, and its relative defect.

    **Arguments:**

    - `below`: from x and data to the lower problem alone, which has no constraints.
    - `upper`: from x, y and data to the upper objective.
    """
    import lineax as lx

    flat, unravel = ravel_pytree(y)
    symmetric = all(
        isinstance(s, Euclidean) for s in _exact(below, x, y, data, request).system.space.leaves
    )

    @jax.jit
    def solve(flat, x, data):
        def root(flat):
            exact = _exact(below, x, y, data, request)
            return ravel_pytree(exact.system.root(Point(unravel(flat), {}), exact.data).primal)[0]

        target = ravel_pytree(jax.grad(lambda y: upper(x, y, data))(unravel(flat)))[0]
        _, pullback = jax.vjp(root, flat)
        tags = lx.positive_semidefinite_tag if symmetric else ()
        shape = jax.ShapeDtypeStruct(flat.shape, flat.dtype)
        operator = lx.FunctionLinearOperator(lambda v: pullback(v)[0], shape, tags)
        limits = {"rtol": 1e-10, "atol": 1e-14, "max_steps": 1000}
        solver = lx.CG(**limits) if symmetric else lx.LSMR(**limits)
        found = lx.linear_solve(operator, target, solver, throw=False).value
        size = jnp.linalg.norm(target)
        defect = jnp.linalg.norm(pullback(found)[0] - target) / jnp.where(size > 0, size, 1)
        return found, defect

    found, defect = solve(flat, x, as_arrays(widen(data)))
    return unravel(found), float(defect)


class Reduced(eqx.Module):
    """F(x, y) - <w, equations(x, y)>: its gradient in x, at fixed y, is the hypergradient."""

    below: Any
    upper: Any
    request: Any

    def __call__(self, x: PyTree, data: tuple) -> Array:
        y, adjoint, rest = data
        exact = _exact(self.below, x, y, rest, self.request)
        equations = exact.system.root(Point(y, {}), exact.data).primal
        products = jax.tree.map(jnp.vdot, adjoint, equations)
        return self.upper(x, y, rest) - jax.tree.reduce(jnp.add, products)


def _exact(below: Any, x: PyTree, y: PyTree, data: PyTree, request: Any) -> Exact:
    return exactly(below(x, data), y, None, samples=request.samples, seed=request.seed)
