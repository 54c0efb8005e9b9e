"""The levels of a nested problem: what each may be, as functions of the pair (x, y)."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import PyTree

from ._constraints import Constraint
from ._functions import Expectation, Term, takes_data
from ._statements import (
    Balance,
    Function,
    Minimize,
    Saddle,
    conditions,
    scalar_term,
    spell,
)

Leader = Minimize | Balance | Saddle


class FirstTwo(eqx.Module):
    """`fn(x, y)` or `fn(x, y, data)` on an unknown that begins with the pair (x, y)."""

    fn: Callable

    def __call__(self, unknown: tuple, data: PyTree) -> Any:
        x, y = unknown[:2]
        return self.fn(x, y, data) if takes_data(self.fn, 2) else self.fn(x, y)


class Players(eqx.Module):
    """`fn(u, v, y)` or `fn(u, v, y, data)` as a function of x = (u, v), y and data."""

    fn: Callable

    def __call__(self, x: tuple, y: PyTree, data: PyTree) -> Any:
        return self.fn(*x, y, data) if takes_data(self.fn, 3) else self.fn(*x, y)


def as_leader(level: Function | Leader) -> Leader:
    """The upper level as a statement.

    **Raises:** `TypeError` when it has data of its own.
    """
    if not isinstance(level, Minimize | Balance | Saddle):
        return Minimize(level)
    _refuse_data(level, "upper")
    return level


def as_follower(level: Function | Minimize) -> Minimize:
    """The lower level as a statement.

    **Raises:** `TypeError` when it has data of its own, or is no minimisation.
    """
    if isinstance(level, Balance | Saddle):
        raise TypeError(
            f"the lower problem is a {type(level).__name__}, but must be one objective or a "
            "Minimize. State the equilibrium of several players as a VariationalInequality."
        )
    if not isinstance(level, Minimize):
        return Minimize(level)
    _refuse_data(level, "lower")
    return level


def _refuse_data(level: Leader, name: str) -> None:
    if level.data is not None:
        raise TypeError(f"the {name} problem has data of its own; pass data to Nested instead.")


def objectives(level: Leader) -> dict[str, Function]:
    """The objectives by name, each a function of `(x, y)`, and data, or an `Expectation`."""
    if isinstance(level, Balance):
        return level.objectives
    fn = level.objective
    if isinstance(level, Saddle) and not isinstance(fn, Expectation):
        fn = Players(fn)
    return {"upper": fn}


def terms(level: Leader, what: str, pair: tuple, data: PyTree) -> dict[str, Term]:
    """The objectives in compiled form, functions of the pair."""
    found = {}
    for name, fn in objectives(level).items():
        own = fn if isinstance(fn, Expectation) else FirstTwo(fn)
        called = what if len(objectives(level)) == 1 else f"{what} {name!r}"
        found[name] = scalar_term(own, called, pair, data)
    return found


def constraints(level: Leader) -> dict[str, Constraint]:
    """The constraints by name, functions of an unknown that begins with the pair."""
    stated = {} if isinstance(level, Saddle) else level.subject_to
    return {
        name: eqx.tree_at(lambda c: c.fn, c, FirstTwo(_plain(c.fn))) for name, c in stated.items()
    }


def over(level: Leader) -> PyTree:
    """The set of the level's own variable."""
    if isinstance(level, Saddle):
        return (level.minimize_over, level.maximize_over)
    return level.over


def sign(level: Leader) -> float:
    """-1 for a level that is maximised."""
    return -1.0 if isinstance(level, Minimize) and level.flipped else 1.0


def describe(level: Leader, variable: str) -> list[str]:
    """The level in words, a line per part."""
    if isinstance(level, Saddle):
        return [
            "minimise over x[0], maximise over x[1]: "
            + spell(level.objective, ("x[0]", "x[1]", "y")),
            *conditions({}, over(level), variable),
        ]
    if isinstance(level, Balance):
        named = [f"{n}: {spell(fn, ('x', 'y'))}" for n, fn in level.objectives.items()]
        return [
            f"balance over {variable}: {', '.join(named)}",
            *conditions(level.subject_to, level.over, variable),
        ]
    verb = "maximise" if level.flipped else "minimise"
    return [
        f"{verb} over {variable}: {spell(level.objective, ('x', 'y'))}",
        *conditions(level.subject_to, level.over, variable),
    ]


def _plain(fn: Function) -> Callable:
    if isinstance(fn, Expectation):
        raise TypeError(
            "constraints of a nested problem are plain functions of all the data, not an "
            "Expectation; pass the data to Nested."
        )
    return fn
