"""The experiments of paper 16: small problems, local rates, the merit, and what steps cost."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Measurements, Table
from stationary.methods import (
    AdaptiveAccuracy,
    ExactAugmentedLagrangian,
    LagrangeNewton,
    SketchProject,
)

from ._cost import costs
from ._exactness import Merit
from ._problems import named, problems
from ._walk import Walk, walkers

NINE = ("HS6", "HS7", "HS28", "HS40", "HS42", "HS48", "HS77", "HS78", "HS79")
KNOWN = (*NINE, "HS51", "HS52")
CURVED = ("HS7", "HS40", "HS42", "HS77", "HS78", "HS79")
QUADRATIC = ("HS28", "HS48", "HS51", "HS52")
SMALL = ("HS48", "HS77", "HS51", "HS52", "HS78", "HS79")
"""Two sizes, so that few programs are compiled."""
WEIGHTS = (100.0, 0.1)
STARTS = 20


def sketched(sketch: str = "gaussian", rate: str = "linear", start: float = 0.1):
    """Newton's method whose steps come from row actions, as accurate as `start` says."""
    # As an array, the accuracy does not ask for another program.
    accuracy = AdaptiveAccuracy(rate=rate, start=jnp.asarray(start))  # pyright: ignore
    return LagrangeNewton(ExactAugmentedLagrangian(), SketchProject(sketch), accuracy)


def measure(scale, seed, observe):
    """All claims; `smoke` looks at six of the problems, and at no regression."""
    found, laptop = Measurements(), scale == "laptop"
    key = jax.random.key(seed)
    chosen = problems() if laptop else named(*SMALL)
    by_name = walkers(chosen)
    names = [p.name for p in chosen]
    observe("exact steps")
    exact = {
        n: by_name[n](n, LagrangeNewton(ExactAugmentedLagrangian()), 1e-12, key) for n in names
    }
    exactly(found, exact, chosen)
    observe("row actions")
    sketches = {n: by_name[n](n, sketched(), 1e-4, key) for n in names}
    robust(found, exact, sketches, chosen)
    observe("local rates")
    rates(found, exact, by_name, [n for n in CURVED if n in names], key)
    observe("accuracy")
    accuracy(found, sketches, by_name, [n for n in KNOWN if n in names], key)
    observe("the merit")
    merits(found, exact, by_name, [n for n in KNOWN if n in names], laptop, seed)
    observe("costs")
    costs(found, sketched, laptop, seed)
    return found


def exactly(found, exact, chosen):
    """Exact steps: how many, and where they end."""
    optimum = {p.name: p.optimum for p in chosen}
    found.values["exact steps"] = max(_steps_to(exact[n], 1e-8) for n in NINE if n in exact)
    found.values["optimal values"] = max(
        abs(exact[n].objective - optimum[n]) / max(1.0, abs(optimum[n]))
        for n in KNOWN
        if n in exact
    )
    orders = {n: _order(exact[n].norms) for n in CURVED if n in exact}
    found.values["order"] = float(np.median(list(orders.values())))
    found.tables["Exact steps: order over the last three residuals above 1e-13"] = Table(
        ("problem", "steps to 1e-8", "order"),
        tuple((n, _steps_to(exact[n], 1e-8), order) for n, order in orders.items()),
    )


def robust(found, exact, sketches, chosen):
    """The share of problems that sketched steps solve."""
    good = {p.name: sketches[p.name].reached(1e-4) for p in chosen}
    found.values["robustness"] = sum(good.values()) / len(good)
    other = [
        p.name
        for p in chosen
        if good[p.name]
        and np.isfinite(p.optimum)
        and abs(sketches[p.name].objective - p.optimum) > 1e-2 * max(1.0, abs(p.optimum))
    ]
    found.tables["Gaussian row actions to |(grad L, c)| <= 1e-4, beside exact steps to 1e-8"] = (
        Table(
            (
                "problem",
                "unknowns",
                "rows",
                "exact steps",
                "sketched steps",
                "row actions",
                "residual",
            ),
            tuple(
                (
                    p.name,
                    p.x0.size,
                    sketches[p.name].y.size,
                    _steps_to(exact[p.name], 1e-8),
                    sketches[p.name].steps,
                    int(sketches[p.name].work[-1]),
                    float(sketches[p.name].norms[-1]),
                )
                for p in chosen
            ),
        )
    )
    found.notes += [
        f"{sum(good.values())} of {len(good)} problems are solved by sketched steps; not: "
        f"{', '.join(n for n, fine in good.items() if not fine) or 'none'}. At a stationary point "
        f"other than the known minimum: {', '.join(other) or 'none'}.",
        "Of the paper's 47 problems, the two bundle adjustments are made of measured data and are "
        "missing. BT6 and HS77 are the same problem.",
        "Accuracy is the practical mode: |r| <= 0.1 |b|, as the paper's own rule is so small that "
        "its floor decides. Steps start from least-squares multipliers.",
    ]


