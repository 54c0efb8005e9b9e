"""Statements: what a user writes down. Each lowers to a `System`."""

import abc
from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import PyTree

from ._constraints import Constraint, bind_constraint
from ._dtypes import cast, working_dtype
from ._functions import Expectation, Term, bind, takes_data
from ._operators import (
    CommonDescentOperator,
    GivenOperator,
    GradientOperator,
    SaddleOperator,
)
from ._system import Block, System
from .sets import AbstractSet, Euclidean, as_product

Function = Callable | Expectation


class AbstractStatement(eqx.Module):
    """A problem as its user states it: functions, constraints, a set and data."""

    data: eqx.AbstractVar[PyTree]

    @abc.abstractmethod
    def lower(self, like: PyTree) -> System:
        """The system whose zero is the answer, at the shapes of `like`.

        **Arguments:**

        - `like`: a start, or `jax.ShapeDtypeStruct`s of one.

        **Raises:** `TypeError` or `ValueError` naming the function, constraint or set at fault.
        """

    def embed(self, x0: PyTree) -> PyTree:
        """The system's unknown, from the start that a user gives: the same, for most statements."""
        return x0

    @abc.abstractmethod
    def describe(self) -> list[str]:
        """The statement in words, a line per part."""


class Minimize(AbstractStatement):
    """Minimise one objective over a set, subject to named constraints.

    **Arguments:**

    - `objective`: `f(x)` or `f(x, data)`, a scalar; or an [`Expectation`][stationary.Expectation].
    - `subject_to`: constraints by name, made with [`equal`][stationary.equal],
        [`at_most`][stationary.at_most] or [`in_cone`][stationary.in_cone].
    - `over`: the set of the unknown: one set, or a pytree of sets; default unrestricted.
    - `data`: a pytree of arrays, the last argument of the functions that want it.
    - `convex`: declare the problem convex (convex objective and inequality constraints, affine
        equalities, convex set); the certificate then also bounds the distance to the optimum.
    - `has_aux`: the objective returns `(value, aux)`; the solution carries `aux` of its point.

    **Raises:** `TypeError` when a constraint was not made by the functions above.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> sum_is_one = {"sum": st.equal(jnp.sum, 1.0)}
        >>> problem = st.Minimize(lambda x: jnp.sum(x**2), subject_to=sum_is_one)
        >>> print("; ".join(problem.describe()))
        minimise <lambda>(x); subject to sum: sum equal to 1
    """

    objective: Function
    subject_to: dict[str, Constraint]
    over: PyTree
    data: PyTree
    convex: bool = eqx.field(static=True)
    has_aux: bool = eqx.field(static=True)
    flipped: bool = eqx.field(static=True)

    def __init__(
        self,
        objective: Function,
        subject_to: Mapping[str, Constraint] | None = None,
        over: PyTree = None,
        data: PyTree = None,
        *,
        convex: bool = False,
        has_aux: bool = False,
        flipped: bool = False,
    ) -> None:
        self.objective = objective
        self.subject_to = _named_constraints(subject_to)
        self.over = over
        self.data = data
        self.convex = convex
        self.has_aux = has_aux
        self.flipped = flipped

    def lower(self, like: PyTree) -> System:
        objective = _without_aux(self.objective) if self.has_aux else self.objective
        return _system(
            GradientOperator(
                scalar_term(objective, "objective", like, self.data), -1.0 if self.flipped else 1.0
            ),
            self.subject_to,
            self.over,
            like,
            self.data,
            (Block("x", "minimize"),),
        )

    def describe(self) -> list[str]:
        verb = "maximise" if self.flipped else "minimise"
        return [f"{verb} {spell(self.objective)}", *conditions(self.subject_to, self.over)]


def Maximize(objective: Function, *args: Any, **kwargs: Any) -> Minimize:
    """Maximise one objective: [`Minimize`][stationary.Minimize] with f flipped, and only f.

    Constraints and their multipliers keep their meaning: L = -f + <dual, g>.

    !!! example
        >>> Maximize(lambda x: -(x**2)).describe()
        ['maximise <lambda>(x)']
    """
    return Minimize(objective, *args, flipped=True, **kwargs)


