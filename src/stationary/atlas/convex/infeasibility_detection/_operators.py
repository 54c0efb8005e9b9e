"""Nonexpansive operators without a fixed point, whose displacement is known in closed form."""

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

ANGLE = 0.3


class Isometry(eqx.Module):
    """x -> R x + t with R orthogonal: every nonexpansive affine operator's worst behaviour."""

    turn: jax.Array
    move: jax.Array

    def __call__(self, x):
        return self.turn @ x + self.move


class Known(NamedTuple):
    """An operator with its displacement v, a start, and the start's distance from attaining v."""

    operator: Isometry
    v: jax.Array
    x0: jax.Array
    distance: float


def random_isometry(rng, planes=8, lines=3) -> Known:
    """Rotations of planes beside translations of lines, in a random orthonormal basis."""
    size = 2 * planes + lines
    basis, _ = np.linalg.qr(rng.normal(size=(size, size)))
    blocks = np.eye(size)
    for i, angle in enumerate(np.exp(rng.uniform(np.log(1e-3), np.log(np.pi), planes))):
        c, s = np.cos(angle), np.sin(angle)
        blocks[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, -s], [s, c]]
    centre, move = rng.normal(size=size), np.zeros(size)
    move[2 * planes :] = rng.normal(size=lines)
    turn = basis @ blocks @ basis.T
    v = -basis @ move
    # x - T x = (I - R)(x - centre) + v, which is v where x - centre has no part in the planes.
    shift = centre - turn @ centre - v
    x0 = rng.normal(size=size)
    off = float(np.linalg.norm((basis.T @ (x0 - centre))[: 2 * planes]))
    return Known(
        Isometry(jnp.asarray(turn), jnp.asarray(shift)), jnp.asarray(v), jnp.asarray(x0), off
    )


def one_turn() -> Known:
    """One plane turned by 0.3 and one line moved by -1, from (1, 0, 0)."""
    c, s = np.cos(ANGLE), np.sin(ANGLE)
    turn = jnp.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    move = jnp.array([0.0, 0.0, -1.0])
    return Known(Isometry(turn, move), -move, jnp.array([1.0, 0.0, 0.0]), 1.0)


class Averaged(eqx.Module):
    """(1 - theta) x + theta T x."""

    operator: Isometry
    theta: float

    def __call__(self, x):
        return x + self.theta * (self.operator(x) - x)


def slow_turns(planes=60) -> Known:
    """Planes turned by every order of angle from 0.001 on, equally weighted, and one line moved."""
    angles = np.geomspace(1e-3, np.pi, planes)
    size = 2 * planes + 1
    turn, move = np.eye(size), np.zeros(size)
    for i, angle in enumerate(angles):
        c, s = np.cos(angle), np.sin(angle)
        turn[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = [[c, -s], [s, c]]
    move[-1] = -1.0
    x0 = np.zeros(size)
    x0[:-1:2] = planes**-0.5
    return Known(
        Isometry(jnp.asarray(turn), jnp.asarray(move)), -jnp.asarray(move), jnp.asarray(x0), 1.0
    )


def bound(k: np.ndarray) -> np.ndarray:
    """The paper's bound of the displacement's error after k steps, per unit of distance."""
    harmonic = np.cumsum(1 / np.arange(1, k[-1] + 1))[k - 1]
    return (np.sqrt(harmonic + 12) + 1) / (k + 1)
