"""SciPy's forms of constraints and bounds, as rows with a lower and an upper bound each."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PyTree

from .._constraints import Constraint, at_most, equal
from ..sets import Box
from ._functions import Given, as_real, given, shape_at

_KINDS = {"eq": (0.0, 0.0), "ineq": (0.0, np.inf)}
_FORMS = (
    "a dict {'type': 'eq' or 'ineq', 'fun': ...}, a NonlinearConstraint(fun, lb, ub) or a "
    "LinearConstraint(A, lb, ub)"
)


@dataclasses.dataclass(frozen=True, eq=False)
class Rows:
    """One constraint as it was given: lower <= c(x) <= upper, row by row.

    **Arguments:**

    - `name`: its place, such as `"constraints[0]"`.
    - `given`: its function.
    - `lower`, `upper`: the bounds, infinite where there is none.
    """

    name: str
    given: Given
    lower: Float[np.ndarray, "rows"]
    upper: Float[np.ndarray, "rows"]

    @property
    def fixed(self) -> Int[np.ndarray, "fixed"]:
        """The rows that are equalities."""
        return np.flatnonzero(self.lower == self.upper)

    @property
    def capped(self) -> Int[np.ndarray, "capped"]:
        """The rows with an upper bound."""
        return np.flatnonzero((self.lower < self.upper) & np.isfinite(self.upper))

    @property
    def floored(self) -> Int[np.ndarray, "floored"]:
        """The rows with a lower bound."""
        return np.flatnonzero((self.lower < self.upper) & np.isfinite(self.lower))

    def values(self, x: Float[Array, "n"], data: PyTree) -> Float[Array, "rows"]:
        """c(x)."""
        return as_real(self.given(x, data[self.name]), x, self.given.what).ravel()

    def as_constraints(self) -> dict[str, Constraint]:
        """The same as named constraints: equalities, and inequalities with a row per bound."""
        fixed, capped, floored = self.fixed, self.capped, self.floored
        found = {}
        if fixed.size:
            found[self._name("equal")] = equal(
                lambda x, data: _pick(self.values(x, data), fixed), self.lower[fixed]
            )
        if capped.size + floored.size:

            def sides(x, data):
                c = self.values(x, data)
                parts = [s for s in (_pick(c, capped), -_pick(c, floored)) if s.size]
                return parts[0] if len(parts) == 1 else jnp.concatenate(parts)

            bound = np.concatenate([self.upper[capped], -self.lower[floored]])
            found[self._name("at most")] = at_most(sides, bound)
        return found

    def _name(self, kind: str) -> str:
        mixed = self.fixed.size and self.capped.size + self.floored.size
        return f"{self.name} {kind}" if mixed else self.name

    def multipliers(self, duals: Mapping[str, Any]) -> Float[np.ndarray, "rows"]:
        """One multiplier per row, for L = f + <v, c>: positive where an upper bound holds c."""
        v = np.zeros(self.lower.size)
        if self.fixed.size:
            v[self.fixed] = np.asarray(duals[self._name("equal")])
        if (capped := self.capped).size + self.floored.size:
            sides = np.asarray(duals[self._name("at most")])
            v[capped] += sides[: capped.size]
            v[self.floored] -= sides[capped.size :]
        return v


def _pick(values: Float[Array, "rows"], rows: Int[np.ndarray, "some"]) -> Float[Array, "some"]:
    return values if rows.size == values.size else values[rows]


def as_rows(constraints: Any, x: Float[Array, "n"]) -> tuple[Rows, ...]:
    """Read `constraints`: one of SciPy's forms, or a sequence of them.

    **Raises:** `TypeError` for a form that is none of SciPy's, or a function that JAX cannot
    trace; `ValueError` for bounds that are wrong; all by the constraint's place.
    """
    single = isinstance(constraints, Mapping) or hasattr(constraints, "lb")
    if single:
        constraints = (constraints,)
    try:
        every = tuple(constraints)
    except TypeError:
        raise TypeError(f"constraints is {constraints!r}; pass {_FORMS}, or a list.") from None
    return tuple(_rows(one, f"constraints[{i}]", x) for i, one in enumerate(every))


def _rows(constraint: Any, name: str, x: Float[Array, "n"]) -> Rows:
    if isinstance(constraint, Mapping):
        function, lower, upper = _of_mapping(constraint, name)
    elif all(hasattr(constraint, part) for part in ("A", "lb", "ub")):
        function, lower, upper = _linear(constraint.A, name, x.size), constraint.lb, constraint.ub
    elif all(hasattr(constraint, part) for part in ("fun", "lb", "ub")):
        function = given(constraint.fun, (), f"{name}.fun")
        lower, upper = constraint.lb, constraint.ub
    else:
        raise TypeError(f"{name} is {type(constraint).__name__}; pass {_FORMS}.")
    shape = shape_at(
        lambda x, arrays: as_real(function(x, arrays), x, function.what),
        function.what,
        x,
        function.arrays,
    )
    if len(shape) > 1:
        raise TypeError(
            f"{function.what} must return a number or a vector, but returns an array of shape "
            f"{shape}. Flatten it: value.ravel()."
        )
    count = int(np.prod(shape))
    lower, upper = (_bound(b, count, f"{name}, {s}") for b, s in ((lower, "lb"), (upper, "ub")))
    wrong = (lower > upper) | (lower == np.inf) | (upper == -np.inf)
    if np.any(wrong):
        row = int(np.argmax(wrong))
        raise ValueError(
            f"{name}: no value of row {row} lies between lb = {lower[row]:g} and "
            f"ub = {upper[row]:g}."
        )
    return Rows(name, function, lower, upper)


def _of_mapping(constraint: Mapping, name: str) -> tuple[Given, float, float]:
    unknown = sorted(set(constraint) - {"type", "fun", "jac", "args"})
    if unknown:
        raise ValueError(f"{name} has {unknown}; its keys are 'type', 'fun', 'args' and 'jac'.")
    kind = str(constraint.get("type", "")).lower()
    if kind not in _KINDS:
        raise ValueError(
            f"{name}['type'] is {constraint.get('type')!r}; write 'eq' for fun(x) = 0 or 'ineq' "
            "for fun(x) >= 0."
        )
    if "fun" not in constraint:
        raise ValueError(f"{name} has no 'fun'.")
    function = given(constraint["fun"], constraint.get("args", ()), f"{name}['fun']")
    return function, *_KINDS[kind]


def _linear(matrix: Any, name: str, n: int) -> Given:
    """x to A x; a sparse A is kept as its entries."""
    if hasattr(matrix, "tocoo"):
        coo = matrix.tocoo()
        shape, entries = coo.shape, (np.asarray(coo.data, float), coo.row, coo.col)
        function = given(_sparse_product, (*entries, shape[0]), f"{name}.A")
    else:
        dense = np.atleast_2d(np.asarray(matrix, float))
        shape, function = dense.shape, given(_product, (dense,), f"{name}.A")
    if len(shape) != 2 or shape[1] != n:
        raise ValueError(f"{name}.A has shape {tuple(shape)}, but x has {n} entries.")
    return function


def _product(x: Float[Array, "n"], matrix: Float[Array, "m n"]) -> Float[Array, "m"]:
    return matrix @ x


def _sparse_product(
    x: Float[Array, "n"],
    entries: Float[Array, "nonzeros"],
    rows: Int[Array, "nonzeros"],
    columns: Int[Array, "nonzeros"],
    count: int,
) -> Float[Array, "count"]:
    return jax.ops.segment_sum(entries * x[columns], rows, count)


def _bound(bound: Any, count: int, what: str) -> np.ndarray:
    bound = np.asarray(bound, float)
    if np.any(np.isnan(bound)):
        raise ValueError(f"{what} is NaN; write -np.inf or np.inf for no bound.")
    try:
        return np.array(np.broadcast_to(bound, count))
    except ValueError:
        raise ValueError(
            f"{what} has shape {bound.shape}, but the constraint has {count} rows."
        ) from None


def as_box(bounds: Any, n: int) -> Box | None:
    """Read `bounds`: a Bounds object, or a pair (min, max) per entry with None for no bound.

    **Raises:** `TypeError` or `ValueError` naming the entry that is wrong.
    """
    if bounds is None:
        return None
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        lower, upper = _bound(bounds.lb, n, "bounds.lb"), _bound(bounds.ub, n, "bounds.ub")
    else:
        lower, upper = _of_pairs(bounds, n)
    if np.all(np.isinf(lower) & (lower < 0)) and np.all(np.isinf(upper) & (upper > 0)):
        return None
    empty = (lower > upper) | (lower == np.inf) | (upper == -np.inf)
    if np.any(empty):
        place = int(np.argmax(empty))
        raise ValueError(
            f"bounds: x[{place}] has the lower bound {lower[place]:g} and the upper bound "
            f"{upper[place]:g}, and no number fits between."
        )
    return Box(lower, upper)  # pyright: ignore[reportArgumentType]


def _of_pairs(bounds: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = list(bounds)
    if len(pairs) != n:
        raise ValueError(f"bounds has {len(pairs)} pairs, but x has {n} entries.")
    sides = np.zeros((2, n))
    for place, pair in enumerate(pairs):
        try:
            low, high = pair
        except (TypeError, ValueError):
            raise ValueError(f"bounds[{place}] is {pair!r}; write a pair (min, max).") from None
        both = (low, -np.inf), (high, np.inf)
        ends = [_bound(free if end is None else end, 1, f"bounds[{place}]") for end, free in both]
        sides[:, place] = np.concatenate(ends)
    return sides[0], sides[1]
