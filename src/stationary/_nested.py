"""One problem inside another: the lower one's answer is an argument of the upper one."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from ._constraints import Constraint, bind_constraint
from ._dtypes import cast, working_dtype
from ._functions import Expectation, takes_data
from ._nested_operators import Pair, Parts
from ._responses import KKT, AbstractResponse
from ._statements import (
    AbstractStatement,
    Function,
    Minimize,
    conditions,
    scalar_term,
    spell,
)
from ._system import Block, System
from .sets import as_product


class Nested(AbstractStatement):
    """Minimise F(x, y) over x, where y minimises g(x, .): a bilevel problem.

    **Arguments:**

    - `upper`: F, as a function `F(x, y)` or `F(x, y, data)`; or a `Minimize` of such functions,
        whose `over` is the set of x and whose constraints are functions of x and y.
    - `lower`: g, likewise; its `over` is the set of y, its constraints restrict y.
    - `response`: how the upper problem sees the lower answer: `KKT()` (default), `Implicit()`,
        `Unrolled(steps)` or `ValueFunction(penalty)`.
    - `data`: a pytree of arrays, for both.

    Start a solve with `x0=(x, y)`. The solution's value begins with x and y.

    !!! example
        >>> import jax.numpy as jnp, stationary as st
        >>> problem = st.Nested(
        ...     upper=lambda x, y: (x - 1.0) ** 2 + y**2, lower=lambda x, y: (y - x) ** 2
        ... )
        >>> solution = st.solve(problem, (jnp.array(0.0), jnp.array(0.0)))
        >>> [round(float(v), 4) for v in solution.value]
        [0.5, 0.5]
    """

    leader: Minimize
    follower: Minimize
    response: AbstractResponse
    data: PyTree

    def __init__(
        self,
        upper: Function | Minimize,
        lower: Function | Minimize,
        response: AbstractResponse | None = None,
        data: PyTree = None,
    ) -> None:
        self.leader = _as_statement(upper, "upper")
        self.follower = _as_statement(lower, "lower")
        self.response = KKT() if response is None else response
        self.data = data

    def embed(self, x0: PyTree) -> PyTree:
        if not (isinstance(x0, tuple) and len(x0) >= 2):
            raise TypeError(
                "a Nested problem's unknown is the pair (x, y): pass x0=(x, y), "
                f"got {type(x0).__name__}."
            )
        return x0 if len(x0) > 2 else self.response.embed(self, *x0)

    def lower(self, like: PyTree) -> System:
        like = self.embed(like)
        x, y, *_ = like
        dtype = working_dtype(like)
        unknown = (self.leader.over, self.follower.over, *[None] * (len(like) - 2))
        space = cast(as_product(unknown, like), dtype)
        parts = Parts(
            pair=Pair(
                scalar_term(_of_pair(self.leader), "the upper objective", (x, y), self.data),
                scalar_term(_of_pair(self.follower), "the lower objective", (x, y), self.data),
            ),
            signs=(_sign(self.leader), _sign(self.follower)),
            space=cast(as_product(self.follower.over, y), dtype),
            follower=self.follower_at(x, y),
        )
        constraints = {
            name: bind_constraint(name, _constraint_of_pair(c), like, self.data, dtype)
            for name, c in self.leader.subject_to.items()
        }
        constraints |= self.response.constraints(parts, like, self.data)
        blocks = (Block("x", "minimize"), Block("y", "minimize"))
        return System(self.response.operator(parts), constraints, space, blocks)

    def follower_at(self, x: PyTree, y: PyTree) -> System:
        """The lower problem alone: a system in y, whose data are the pair (x, data)."""
        constraints = {
            name: eqx.tree_at(lambda c: c.fn, c, _GivenUpper(_plain(c.fn)))
            for name, c in self.follower.subject_to.items()
        }
        statement = Minimize(
            _GivenUpper(_plain(self.follower.objective)),
            constraints,
            self.follower.over,
            (x, self.data),
            flipped=self.follower.flipped,
        )
        return statement.lower(y)

    def describe(self) -> list[str]:
        return [
            *_level(self.leader, "over x"),
            "where y is the answer to",
            *[f"  {line}" for line in _level(self.follower, "over y")],
            f"upper sees lower through {self.response}",
        ]


class _FirstTwo(eqx.Module):
    """`fn(x, y)` or `fn(x, y, data)` on an unknown that begins with the pair (x, y)."""

    fn: Callable

    def __call__(self, unknown: tuple, data: PyTree) -> Any:
        x, y = unknown[:2]
        return self.fn(x, y, data) if takes_data(self.fn, 2) else self.fn(x, y)


class _GivenUpper(eqx.Module):
    """A function of (x, y) as one of y, with data `(x, data)`."""

    fn: Callable

    def __call__(self, y: PyTree, data: tuple[PyTree, PyTree]) -> Any:
        x, own = data
        return self.fn(x, y, own) if takes_data(self.fn, 2) else self.fn(x, y)


def _plain(fn: Function) -> Callable:
    if isinstance(fn, Expectation):
        raise TypeError(
            "response=KKT() and constraints of the lower problem need plain functions of all the "
            "data; for an Expectation use response=st.Implicit() or st.ValueFunction()."
        )
    return fn


def _of_pair(level: Minimize) -> Function:
    fn = level.objective
    return fn if isinstance(fn, Expectation) else _FirstTwo(fn)


def _constraint_of_pair(constraint: Constraint) -> Constraint:
    return eqx.tree_at(lambda c: c.fn, constraint, _FirstTwo(_plain(constraint.fn)))


def _sign(level: Minimize) -> float:
    return -1.0 if level.flipped else 1.0


def _level(level: Minimize, where: str) -> list[str]:
    verb = "maximise" if level.flipped else "minimise"
    return [
        f"{verb} {where}: {spell(level.objective, ('x', 'y'))}",
        *conditions(level.subject_to, level.over, where[-1]),
    ]


def _as_statement(level: Function | Minimize, name: str) -> Minimize:
    if isinstance(level, Minimize):
        if level.data is not None:
            raise TypeError(f"the {name} problem has data of its own; pass data to Nested instead.")
        return level
    return Minimize(level)