class Saddle(AbstractStatement):
    """Minimise over x what is maximised over y: find a stationary point of f(x, y).

    **Arguments:**

    - `objective`: `f(x, y)` or `f(x, y, data)`, a scalar; or an `Expectation` of
        `f_sample((x, y), sample)`.
    - `minimize_over`, `maximize_over`: the sets of x and of y; default unrestricted.
    - `data`: a pytree of arrays.

    The unknown is the pair `(x, y)`: start a solve with `x0=(x, y)`.

    !!! example
        >>> problem = Saddle(lambda x, y: x * y)
        >>> print(problem.describe()[0])
        minimise over x, maximise over y: <lambda>(x, y)
    """

    objective: Function
    minimize_over: PyTree
    maximize_over: PyTree
    data: PyTree

    def __init__(
        self,
        objective: Function,
        minimize_over: PyTree = None,
        maximize_over: PyTree = None,
        data: PyTree = None,
    ) -> None:
        self.objective = objective
        self.minimize_over = minimize_over
        self.maximize_over = maximize_over
        self.data = data

    def lower(self, like: PyTree) -> System:
        if not (isinstance(like, tuple) and len(like) == 2):
            raise TypeError(
                f"a Saddle's unknown is the pair (x, y): pass x0=(x, y), got {type(like).__name__}."
            )
        objective = self.objective
        if not isinstance(objective, Expectation):
            objective = _OfPair(objective)
        return _system(
            SaddleOperator(scalar_term(objective, "objective", like, self.data)),
            {},
            (self.minimize_over, self.maximize_over),
            like,
            self.data,
            (Block("x", "minimize"), Block("y", "maximize")),
        )

    def describe(self) -> list[str]:
        return [
            f"minimise over x, maximise over y: {spell(self.objective, ('x', 'y'))}",
            *conditions({}, self.minimize_over, "x"),
            *conditions({}, self.maximize_over, "y"),
        ]


class VariationalInequality(AbstractStatement):
    """Find x in a set with <V(x), z - x> >= 0 for every z in it: an equilibrium, stated directly.

    **Arguments:**

    - `operator`: `V(x)` or `V(x, data)`, a pytree like x; or an `Expectation`.
    - `over`: the set; default unrestricted, where the answer is a zero of V.
    - `data`: a pytree of arrays.

    !!! example
        >>> VariationalInequality(lambda x: x - 1.0).describe()
        ['find a zero of <lambda>(x)']
    """

    operator: Function
    over: PyTree
    data: PyTree

    def __init__(self, operator: Function, over: PyTree = None, data: PyTree = None) -> None:
        self.operator = operator
        self.over = over
        self.data = data

    def lower(self, like: PyTree) -> System:
        term = bind(self.operator, like, self.data)
        shapes = jax.tree.map(lambda x: np.shape(x), like)
        if jax.tree.map(lambda x: x.shape, term.program.out) != shapes:
            raise TypeError(
                f"the operator must return a pytree of the structure and shapes of x ({shapes}), "
                f"but returns {term.program.out}."
            )
        return _system(GivenOperator(term), {}, self.over, like, self.data, (Block("x", "solve"),))

    def describe(self) -> list[str]:
        return [f"find a zero of {spell(self.operator)}", *conditions({}, self.over)]


class Balance(AbstractStatement):
    """Balance several objectives: find a Pareto-stationary point, keeping each one by name.

    **Arguments:**

    - `objectives`: functions `f(x)` or `f(x, data)` by name, each a scalar.
    - `subject_to`, `over`, `data`, `convex`: as for [`Minimize`][stationary.Minimize].

    **Raises:** `ValueError` when there are no objectives.

    !!! example
        >>> problem = Balance({"near 0": lambda x: x**2, "near 1": lambda x: (x - 1) ** 2})
        >>> problem.describe()[0]
        'balance near 0: <lambda>(x), near 1: <lambda>(x)'
    """

    objectives: dict[str, Function]
    subject_to: dict[str, Constraint]
    over: PyTree
    data: PyTree
    convex: bool = eqx.field(static=True)

    def __init__(
        self,
        objectives: Mapping[str, Function],
        subject_to: Mapping[str, Constraint] | None = None,
        over: PyTree = None,
        data: PyTree = None,
        *,
        convex: bool = False,
    ) -> None:
        if not objectives:
            raise ValueError("Balance needs at least one objective, by name: Balance({'a': f}).")
        self.objectives = dict(objectives)
        self.subject_to = _named_constraints(subject_to)
        self.over = over
        self.data = data
        self.convex = convex

    def lower(self, like: PyTree) -> System:
        terms = {
            name: scalar_term(fn, f"objective {name!r}", like, self.data)
            for name, fn in self.objectives.items()
        }
        return _system(
            CommonDescentOperator(terms),
            self.subject_to,
            self.over,
            like,
            self.data,
            (Block("x", "minimize"),),
        )

    def describe(self) -> list[str]:
        named = ", ".join(f"{name}: {spell(fn)}" for name, fn in self.objectives.items())
        return [f"balance {named}", *conditions(self.subject_to, self.over)]


