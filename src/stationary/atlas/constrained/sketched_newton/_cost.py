"""Row actions against a Krylov method, on a control problem and on logistic regression."""

import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Table
from stationary.methods import AdaptiveAccuracy, ExactAugmentedLagrangian, LagrangeNewton

from ._control import control
from ._minres import Minres
from ._regression import regression
from ._walk import Walk, Walker

KINDS = ("MINRES", "Gaussian", "Kaczmarz")
BLOCK = 32
"""Vectors of a block sketch, of the 41 equations of the regression's Newton systems."""


def costs(found, sketched, laptop, key, seed):
    """The control problem at either scale, and the regression, which takes millions of actions."""
    rows, errors = [], []
    for points in (3, 6) if laptop else (3,):
        problem, answer = control(points)
        kinds = KINDS if laptop else ("Kaczmarz",)
        walks = _walks(Walker([problem]), problem.name, sketched, 1e-6, key, kinds)
        rows += [_row(problem.name, kind, walk) for kind, walk in walks.items()]
        errors += [
            np.max(np.abs(np.concatenate([walk.x, walk.y]) - answer)) / np.max(np.abs(answer))
            for walk in walks.values()
        ]
    found.values["control"] = float(max(errors))
    if laptop:
        problem = regression(seed)
        kinds = (*KINDS, "Gaussian blocks")
        walks = _walks(Walker([problem]), problem.name, sketched, 1e-4, key, kinds)
        rows += [_row(problem.name, kind, walk) for kind, walk in walks.items()]
        spent = {kind: _products(kind, walk)[-1] for kind, walk in walks.items()}
        best = min(count for kind, count in spent.items() if kind != "MINRES")
        found.values["krylov"] = float(best / spent["MINRES"])
        found.figures["Logistic regression: residual by products with the matrix"] = plot.line(
            {kind: (1 + _products(kind, walk), walk.norms) for kind, walk in walks.items()},
            title="Residual by products with the matrix",
            x_label="1 + products with the KKT matrix",
            y_label="|(grad L, c)|",
            x_scale="log",
            y_scale="log",
            standalone=True,
        )
        found.notes.append(
            "Regression: the 569 tumours of scikit-learn with 30 columns stand in for the paper's "
            "sets; A x = b has ten random rows that do not contradict |x| = 1."
        )
    found.tables["Inner solvers under one accuracy rule, |r| <= 0.1 |b|"] = Table(
        ("problem", "solver", "steps", "inner iterations", "products", "residual"), tuple(rows)
    )
    found.notes.append(
        "Products: a product of the KKT matrix with a vector, or as many row actions of Kaczmarz "
        "as it has rows. A Gaussian action takes one for its row, a block of 32 takes 32. Looks at "
        "the residual, one after each Gaussian action and one per sweep of Kaczmarz, and what "
        "blocks spend on factors, are left out in the sketches' favour."
    )


def _walks(walker: Walker, name: str, sketched, tol: float, key, kinds) -> dict[str, Walk]:
    accuracy = AdaptiveAccuracy(rate="linear", start=jnp.asarray(0.1))
    methods = {
        "MINRES": LagrangeNewton(ExactAugmentedLagrangian(), Minres(), accuracy),
        "Gaussian": sketched("gaussian"),
        "Kaczmarz": sketched("kaczmarz"),
        "Gaussian blocks": sketched(BLOCK),
    }
    return {kind: walker(name, methods[kind], tol, key) for kind in kinds}


def _products(kind: str, walk: Walk) -> np.ndarray:
    size = walk.x.size + walk.y.size
    return walk.work * {"Kaczmarz": 1 / size, "Gaussian blocks": BLOCK}.get(kind, 1)


def _row(name: str, kind: str, walk: Walk):
    products = float(_products(kind, walk)[-1])
    return name, kind, walk.steps, int(walk.work[-1]), products, float(walk.norms[-1])
