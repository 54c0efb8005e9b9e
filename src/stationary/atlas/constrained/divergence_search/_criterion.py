"""What the criterion is at known points: each number is the worst of many."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stationary.methods import newton_divergence

from ._problems import CONSTRAINED, Example, himmelblau, in_chunks, stationary_points, valley


class Found(NamedTuple):
    """The worst over five problems.

    **Arguments:**

    - `at`: the largest (tau - 1)^2 at stationary points.
    - `undefined`: nodes of a grid at which that is negative or not finite.
    - `apart`: the largest distance between tau and the trace of the field's Jacobian at random
        points, over the Jacobian's size.
    - `count`: stationary points.
    """

    at: float
    undefined: int
    apart: float
    count: int


def on_constrained_problems(rng: np.random.Generator, starts: int, nodes: int) -> Found:
    """tau at stationary points, on a grid, and at random points."""
    largest, wrong, apart, count = 0.0, 0, 0.0, 0
    side = np.linspace(-3, 3, nodes)
    grid = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    for example in CONSTRAINED:
        points = stationary_points(example, rng.uniform(-3, 3, (starts, example.size)))
        plane = np.column_stack([grid, np.full(len(grid), points[0, 2])])
        scattered = rng.uniform(-3, 3, (200, example.size))
        tau, distance = _look(example, np.concatenate([points, plane, scattered]))
        criterion = (tau - 1) ** 2
        around = criterion[len(points) : len(points) + len(plane)]
        largest = max(largest, float(np.max(criterion[: len(points)])))
        wrong += int(np.sum(~(np.isfinite(around) & (around >= 0))))
        apart = max(apart, float(np.max(distance[-len(scattered) :])))
        count += len(points)
    return Found(largest, wrong, apart, count)


def of_quadratics(rng: np.random.Generator, count: int) -> float:
    """The largest |tau - 1| for quadratics with linear constraints."""
    n, m = 6, 3

    def lagrangian(z, half, slope, rows):
        x, y = z[:n], z[n:]
        return x @ (half + half.T) @ x / 2 + slope @ x + y @ (rows @ x - 1)

    @jax.jit
    @jax.vmap
    def tau(z, half, slope, rows):
        return newton_divergence(lambda at: lagrangian(at, half, slope, rows))(z)

    draws = (rng.normal(size=(count, *shape)) for shape in ((n + m,), (n, n), (n,), (m, n)))
    return float(np.max(np.abs(tau(*map(jnp.asarray, draws)) - 1)))


def of_powers() -> float:
    """The largest error for x^p, whose tau is 1/(p - 1)."""
    x, p = jnp.meshgrid(jnp.linspace(0.1, 3.0, 30), jnp.arange(3.0, 9.0))

    @jax.jit
    @jax.vmap
    def tau(x, p):
        return newton_divergence(lambda x: x**p)(x)

    return float(jnp.max(jnp.abs(tau(x.ravel(), p.ravel()) - 1 / (p.ravel() - 1))))


def under_linear_changes(rng: np.random.Generator, count: int) -> float:
    """The largest change of tau when z = S w, over the size of the field's Jacobian at z."""
    found = []
    for example in (valley, himmelblau):
        z = jnp.asarray(rng.uniform(-3, 3, (count, 2)))
        # Rotations with stretches between 1/3 and 3 are far from singular.
        turns = np.linalg.qr(rng.normal(size=(2, count, 2, 2)))[0]
        stretch = np.exp(rng.uniform(-np.log(3), np.log(3), (count, 1, 2)))
        matrices = jnp.asarray((turns[0] * stretch) @ turns[1])
        scales = jnp.asarray(rng.choice([-1, 1], count) * np.exp(rng.normal(size=count)))

        def moved(z, matrix, scale, example=example):
            w = jnp.linalg.solve(matrix, z)
            return newton_divergence(lambda w: scale * example.lagrangian(matrix @ w))(w)

        @jax.jit
        @jax.vmap
        def change(z, matrix, scale, moved=moved, example=example):
            size = jnp.linalg.norm(jax.jacfwd(example.newton_step)(z))
            return jnp.abs(moved(z, matrix, scale) - example.divergence(z)) / size

        found.append(float(jnp.max(change(z, matrices, scales))))
    return max(found)


def _look(example: Example, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """tau, and its distance to the trace of the field's Jacobian over the Jacobian's size."""

    def look(z):
        tau, jacobian = example.divergence(z), jax.jacfwd(example.newton_step)(z)
        distance = jnp.abs(tau + jnp.trace(jacobian) / example.size)
        return jnp.stack([tau, distance / jnp.linalg.norm(jacobian)])

    tau, distance = in_chunks(look)(z).T
    return tau, distance
