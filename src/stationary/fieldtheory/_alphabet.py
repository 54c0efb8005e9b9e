"""The letters that a list of fields offers, numbered for counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

from stationary.algebra import Rep

from ._field import Field
from ._group import GaugeGroup
from ._invariants import number


@dataclass(frozen=True)
class Alphabet:
    """The letters of a list of fields: letter 2 i is field i, letter 2 i + 1 its conjugate.

    **Arguments:**

    - `names`: `H`, `H*` and so on.
    - `reps`: the representation of the simple factors, by letter.
    - `charges`: all U(1) charges of a letter in one integer: their sum over letters is zero exactly
        when each charge's is.
    - `numbers`: the letter's number for counting invariants.
    - `conjugates`: the letter that is its conjugate; itself for a real scalar.
    """

    names: tuple[str, ...]
    reps: tuple[Rep, ...]
    charges: tuple[int, ...]
    numbers: tuple[int, ...]
    conjugates: tuple[int, ...]


def alphabet(fields: Sequence[Field], group: GaugeGroup) -> Alphabet:
    """The letters of `fields` under `group`."""
    names, reps, charges, numbers, conjugates = [], [], [], [], []
    packed = _packed_charges(fields, group)
    for i, field in enumerate(fields):
        rep = field.irreps(group)
        bar = tuple(irrep.conjugate for irrep in rep)
        names += [field.name, field.name if field.real else f"{field.name}*"]
        reps += [rep, bar]
        charges += [packed[i], -packed[i]]
        numbers += [number((rep, field.copies)), number((bar, field.copies))]
        conjugates += [2 * i, 2 * i] if field.real else [2 * i + 1, 2 * i]
    return Alphabet(tuple(names), tuple(reps), tuple(charges), tuple(numbers), tuple(conjugates))


def _packed_charges(fields: Sequence[Field], group: GaugeGroup) -> list[int]:
    # Over a common denominator charges are integers, and sums of four of them are digits.
    packed = [0] * len(fields)
    base = 1
    for name in group.abelian:
        column = [field.charge(name) for field in fields]
        scale = lcm(*(q.denominator for q in column))
        digits = [q.numerator * (scale // q.denominator) for q in column]
        packed = [total + base * digit for total, digit in zip(packed, digits, strict=True)]
        base *= 8 * max(map(abs, digits), default=0) + 1
    return packed
