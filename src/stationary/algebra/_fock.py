"""Symmetric and antisymmetric powers of a representation, without the full tensor power."""

from functools import lru_cache
from itertools import combinations, combinations_with_replacement
from math import factorial

import numpy as np
from jaxtyping import Int

from ._powers import Rep
from ._weight_space import Sparse, WeightSpace, weight_space


def occupations(
    size: int, boxes: int, antisymmetric: bool = False
) -> Int[np.ndarray, "states boxes"]:
    """The multisets (or the sets) of `boxes` out of `size` basis vectors, in order, as rows."""
    choose = combinations if antisymmetric else combinations_with_replacement
    return np.array(list(choose(range(size), boxes)), int).reshape(-1, boxes)


def orderings(states: Int[np.ndarray, "states boxes"]) -> Int[np.ndarray, "states"]:
    """In how many different orders each multiset can be written."""
    boxes = states.shape[1]
    repeated = np.ones(len(states), int)
    run = np.ones(len(states), int)
    for i in range(1, boxes):
        run = np.where(states[:, i] == states[:, i - 1], run + 1, 1)
        repeated *= run
    return factorial(boxes) // repeated


@lru_cache(maxsize=64)
def fock_space(rep: Rep, copies: int, boxes: int, antisymmetric: bool) -> WeightSpace:
    """A power of `copies` of a representation, in the orthonormal basis of `occupations`."""
    letter = weight_space(rep, copies)
    size = len(letter.weights)
    states = occupations(size, boxes, antisymmetric)
    weights = letter.weights[states].sum(axis=1)
    digits = size ** np.arange(boxes)[::-1]
    codes = states @ digits  # ascending, for the states are in order
    matrices = []
    for matrix in letter.raising:
        parts = []
        for slot in range(boxes):
            for row, column, value in zip(matrix.rows, matrix.columns, matrix.values, strict=True):
                chosen = np.flatnonzero(states[:, slot] == column)
                moved = states[chosen].copy()
                moved[:, slot] = row
                if antisymmetric:
                    keep = (states[chosen] == row).sum(axis=1) == 0
                    chosen, moved = chosen[keep], moved[keep]
                    passed = (states[chosen] > min(row, column)) & (
                        states[chosen] < max(row, column)
                    )
                    factor = (-1.0) ** passed.sum(axis=1)
                else:
                    factor = np.ones(len(chosen))
                moved.sort(axis=1)
                targets = np.searchsorted(codes, moved @ digits)
                parts.append((targets, chosen, value * factor))
        rows, columns, values = (
            (np.concatenate(p) for p in zip(*parts, strict=True))
            if parts
            else (np.zeros(0, int), np.zeros(0, int), np.zeros(0))
        )
        if not antisymmetric:
            # Each slot moved once gives the operator on monomials; normalise the states.
            count = orderings(states)
            values = values * np.sqrt(count[columns] / count[rows])
        matrices.append(Sparse(rows, columns, values))
    return WeightSpace(weights, matrices)
