"""Ravines with stationary points and paths, and how fast methods are."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Table
from stationary.methods import DivergenceCriterion

from ._problems import Example, circle, himmelblau, valley
from ._ravines import Ravines, trace
from ._search import Runs, path

USUAL_START = (-1.2, 1.0)
"""The usual start in Rosenbrock's valley."""


class View(NamedTuple):
    """A window onto a plane in the space of unknowns and multipliers.

    **Arguments:**

    - `into`: from the plane's two coordinates to z.
    - `places`: the stationary points in those coordinates, a row each.
    - `paths`: whether to draw what searches do from the usual start.
    """

    caption: str
    example: Example
    into: Callable[[Any], Any]
    across: tuple[float, float]
    up: tuple[float, float]
    labels: tuple[str, str]
    places: np.ndarray
    paths: bool = False

    def trace(self, count: int) -> Ravines:
        """The zero curves of tau - 1; the factor det H leaves them, and lessens poles."""

        def height(p):
            z = self.into(p)
            scale = jnp.linalg.det(jax.hessian(self.example.lagrangian)(z))
            return (self.example.divergence(z) - 1) * scale

        return trace(height, self.across, self.up, count)


def views(found: np.ndarray) -> tuple[View, ...]:
    """Circle, Rosenbrock and Himmelblau, whose stationary points were `found`."""
    return (
        View(
            "Ravines of x + y on a circle, in the plane x = y",
            circle,
            lambda p: jnp.array([p[0], p[0], p[1]]),
            (-2.5, 2.5),
            (-2.0, 2.0),
            ("x = y", "multiplier"),
            np.array([[1.0, -0.5], [-1.0, 0.5]]),
        ),
        View(
            "Ravine of Rosenbrock's function, and searches from (-1.2, 1)",
            valley,
            lambda p: p,
            (-2.0, 2.0),
            (-3.5, 3.0),
            ("x", "y"),
            np.array([[1.0, 1.0]]),
            paths=True,
        ),
        View(
            "Ravines of Himmelblau's function",
            himmelblau,
            lambda p: p,
            (-5.0, 5.0),
            (-5.0, 5.0),
            ("x", "y"),
            found,
        ),
    )


def draw(view: View, traced: Ravines, paths: bool) -> str:
    """Zero curves, paths and stationary points."""
    x, y = traced.polylines()
    drawn = [plot.Series("ravines", x, y)]
    if paths:
        begin = jnp.asarray(USUAL_START)
        searches = {"full steps": None, "grid": DivergenceCriterion()}
        searches["our zigzag"] = DivergenceCriterion("reconstructed zigzag")
        walks = jax.jit(lambda z: {n: path(view.example, m, z) for n, m in searches.items()})(begin)
        for name, walk in walks.items():
            walked = np.array(walk)
            inside = np.all((walked >= [view.across[0], view.up[0]])
                            & (walked <= [view.across[1], view.up[1]]), axis=1)  # fmt: skip
            walked[~inside] = np.nan
            drawn.append(plot.Series(name, walked[:, 0], walked[:, 1]))
    places = np.asarray(view.places, float)
    drawn.append(plot.Series("stationary", places[:, 0], places[:, 1], "dots"))
    return plot.Chart(drawn, view.caption, "", view.labels[0], view.labels[1], size=(560, 400)).svg(
        standalone=True
    )


def profile(runs: dict[str, dict[str, Runs]], methods: Iterable[str], steps: int) -> str:
    """The share of all starts on all problems that are solved within so many iterations."""
    within = np.arange(steps + 1)
    curves = {}
    for method in methods:
        taken = np.concatenate(
            [np.where(r[method].solved, r[method].iterations, np.inf) for r in runs.values()]
        )
        curves[method] = (within, np.mean(taken[:, None] <= within, axis=0))
    return plot.line(
        curves,
        title="Share of starts solved against iterations",
        x_label="iterations",
        y_label="share of starts solved",
        size=(560, 300),
        standalone=True,
    )


def tables(runs: dict[str, dict[str, Runs]], methods: Iterable[str]) -> dict[str, Table]:
    """Shares solved and mean iterations, a row per problem."""
    columns = ("problem", *methods)

    def rows(number: Callable[[Runs], float]):
        return tuple((name, *(number(r[m]) for m in columns[1:])) for name, r in runs.items())

    return {
        "Share of starts solved": Table(columns, rows(lambda r: float(r.solved.mean()))),
        "Mean iterations from the starts that a method solves": Table(
            columns,
            rows(lambda r: float(r.iterations[r.solved].mean()) if r.solved.any() else np.nan),
        ),
    }
