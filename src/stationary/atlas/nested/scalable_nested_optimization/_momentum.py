"""Momentum with a complex coefficient on linear games."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from stationary import plot
from stationary.atlas import Table
from stationary.methods import complex_momentum, lyapunov_exponents

GAMES = {
    "opposed": jnp.array([[0.0, 1.0], [-1.0, 0.0]]),
    "helping": jnp.array([[1.0]]),
}
"""The derivative of each game's operator: f = xy, and one objective x^2/2 for all."""

KNOWN = {
    ("opposed", 0.0): 1.198286,
    ("opposed", 0.125): 1.052984,
    ("opposed", 0.25): 0.991177,
    ("opposed", 0.5): 0.998789,
    ("opposed", 1.0): 1.000073,
    ("helping", 0.0): 0.948683,
    ("helping", 0.5): 0.947434,
}
"""Growth per step worked out beforehand, by game and phase over pi, at step 0.1, modulus 0.9."""


def step_of(field, rate, modulus, phase):
    """One step of the rule as a map of unknown and state."""
    rule: Any = complex_momentum(rate, modulus, phase)

    def step(z):
        x, state = z
        move, state = rule.update(field @ x, state)
        return x + move, state

    origin = jnp.zeros(len(field))
    return step, (origin, rule.init(origin))


@jax.jit
def growth(field, phases):
    """Growth per step at each phase, along runs of 100 000 steps."""

    def one(phase):
        step, start = step_of(field, 0.1, 0.9, phase)
        # The map is linear, so it has one derivative; its runs from elsewhere may overflow.
        return jnp.exp(lyapunov_exponents(step, start, 100_000)[0])

    return jax.vmap(one)(phases)


def radii(field, settings):
    """The spectral radius of a step at each (rate, modulus, phase), from the step's derivative."""
    matrices = np.asarray(_matrices(field, jnp.asarray(settings)))
    return np.abs(np.linalg.eigvals(matrices)).max(axis=1)


@jax.jit
def _matrices(field, settings):
    n = len(field)

    def matrix(setting):
        step, (_, state) = step_of(field, *setting)
        begun: Any = state

        def flat(v):
            buffer = jax.lax.complex(v[:n], v[n : 2 * n])
            after: Any
            x, after = step((v[2 * n :], begun._replace(buffer=buffer)))
            return jnp.concatenate([after.buffer.real, after.buffer.imag, x])

        return jax.jacfwd(flat)(jnp.zeros(3 * n))

    return jax.vmap(matrix)(settings)


def best_setting(zooms):
    """The smallest spectral radius where players oppose one another, and (rate, modulus, phase)."""
    low, high = np.array([0.02, 0.0, 0.0]), np.array([1.2, 0.98, np.pi])
    size, best = np.inf, low
    for _ in range(1 + zooms):
        axes = [np.linspace(*ends, 21) for ends in zip(low, high, strict=True)]
        grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 3)
        sizes = radii(GAMES["opposed"], grid)
        if sizes.min() < size:
            size, best = float(sizes.min()), grid[np.argmin(sizes)]
        reach = (high - low) / 10
        low = np.maximum(best - reach, [1e-3, 0.0, 0.0])
        high = np.minimum(best + reach, [2.0, 0.999, np.pi])
    return size, best


def momentum(found, scale, _seed):
    """Complex momentum where players oppose one another, and where they help."""
    rows = []
    for name, field in GAMES.items():
        known = {phase: rate for (game, phase), rate in KNOWN.items() if game == name}
        simulated = np.asarray(growth(field, np.pi * np.array(list(known))))
        rows += zip([name] * len(known), known, simulated.tolist(), known.values(), strict=True)
    found.values["complex momentum radii"] = max(abs(row[2] - row[3]) for row in rows)
    found.tables["Growth per step at step size 0.1 and modulus 0.9"] = Table(
        ("players", "phase over pi", "simulated", "expected"),
        tuple((*row[:2], *(f"{rate:.6f}" for rate in row[2:])) for row in rows),
    )

    size, best = best_setting(zooms=2 if scale == "smoke" else 4)
    found.values["best coefficient"] = size
    found.notes.append(
        f"Best coefficient: step {best[0]:.4g}, modulus {best[1]:.4g} and phase "
        f"{best[2] / np.pi:.4g} pi, of a grid of 21 values each, refined around its best."
    )
    real = np.stack(
        np.meshgrid(np.linspace(0.02, 2, 100), np.linspace(0, 0.99, 100), [0.0, np.pi]), axis=-1
    ).reshape(-1, 3)
    found.values["real coefficients"] = float(radii(GAMES["opposed"], real).min())
    shown = np.linspace(0, 1, 101)
    curves = {}
    for name, field in GAMES.items():
        curve = radii(field, [[0.1, 0.9, np.pi * phase] for phase in shown])
        curves[f"players {name}"] = (shown, curve)
    middle = len(shown) // 2  # phase pi / 2
    found.values["one phase for both"] = float(max(curve[middle] for _, curve in curves.values()))
    found.figures["Growth per step by the phase of the coefficient, modulus 0.9, step 0.1"] = (
        plot.line(
            {**curves, "no change": (shown, np.ones(101))},
            title="Growth per step by phase",
            x_label="phase over pi",
            y_label="spectral radius",
            standalone=True,
        )
    )