class _OfPair(eqx.Module):
    """A function of `(x, y)` and perhaps data, as one of the pair."""

    fn: Callable

    def __call__(self, pair: tuple[PyTree, PyTree], data: PyTree) -> Any:
        return self.fn(*pair, data) if takes_data(self.fn, 2) else self.fn(*pair)


class _FirstOf(eqx.Module):
    """The value of a function that returns `(value, aux)`."""

    fn: Callable

    def __call__(self, x: PyTree, data: PyTree) -> Any:
        return (self.fn(x, data) if takes_data(self.fn) else self.fn(x))[0]


def _without_aux(fn: Function) -> Function:
    if isinstance(fn, Expectation):
        raise TypeError("has_aux is for functions; an Expectation has no single aux to return.")
    return _FirstOf(fn)


def _named_constraints(subject_to: Mapping[str, Constraint] | None) -> dict[str, Constraint]:
    for name, constraint in (subject_to or {}).items():
        if not isinstance(constraint, Constraint):
            raise TypeError(
                f"constraint {name!r} is {type(constraint).__name__}; make it with st.equal, "
                "st.at_most or st.in_cone, for example st.at_most(fn, 1.0)."
            )
    return dict(subject_to or {})


def scalar_term(fn: Function, what: str, like: PyTree, data: PyTree) -> Term:
    """Trace an objective, refusing anything but one real floating scalar."""
    term = bind(fn, like, data)
    out = term.program.out
    if not isinstance(out, jax.ShapeDtypeStruct) or out.shape != () or out.dtype.kind != "f":
        raise TypeError(
            f"{what} must return one real floating scalar, but {spell(fn)} returns {out}. Reduce "
            "it (sum, mean), use has_aux=True for extra outputs, or Balance for several objectives."
        )
    return term


def _system(operator, subject_to, over, like, data, blocks) -> System:
    # The functions' own constants keep their dtypes; bounds and sets follow the variable.
    dtype = working_dtype(like)
    constraints = {
        name: bind_constraint(name, constraint, like, data, dtype)
        for name, constraint in subject_to.items()
    }
    return System(operator, constraints, cast(as_product(over, like), dtype), blocks)


def spell(fn: Function, variables: tuple[str, ...] = ("x",)) -> str:
    """A function as a reader would write it: `"loss(x, data)"`."""
    if isinstance(fn, Expectation):
        return f"the mean of {spell(fn.fn, (*variables, 'sample'))}"
    name = getattr(fn, "__name__", type(fn).__name__)
    arguments = (*variables, "data") if takes_data(fn, len(variables)) else variables
    return f"{name}({', '.join(arguments)})"


def conditions(subject_to: dict[str, Constraint], over: PyTree, variable: str = "x") -> list[str]:
    """Constraints and set in words, a line each."""
    lines = []
    for name, constraint in subject_to.items():
        fn = constraint.fn.fn if isinstance(constraint.fn, Expectation) else constraint.fn
        own = getattr(fn, "__name__", type(fn).__name__)
        mean = "mean " if isinstance(constraint.fn, Expectation) else ""
        lines.append(f"subject to {name}: {mean}{own} {constraint.describe()}")
    if over is not None:
        parts, _ = jax.tree_util.tree_flatten_with_path(
            over, is_leaf=lambda s: isinstance(s, AbstractSet)
        )
        for path, leaf in parts:
            if isinstance(leaf, Euclidean):
                continue
            where = variable + jax.tree_util.keystr(path)
            lines.append(f"with {where} in {leaf.describe()}")
    return lines
