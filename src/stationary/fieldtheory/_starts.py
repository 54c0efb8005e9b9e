"""Directions to start a search in, and how far along each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float

from ._potential import ScalarPotential


def directions(
    potential: ScalarPotential, count: int, seed: int
) -> Float[np.ndarray, "count size"]:
    """Random unit vectors; every other one has only some of the fields, the rest being zero."""
    if count < 1:
        raise ValueError(f"a search needs at least one start, got starts={count}.")
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(count, potential.size))
    owner = np.repeat(
        np.arange(len(potential.shapes)), [int(np.prod(s)) for s in potential.shapes.values()]
    )
    for vector in vectors[1::2]:
        chosen = rng.random(len(potential.shapes)) < 0.5
        if chosen.any():
            vector *= chosen[owner]
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def starts(
    potential: ScalarPotential, couplings: Mapping[str, Any], count: int, seed: int
) -> Float[np.ndarray, "count size"]:
    """For each direction a minimum along it, or a point as far as the last turn of the potential.

    Which of these is drawn: the minima along generic directions may all lead to one vacuum.
    """
    origin = potential.zeros()
    vectors = directions(potential, count, seed)
    lengths = np.full(count, np.nan)
    rng = np.random.default_rng([seed, 1])
    for i, vector in enumerate(vectors):
        line = potential.along(origin, potential.unravel(vector), couplings)
        slope = np.polynomial.polynomial.polyder(line)
        if line[4] > 0:
            turns = np.polynomial.polynomial.polyroots(slope)
            real = turns[np.abs(turns.imag) <= 1e-9 * np.abs(turns)].real
            bend = np.polynomial.polynomial.polyval(real, np.polynomial.polynomial.polyder(slope))
            farthest = np.max(np.abs(turns), initial=0.0)
            choices = [*real[(bend >= 0) & (real != 0)], farthest, -farthest]
            lengths[i] = rng.choice(choices)
    known = np.abs(lengths[np.isfinite(lengths) & (lengths != 0)])
    usual = float(np.median(known)) if known.size else 1.0
    lengths = np.where(np.isfinite(lengths) & (lengths != 0), lengths, usual)
    return vectors * lengths[:, None]
