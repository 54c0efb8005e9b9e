"""Functions of three tasks, drawn from a kernel, and what two models make of them."""

from typing import NamedTuple

import numpy as np

from stationary.multitask import (
    Coregionalization,
    InteractionKernel,
    SquaredExponential,
    fit_kernel,
    posterior,
)

# Chosen before any fit was looked at: 40 observations a task and ten data sets are what was wanted;
# descent converges in 120 to 370 steps, and four starts of it fit into five minutes on two cores.
TASKS, LATENTS, SEEN = 3, 2, 40
SCALES = np.array([0.5, 1.5])
NOISE = 0.05**2
"""Variance of the noise, where functions have a variance of about 2."""
STARTS, STEPS = 4, 400


class Data(NamedTuple):
    """Observations of all tasks, of which a part is kept for testing."""

    inputs: np.ndarray
    outputs: np.ndarray
    tasks: np.ndarray
    train: np.ndarray

    def part(self, which: np.ndarray):
        """Inputs, outputs and tasks of some of the observations."""
        return self.inputs[which], self.outputs[which], self.tasks[which]


def draw(rng, interaction, gap: bool) -> Data:
    """Twice as many points as are seen, at random in [0, 10].

    **Arguments:**

    - `interaction`: C of the kernel that functions are drawn from.
    - `gap`: whether the points not seen are the second half of the last task, instead of every
        second point of all.
    """
    count = 2 * SEEN
    mixing = rng.normal(size=(LATENTS, TASKS, 1))
    kernel = InteractionKernel(SquaredExponential(SCALES), mixing, interaction)
    inputs = np.sort(rng.uniform(0, 10, (TASKS, count)), axis=1).reshape(-1, 1)
    tasks = np.repeat(np.arange(TASKS), count)
    covariance = np.asarray(kernel(inputs, tasks)) + 1e-9 * np.eye(len(tasks))
    outputs = np.linalg.cholesky(covariance) @ rng.normal(size=len(tasks))
    outputs = outputs + NOISE**0.5 * rng.normal(size=len(tasks))
    train = rng.permuted(np.tile(np.arange(count) < SEEN, (TASKS, 1)), axis=1).ravel()
    if gap:
        # As many are seen in all, so that both experiments share their compiled programs.
        last = np.flatnonzero(tasks == TASKS - 1)
        train[last] = np.arange(count) < SEEN
    return Data(inputs, outputs, tasks, train)


def models(rng):
    """The interacting kernel and its parent, from one start away from the truth."""
    latents = SquaredExponential(1.3 * SCALES)
    mixing = rng.normal(size=(LATENTS, TASKS, 1))
    some = np.array([[1.0, 0.3], [0.3, 1.0]])
    return {
        "interaction": InteractionKernel(latents, mixing, some),
        "coregionalization": Coregionalization(latents, mixing),
    }


class Score(NamedTuple):
    """How well a fitted model predicts what it has not seen."""

    density: float
    """Negative log likelihood per point."""
    error: float
    """Mean squared error over the variance of the points."""
    interaction: float
    """|C_12|."""
    likelihood: float
    """The logarithm of that of what was seen."""


def score(kernel, data: Data, seed: int) -> Score:
    """Fit a kernel, and predict what was not seen."""
    fit = fit_kernel(
        kernel, 0.1, *data.part(data.train), starts=STARTS, spread=1.0, seed=seed,
        max_steps=STEPS, tol=1e-4,
    )  # fmt: skip
    inputs, outputs, tasks = data.part(~data.train)
    found = posterior(fit.kernel, fit.noise, *data.part(data.train))
    mean, variance = (np.asarray(x) for x in found.predict(inputs, tasks))
    variance = variance + fit.noise[tasks]
    densities = 0.5 * np.log(2 * np.pi * variance) + 0.5 * (outputs - mean) ** 2 / variance
    chosen = tasks == TASKS - 1
    error = np.mean((outputs - mean)[chosen] ** 2) / np.var(outputs[chosen])
    c = fit.kernel.interaction  # pyright: ignore[reportAttributeAccessIssue]
    strength = abs(float(c[0, 1])) if len(c) > 1 else 0.0
    return Score(float(np.mean(densities)), float(error), strength, fit.log_likelihood)


def alone(data: Data, seed: int) -> float:
    """The squared error of a process for the last task that sees no other."""
    own = data.tasks == TASKS - 1
    single = Data(data.inputs[own], data.outputs[own], data.tasks[own] * 0, data.train[own])
    kernel = Coregionalization(SquaredExponential(np.ones(1)), np.ones((1, 1, 1)))
    fit = fit_kernel(kernel, 0.1, *single.part(single.train), starts=3, seed=seed, max_steps=STEPS)
    inputs, outputs, tasks = single.part(~single.train)
    mean, _ = posterior(fit.kernel, fit.noise, *single.part(single.train)).predict(inputs, tasks)
    return float(np.mean((outputs - np.asarray(mean)) ** 2) / np.var(outputs))
