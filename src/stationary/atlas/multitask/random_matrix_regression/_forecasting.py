"""Forecasts of seven channels: a generated series, windows of it, and three ways to tune."""

import numpy as np

from stationary.multitask import Sample, choose_regularization, multitask_ridge

CHANNELS = 7
BACK, AHEAD, EVERY = 96, 24, 4
LENGTHS = (600, 600, 2000)
"""Of the parts to fit on, to tune on, and to test on."""
GRID = 10.0 ** np.arange(-2.0, 1.5, 0.5)


def series(rng, length: int) -> np.ndarray:
    """A stable vector autoregression around a season that all channels share, each in its way.

    **Returns:** shape `(length, 7)`, every channel with mean 0 and variance 1.
    """
    time = np.arange(length)
    season = np.zeros(length)
    for period in (24, 12, 168):
        season += np.cos(2 * np.pi * time / period + rng.uniform(0, 2 * np.pi))
    transition = 0.6 * np.eye(CHANNELS) + 0.05 * rng.normal(size=(CHANNELS, CHANNELS))
    transition *= 0.85 / max(0.85, np.max(np.abs(np.linalg.eigvals(transition))))
    state = np.zeros((length, CHANNELS))
    shocks = rng.normal(size=(length, CHANNELS)) + 0.5 * rng.normal(size=(length, 1))
    for t in range(1, length):
        state[t] = transition @ state[t - 1] + shocks[t]
    mixed = state + season[:, None] * rng.uniform(0.7, 1.3, CHANNELS)
    return (mixed - mixed.mean(0)) / mixed.std(0)


def windows(values: np.ndarray, back: int, ahead: int, every: int):
    """Windows of every channel, and what came after, both less the window's last value.

    **Returns:** inputs, outputs and the channel of each row.
    """
    starts = np.arange(0, len(values) - back - ahead + 1, every)
    rows = values[starts[:, None] + np.arange(back + ahead)]  # starts x time x channels
    rows = np.moveaxis(rows - rows[:, back - 1 : back], 2, 0).reshape(-1, back + ahead)
    channels = np.repeat(np.arange(values.shape[1]), len(starts))
    return rows[:, :back], rows[:, back:], channels


def error(fit, part) -> float:
    """The mean squared error of a fit on windows."""
    inputs, outputs, channels = part
    return float(np.mean((np.asarray(fit.predict(inputs, channels)) - outputs) ** 2))


def compare(rng) -> dict[str, float]:
    """Test errors of ridge heads on one series, by how they share and how they are tuned."""
    values = series(rng, sum(LENGTHS))
    parts = np.split(values, np.cumsum(LENGTHS)[:-1])
    train, tune, test = (windows(part, BACK, AHEAD, EVERY) for part in parts)
    scale = 1 / np.mean(np.sum(train[0] ** 2, axis=1))

    def best(pairs):
        fits = [multitask_ridge(*train, scale * a, scale * b) for a, b in pairs]
        return fits[int(np.argmin([error(fit, tune) for fit in fits]))]

    alone = best([(1e-9, b) for b in GRID])
    together = best([(a, b) for a in GRID for b in (1e-9, *(0.1 * GRID[::2]))])
    chosen = choose_regularization(Sample(*train))
    theory = multitask_ridge(*train, chosen.shared, chosen.own)
    return {
        "independent, validated": error(alone, test),
        "multi-task, validated": error(together, test),
        "multi-task, by theory": error(theory, test),
        "last value": float(np.mean(test[1] ** 2)),
    }
