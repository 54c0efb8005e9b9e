"""Fixtures that any test may ask for."""

import itertools
from collections.abc import Callable

import jax
import jax.random as jr
import pytest

_modules = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def _bounded_memory():
    """Now and then forget compiled programs: thousands of them take gigabytes."""
    yield
    if next(_modules) % 20 == 0:
        jax.clear_caches()


@pytest.fixture
def getkey(request: pytest.FixtureRequest) -> Callable[[], jax.Array]:
    """A function that returns a new random key at each call.

    The keys depend on the test's name alone, so a failure repeats on its own and in any order.
    """
    state = jr.key(sum(i * ord(c) for i, c in enumerate(request.node.nodeid, 1)) % 2**31)

    def get() -> jax.Array:
        nonlocal state
        state, key = jr.split(state)
        return key

    return get
