"""The experiment: validity of the kernel, and what maximum likelihood makes of it."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Measured, Measurements, Table
from stationary.multitask import (
    Coregionalization,
    InteractionKernel,
    SpectralMixture,
    SquaredExponential,
)

from ._data import LATENTS, STARTS, Score, alone, draw, models, score

SEEDS = 10


def measure(scale, seed, observe):
    """All claims; smoke leaves out the fits."""
    found = Measurements()
    rng = np.random.default_rng(seed)
    observe("validity")
    _validity(found, rng, 200 if scale != "smoke" else 60)
    observe("quadrature")
    found.values["cross-convolution"] = _quadrature()
    if scale == "smoke":
        return found
    _recovery(found, seed, observe)
    _transfer(found, seed, observe)
    return found


def _validity(found, rng, count):
    least, apart = np.inf, 0.0
    for k in range(count):
        latents, mixing, interaction = _random(rng, *FORMS[k % len(FORMS)])
        inputs = rng.uniform(-2, 2, (15, latents.dimension))
        tasks = rng.integers(0, mixing.shape[1], 15)
        identity = np.eye(len(mixing))
        kernels = (
            InteractionKernel(latents, mixing, interaction),
            InteractionKernel(latents, mixing, identity),
            Coregionalization(latents, mixing),
        )
        matrix, *parents = (np.asarray(_matrix(k, inputs, tasks)) for k in kernels)
        least = min(least, np.linalg.eigvalsh(matrix)[0] / np.trace(matrix))
        direct = sum(
            (a @ a.T)[np.ix_(tasks, tasks)] * np.asarray(part)
            for a, part in zip(mixing, _own(latents, inputs), strict=True)
        )
        errors = [np.max(np.abs(parent - direct)) for parent in parents]
        apart = max(apart, *(error / np.max(np.abs(direct)) for error in errors))
    found.values["valid"] = float(least)
    found.values["parent"] = float(apart)


@eqx.filter_jit
def _matrix(kernel, inputs, tasks):
    return kernel(inputs, tasks)


@eqx.filter_jit
def _own(latents, inputs):
    return [latents.covariance(i, i, inputs, inputs) for i in range(latents.count)]


FORMS = [(family, *sizes) for family in (True, False) for sizes in ((2, 3, 1, 1), (3, 2, 2, 3))]
"""Whether smooth, and how many latents, tasks, copies and dimensions."""


def _random(rng, smooth, count, tasks, copies, dimension):
    """Latents, a mixing and an interaction with random numbers in them."""
    shape = (count, dimension)
    if smooth:
        latents = SquaredExponential(rng.uniform(0.2, 3, shape))
    else:
        latents = SpectralMixture(
            rng.uniform(0.2, 3, count), rng.uniform(0.1, 2, shape), rng.uniform(0.05, 1, shape)
        )
    root = rng.normal(size=(count, rng.integers(1, 4)))
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    interaction = root @ root.T
    np.fill_diagonal(interaction, 1.0)
    return latents, rng.normal(size=(count, tasks, copies)), interaction


def _quadrature() -> float:
    from scipy.integrate import quad

    scales, middles, widths, weights = (
        np.array(pair) for pair in ((0.7, 1.9), (0.6, 0.9), (0.2, 0.35), (1.3, 0.4))
    )

    def smooth(s, i):
        return scales[i] * np.sqrt(2 * np.pi) * np.exp(-2 * (np.pi * scales[i] * s) ** 2)

    def wave(s, i):
        shape = np.exp(-((s - middles[i]) ** 2) / (2 * widths[i] ** 2))
        return weights[i] * shape / np.sqrt(2 * np.pi) / widths[i]

    worst = 0.0
    for density, latents in (
        (smooth, SquaredExponential(scales)),
        (wave, SpectralMixture(weights, middles, widths)),
    ):
        for lag in (0.0, 0.2, 0.5, 1.1, 2.3):

            def integrand(s, density=density, lag=lag):
                return np.sqrt(density(s, 0) * density(s, 1)) * np.cos(2 * np.pi * s * lag)

            expected = quad(integrand, -12, 12, limit=400, epsabs=1e-13, points=[0, 0.6, 0.9])[0]
            ours = latents.covariance(0, 1, jnp.array([[lag]]), jnp.zeros((1, 1)))[0, 0]
            worst = max(worst, abs(float(ours) - expected))
    return worst


def _recovery(found, seed, observe):
    scores: dict[tuple[str, str], list[Score]] = {}
    cases = {"with interaction": np.ones((LATENTS, LATENTS)), "without": np.eye(LATENTS)}
    for case, interaction in cases.items():
        for i in range(SEEDS):
            observe(f"data {case}, {i + 1} of {SEEDS}")
            rng = np.random.default_rng([seed, i])
            data = draw(rng, interaction, gap=False)
            for name, kernel in models(rng).items():
                scores.setdefault((case, name), []).append(score(kernel, data, seed))

    def gains(case):
        both = (
            np.array([s.density for s in scores[case, name]])
            for name in ("interaction", "coregionalization")
        )
        return np.subtract(*both)

    found.values["recovery"] = Measured.over(gains("with interaction"))
    found.values["no harm"] = Measured.over(gains("without"))
    strengths = [s.interaction for s in scores["without", "interaction"]]
    found.values["no false interaction"] = Measured.over(strengths)
    kept = [s.interaction for s in scores["with interaction", "interaction"]]
    found.notes.append(
        f"Fitted |C_12|: median {np.median(kept):.2f} on data with interaction (truth 1), "
        f"{np.median(strengths):.2f} on data without (truth 0). Median difference of the test "
        f"log likelihoods: {np.median(gains('with interaction')):.3f} with, "
        f"{np.median(gains('without')):.3f} without."
    )
    below = sum(
        ours.likelihood < theirs.likelihood
        for case in cases
        for ours, theirs in zip(
            *(scores[case, name] for name in ("interaction", "coregionalization")), strict=True
        )
    )
    found.notes.append(
        f"The interacting kernel contains its parent, but descent from {STARTS} starts "
        f"found a less likely fit than the parent's for {below} of {2 * SEEDS} data sets."
    )
    columns = ("data", "model", "negative log likelihood per point", "median", "|C_12|")
    rows = [
        (
            case, name, float(np.mean([s.density for s in each])),
            float(np.median([s.density for s in each])),
            float(np.mean([s.interaction for s in each])),
        )
        for (case, name), each in scores.items()
    ]  # fmt: skip
    found.tables[f"Fits to {SEEDS} data sets of each kind"] = Table(columns, tuple(rows))
    found.figures["Test log likelihood lost to the parent, by data set (below 0: gained)"] = (
        plot.scatter(
            {case: (np.arange(1, SEEDS + 1), gains(case)) for case in cases},
            title="Difference of negative log likelihoods, interaction less parent",
            x_label="data set",
            y_label="nats per point",
            standalone=True,
        )
    )


def _transfer(found, seed, observe):
    errors = {"interaction": [], "coregionalization": [], "alone": []}
    for i in range(SEEDS):
        observe(f"half of a task unseen, {i + 1} of {SEEDS}")
        rng = np.random.default_rng([seed, i, 1])
        data = draw(rng, np.ones((LATENTS, LATENTS)), gap=True)
        for name, kernel in models(rng).items():
            errors[name].append(score(kernel, data, seed).error)
        errors["alone"].append(alone(data, seed))
    ours, parent, single = (np.array(e) for e in errors.values())
    found.values["transfer"] = _ratio(ours, single)
    found.values["transfer against the parent"] = _ratio(ours, parent)
    columns = ("model", "mean", "median", "largest")
    found.tables["Squared error over variance on the unseen half of a task"] = Table(
        columns,
        tuple(
            (name, float(np.mean(e)), float(np.median(e)), float(np.max(e)))
            for name, e in errors.items()
        ),
    )


def _ratio(first, second) -> Measured:
    """The ratio of two means, with a jackknife's interval for it."""
    count = len(first)
    left = (first.sum() - first) / (second.sum() - second)
    whole = first.sum() / second.sum()
    return Measured.over(count * whole - (count - 1) * left)
