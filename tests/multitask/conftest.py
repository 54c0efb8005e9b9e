"""Random linear tasks."""

import numpy as np
import pytest


@pytest.fixture
def linear_tasks():
    """Inputs, outputs and tasks in random order, from weights that are also returned."""

    def make(counts, dimension, outputs=(), noise=0.3, seed=0):
        rng = np.random.default_rng(seed)
        tasks = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        inputs = rng.normal(size=(len(tasks), dimension))
        common = rng.normal(size=(dimension, *outputs))
        weights = common + 0.5 * rng.normal(size=(len(counts), dimension, *outputs))
        values = np.einsum("nd,nd...->n...", inputs, weights[tasks])
        return inputs, values + noise * rng.normal(size=values.shape), tasks, weights

    return make
