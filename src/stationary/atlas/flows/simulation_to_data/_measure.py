"""The experiments of paper 36: damping, limits against weights, and toy diphoton events."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Measured, Measurements, Table

from ._balance import constrained, rotations, weighted
from ._events import FEATURES, mass, sample
from ._flow import calibrate, exactness


def measure(scale, seed, observe):
    """All claims; `smoke` leaves out the events and stops the small problems earlier."""
    found = Measurements()
    laptop = scale == "laptop"
    observe("damping")
    damping(found)
    observe("limits and weights")
    limits(found, seed, 3000 if laptop else 1000)
    observe("exactness of the flow")
    found.values["flow"] = max(exactness(jax.random.key(seed)))
    if laptop:
        events(found, seed, observe)
    return found


def damping(found):
    """Overshoot and divergence, against the roots of s^2 + (c +- 1) s + 1."""
    values = (0.0, 0.3, 0.6, 0.9, 1.1, 1.5, 2.0, 4.0)
    convex = rotations(values, concave=False, steps=20_000)
    concave = np.abs(rotations(values, concave=True, steps=40_000))
    wrong, paths = 0, {}
    for c, path, distance in zip(values, convex, concave, strict=True):
        wrong += (path.max() > 1e-6) != (c < 1)
        grows = not distance[-10_000:].max() < distance[5_000:15_000].max()
        wrong += grows != (c <= 1)
        if c in (0.0, 0.6, 1.1, 4.0):
            paths[f"damping {c:g}"] = (np.arange(20_000)[::100] / 1000, 1 + path[::100])
    found.values["damping"] = float(wrong)
    found.figures["Descent-ascent on f = x^2/2 under x = 1, by damping"] = plot.line(
        paths, title="Damped descent-ascent", x_label="time", y_label="x", standalone=True
    )


def limits(found, seed, steps):
    """The same cloud moved under four limits, and with nine weights."""
    key = jax.random.key(seed)
    levels = jnp.array([0.03, 0.1, 0.2, 3.0])
    weights = jnp.logspace(-2, 2, 9)
    cost, apart, multiplier = jax.jit(jax.vmap(lambda level: constrained(key, level, steps)))(
        levels
    )
    costs, reached = jax.jit(jax.vmap(lambda weight: weighted(key, weight, steps)))(weights)
    levels, cost, apart, multiplier, costs, reached = map(
        np.asarray, (levels, cost, apart, multiplier, costs, reached)
    )
    active = levels < 1
    found.values["limit"] = float(np.max(np.abs(apart / levels - 1)[active]))
    found.values["loose limit"] = float(multiplier[~active].max())
    best = [np.min(costs[reached <= 1.05 * level]) for level in levels[active]]
    found.values["one setting"] = float(np.max(cost[active] / best))
    found.tables["The least move under a limit on MMD^2"] = Table(
        ("limit", "MMD^2", "cost", "multiplier", "cost with the best fixed weight"),
        tuple(
            (float(e), float(m), float(c), float(d), float(b))
            for e, m, c, d, b in zip(levels, apart, cost, multiplier, [*best, 0.0], strict=True)
        ),
    )
    found.figures["Cost of the move against the discrepancy that is left"] = plot.scatter(
        {"fixed weights": (reached, costs), "limits": (apart[active], cost[active])},
        title="Weights and limits",
        x_label="MMD^2",
        y_label="mean squared move",
        standalone=True,
    )
    found.notes.append(
        "Weights and limits trace the same curve, but a limit says where on it to stop. At a "
        "solution the multiplier is the weight that would have led there."
    )


def events(found, seed, observe, count=20_000, seeds=3, steps=1500):
    """Toy diphoton events, simulated and real, and a flow between them."""
    from scipy.stats import ks_2samp

    def distance(one, two):
        test: Any = ks_2samp(one, two)
        return test.statistic

    def apart(one, two):
        """KS distances of the features, the worst correlation, KS distance of the mass."""
        marginal = [distance(a, b) for a, b in zip(one.T, two.T, strict=True)]
        wrong = np.abs(np.corrcoef(one.T) - np.corrcoef(two.T)).max()
        return np.array(marginal), wrong, distance(mass(one), mass(two))

    kept: dict[str, list[float]] = {"marginals": [], "correlations": [], "mass": []}
    baseline, rows = [], []
    for i in range(seeds):
        observe(f"diphoton events, seed {seed + i}")
        keys = jax.random.split(jax.random.key(seed + i), 5)
        simulated, fresh = (np.asarray(sample(k, count, False)) for k in keys[:2])
        real, other = (np.asarray(sample(k, count, True)) for k in keys[2:4])
        centre, spread = real.mean(0), real.std(0)
        simulated, real, inputs = ((a - centre) / spread for a in (simulated, real, fresh))
        with jax.enable_x64(False):
            answer = calibrate(simulated, real, inputs, keys[4], steps)
        moved = centre + spread * answer.moved
        halves, _, mass_halves = apart(other[: count // 2], other[count // 2 :])
        marginal, wrong, masses = apart(moved, other)
        before, wrong_before, masses_before = apart(fresh, other)
        kept["marginals"].append(marginal.max() / halves.mean())
        kept["correlations"].append(wrong)
        kept["mass"].append(masses / mass_halves)
        baseline.append(
            min(
                before.max() / halves.mean() / 2,
                wrong_before / 0.02,
                masses_before / mass_halves / 3,
            )
        )
        rows.append((seed + i, answer.level, answer.multiplier, *marginal, masses, wrong))
    for claim, samples in kept.items():
        found.values[claim] = Measured.over(samples)
    found.values["baseline"] = Measured.over(baseline)
    names = tuple(f"KS {name}" for name in FEATURES)
    found.tables[f"Events after the move (halves of the data: KS {halves.mean():.4f})"] = Table(
        ("seed", "limit on MMD^2", "multiplier", *names, "KS mass", "worst correlation"),
        tuple(tuple(float(x) for x in row) for row in rows),
    )
    edges = np.linspace(80, 165, 60)
    drawn = {"real": other, "simulated": fresh, "moved": moved}
    found.figures["Invariant mass of the two photons, never trained on"] = plot.line(
        {n: (edges[:-1], np.histogram(mass(e), edges)[0]) for n, e in drawn.items()},
        title="Invariant mass before and after the move",
        x_label="mass (GeV)",
        y_label="events",
        step=True,
        standalone=True,
    )
    found.notes += [
        f"{count} simulated and as many real toy events of two massless photons, unpaired; tested "
        "on as many that were not trained on. The simulation has scales, a beam spot, resolutions "
        "and correlations wrong. The flow is FlowJAX's masked autoregressive one.",
        "The objective is the mean squared move and the discrepancy the constraint: a likelihood "
        "with conditions paired at random would fit the real distribution and forget the event.",
        "The limit is the 95 % quantile of MMD^2 between two halves of the real sample.",
    ]
