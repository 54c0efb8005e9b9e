"""Clebsch-Gordan coefficients of SU(N)."""

from functools import cache

import numpy as np
from jaxtyping import Float

from ._irrep import Irrep
from ._weight_space import Sparse, WeightSpace, embeddings, weight_space


@cache
def clebsch_gordan(
    first: Irrep, second: Irrep, total: Irrep
) -> Float[np.ndarray, "multiplicity first second total"]:
    """How the Gelfand-Tsetlin basis of a representation lies in a product of two.

    **Returns:** real orthonormal coefficients for each copy. In a square, copies that are
    symmetric under exchange come before antisymmetric ones.
    """
    a, b = weight_space((first,)), weight_space((second,))
    size, other = len(a.weights), len(b.weights)
    weights = (a.weights[:, None] + b.weights[None]).reshape(size * other, -1)
    matrices = []
    for one, two in zip(a.raising, b.raising, strict=True):
        i, j = np.arange(size)[:, None], np.arange(other)[None]
        rows = np.concatenate(
            [(one.rows[:, None] * other + j).ravel(), (i * other + two.rows).ravel()]
        )
        columns = np.concatenate(
            [(one.columns[:, None] * other + j).ravel(), (i * other + two.columns).ravel()]
        )
        values = np.concatenate([np.repeat(one.values, other), np.tile(two.values, size)])
        matrices.append(Sparse(rows, columns, values))
    space = WeightSpace(weights, matrices)
    swap = np.arange(size * size).reshape(size, size).T.ravel() if first == second else None
    found = embeddings(space, (total,), swap)
    found = found.reshape(len(found), size, other, total.dimension)
    found.setflags(write=False)
    return found
