"""The gradients of many samples' losses at once, in the form that backpropagation has them."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree

from ..._dtypes import as_arrays
from ..._hoist import Program, hoist, shape_of
from ._layers import evaluate, nothing, straighten


class SampleJacobian(eqx.Module):
    """The losses of m samples and their gradients, as factors; see `sample_jacobian`.

    **Arguments:**

    - `values`: the losses.
    """

    values: Float[Array, "m"]
    _factors: list[Any]
    """Per parameter: (inputs or `None`, output cotangents) of its layer, or stacked gradients."""
    _transposed: tuple[bool, ...] = eqx.field(static=True)
    _structure: Any = eqx.field(static=True)

    def gramian(self) -> Float[Array, "m m"]:
        """The inner products of the gradients."""
        m = self.values.shape[0]
        total = jnp.zeros((m, m), self.values.dtype)
        for factor in self._factors:
            if isinstance(factor, tuple):
                met, back = factor
                back = back.reshape(m, -1)
                total = total + (back @ back.T) * (1 if met is None else met @ met.T)
            else:
                flat = factor.reshape(m, -1)
                total = total + flat @ flat.T
        return total

    def push(self, vector: PyTree[Array]) -> Float[Array, "m"]:
        """The inner products of the gradients with a vector, a pytree like the parameters."""
        m = self.values.shape[0]
        total = jnp.zeros(m, self.values.dtype)
        leaves = zip(self._factors, self._transposed, jax.tree.leaves(vector), strict=True)
        for factor, transposed, leaf in leaves:
            if not isinstance(factor, tuple):
                total = total + factor.reshape(m, -1) @ jnp.ravel(leaf)
                continue
            met, back = factor
            if met is None:
                total = total + back.reshape(m, -1) @ jnp.ravel(leaf)
            else:
                total = total + jnp.sum(met @ (leaf.T if transposed else leaf) * back, axis=1)
        return total

    def scaled(self, sign: float) -> "SampleJacobian":
        """The same of the losses times a number."""
        if sign == 1:
            return self
        factors = [(f[0], sign * f[1]) if isinstance(f, tuple) else sign * f for f in self._factors]
        return SampleJacobian(sign * self.values, factors, self._transposed, self._structure)

    def combine(self, weights: Float[Array, "m"]) -> PyTree[Array]:
        """The gradient of `weights @ values`, without another pass through the function."""
        parts = []
        for factor, transposed in zip(self._factors, self._transposed, strict=True):
            if not isinstance(factor, tuple):
                parts.append(jnp.tensordot(weights, factor, 1))
                continue
            met, back = factor
            if met is None:
                parts.append(jnp.tensordot(weights, back, 1))
            elif transposed:
                parts.append((weights[:, None] * back).T @ met)
            else:
                parts.append(met.T @ (weights[:, None] * back))
        return jax.tree.unflatten(self._structure, parts)


def sample_jacobian(
    loss: Callable[[PyTree, PyTree], Float[Array, ""]],
    params: PyTree[Array],
    samples: PyTree[Array],
) -> SampleJacobian:
    """The gradients of a loss at every sample of a batch, not formed where factors will do.

    A weight matrix that meets one vector per sample has the gradient x d' there, x the layer's
    input and d the cotangent of its output; so inner products over samples are (X X') * (D D'),
    and combinations X' diag(w) D. The layers are found in the trace of `loss`, whatever library
    wrote it; parameters that enter in any other way get the gradients of each sample themselves.
    One pass forward and one backward give everything, and the answer is exact.

    **Arguments:**

    - `loss`: `loss(params, sample)`, a scalar.
    - `params`: a pytree of real floating arrays.
    - `samples`: a pytree of arrays whose leading axis is that of the samples.

    **Returns:** the losses, with the Gramian and combinations of their gradients.

    **Raises:** `TypeError` for a loss that is not one real floating scalar per sample;
    `ValueError` for no samples.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> rows = (jnp.array([[1.0, 2.0], [3.0, -1.0]]), jnp.array([1.0, 0.0]))
        >>> def loss(params, row):
        ...     return (row[0] @ params - row[1]) ** 2 / 2
        >>> jacobian = st.methods.sample_jacobian(loss, jnp.zeros(2), rows)
        >>> jacobian.gramian().tolist()
        [[5.0, 0.0], [0.0, 0.0]]
        >>> jacobian.combine(st.methods.UPGrad().weights(jacobian.gramian())).tolist()
        [-0.5, -1.0]

    !!! cite "Reference"
        Quinton and Rey (2024), Jacobian descent for multi-objective optimization,
        arXiv:2406.16232, section 6; the factors are those of Goodfellow (2015), Efficient
        per-example gradient computations, arXiv:1510.01799.
    """
    params, samples = as_arrays(params), as_arrays(samples)
    sizes = {leaf.shape[:1] for leaf in jax.tree.leaves(samples)}
    if len(sizes) != 1 or sizes & {(), (0,)}:
        raise ValueError(
            "samples must be arrays that share a leading axis, of at least one sample; got leading "
            f"axes {sorted(sizes)}."
        )
    one = jax.tree.map(lambda x: shape_of(x[0]), samples)
    program = hoist(loss, params, one)
    out = program.out
    if not isinstance(out, jax.ShapeDtypeStruct) or out.shape != () or out.dtype.kind != "f":
        raise TypeError(
            f"the loss must return one real floating scalar per sample, but returns {out}. Reduce "
            "it (sum, mean) over everything but the samples."
        )
    return of_program(program, params, samples)


def of_program(program: Program, params: PyTree[Array], samples: PyTree[Array]) -> SampleJacobian:
    """`sample_jacobian` of a function that is traced already."""
    leaves, structure = jax.tree.flatten(params)
    own = len(program.arrays)
    jaxpr = program.code.jaxpr
    # The function's own arrays come before the parameters.
    straight = straighten(jaxpr, jaxpr.invars[own : own + len(leaves)])
    layered = {layer.leaf for layer in straight.layers}
    others = [i for i in range(len(leaves)) if i not in layered]

    def value(nudges, free, sample):
        given = list(leaves)
        for i, leaf in zip(others, free, strict=True):
            given[i] = leaf
        inputs = [*program.arrays, *given, *jax.tree.leaves(sample)]
        return evaluate(straight, program.constants, inputs, nudges)

    def backward(sample):
        return jax.value_and_grad(value, argnums=(0, 1), has_aux=True)(
            nothing(straight), [leaves[i] for i in others], sample
        )

    (values, met), (cotangents, gradients) = jax.vmap(backward)(samples)
    factors: list[Any] = [None] * len(leaves)
    transposed = [False] * len(leaves)
    for layer, inputs, back in zip(straight.layers, met, cotangents, strict=True):
        factors[layer.leaf] = (inputs, back)
        transposed[layer.leaf] = layer.transposed
    for i, rows in zip(others, gradients, strict=True):
        factors[i] = rows
    return SampleJacobian(values, factors, tuple(transposed), structure)
