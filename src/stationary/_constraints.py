"""Named constraints: a function whose value must lie in a cone.

One convention everywhere: L = f + <dual, g>. A constraint says that g(x) lies in a closed convex
cone K, and its dual lies in the polar cone: non-negative for `at_most`, free for `equal`.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from ._dtypes import cast
from ._functions import Expectation, Term, bind
from .sets import AbstractCone, Nonpositive, Zero


class Constraint(eqx.Module):
    """What `equal`, `at_most` and `in_cone` return: `fn(x) - bound` lies in `cone`."""

    fn: Callable | Expectation
    bound: Float[np.ndarray, "..."]
    cone: AbstractCone
    surrogate: Callable | Expectation | None

    def describe(self) -> str:
        """The constraint in words: `"at most 0.02"`."""
        bound = np.asarray(self.bound)
        limit = f"{bound.item():g}" if bound.size == 1 else f"{bound.size} given values"
        match self.cone:
            case Zero():
                return f"equal to {limit}"
            case Nonpositive():
                return f"at most {limit}"
            case cone:
                return f"in {cone.describe()}"


def equal(fn: Callable | Expectation, value: Any = 0.0, *, surrogate: Any = None) -> Constraint:
    """Require `fn(x) == value`, entry by entry. The dual is free in sign.

    **Arguments:**

    - `fn`: `fn(x)` or `fn(x, data)`, a real array of any shape, or an `Expectation`.
    - `value`: a number or array that broadcasts against it.
    - `surrogate`: a differentiable stand-in used for the primal variables' gradient while the
        multiplier sees `fn` itself.

    **Raises:** `ValueError` when `value` is not finite.

    !!! example
        >>> equal(lambda x: x @ x, 1.0).describe()
        'equal to 1'
    """
    return Constraint(fn, _bound(value, "equal"), Zero(), surrogate)


def at_most(fn: Callable | Expectation, bound: Any = 0.0, *, surrogate: Any = None) -> Constraint:
    """Require `fn(x) <= bound`, entry by entry. The dual is non-negative.

    **Arguments:**

    - `fn`: `fn(x)` or `fn(x, data)`, a real array of any shape, or an `Expectation`.
    - `bound`: a number or array that broadcasts against it.
    - `surrogate`: a differentiable stand-in used for the primal variables' gradient while the
        multiplier sees `fn` itself (Cotter et al., 2019, arXiv:1809.04198).

    **Raises:** `ValueError` when `bound` is not finite.

    !!! example
        >>> at_most(lambda x: x.sum(), 2).describe()
        'at most 2'
    """
    return Constraint(fn, _bound(bound, "at_most"), Nonpositive(), surrogate)


def in_cone(fn: Callable | Expectation, cone: AbstractCone, *, surrogate: Any = None) -> Constraint:
    """Require `fn(x)` to lie in a closed convex cone. The dual lies in the polar cone.

    **Arguments:**

    - `fn`: `fn(x)` or `fn(x, data)`, a real array that the cone can hold, or an `Expectation`.
    - `cone`: for example `SecondOrder()` or `PositiveSemidefinite()`.
    - `surrogate`: as for [`at_most`][stationary.at_most].

    **Raises:** `TypeError` when `cone` is no cone.

    !!! example
        >>> from stationary.sets import SecondOrder
        >>> in_cone(lambda x: x, SecondOrder()).describe()
        'in the second-order cone'
    """
    if not isinstance(cone, AbstractCone):
        raise TypeError(
            f"in_cone needs a closed convex cone such as SecondOrder(), got {cone!r}. A general "
            "set belongs in the statement's `over`."
        )
    return Constraint(fn, np.zeros(()), cone, surrogate)


def _bound(value: Any, where: str) -> np.ndarray:
    value = np.asarray(value, float)
    if value.size == 0:
        raise ValueError(f"{where}: the bound is empty; give a number or an array of numbers.")
    if not np.all(np.isfinite(value)):
        raise ValueError(
            f"{where}: the bound must be finite, got {value}. Leave out entries without a bound."
        )
    return value


class ConstraintTerm(eqx.Module):
    """A constraint in compiled form."""

    term: Term
    bound: Float[Array, "..."]
    cone: AbstractCone
    surrogate: Term | None

    def value(self, primal: PyTree, data: PyTree, index: Int[Array, ""]) -> Float[Array, "..."]:
        """g(x), which must lie in the cone."""
        return self.term(primal, data, index) - self.bound

    def smooth(self, primal: PyTree, data: PyTree, index: Int[Array, ""]) -> Float[Array, "..."]:
        """What the primal variables differentiate: the surrogate where there is one."""
        if self.surrogate is None:
            return self.value(primal, data, index)
        return self.surrogate(primal, data, index) - self.bound

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the constraint's value and of its dual."""
        return self.term.program.out.shape


def bind_constraint(
    name: str, constraint: Constraint, primal: PyTree, data: PyTree, dtype: np.dtype
) -> ConstraintTerm:
    """Trace a constraint at the shapes of `primal` and `data`, with its bound in `dtype`.

    **Raises:** `TypeError` when its function returns anything but one real floating array;
    `ValueError` when its bound or cone does not fit the shape of that array.
    """
    terms = []
    for fn, role in ((constraint.fn, "constraint"), (constraint.surrogate, "surrogate of")):
        if fn is None:
            terms.append(None)
            continue
        term = bind(fn, primal, data)
        out = term.program.out
        if not isinstance(out, jax.ShapeDtypeStruct) or out.dtype.kind != "f":
            raise TypeError(
                f"{role} {name!r} must return one real floating array, but returns {out}. Return "
                "a jax array, or state several constraints under names of their own."
            )
        terms.append(term)
    term, surrogate = terms
    shape = term.program.out.shape
    if surrogate is not None and surrogate.program.out.shape != shape:
        raise ValueError(
            f"surrogate of {name!r} has shape {surrogate.program.out.shape}, but the constraint "
            f"it stands in for has shape {shape}."
        )
    bound_shape = np.shape(constraint.bound)
    if np.broadcast_shapes(bound_shape, shape) != shape:
        raise ValueError(
            f"constraint {name!r}: a bound of shape {bound_shape} does not fit values of {shape}."
        )
    constraint.cone.check(shape, f"constraint {name!r}")
    bound, cone = cast((constraint.bound, constraint.cone), dtype)
    return ConstraintTerm(term, bound, cone, surrogate)
