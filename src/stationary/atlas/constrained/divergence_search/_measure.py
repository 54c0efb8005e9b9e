"""The experiments of paper 30: the criterion, its ravines, and searches along Newton's steps."""

import jax
import numpy as np

from stationary.atlas import Measured, Measurements
from stationary.methods import DivergenceCriterion, ExactAugmentedLagrangian, GradientNorm

from . import _criterion as criterion
from . import _pictures as pictures
from ._problems import circle, himmelblau, hs7, stationary_points, valley, valley_on_circle
from ._search import STEPS, compare, starts

FULL, GRID, GOLDEN, ZIGZAG, NORM, EXACT = (
    "full steps",
    "grid search",
    "golden sections",
    "reconstructed zigzag",
    "gradient norm",
    "augmented Lagrangian",
)


def measure(scale, seed, observe):
    """All claims; `smoke` has fewer starts, problems and methods, and coarser grids."""
    found = Measurements()
    laptop = scale == "laptop"
    observe("the criterion")
    rng = np.random.default_rng(seed)
    looked = criterion.on_constrained_problems(rng, 2000 if laptop else 200, 200 if laptop else 50)
    found.values["zero"] = looked.at
    found.values["elsewhere"] = looked.undefined
    found.values["divergence"] = looked.apart
    found.values["quadratics"] = criterion.of_quadratics(rng, 20)
    found.values["powers"] = criterion.of_powers()
    found.values["invariance"] = criterion.under_linear_changes(rng, 100)
    observe("ravines")
    ravines(found, rng, laptop)
    searches(found, laptop, seed, observe)
    return found


def ravines(found, rng, laptop):
    """Zero curves through the stationary points of three functions."""
    lengths, shared = [], 0
    for view in pictures.views(stationary_points(himmelblau, rng.uniform(-5, 5, (400, 2)))):
        traced = view.trace(200 if laptop else 100)
        curves = traced.through(view.places)
        lengths += [traced.lengths[c] if c >= 0 else 0.0 for c in curves]
        shared += sum(curves.count(c) > 1 for c in curves if c >= 0)
        found.figures[view.caption] = pictures.draw(view, traced, laptop and view.paths)
    found.values["ravines"] = min(lengths)
    found.values["linked"] = shared / len(lengths)
    found.notes.append(
        "Where the Hessian is singular tau has poles, so the curves are traced "
        "as zeros of (tau - 1) det H, and changes of sign through infinity are left out."
    )


def searches(found, laptop, seed, observe):
    """Newton's method from many starts, by what decides how far to go."""
    merits = {FULL: None, GRID: DivergenceCriterion(), NORM: GradientNorm()}
    examples = (circle, himmelblau, valley)
    batches, count = 4, 100
    if laptop:
        merits[GOLDEN] = DivergenceCriterion("golden")
        merits[ZIGZAG] = DivergenceCriterion("reconstructed zigzag")
        merits[EXACT] = ExactAugmentedLagrangian()
        examples = (circle, valley_on_circle, hs7, himmelblau, valley)
        batches, count = 5, 400
    runs = {}
    for i, example in enumerate(examples):
        observe(f"searches on {example.name}")
        key = jax.random.fold_in(jax.random.key(seed), i)
        runs[example.name] = compare(example, merits, starts(example, key, batches * count))

    def shares(name, method):
        return runs[name][method].solved.reshape(batches, count).mean(axis=1)

    def worst(method, names):
        return Measured.over(min((shares(n, method) for n in names), key=np.mean))

    others = [name for name in runs if name != valley.name]
    found.values["search"] = worst(GRID, others)
    found.values["valley"] = worst(GRID, [valley.name])
    found.values["full steps"] = worst(FULL, runs)
    found.values["no gain"] = Measured.over(
        min((_ratios(runs[n][GRID], runs[n][FULL], batches) for n in runs), key=np.mean)
    )
    found.values["gradient norm"] = Measured.over(
        min((shares(n, NORM) - shares(n, GRID) for n in runs), key=np.mean)
    )
    if laptop:
        found.values["zigzag"] = worst(ZIGZAG, runs)
        found.notes.append(_zigzag(runs))
    found.tables.update(pictures.tables(runs, merits))
    found.figures[f"Share of starts solved, by iterations, over {len(runs)} problems"] = (
        pictures.profile(runs, merits, STEPS)
    )
    found.notes.append(
        f"{batches} batches of {count} starts per problem, uniform in [-3, 3] for unknowns and "
        f"multipliers; solved means that the Lagrangian's gradient fell to 1e-8 within {STEPS} "
        "iterations. An iteration of the grid search evaluates third derivatives at eight points; "
        "one of full steps evaluates none. Grid search, golden sections and the reconstructed "
        "zigzag are DivergenceCriterion's; the others are full Newton steps without the library, "
        "and the merits GradientNorm and ExactAugmentedLagrangian."
    )


def _zigzag(runs):
    """What the reconstructed zigzag owes to its full steps."""

    def mean(name, method):
        taken = runs[name][method]
        return taken.iterations[taken.solved].mean()

    fewer = [name for name in runs if mean(name, ZIGZAG) < mean(name, FULL)]
    where = f"{len(fewer)} of {len(runs)} problems ({', '.join(fewer)})" if fewer else "no problem"
    return (
        "The paper's zigzag procedure was not available to us. The reconstructed one goes to the "
        "least of the criterion along a step, by golden sections, and then as far along the next "
        "step as the criterion stays below 1, which is often all the way: every second step is "
        f"nearly Newton's own. On average it takes fewer iterations than full steps on {where}."
    )


def _ratios(one, two, batches):
    """Mean iterations of `one` over those of `two`, by batch, from starts that both solve."""
    both = (one.solved & two.solved).reshape(batches, -1)
    ours, theirs = (r.iterations.reshape(batches, -1) for r in (one, two))
    return (ours * both).sum(axis=1) / (theirs * both).sum(axis=1)
