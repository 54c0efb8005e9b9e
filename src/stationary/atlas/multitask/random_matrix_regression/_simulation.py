"""Two linear tasks in many dimensions, drawn again and again."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from stationary.multitask import Population, multitask_ridge

DIMENSION = 60
COUNTS = np.array([90, 45])
NOISE = np.array([0.25, 0.1])
LAMBDA, GAMMA = 1.0, np.array([0.5, 2.0])
UNIT = 1 / (2 * DIMENSION)
"""The paper divides inputs by sqrt(T d), and so its regularizations by T d."""
DRAWS = {
    "normal": lambda key, shape: jax.random.normal(key, shape),
    "signs": lambda key, shape: jax.random.rademacher(key, shape, float),
    "uniform": lambda key, shape: jax.random.uniform(key, shape, float, -(3**0.5), 3**0.5),
}


class Tasks(NamedTuple):
    """The truth: diagonals of the covariances, weights, and variances of the noise."""

    variances: np.ndarray
    weights: np.ndarray
    noise: np.ndarray

    def population(self, counts) -> Population:
        """What theory is told."""
        covariances = np.stack([np.diag(v) for v in self.variances])
        return Population(np.asarray(counts), covariances, self.weights, self.noise)


def example(dimension=DIMENSION, noise=NOISE) -> Tasks:
    """Two tasks of correlation 0.8, one of them with inputs of uneven variance."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=dimension)
    second = 0.8 * first + 0.6 * rng.normal(size=dimension)
    variances = np.stack([np.ones(dimension), np.linspace(0.5, 1.5, dimension)])
    return Tasks(variances, np.stack([first, second]) / (2 * dimension) ** 0.5, noise)


def sample(key, tasks: Tasks, counts, draw="normal"):
    """Inputs, outputs, and the task of each row."""
    which = np.repeat(np.arange(len(counts)), counts)
    return (*_sample(key, tasks, which, list(DRAWS).index(draw)), which)


def _sample(key, tasks: Tasks, which, draw):
    first, second = jax.random.split(key)
    shape = (len(which), tasks.weights.shape[1])
    ways = [lambda key, way=way: way(key, shape) for way in DRAWS.values()]
    inputs = jax.lax.switch(draw, ways, first)
    inputs = inputs * jnp.sqrt(tasks.variances)[which]
    clean = jnp.einsum("nd,nd->n", inputs, jnp.asarray(tasks.weights)[which])
    noise = jnp.sqrt(tasks.noise)[which] * jax.random.normal(second, clean.shape)
    return inputs, clean + noise


def risks(key, tasks: Tasks, counts, shared, own, trials, draw="normal"):
    """Test and training risk of each task in every trial: `(trials, 2)` twice."""
    counts = tuple(int(n) for n in counts)
    return _risks(key, tasks, shared, own, counts, trials, list(DRAWS).index(draw))


def simulated_by_lambda(key, tasks: Tasks, counts, values, own, trials):
    """Mean test risk of both tasks for every lambda, with the same draws for each."""

    def one(shared):
        return jnp.mean(risks(key, tasks, counts, shared, own, trials)[0], axis=1)

    return jax.lax.map(one, jnp.asarray(values))


@partial(jax.jit, static_argnums=(4, 5))  # not the draw: one program for all of them
def _risks(key, tasks: Tasks, shared, own, counts, trials, draw):
    which = np.repeat(np.arange(len(counts)), counts)
    chosen = np.equal.outer(np.arange(len(counts)), which) / np.asarray(counts)[:, None]

    def one(key):
        inputs, outputs = _sample(key, tasks, which, draw)
        fit = multitask_ridge(inputs, outputs, which, shared, own)
        test = jnp.sum(tasks.variances * (fit.weights - tasks.weights) ** 2, axis=1)
        return test, chosen @ (outputs - fit.predict(inputs, which)) ** 2

    return jax.lax.map(one, jax.random.split(key, trials))


def distance(theory, draws, dimension=DIMENSION) -> float:
    """How far theory is from a mean of draws, in 3 standard errors plus 1/d of the theory."""
    theory, draws = np.asarray(theory), np.asarray(draws)
    error = 3 * draws.std(0, ddof=1) / len(draws) ** 0.5 + np.abs(theory) / dimension
    return float(np.max(np.abs(draws.mean(0) - theory) / error))
