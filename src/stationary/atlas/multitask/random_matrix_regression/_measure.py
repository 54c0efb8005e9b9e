"""The experiment: theory against simulations, and against validation on forecasts."""

import jax
import numpy as np

from stationary import plot
from stationary.atlas import Measured, Measurements, Table
from stationary.multitask import (
    Population,
    Sample,
    asymptotic_risk,
    choose_regularization,
    multitask_ridge,
)

from ._forecasting import compare
from ._simulation import (
    COUNTS,
    DIMENSION,
    GAMMA,
    LAMBDA,
    NOISE,
    UNIT,
    distance,
    example,
    risks,
    sample,
    simulated_by_lambda,
)

STEP = 1.5
DRAWS, SERIES = 30, 10
"""What fits into five minutes on two cores, chosen before the results were looked at."""


def measure(scale, seed, observe):
    """All claims; smoke leaves out those that descend on theory, and has fewer draws."""
    found, laptop = Measurements(), scale != "smoke"
    observe("the closed form")
    rng = np.random.default_rng(seed)
    found.values["closed form"] = max(_closed_form(rng) for _ in range(20 if laptop else 2))
    observe("theory and simulations")
    _theory(found, jax.random.key(seed), 200 if laptop else 60)
    observe("the best sharing")
    ratios = (0.5, 1.5, 2.5) if laptop else (0.5, 2.5)  # each has a program of its own
    _best_sharing(found, jax.random.key(seed + 1), 80 if laptop else 40, ratios)
    if laptop:
        observe("negative transfer")
        _negative_transfer(found)
        observe("regularization from samples")
        _from_samples(found, jax.random.key(seed + 2))
        observe("forecasts")
        _forecasts(found, seed)
    return found


def _closed_form(rng) -> float:
    """The distance from the direct solution of one random problem."""
    tasks, d = rng.integers(1, 5), rng.integers(2, 12)
    which = np.repeat(np.arange(tasks), rng.integers(1, 15, tasks))
    shared, own = rng.lognormal(), rng.lognormal(size=tasks)
    x, y = rng.normal(size=(len(which), d)), rng.normal(size=len(which))
    rows = np.zeros((len(which), tasks + 1, d))
    rows[:, 0] = rows[np.arange(len(which)), which + 1] = x
    penalty = np.diag(1 / np.sqrt(np.repeat([shared, *own], d)))
    stacked = np.vstack([rows.reshape(len(which), -1), penalty])
    target = np.concatenate([y, np.zeros(len(penalty))])
    direct = np.linalg.lstsq(stacked, target, rcond=None)[0].reshape(tasks + 1, d)
    fitted = jax.jit(lambda x, y, *at: multitask_ridge(x, y, which, *at).weights)
    weights = np.asarray(fitted(x, y, shared, own))
    return float(np.max(np.abs(weights - direct[0] - direct[1:])) / np.max(np.abs(weights)))


def _theory(found, key, trials):
    tasks, at = example(), (LAMBDA * UNIT, GAMMA * UNIT)
    theory = asymptotic_risk(tasks.population(COUNTS), *at)
    rows = [("theory", *theory.test.tolist(), *theory.train.tolist())]
    apart = {}
    for name in ("normal", "signs", "uniform"):
        key, own = jax.random.split(key)
        test, train = risks(own, tasks, COUNTS, *at, trials, name)
        apart[name] = max(distance(theory.test, test), distance(theory.train, train))
        means = np.concatenate([np.asarray(risk).mean(0) for risk in (test, train)])
        rows.append((name, *means.tolist()))
    found.values["theory"] = apart["normal"]
    found.values["universality"] = max(apart["signs"], apart["uniform"])
    columns = ("inputs", "test, task 1", "test, task 2", "training, task 1", "training, task 2")
    found.tables[f"Risks in theory, and their means over {trials} draws"] = Table(
        columns, tuple(rows)
    )
    silent, _ = risks(key, example(noise=np.zeros(2)), COUNTS, *at, trials)
    parts = [distance(theory.signal, silent)]
    for task in range(2):
        one = example(noise=np.where(np.arange(2) == task, NOISE, 0))
        # The same inputs: what is left of the difference is the noise's own share.
        loud, _ = risks(key, one, COUNTS, *at, trials)
        parts.append(distance(theory.signal + theory.noise_from[:, task], loud))
    found.values["split"] = max(parts)


def _best_sharing(found, key, trials, ratios):
    """Test risk by lambda, in theory and simulated, by samples per feature."""
    tasks, own = example(), np.full(2, 0.5) * UNIT
    grid = STEP ** np.arange(-10.0, 13)
    curves, steps = {}, []
    for ratio in ratios:
        counts = np.full(2, int(ratio * DIMENSION))
        model = tasks.population(counts)
        expected = np.array(
            [float(np.mean(asymptotic_risk(model, x, own).test)) for x in grid * UNIT]
        )
        draws = np.asarray(simulated_by_lambda(key, tasks, counts, grid * UNIT, own, trials))
        mean, error = draws.mean(1), 2 * draws.std(1) / trials**0.5
        steps.append(abs(int(np.argmin(expected)) - int(np.argmin(mean))))
        curves[f"theory, n/d = {ratio}"] = (grid, expected)
        curves[f"simulated, n/d = {ratio}"] = (grid, mean, mean - error, mean + error)
    found.values["best sharing"] = max(steps)
    found.figures["Test risk by lambda, mean of two tasks: theory and simulations"] = plot.line(
        curves,
        title="Test risk by lambda, in theory and simulated",
        x_label="lambda",
        y_label="test risk",
        x_scale="log",
        standalone=True,
    )


def _negative_transfer(found):
    model = example().population(np.full(2, int(2.5 * DIMENSION)))
    chosen = choose_regularization(model)
    pooled = [
        float(np.mean(asymptotic_risk(model, shared, 1e-9 * UNIT).test))
        for shared in np.geomspace(1e-2, 1e4, 25) * UNIT
    ]
    found.values["negative transfer"] = min(pooled) / float(np.mean(chosen.risk.test))


def _from_samples(found, key):
    tasks = example()
    population: Population = tasks.population(COUNTS)
    best = np.mean(choose_regularization(population).risk.prediction)
    ratios = []
    for each in jax.random.split(key, DRAWS):
        chosen = choose_regularization(Sample(*sample(each, tasks, COUNTS)))
        there = asymptotic_risk(population, chosen.shared, chosen.own)
        ratios.append(float(np.mean(there.prediction) / best))
    found.values["from samples"] = Measured.over(ratios)


def _forecasts(found, seed):
    results = [compare(np.random.default_rng([seed, i])) for i in range(SERIES)]
    names = list(results[0])
    errors = {name: np.array([r[name] for r in results]) for name in names}
    validated = errors["multi-task, validated"]
    found.values["forecast"] = Measured.over(validated / errors["independent, validated"])
    found.values["tuned by theory"] = Measured.over(errors["multi-task, by theory"] / validated)
    columns = ("forecaster", *(f"series {i + 1}" for i in range(len(results))))
    found.tables["Mean squared errors of forecasts, in variances of the channels"] = Table(
        columns, tuple((name, *(float(e) for e in errors[name])) for name in names)
    )
