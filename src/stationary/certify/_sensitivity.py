"""Derivatives of an answer with respect to its data, where they exist."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, PyTree

from .._adjoint import implicit
from .._dtypes import is_floating
from .._linear import DENSE_LIMIT
from .._point import Point
from .._solution import Solution
from .._system import System
from ._exact import Exact, exactly

_STEP = 1e-4
"""How far to the left and right differentiability is looked at, relative to the point."""
_KINK = 1e-2
_SINGULAR = 1e-11


class IrregularPointError(ValueError):
    """The answer has no derivative with respect to the data here; the message says why.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(lambda x, t: (x - t) ** 2, over=st.Box(0, 1), data=jnp.array(0.0))
        >>> try:
        ...     st.sensitivity(st.solve(problem, jnp.array(0.5), tol=1e-9))
        ... except st.IrregularPointError as error:
        ...     print(str(error).split(":")[0])
        the answer has no derivative here
    """


@dataclasses.dataclass(frozen=True, eq=False)
class Sensitivity:
    """How an answer, its multipliers and its value follow the data, to first order.

    **Arguments:**

    - `point`: the answer, in float64.
    - `value`: the derivative of the objective at the answer with respect to the data: a pytree
        like the data.
    """

    point: Point
    value: PyTree[Array]
    _exact: Exact

    def push(self, tangent: PyTree) -> Point:
        """The change of the answer and its multipliers per change of the data (forward mode).

        **Arguments:**

        - `tangent`: the change of the data, a pytree like it.
        """
        with jax.enable_x64(True):
            tangent = jax.tree.map(_like, tangent, self._exact.data)
            return jax.jvp(self._answer, (self._exact.data,), (tangent,))[1]

    def pull(self, cotangent: Point) -> PyTree[Array]:
        """The gradient with respect to the data of a function of the answer (reverse mode).

        **Arguments:**

        - `cotangent`: that function's gradient with respect to the answer and its multipliers.
        """
        with jax.enable_x64(True):
            cotangent = jax.tree.map(_like, cotangent, self.point)
            return jax.vjp(self._answer, self._exact.data)[1](cotangent)[0]

    def _answer(self, data: PyTree) -> Point:
        return implicit(self.point, self._exact.system, data)


def sensitivity(solution: Solution) -> Sensitivity:
    """Derivatives of an answer, its multipliers and its value with respect to the problem's data.

    By the implicit function theorem on the first-order conditions, in float64, and only where it
    applies: the constraints that hold must be independent, none of them may hold by chance (with a
    multiplier of zero), and the Lagrangian must curve along every direction that they leave open.

    **Arguments:**

    - `solution`: of a problem stated with `data`. Solve it tightly: derivatives hold to the
        accuracy of the answer.

    **Returns:** a `Sensitivity`.

    **Raises:** `IrregularPointError` (a `ValueError`) naming the constraints or unknowns in the
    way; `TypeError` for a problem without floating data, or with mini-batches.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Minimize(
        ...     lambda x, t: jnp.sum((x - t) ** 2),
        ...     subject_to={"sum": st.equal(jnp.sum, 1.0)},
        ...     data=jnp.array([1.0, 2.0]),
        ... )
        >>> found = st.sensitivity(st.solve(problem, jnp.zeros(2), tol=1e-9))
        >>> found.push(jnp.array([1.0, 0.0])).primal.round(4).tolist()
        [0.5, -0.5]
        >>> found.value.round(4).tolist()
        [2.0, 2.0]

    !!! cite "Reference"
        Fiacco, Introduction to Sensitivity and Stability Analysis in Nonlinear Programming (1983),
        theorem 3.2.2.
    """
    if not isinstance(solution, Solution):
        raise TypeError(f"sensitivity takes a Solution, got {type(solution).__name__}.")
    problem = solution.problem
    if not any(is_floating(jnp.asarray(leaf)) for leaf in jax.tree.leaves(problem.data)):
        raise TypeError(
            "the problem has no floating data to take derivatives with respect to. State it with "
            "data=..., and functions f(x, data)."
        )
    with jax.enable_x64(True):
        exact = exactly(problem, solution.value, None, samples=64, seed=0)
        if exact.system.is_stochastic or exact.sampled:
            raise TypeError("sensitivity needs functions of all the data, not of mini-batches.")
        duals = {name: jnp.asarray(d, jnp.float64) for name, d in solution.duals.items()}
        point = Point(exact.primal, duals)
        reason = obstacle(exact.system, point, exact.data)
        if reason is not None:
            raise IrregularPointError(f"the answer has no derivative here: {reason}")
        return Sensitivity(point, _value(exact.system, point, exact.data), exact)


def _value(system: System, point: Point, data: PyTree) -> PyTree[Array]:
    """The partial derivative of the Lagrangian by the data: the envelope theorem."""

    def lagrangian(data: PyTree) -> Array:
        at = system.linearize(point.primal, data)
        pairs = [jnp.vdot(point.duals[name], g) for name, g in at.constraints.items()]
        return at.objective + system.sign * sum(pairs)

    return jax.grad(lagrangian, allow_int=True)(data)


def _like(tangent: Any, leaf: Any) -> Array:
    if is_floating(leaf):
        return jnp.broadcast_to(jnp.asarray(tangent, leaf.dtype), leaf.shape)
    return np.zeros(np.shape(leaf), jax.dtypes.float0)  # pyright: ignore[reportReturnType]


def _names(point: Point) -> list[str]:
    """What each equation and each unknown of the first-order conditions is called."""
    called = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(point.primal):
        place = "x" + jax.tree_util.keystr(path)
        called += [_entry(place, i, leaf.size) for i in range(leaf.size)]
    for name in sorted(point.duals):
        size = point.duals[name].size
        called += [_entry(f"constraint {name!r}", i, size) for i in range(size)]
    return called


def _entry(place: str, i: int, size: int) -> str:
    return place if size == 1 else f"{place}[{i}]"


def obstacle(system: System, point: Point, data: PyTree) -> str | None:
    """Why the implicit function theorem does not apply at a point; None where it does."""
    flat, unravel = ravel_pytree(point)
    names = _names(point)

    @jax.jit
    def root(flat):
        return ravel_pytree(system.root(unravel(flat), data))[0]

    here = np.asarray(root(flat))
    step = _STEP * max(1.0, float(jnp.max(jnp.abs(flat))))
    bent = np.zeros(flat.size)
    for key in jax.random.split(jax.random.key(0), 2):
        way = jax.random.rademacher(key, flat.shape, flat.dtype)
        right, left = (np.asarray(root(flat + s * way)) for s in (step, -step))
        smooth = np.abs(right - left) + step
        bent = np.maximum(bent, np.abs(right + left - 2 * here) / smooth)
    kinks = [names[i] for i in np.flatnonzero(bent > _KINK + 10 * step)]
    if kinks:
        return (
            f"{_listed(kinks)} {'is' if len(kinks) == 1 else 'are'} on the edge of mattering (at a "
            "bound with a multiplier of zero), so the derivative differs between the two sides."
        )
    if flat.size > DENSE_LIMIT:
        return None
    matrix = np.asarray(jax.jit(jax.jacfwd(root))(flat))
    sizes = np.linalg.norm(matrix, axis=1, keepdims=True)
    left, values, right = np.linalg.svd(matrix / np.where(sizes > 0, sizes, 1))
    if values[-1] > _SINGULAR * values[0]:
        return None
    n = sum(leaf.size for leaf in jax.tree.leaves(point.primal))
    weights = np.abs(right[-1])
    if np.max(weights[:n], initial=0.0) < 1e-6 * np.max(weights):
        rows = [names[i] for i in np.flatnonzero(weights > 1e-3 * np.max(weights))]
        return (
            f"the gradients of {_listed(rows)} depend on each other, so the multipliers are not "
            "unique. Drop what follows from the rest."
        )
    moving = [names[i] for i in np.flatnonzero(weights[:n] > 1e-3 * np.max(weights))]
    return (
        f"the answer can move in {_listed(moving)} at no cost to first and second order, so it is "
        "not unique. Add curvature, or a constraint that picks one."
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
