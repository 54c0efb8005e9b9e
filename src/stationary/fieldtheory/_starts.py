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
    """For each direction the point where the potential is lowest along it."""
    origin = potential.zeros()
    vectors = directions(potential, count, seed)
    lengths = np.full(count, np.nan)
    for i, vector in enumerate(vectors):
        line = potential.along(origin, potential.unravel(vector), couplings)
        rate = np.polynomial.polynomial.polyder(line)
        if line[4] > 0:
            turns = np.polynomial.polynomial.polyroots(rate)
            real = turns[np.abs(turns.imag) <= 1e-9 * np.abs(turns)].real
            best = real[np.argmin(np.polynomial.polynomial.polyval(real, line))]
            # Where the origin is the lowest, as far as the quartic term overtakes the others.
            lengths[i] = best if best else np.max(np.abs(turns), initial=0.0)
    known = np.abs(lengths[np.isfinite(lengths) & (lengths != 0)])
    usual = float(np.median(known)) if known.size else 1.0
    lengths = np.where(np.isfinite(lengths) & (lengths != 0), lengths, usual)
    return vectors * lengths[:, None]
