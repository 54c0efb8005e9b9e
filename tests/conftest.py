"""Fixtures that any test may ask for."""

from collections.abc import Callable

import jax
import jax.random as jr
import pytest


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
