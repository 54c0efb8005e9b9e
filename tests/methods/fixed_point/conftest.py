"""Linear programs in standard form whose outcome is known by construction."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import stationary as st


@dataclasses.dataclass(frozen=True)
class Program:
    """min c'x subject to Ax = b, x >= 0."""

    a: np.ndarray
    b: np.ndarray
    c: np.ndarray

    @property
    def data(self):
        return {"a": jnp.asarray(self.a), "b": jnp.asarray(self.b), "c": jnp.asarray(self.c)}

    @property
    def problem(self):
        return st.Minimize(
            cost, {"rows": st.equal(rows)}, st.Box(0, np.inf), data=self.data, convex=True
        )

    @property
    def start(self):
        return jnp.zeros(self.c.size)

    @property
    def zero(self):
        return st.Point(self.start, {"rows": jnp.zeros(self.b.size)})


def cost(x, d):
    return d["c"] @ x


def rows(x, d):
    return d["a"] @ x - d["b"]


def feasible(seed, m=8, n=16):
    """With one answer: a vertex x, and multipliers that certify it strictly."""
    rng = np.random.default_rng(seed)
    a, x = rng.normal(size=(m, n)), np.zeros(n)
    x[rng.permutation(n)[:m]] = rng.uniform(0.1, 1, m)
    slack = np.where(x > 0, 0, rng.uniform(0.1, 1, n))
    return Program(a, a @ x, a.T @ rng.normal(size=m) + slack)


def contradictory(seed, m=8, n=16):
    """A y with A'y <= 0 and b'y = 1 proves that there is no feasible point."""
    rng = np.random.default_rng(seed)
    a, y, b = rng.normal(size=(m, n)), rng.normal(size=m), rng.normal(size=m)
    over = np.maximum(a.T @ y + rng.uniform(0, 0.5, n), 0)
    a -= np.outer(y, over) / (y @ y)
    b += y * (1 - b @ y) / (y @ y)
    return Program(a, b, a.T @ rng.normal(size=m) + rng.uniform(0.1, 1, n))


def endless(seed, m=8, n=16):
    """A feasible point, and d >= 0 with Ad = 0 and c'd = -1."""
    rng = np.random.default_rng(seed)
    d = np.maximum(rng.normal(size=n), 0)
    a, c = rng.normal(size=(m, n)), rng.normal(size=n)
    a -= np.outer(a @ d, d) / (d @ d)
    c -= d * (c @ d + 1) / (d @ d)
    return Program(a, a @ np.maximum(rng.normal(size=n), 0), c)


KINDS = {"feasible": feasible, "contradictory": contradictory, "endless": endless}


@pytest.fixture
def program():
    """A program of a kind, by seed."""
    return lambda kind, seed=0, **size: KINDS[kind](seed, **size)
