"""Forecasts of many channels: linear models that learn from one another, tuned without validation.

    python examples/forecasting.py           # errors by how much is shared, and forecasting.png

Seven sites record an hourly load. Each gets a linear forecaster of its next twelve hours, all of
them near a common one. How near is chosen by gradient descent on what random-matrix theory says
the error will be: every window is trained on, none is held out. The last part of the series, which
nothing here has seen, shows what that was worth. (Theory is for independent samples. These windows
overlap, which makes its promise too low, but not its choice bad.)
"""

import sys

import jax
import numpy as np

from stationary.multitask import (
    Sample,
    asymptotic_risk,
    choose_regularization,
    multitask_ridge,
)

SITES = 7
BACK, AHEAD, EVERY = 48, 12, 3
"""Hours that a forecaster sees, that it forecasts, and between two windows."""
TINY = 1e-9
"""As good as zero, for what is not to be shared or not to differ."""
SEEN = 600
"""Hours to learn from; fewer windows than that, for 48 weights a site and hour ahead."""


def loads(seed=0, length=3000):
    """Hourly loads, shape (length, sites): days of different shape, weather, local weather."""
    random = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(length) / 24
    weather = persistent(random, 0.95, length)
    values = np.zeros((length, SITES))
    for site in range(SITES):
        late, double = random.uniform(0, 2 * np.pi), random.uniform(-1, 1)
        local = persistent(random, random.uniform(0.1, 0.95), length)
        values[:, site] = np.sin(angle - late) + double * np.sin(2 * angle) + weather + 2 * local
    return (values - values[:SEEN].mean(0)) / values[:SEEN].std(0)


def persistent(random, kept, length):
    """Noise that keeps a part of itself from hour to hour."""
    values = np.zeros(length)
    for t in range(1, length):
        values[t] = kept * values[t - 1] + 0.3 * random.normal()
    return values


def windows(values):
    """What a forecaster sees, what follows, both less the last value seen, and whose it is."""
    starts = np.arange(0, len(values) - BACK - AHEAD + 1, EVERY)
    rows = values[starts[:, None] + np.arange(BACK + AHEAD)]
    rows = np.moveaxis(rows - rows[:, BACK - 1 : BACK], 2, 0).reshape(-1, BACK + AHEAD)
    return rows[:, :BACK], rows[:, BACK:], np.repeat(np.arange(SITES), len(starts))


def errors(fit, part):
    """Mean squared error of each site."""
    inputs, outputs, sites = part
    squares = np.mean((np.asarray(fit.predict(inputs, sites)) - outputs) ** 2, axis=1)
    return np.bincount(sites, squares) / np.bincount(sites)


def forecasters(train):
    """Three kinds of forecasters, each at the strengths for which theory promises the least error.

    **Returns:** them by name, and what tuning found.
    """
    sample, strengths = Sample(*train), np.geomspace(1e-4, 10, 11)

    def promise(shared, own):
        return float(np.mean(asymptotic_risk(sample, shared, own).prediction))

    alone = min(strengths, key=lambda strength: promise(TINY, strength))
    common = min(strengths, key=lambda strength: promise(strength, TINY))
    chosen = choose_regularization(sample)
    pairs = {
        "each alone": (TINY, alone),
        "one for all": (common, TINY),
        "near a common one": (chosen.shared, chosen.own),
    }
    return {name: multitask_ridge(*train, *pair) for name, pair in pairs.items()}, chosen


def draw(path, values, found, fit):
    """Errors by site, and a forecast."""
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for k, (name, each) in enumerate(found.items()):
        left.bar(np.arange(SITES) + 0.27 * (k - 1), each, 0.25, label=name)
    highest = 1.2 * max(each.max() for each in found.values())
    left.set(xlabel="site", ylabel="mean squared error", title="On hours that nobody has seen")
    left.set_ylim(0, highest)
    left.legend(ncols=len(found), loc="upper center")
    start = SEEN + 200
    past, future = values[start : start + BACK, 0], values[start + BACK : start + BACK + AHEAD, 0]
    forecast = past[-1] + np.asarray(fit.predict((past - past[-1])[None], 0))[0]
    ahead = np.arange(BACK, BACK + AHEAD)
    right.plot(np.arange(BACK), past, color="0.5", label="seen")
    right.plot(ahead, future, ":", color="0.2", label="came")
    right.plot(ahead, forecast, color="#0068b0", label="forecast")
    right.set(xlabel="hour", ylabel="load", title="Site 0")
    right.legend()
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def main(path="forecasting.png"):
    """Tune by theory, compare with sharing nothing and everything, and draw."""
    jax.config.update("jax_enable_x64", True)
    values = loads()
    train, test = windows(values[:SEEN]), windows(values[SEEN:])
    fits, chosen = forecasters(train)
    found = {name: errors(fit, test) for name, fit in fits.items()}
    print(f"{len(train[0]) // SITES} windows a site; tuning {chosen.solution.status.word}")
    for name, each in found.items():
        print(f"{name}: mean squared error {each.mean():.3f}")
    draw(path, values, found, fits["near a common one"])
    return found


if __name__ == "__main__":
    main(*sys.argv[1:2])
