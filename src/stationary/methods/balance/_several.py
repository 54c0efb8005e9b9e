"""The objectives of a system at one point, and products with their Jacobian."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ..._dtypes import as_arrays
from ..._operators import CommonDescentOperator, GradientOperator, products
from ..._system import System
from ._sample_jacobian import of_program


class Several(NamedTuple):
    """Several objectives at a point.

    **Arguments:**

    - `objective`: the one number to report, their mean.
    - `objectives`: those with names, by name.
    - `values`: all of them.
    - `gramian`: of their gradients, in the metric of the set.
    - `push`: v -> J v.
    - `pull`: w -> J'w.
    """

    objective: Float[Array, ""]
    objectives: dict[str, Float[Array, ""]]
    values: Float[Array, "m"]
    gramian: Callable[[], Float[Array, "m m"]]
    push: Callable[[PyTree[Array]], Float[Array, "m"]]
    pull: Callable[[Float[Array, "m"]], PyTree[Array]]


def several(
    system: System, primal: PyTree[Array], data: PyTree, index: Int[Array, ""] | int
) -> Several:
    """The objectives of a `Balance`; or, for the mean over a stream, the samples of a batch.

    **Raises:** `TypeError` for any other statement.
    """
    operator = system.operator
    if isinstance(operator, CommonDescentOperator):
        return _named(system, operator, primal, data, index)
    if isinstance(operator, GradientOperator) and operator.objective.stream is not None:
        return _of_samples(system, operator, primal, index)
    raise TypeError(
        "JacobianDescent balances several objectives: state them with Balance({...}), or minimise "
        "an Expectation over a stream, whose samples it then balances."
    )


def gramian_of(
    function: Callable[[PyTree], Float[Array, "m"]], x: PyTree[Array]
) -> Float[Array, "m m"]:
    """The inner products of the gradients of several functions, without their Jacobian.

    Rows are formed together while that takes little memory; beyond, one product with J' and one
    with J per objective, with the memory of one gradient.

    **Arguments:**

    - `function`: of x, a vector of m values.
    - `x`: a pytree of real floating arrays.

    **Raises:** `TypeError` when the values are no real floating vector; `ValueError` when there
    are none.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> losses = lambda x: jnp.array([jnp.sum(x**2), x[0]])
        >>> st.methods.gramian_of(losses, jnp.array([1.0, 2.0])).tolist()
        [[20.0, 2.0], [2.0, 1.0]]

    !!! cite "Reference"
        Quinton and Rey (2024), Jacobian descent for multi-objective optimization,
        arXiv:2406.16232, section 6.
    """
    x = as_arrays(x)
    out = jax.eval_shape(function, x)
    if not hasattr(out, "shape") or len(out.shape) != 1 or out.dtype.kind != "f":
        raise TypeError(
            f"the function must return one real floating vector, a value per objective; it returns "
            f"{out}. Use jnp.stack for a list of scalars, jnp.ravel for a matrix."
        )
    if out.shape == (0,):
        raise ValueError("there are no objectives: the function returns a vector of length 0.")
    _, pullback = jax.vjp(function, x)
    return products(
        lambda w: pullback(w)[0],
        lambda v: jax.jvp(function, (x,), (v,))[1],
        out.shape[0],
        out.dtype,
    )


def _named(system, operator, primal, data, index) -> Several:
    names = list(operator.objectives)

    def stacked(x):
        return jnp.stack([operator.objectives[name](x, data, index) for name in names])

    values, pullback = jax.vjp(stacked, primal)

    def pull(weights):
        return pullback(weights)[0]

    def push(vector):
        return jax.jvp(stacked, (primal,), (vector,))[1]

    def gramian():
        return products(pull, push, len(names), values.dtype, metric(system, primal))

    named = dict(zip(names, values, strict=True))
    return Several(jnp.mean(values), named, values, gramian, push, pull)


def _of_samples(system, operator, primal, index) -> Several:
    term = operator.objective
    samples, mask = term.stream.batch(jnp.asarray(index))
    # Rows that pad the last batch of an epoch are samples too; they stay objectives.
    jacobian = of_program(term.program, primal, samples)
    jacobian = jacobian.scaled(operator.sign)
    mean = operator.sign * jnp.sum(jnp.where(mask, jacobian.values, 0)) / jnp.sum(mask)

    def gramian():
        if system.space.curved:
            raise TypeError(
                "the samples of a batch are balanced by inner products in the ambient space; on a "
                "manifold state the objectives by name, with Balance."
            )
        return jacobian.gramian()

    objectives = {"objective": mean}
    return Several(mean, objectives, jacobian.values, gramian, jacobian.push, jacobian.combine)


def metric(system: System, primal: PyTree[Array]) -> Callable[[PyTree], PyTree]:
    """What turns a derivative into a gradient on the system's set."""
    if system.space.curved:
        return lambda row: system.space.gradient(primal, row)
    return lambda row: row
