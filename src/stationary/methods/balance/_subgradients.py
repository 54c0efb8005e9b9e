"""The objectives of a statement one by one: values, and one subgradient each."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ..._functions import Term, WithData
from ..._operators import CommonDescentOperator, GradientOperator
from ..._system import System
from ...sets import Euclidean


class Objectives(NamedTuple):
    """What is minimised, one by one, with the oracle that answers for each."""

    terms: dict[str, Term]
    sign: float
    given: dict[str, Callable]
    """Subgradients from the user; JAX's derivative stands in for the others."""
    data: PyTree

    def values(self, primal: PyTree[Array]) -> Float[Array, "k"]:
        """Every objective at one point."""
        return jnp.stack([self._value(term, primal) for term in self.terms.values()])

    def subgradients(self, primal: PyTree[Array]) -> Float[Array, "k n"]:
        """One subgradient per objective at one point."""
        return jnp.stack([self._slope(name, primal)[1] for name in self.terms])

    def along(
        self, primal: PyTree[Array], direction: Float[Array, "n"], lengths: Float[Array, "k"]
    ) -> tuple[Float[Array, "k"], Float[Array, "k n"]]:
        """Value and subgradient of each objective at a point of its own on one line."""
        flat, unravel = ravel_pytree(primal)
        found = [
            self._slope(name, unravel(flat + lengths[i] * direction))
            for i, name in enumerate(self.terms)
        ]
        return jnp.stack([value for value, _ in found]), jnp.stack([slope for _, slope in found])

    def _value(self, term: Term, primal: PyTree[Array]) -> Float[Array, ""]:
        return self.sign * term(primal, self.data, jnp.zeros((), jnp.int32))

    def _slope(self, name: str, primal: PyTree[Array]) -> tuple[Array, Float[Array, "n"]]:
        term = self.terms[name]
        if name not in self.given:
            value, slope = jax.value_and_grad(lambda x: self._value(term, x))(primal)
            return value, ravel_pytree(slope)[0]
        slope = WithData(self.given[name])(primal, self.data)
        slope = jax.tree.map(lambda s, x: jnp.asarray(s, x.dtype), slope, primal)
        return self._value(term, primal), self.sign * ravel_pytree(slope)[0]


def objectives_of(
    system: System, data: PyTree, primal: PyTree, given: Mapping[str, Callable] | None, owner: str
) -> Objectives:
    """The objectives of a `Balance` or `Minimize` without a set.

    **Raises:** `TypeError` for another statement or a set; `ValueError` for a subgradient of an
    unknown objective or of the wrong shape.
    """
    operator, remedy = system.operator, "or leave `method` out to have one chosen."
    if isinstance(operator, CommonDescentOperator):
        # In the order that they have inside compiled code, wherever this is called.
        terms, sign = dict(sorted(operator.objectives.items())), 1.0
    elif isinstance(operator, GradientOperator):
        terms, sign = {"objective": operator.objective}, operator.sign
    else:
        raise TypeError(f"{owner} descends on objectives: state a Balance or a Minimize, {remedy}")
    if not all(isinstance(each, Euclidean) for each in system.space.leaves):
        raise TypeError(
            f"{owner} takes an unrestricted unknown, but x is in {system.space.describe()}. State "
            f"the set through a change of variables or a penalty, {remedy}"
        )
    given = dict(given or {})
    for name, fn in given.items():
        if name not in terms:
            raise ValueError(
                f"{owner}(subgradients=...) names {name!r}, but the objectives are {list(terms)}."
            )
        found = jax.eval_shape(WithData(fn), primal, data)
        if _shapes(found) != _shapes(primal):
            raise ValueError(
                f"the subgradient of objective {name!r} must have the structure and shapes of x, "
                f"{_shapes(primal)}, but has {_shapes(found)}."
            )
    return Objectives(terms, sign, given, data)


def _shapes(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: tuple(np.shape(leaf)), tree)
