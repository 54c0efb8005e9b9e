"""Fixtures that any test may ask for."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.random as jr
import pytest

MAPS = Path("/proc/self/maps")
"""Where Linux lists a process's pieces of memory. It allows 65 530, and compiling adds to them."""


@pytest.fixture(scope="module", autouse=True)
def _few_programs():
    """Forget compiled programs before there are so many that compiling the next one crashes."""
    yield
    if MAPS.exists() and MAPS.read_bytes().count(b"\n") > 15_000:
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
