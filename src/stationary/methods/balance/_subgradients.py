"""The functions of a statement one by one: values, and one subgradient each."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, PyTree

from ..._constraints import ConstraintTerm
from ..._functions import Term, WithData
from ..._operators import CommonDescentOperator, Duals, GradientOperator
from ..._system import System
from ...sets import Nonpositive


class Sample(NamedTuple):
    """Functions, each at a point of its own."""

    values: Float[Array, "functions"]
    rows: Float[Array, "functions n"]
    """One subgradient each."""
    parts: Float[Array, "functions parts"]
    """Which objective, and which entry of which constraint, each of them is of."""


class Functions(NamedTuple):
    """The objectives, and where there are constraints, the largest of their entries at the end.

    **Arguments:**

    - `terms`, `sign`: the objectives, and 1, or -1 where they are maximised.
    - `constraints`: g(x) <= 0, by name.
    - `given`: subgradients from the user; JAX's derivative stands in for the others.
    - `data`: the statement's data.
    """

    terms: dict[str, Term]
    sign: float
    constraints: dict[str, ConstraintTerm]
    given: dict[str, Callable]
    data: PyTree

    @property
    def objectives(self) -> int:
        """How many objectives there are."""
        return len(self.terms)

    @property
    def count(self) -> int:
        """How many functions there are."""
        return len(self.terms) + bool(self.constraints)

    @property
    def names(self) -> list[str]:
        """What messages call each function."""
        spelled = [f"objective {name!r}" for name in self.terms]
        if self.constraints:
            spelled.append("the largest of the constraints " + ", ".join(self.constraints))
        return spelled

    def entries(self, primal: PyTree[Array]) -> Duals:
        """The constraints at one point."""
        zero = jnp.zeros((), jnp.int32)
        return {name: c.value(primal, self.data, zero) for name, c in self.constraints.items()}

    def values(self, primal: PyTree[Array]) -> Float[Array, "functions"]:
        """Every function at one point."""
        found = [self._value(term, primal) for term in self.terms.values()]
        if self.constraints:
            found.append(jnp.max(ravel_pytree(self.entries(primal))[0]))
        return jnp.stack(found)

    def sample(
        self,
        primal: PyTree[Array],
        direction: Float[Array, "n"],
        lengths: Float[Array, "functions"],
    ) -> Sample:
        """Value and subgradient of each function at a point of its own on one line."""
        flat, unravel = ravel_pytree(primal)
        points = [unravel(flat + lengths[i] * direction) for i in range(self.count)]
        found = [self._slope(name, x) for name, x in zip(self.terms, points, strict=False)]
        size = sum(int(np.prod(c.shape)) for c in self.constraints.values())
        parts = jnp.eye(self.count, self.objectives + size, dtype=flat.dtype)
        if self.constraints:
            values, pullback = jax.vjp(lambda x: ravel_pytree(self.entries(x))[0], points[-1])
            largest = jnp.argmax(values)
            unit = (jnp.arange(size) == largest).astype(values.dtype)
            found.append((values[largest], ravel_pytree(pullback(unit)[0])[0]))
            parts = parts.at[-1, self.objectives :].set(unit)
        values, rows = zip(*found, strict=True)
        return Sample(jnp.stack(values), jnp.stack(rows), parts)

    def _value(self, term: Term, primal: PyTree) -> Float[Array, ""]:
        return self.sign * term(primal, self.data, jnp.zeros((), jnp.int32))

    def _slope(self, name: str, primal: PyTree[Array]) -> tuple[Array, Float[Array, "n"]]:
        term = self.terms[name]
        if name not in self.given:
            value, slope = jax.value_and_grad(lambda x: self._value(term, x))(primal)
            return value, ravel_pytree(slope)[0]
        slope = WithData(self.given[name])(primal, self.data)
        slope = jax.tree.map(lambda s, x: jnp.asarray(s, x.dtype), slope, primal)
        return self._value(term, primal), self.sign * ravel_pytree(slope)[0]


def functions_of(
    system: System, data: PyTree, primal: PyTree, given: Mapping[str, Callable] | None, owner: str
) -> Functions:
    """The functions of a `Balance` or `Minimize` with bounds and inequalities.

    **Raises:** `TypeError` for another statement, a set that is no bound, or a constraint that is
    no inequality; `ValueError` for a subgradient of an unknown objective or of the wrong shape.
    """
    operator, remedy = system.operator, "or leave `method` out to have one chosen."
    if isinstance(operator, CommonDescentOperator):
        # In the order that they have inside compiled code, wherever this is called.
        terms, sign = dict(sorted(operator.objectives.items())), 1.0
    elif isinstance(operator, GradientOperator):
        terms, sign = {"objective": operator.objective}, operator.sign
    else:
        raise TypeError(f"{owner} descends on objectives: state a Balance or a Minimize, {remedy}")
    if not all(each.elementwise and each.closed for each in system.space.leaves):
        raise TypeError(
            f"{owner} takes bounds on entries, but x is in {system.space.describe()}. State the "
            f"set as inequalities or through a change of variables, {remedy}"
        )
    for name, constraint in system.constraints.items():
        if not isinstance(constraint.cone, Nonpositive):
            raise TypeError(
                f"{owner} stays on the inside of inequalities, but constraint {name!r} asks for a "
                f"value in {constraint.cone.describe()}. Solve it for some of the unknowns, or "
                f"allow a tolerance, at_most(|fn(x)|, 1e-3), {remedy}"
            )
        if constraint.surrogate is not None:
            raise TypeError(
                f"constraint {name!r} has a surrogate, which {owner} would ignore. Use PrimalDual "
                f"or AugmentedLagrangian, {remedy}"
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
    # Sorted, as pytrees are, wherever this is called.
    constraints = dict(sorted(system.constraints.items()))
    return Functions(terms, sign, constraints, given, data)


def _shapes(tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: tuple(np.shape(leaf)), tree)
