"""The Gelfand-Tsetlin basis of a representation of SU(N): its states and raising matrices."""

from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from ._irrep import Irrep, _interlacing

Pattern = tuple[tuple[int, ...], ...]
"""Rows of N, N - 1, ..., 1 integers, each between its neighbours in the row above."""


@cache
def patterns(irrep: Irrep) -> tuple[Pattern, ...]:
    """The states of a representation, the highest first."""
    found: list[Pattern] = [((*irrep.partition, 0),)]
    for _ in range(irrep.n - 1):
        found = [(*above, below) for above in found for below in _interlacing(above[-1])]
    return tuple(sorted(found, reverse=True))


@cache
def state_weights(irrep: Irrep) -> Int[np.ndarray, "states rank"]:
    """The weight of each state, in Dynkin labels."""
    rows = []
    for pattern in patterns(irrep):
        sums = [0, *(sum(row) for row in reversed(pattern))]
        content = [b - a for a, b in pairwise(sums)]
        rows.append([a - b for a, b in pairwise(content)])
    return np.array(rows)


@cache
def raising(irrep: Irrep) -> Float[np.ndarray, "rank states states"]:
    """The matrices E_{k,k+1} of the simple roots; their transposes lower.

    Source: Gelfand and Tsetlin (1950), in the form of Alex, Kalus, Huckleberry and von Delft,
    J. Math. Phys. 52 (2011) 023507, eq. 28.
    """
    states = patterns(irrep)
    place = {pattern: i for i, pattern in enumerate(states)}
    matrices = np.zeros((irrep.n - 1, len(states), len(states)))
    for column, pattern in enumerate(states):
        rows = pattern[::-1]  # rows[k - 1] has k entries
        for k in range(1, irrep.n):
            for j in range(k):
                row = rows[k - 1]
                raised = (*row[:j], row[j] + 1, *row[j + 1 :])
                target = (*rows[: k - 1], raised, *rows[k:])[::-1]
                if target in place:
                    matrices[k - 1, place[target], column] = _element(rows, k, j)
    return matrices


def _element(rows: Pattern, k: int, j: int) -> float:
    def shifted(row: tuple[int, ...]) -> list[int]:
        return [m - i for i, m in enumerate(row, start=1)]

    above, here = shifted(rows[k]), shifted(rows[k - 1])
    below = shifted(rows[k - 2]) if k > 1 else []
    mine = here[j]
    top = np.prod([a - mine for a in above]) * np.prod([b - mine - 1 for b in below])
    bottom = np.prod([(a - mine) * (a - mine - 1) for i, a in enumerate(here) if i != j])
    return float(np.sqrt(-top / bottom))


@cache
def duality(irrep: Irrep) -> tuple[Int[np.ndarray, "states"], Int[np.ndarray, "states"]]:
    """How the conjugates of the states are states of the conjugate representation.

    **Returns:** for each state, the place of its dual among the conjugate's states, and a sign:
    the conjugate of state i transforms as sign_i times state place_i. Every lowering step flips
    the sign, for raising is minus lowering in the conjugate.
    """
    place = {pattern: i for i, pattern in enumerate(patterns(irrep.conjugate))}
    first = irrep.partition[0] if irrep.partition else 0
    places, signs = [], []
    for pattern in patterns(irrep):
        dual = tuple(tuple(first - m for m in reversed(row)) for row in pattern)
        places.append(place[dual])
        signs.append((-1) ** sum(sum(row) for row in pattern[1:]))
    return np.array(places), np.array(signs)
