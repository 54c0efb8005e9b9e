"""The functions of a statement, and their form in compiled code."""

import inspect
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PyTree

from ._hoist import Program, hoist
from ._streams import AbstractStream


class Expectation(eqx.Module):
    """The mean of a function over a stream of samples, estimated from mini-batches while solving.

    Stands wherever a statement takes a function: as an objective or inside a constraint.

    **Arguments:**

    - `fn`: `fn(x, sample)`, the value for one sample (a scalar, or an array for a constraint).
    - `stream`: where samples come from: [`Batches`][stationary.Batches] of a data set or
        [`Draws`][stationary.Draws] from a sampler.

    !!! example
        >>> import numpy as np, stationary as st
        >>> rows = st.Batches(np.array([1.0, 2.0, 3.0]), batch_size=2)
        >>> mean_square = st.Expectation(lambda x, row: (x - row) ** 2, rows)
        >>> mean_square.stream.rows
        3
    """

    fn: Callable
    stream: AbstractStream


class Term(eqx.Module):
    """A statement's function in compiled form: `term(primal, data, index)` is its value.

    **Arguments:**

    - `program`: the hoisted function, of `(primal, data)` or of `(primal, sample)`.
    - `stream`: the samples to average over, or `None` for a function of all the data.
    """

    program: Program
    stream: AbstractStream | None

    def __call__(
        self, primal: PyTree[Array], data: PyTree[Array], index: Int[Array, ""]
    ) -> PyTree[Float[Array, "..."]]:
        """The value at `primal`; for an `Expectation`, the mean over the batch at `index`."""
        if self.stream is None:
            return jax.tree.map(jnp.asarray, self.program(primal, data))
        samples, mask = self.stream.batch(index)
        every = jax.vmap(lambda sample: self.program(primal, sample))(samples)

        def mean(values: Array) -> Array:
            weights = jnp.expand_dims(mask, tuple(range(1, values.ndim)))
            return jnp.sum(jnp.where(weights, values, 0), axis=0) / jnp.sum(mask)

        return jax.tree.map(mean, every)


def bind(fn: Callable | Expectation, primal: PyTree, data: PyTree) -> Term:
    """Trace a statement's function at the shapes of `primal` and `data`."""
    if isinstance(fn, Expectation):
        return Term(hoist(fn.fn, primal, fn.stream.sample), fn.stream)
    return Term(hoist(WithData(fn), primal, data), None)


class WithData(eqx.Module):
    """`fn(x)` or `fn(x, data)`, called as `(x, data)` either way."""

    fn: Callable

    def __call__(self, x: PyTree, data: PyTree) -> Any:
        return self.fn(x, data) if takes_data(self.fn) else self.fn(x)


def takes_data(fn: Callable, variables: int = 1) -> bool:
    """Whether `fn` wants the data after its `variables` unknowns.

    It does when it has one more required positional parameter, or a parameter named `data`.
    """
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):  # builtins without a signature
        return False
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    required = [p for p in positional if p.default is p.empty]
    return len(required) > variables or any(p.name == "data" for p in positional[variables:])
