"""The products of letters that may be terms, the same for all models of so many fields."""

from dataclasses import dataclass
from functools import cache
from itertools import combinations_with_replacement

import numpy as np
from jaxtyping import Bool, Int

from .._term import KINDS

LEFT, RIGHT, LORENTZ = 1, 5, 32
"""What left- and right-handed letters count, and how many such counts one charge is worth.

Up to four of them add up to 0 only without fermions, and to `2 * LEFT` only for two left-handed
ones; the sum stays below `LORENTZ`, so charges and spins share one number."""


@dataclass(frozen=True, eq=False)
class Columns:
    """Candidates for interactions among so many fields, in canonical order.

    Letter 2 i is field i and letter 2 i + 1 its conjugate. A candidate is there when its spins can
    be right: one to four scalars, of which the hermitian conjugates come later, or two left-handed
    fermions with at most one scalar.

    **Arguments:**

    - `letters`: by candidate its letters, filled up with zeros.
    - `sizes`: how many letters there are.
    - `halves`: its letters as two products of at most two, by their places in `products`.
    - `products`: those products' letters; letter 2 n stands for none.
    - `needed`: what charges and spins of the letters must add up to.
    - `pattern`: which letters equal the one before, as bits.
    - `kind`: the kind's place in `KINDS`.
    - `self_conjugate`: whether it is its own hermitian conjugate.
    - `usual`: whether it is f f* or f f f* f*, which every scalar has.
    """

    letters: Int[np.ndarray, "c 4"]
    sizes: Int[np.ndarray, "c"]
    halves: Int[np.ndarray, "2 c"]
    products: Int[np.ndarray, "2 p"]
    needed: Int[np.ndarray, "c"]
    pattern: Int[np.ndarray, "c"]
    kind: Int[np.ndarray, "c"]
    self_conjugate: Bool[np.ndarray, "c"]
    usual: Bool[np.ndarray, "c"]


@cache
def columns(fields: int) -> Columns:
    """The candidates among `fields` fields."""
    found: list[tuple[tuple[int, ...], bool]] = []
    for size in range(1, 5):
        for codes in combinations_with_replacement(range(2 * fields), size):
            if codes <= _mirror(codes):
                found.append((codes, False))
            if size in (2, 3) and not any(code ^ 1 in codes for code in codes):
                found.append((codes, True))
    found.sort(key=lambda item: (len(item[0]), item[1], item[0]))
    count = len(found)
    letters = np.zeros((count, 4), np.int64)
    none = 2 * fields
    products = list(combinations_with_replacement(range(none + 1), 2))
    place_of = {pair: i for i, pair in enumerate(products)}
    halves = np.zeros((2, count), np.int64)
    for place, (codes, _) in enumerate(found):
        letters[place, : len(codes)] = codes
        a, b, c, d = (*codes, none, none, none)[:4]
        halves[:, place] = place_of[a, b], place_of[c, d]
    alike = [len({c // 2 for c in codes}) == 1 and codes == _mirror(codes) for codes, _ in found]
    return Columns(
        letters,
        np.array([len(codes) for codes, _ in found]),
        halves,
        np.array(products).T,
        np.array([2 * LEFT if fermionic else 0 for _, fermionic in found]),
        np.array([_pattern(codes) for codes, _ in found]),
        np.array([KINDS.index(_kind(codes, fermionic)) for codes, fermionic in found]),
        np.array([codes == _mirror(codes) and not fermionic for codes, fermionic in found]),
        np.array(alike),
    )


def _mirror(codes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(code ^ 1 for code in codes))


def _pattern(codes: tuple[int, ...]) -> int:
    return sum(1 << i for i in range(1, len(codes)) if codes[i] == codes[i - 1]) >> 1


def _kind(codes: tuple[int, ...], fermionic: bool) -> str:
    if fermionic:
        return "mass" if len(codes) == 2 else "yukawa"
    return ("linear", "mass", "cubic", "quartic")[len(codes) - 1]
