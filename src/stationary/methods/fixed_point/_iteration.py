"""Fixed-point iterations of a nonexpansive operator, with or without a fixed point.

For T nonexpansive in a norm |.|_M the closure of the range of I - T is convex, and its shortest
element v is the *infimal displacement*: zero when there is a fixed point, and else the direction
(-v) in which every iteration runs away.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._dtypes import as_arrays, cast, default_tolerance, is_floating, strong, working_dtype
from ..._functions import WithData
from ..._hoist import Program, hoist
from ..._status import Status

Operator = Callable[..., PyTree]


class FixedPointState(eqx.Module):
    """An iteration under way.

    **Arguments:**

    - `anchor`: x_0, or the point of the last restart.
    - `iterate`: x_k.
    - `image`: T x_k.
    - `count`: k, steps since `anchor` was set.
    """

    anchor: PyTree[Array]
    iterate: PyTree[Array]
    image: PyTree[Array]
    count: Int[Array, ""]


class FixedPointOutcome(eqx.Module):
    """What a fixed-point iteration returns: arrays only.

    **Arguments:**

    - `point`: the last iterate x_k.
    - `displacement`: x_k - T x_k; tends to the infimal displacement v.
    - `mean_displacement`: the move since the last restart, normalised so that it tends to v too.
    - `residual`: the norm of `displacement`.
    - `status`: a [`Status`][stationary.Status] as an integer array: converged, max steps, or
        nonfinite.
    - `steps`: steps taken.
    - `state`: to continue from with `step`.
    """

    point: PyTree[Array]
    displacement: PyTree[Array]
    mean_displacement: PyTree[Array]
    residual: Float[Array, ""]
    status: Int[Array, ""]
    steps: Int[Array, ""]
    state: FixedPointState


class AbstractFixedPointMethod(eqx.Module):
    """A rule that makes the next point from x_0, x_k and T x_k: a configuration, without state.

    `init` and `step` are pure and call the operator once each.
    """

    def init(self, operator: Operator, x0: PyTree[Array]) -> FixedPointState:
        """The state at the start.

        **Arguments:**

        - `operator`: T, a function from a pytree of arrays to one like it.
        - `x0`: the start.
        """
        return FixedPointState(x0, x0, operator(x0), jnp.zeros((), jnp.int32))

    @abc.abstractmethod
    def step(self, operator: Operator, state: FixedPointState) -> FixedPointState:
        """The state after one more application of the operator."""

    def displacement(self, state: FixedPointState) -> PyTree[Array]:
        """x_k - T x_k: the first estimate of the infimal displacement."""
        return _minus(state.iterate, state.image)

    @abc.abstractmethod
    def mean_displacement(self, state: FixedPointState) -> PyTree[Array]:
        """The move since the last restart, per step and normalised: the second estimate.

        Just after a restart, where there is none yet, it is the displacement.
        """

    def run(
        self,
        operator: Operator,
        x0: PyTree[Array],
        *,
        metric: Operator | None = None,
        tol: Any = 1e-6,
        max_steps: Any = 10_000,
    ) -> FixedPointOutcome:
        """Iterate until |x - T x|_M is at most `tol`: a pure function, for `jit` and `vmap`.

        **Arguments:**

        - `operator`: T.
        - `x0`: the start, a pytree of floating arrays.
        - `metric`: the product z -> M z of the norm in which T is nonexpansive; default the
            operator's own `metric` where it has one, else the identity.
        - `tol`, `max_steps`: when to stop.
        """
        metric = getattr(operator, "metric", None) if metric is None else metric

        def residual(state: FixedPointState) -> Float[Array, ""]:
            return metric_norm(self.displacement(state), metric)

        def going(carry):
            _, size, steps = carry
            return (size > tol) & (steps < max_steps)

        def body(carry):
            state, _, steps = carry
            state = self.step(operator, state)
            return state, residual(state), steps + 1

        start = strong(self.init(operator, x0))
        begun = start, residual(start), jnp.zeros((), jnp.int32)
        state, size, steps = jax.lax.while_loop(going, body, begun)
        status = jnp.where(size <= tol, int(Status.CONVERGED), int(Status.MAX_STEPS))
        return FixedPointOutcome(
            point=state.iterate,
            displacement=self.displacement(state),
            mean_displacement=self.mean_displacement(state),
            residual=size,
            status=jnp.where(jnp.isfinite(size), status, int(Status.NONFINITE)).astype(jnp.int32),
            steps=steps,
            state=state,
        )


def metric_norm(z: PyTree[Array], metric: Operator | None = None) -> Float[Array, ""]:
    """sqrt(<z, M z>): the Euclidean norm without `metric`; NaN where M is not positive."""
    product = z if metric is None else metric(z)
    pairs = zip(jax.tree.leaves(z), jax.tree.leaves(product), strict=True)
    return jnp.sqrt(sum((jnp.sum(a * b) for a, b in pairs), jnp.zeros(())))


def iterate(
    method: AbstractFixedPointMethod,
    operator: Operator,
    x0: PyTree,
    data: PyTree,
    metric: Operator | None,
    tol: Any,
    max_steps: Any,
) -> FixedPointOutcome:
    """`method.run`, compiled once for all operators that do the same on other arrays.

    **Raises:** `TypeError` when x0 is not real floating, or T x0 is not like x0.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(x0):
        if not (isinstance(leaf, float) or is_floating(leaf)):
            raise TypeError(
                f"x0{jax.tree_util.keystr(path)} is {leaf!r}; the unknown of a fixed-point "
                "iteration must be real and floating. Write 1.0 for 1, or x0.astype(float)."
            )
    x0, data = as_arrays(x0), as_arrays(data)
    if not jax.tree.leaves(x0):
        raise TypeError("x0 is empty; pass the start as an array or a pytree of arrays.")
    x0 = cast(x0, working_dtype(x0))
    metric = getattr(operator, "metric", None) if metric is None else metric
    program = hoist(WithData(operator), x0, data)
    product = None if metric is None else hoist(WithData(metric), x0, data)
    for name, made in (("operator", program), ("metric", product)):
        if made is not None and _shapes(made.out) != _shapes(x0):
            raise TypeError(
                f"the {name} must return a pytree of the structure, shapes and dtypes of x0 "
                f"({_shapes(x0)}), but returns {_shapes(made.out)}."
            )
    tol = default_tolerance(working_dtype(x0)) if tol is None else tol
    return _compiled(method, program, product, x0, data, jnp.asarray(tol), jnp.asarray(max_steps))


@eqx.filter_jit
def _compiled(
    method: AbstractFixedPointMethod,
    program: Program,
    product: Program | None,
    x0: PyTree,
    data: PyTree,
    tol: Array,
    max_steps: Array,
) -> FixedPointOutcome:
    metric = None if product is None else (lambda z: product(z, data))
    return method.run(lambda x: program(x, data), x0, metric=metric, tol=tol, max_steps=max_steps)


def _minus(a: PyTree[Array], b: PyTree[Array]) -> PyTree[Array]:
    return jax.tree.map(jnp.subtract, a, b)


def _shapes(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda x: f"{x.dtype}{list(x.shape)}", tree)
