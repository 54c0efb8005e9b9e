"""The experiments of paper 12: a degenerate local minimax point, an impostor, and random games."""

import jax

from stationary.atlas import Measurements

from ._certificate import certificate
from ._degenerate import avoidance, portrait, radii


def measure(scale, seed, observe):
    """All claims; `laptop` differs from `smoke` in the number of games and seeds."""
    found = Measurements()
    key = jax.random.key(seed)
    for i, part in enumerate((radii, portrait, avoidance, certificate)):
        observe(part.__doc__)
        part(found, jax.random.fold_in(key, i), scale == "laptop")
    return found
