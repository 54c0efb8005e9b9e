"""Control of Poisson's equation on a square: a quadratic programme with a known answer."""

import jax.numpy as jnp
import numpy as np

from ._form import Problem

_SHIFT = 0.1 / np.sqrt(15)


def control(points: int) -> tuple[Problem, np.ndarray]:
    """Minimise (|W - target|^2 + 0.1 |Z|^2) / 2 subject to (five-point Laplacian of W) + Z = 0.

    W and Z live on `points`^2 inner points of (-1, 1)^2; W is zero on the boundary. The start is
    all ones, as in the paper.

    Returns the problem, and (x, y) that satisfy its optimality conditions, by a dense solve.
    """
    h = 2 / (points + 1)
    n = points**2
    centred = np.arange(1, points + 1) - (points + 1) / 2
    waves = np.sin(4 + _SHIFT * centred)[:, None] + np.cos(3 + _SHIFT * centred)[None, :]
    target = waves.ravel()
    line = np.eye(points, k=1) + np.eye(points, k=-1) - 2 * np.eye(points)
    laplacian = (np.kron(line, np.eye(points)) + np.kron(np.eye(points), line)) / h**2
    optimum = _answer(laplacian, target)

    def f(x):
        return (jnp.sum((x[:n] - target) ** 2) + 0.1 * jnp.sum(x[n:] ** 2)) / 2

    def c(x):
        padded = jnp.pad(x[:n].reshape(points, points), 1)
        beside = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        return ((beside - 4 * padded[1:-1, 1:-1]) / h**2).ravel() + x[n:]

    value = float(f(jnp.asarray(optimum[: 2 * n])))
    return Problem(f"control {points}", f, c, np.ones(2 * n), value), optimum


def _answer(laplacian: np.ndarray, target: np.ndarray) -> np.ndarray:
    n = target.size
    hessian = np.diag(np.r_[np.ones(n), 0.1 * np.ones(n)])
    jacobian = np.hstack([laplacian, np.eye(n)])
    matrix = np.block([[hessian, jacobian.T], [jacobian, np.zeros((n, n))]])
    return np.linalg.solve(matrix, np.r_[target, np.zeros(2 * n)])
