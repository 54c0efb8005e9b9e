"""What a source says of its fields, read in JAX."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from stationary.algebra import SU

from ._vocabulary import FIELDS, VOCABULARY

SCALE = 55440
"""Charges are whole numbers of one such part: exact for denominators up to twelve."""

_KEYS = VOCABULARY.numbers("SPIN SU3 SU2 U1 HEL")
_LARGEST = 64  # the largest dimension of a representation of SU(3) whose triality is looked up


class Described(NamedTuple):
    """Fields by pointer.

    `su3` is the dimension with a minus sign for conjugates; what is not said is a singlet, and 0
    for charges and helicity (-1, 0 or 1).
    """

    there: Bool[Array, "10"]
    fermion: Bool[Array, "10"]
    real: Bool[Array, "10"]
    su3: Int[Array, "10"]
    su2: Int[Array, "10"]
    charge: Int[Array, "10"]
    helicity: Int[Array, "10"]


def described(source: Int[Array, "s"]) -> Described:
    """The fields of a compact source."""
    first, last = VOCABULARY.pointers
    zero, number = VOCABULARY.number["0"], VOCABULARY.number

    def read(carry, token):
        pointer, key, sign, below, table = carry
        points = (token >= first) & (token <= last)
        pointer = jnp.where(points, token - first, pointer)
        is_key = jnp.isin(token, jnp.array(_KEYS)) | (token == number["REAL"])
        place = jnp.argmax(jnp.array([*_KEYS, number["REAL"]]) == token).astype(jnp.int32)
        key = jnp.where(is_key, place, jnp.where(points, -1, key))
        fresh = is_key | points
        sign = jnp.where(fresh, 1, jnp.where(token == number["-"], -1, sign))
        below = jnp.where(fresh, False, below | (token == number["/"]))
        digit = token - zero
        counts = (digit >= 0) & (digit <= 9) & (key >= 0) & (pointer >= 0)
        row, column = jnp.maximum(pointer, 0), jnp.maximum(key, 0)
        old = table[:, row, column]
        over = old.at[0].set(10 * old[0] + digit)
        under = old.at[1].set(10 * old[1] + digit)
        new = jnp.where(counts, jnp.where(below, under, over), old)
        new = new.at[2].set(jnp.where(counts, sign, new[2]))
        said = is_key & (pointer >= 0)
        new = new.at[3].set(jnp.where(said, 1, new[3]))
        table = table.at[:, row, column].set(new)
        table = table.at[3, row, -1].max(points.astype(jnp.int32))
        return (pointer, key, sign, below, table), None

    # Numerators, denominators, signs, and what is said; the last column is whether it is there.
    table = jnp.zeros((4, FIELDS, len(_KEYS) + 2), jnp.int32)
    start = (jnp.int32(-1), jnp.int32(-1), jnp.int32(1), jnp.array(False), table)
    (*_, table), _ = jax.lax.scan(read, start, source.astype(jnp.int32))
    over, under, sign, said = table
    return Described(
        there=said[:, -1] > 0,
        fermion=over[:, 0] > 0,
        real=said[:, 5] > 0,
        su3=jnp.where(over[:, 1] > 0, sign[:, 1] * over[:, 1], 1),
        su2=jnp.maximum(over[:, 2], 1),
        charge=sign[:, 3] * over[:, 3] * SCALE // jnp.maximum(under[:, 3], 1),
        helicity=sign[:, 4] * (over[:, 4] > 0),
    )


@cache
def trialities() -> np.ndarray:
    """The triality of representations of SU(3) by dimension, the smallest of each."""
    found = np.zeros(_LARGEST + 1, np.int32)
    for dimension in range(1, _LARGEST + 1):
        try:
            found[dimension] = SU(3).irrep(dimension).n_ality
        except ValueError:
            continue
    return found
