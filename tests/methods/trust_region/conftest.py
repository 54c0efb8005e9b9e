"""A discretised control problem, in as many pieces as a test wants."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import pytest

import stationary as st


def _oscillator(steps: int, **options) -> st.Minimize:
    """A van der Pol oscillator steered to rest: trapezoidal rule, z = (x, v, u) at each time."""
    h = 10.0 / steps
    first = jnp.array([1.0, 0.0, 0.0])

    def moving(z):
        return jnp.stack([z[1], (1 - z[0] ** 2) * z[1] - z[0] + z[2]])

    def defect(before, after):
        return after[:2] - before[:2] - 0.5 * h * (moving(before) + moving(after))

    def defects(z):
        return jax.vmap(defect)(jnp.concatenate([first[None], z[:-1]]), z)

    rules = {"dynamics": st.equal(defects)} | options.pop("also", {})
    return st.Minimize(lambda z: h * jnp.sum(z**2), rules, **options)


@pytest.fixture
def oscillator() -> Callable[..., st.Minimize]:
    """steps -> the problem; its unknown has shape (steps, 3)."""
    return _oscillator