def rates(found, exact, by_name, names, key):
    """Residual ratios and step lengths near solutions."""
    linear = {n: by_name[n](n, sketched(), 1e-10, key) for n in names}
    faster = {n: by_name[n](n, sketched(rate="superlinear"), 1e-10, key) for n in names}
    last = {n: _ratios(w)[-5:] for n, w in linear.items()}
    found.values["linear rate"] = max(float(r.max()) for r in last.values())
    found.values["unit steps"] = min(float(w.lengths[-5:].min()) for w in linear.values())
    # Five steps earlier, or at the first step of a shorter run.
    falls = {n: float(_ratios(w)[-1] / _ratios(w)[-6:][0]) for n, w in faster.items()}
    found.values["superlinear rate"] = max(falls.values())
    found.tables["Local rates of sketched steps to 1e-10"] = Table(
        ("problem", "steps, fixed share", "largest of last five ratios", "steps, falling share",
         "last ratio / that five steps before"),
        tuple((n, linear[n].steps, float(last[n].max()), faster[n].steps, falls[n]) for n in names),
    )  # fmt: skip
    shown = "HS77"
    found.figures[f"{shown}: residual by steps of three accuracies"] = plot.line(
        {
            "exact": _line(exact[shown].norms),
            "share falls": _line(faster[shown].norms),
            "share 0.1": _line(linear[shown].norms),
        },
        title="Residual by steps",
        x_label="steps",
        y_label="|(grad L, c)|",
        y_scale="log",
        standalone=True,
    )


def accuracy(found, sketches, by_name, names, key):
    """Row actions at an accuracy that adapts, against those at 1e-8."""
    fixed = {n: by_name[n](n, sketched(start=1e-8), 1e-4, key) for n in names}
    rows = [
        (n, int(sketches[n].work[-1]), int(fixed[n].work[-1]), sketches[n].steps, fixed[n].steps)
        for n in names
    ]
    for claim, kind in (("adaptive accuracy", False), ("adaptive, quadratic", True)):
        part = [r for r in rows if (r[0] in QUADRATIC) == kind]
        found.values[claim] = sum(r[1] for r in part) / sum(r[2] for r in part)
    found.tables["Row actions to 1e-4 by the accuracy of steps"] = Table(
        ("problem", "adaptive", "fixed at 1e-8", "steps", "steps, fixed"), tuple(rows)
    )
    found.figures["Row actions to 1e-4: adaptive accuracy against a fixed one"] = plot.bars(
        {
            f"{name}, {kind}": float(count)
            for name, adaptive, strict, *_ in rows
            for kind, count in (("adaptive", adaptive), ("1e-8", strict))
        },
        title="Row actions by the accuracy of steps",
        x_label="row actions",
        x_scale="log",
        width_=560,
        standalone=True,
    )


def merits(found, exact, by_name, names, laptop, seed):
    """The merit at solutions, and where unconstrained minimisation of it ends."""
    merit = {w: Merit(w) for w in {by_name[n] for n in names}}
    tried = ((1.0, 0.1), (10.0, 0.1), WEIGHTS, (1000.0, 0.01)) if laptop else (WEIGHTS,)
    slopes, ends = [], {weights: [] for weights in tried}
    for n in names:
        at, rng = merit[by_name[n]], np.random.default_rng(seed)
        solution = np.concatenate([exact[n].x, exact[n].y])
        slopes.append(float(np.linalg.norm(at.value(n, WEIGHTS, solution)[1])))
        x0 = at.problems[n][1].x0
        starts = x0 + rng.normal(size=(STARTS, x0.size))
        for weights in tried:
            ends[weights].append([at.minimised(n, weights, start).residual for start in starts])
    shares = {w: np.mean(np.array(found_) <= 1e-4, axis=1) for w, found_ in ends.items()}
    found.values["slope at solutions"] = max(slopes)
    found.values["merit minimised"] = float(shares[WEIGHTS].mean())
    found.tables[f"Share of {STARTS} minimisations of the merit that end at a KKT point"] = Table(
        ("eta1", "eta2", *names), tuple((*w, *map(float, s)) for w, s in shares.items())
    )
    found.notes.append(
        f"BFGS starts {STARTS} times at the collection's start plus standard normal noise, with "
        "multipliers of zero. What does not end at a KKT point runs away to minus infinity: the "
        "merit is bounded below only where constraint gradients stay independent, and under the "
        "method's first weights (1, 0.1) it is often not even that near solutions."
    )


def _steps_to(walk: Walk, tol: float) -> float:
    """Steps until the residual is at most tol; infinite if it never is."""
    good = np.flatnonzero(walk.norms <= tol)
    return int(good[0]) if good.size else np.inf


def _ratios(walk: Walk) -> np.ndarray:
    return walk.norms[1:] / walk.norms[:-1]


def _order(norms: np.ndarray) -> float:
    """The order of convergence over the last three residuals that rounding leaves alone."""
    clear = norms[: np.flatnonzero(norms > 1e-13)[-1] + 1]
    if clear.size < 3:
        return float("nan")
    (first, second) = (np.log(b / a) for a, b in itertools.pairwise(clear[-3:]))
    return float(second / first)


def _line(norms: np.ndarray):
    return np.arange(norms.size), norms
