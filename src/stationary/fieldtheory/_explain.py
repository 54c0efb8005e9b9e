"""Why a product of letters cannot stand in a renormalisable Lagrangian."""

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce

from stationary.algebra import count_invariants

from ._field import Field
from ._group import GaugeGroup
from ._invariants import count_letters, number


def why_not_invariant(letters: Sequence[str], fields: Sequence[Field], group: GaugeGroup) -> str:
    """Why a product of letters is not invariant, or not renormalisable.

    **Arguments:**

    - `letters`: such as `("H", "H*")`; derivatives and field strengths are not looked into.
    - `fields`: the fields that there are.
    - `group`: the gauge group.

    **Returns:** one sentence, the first reason found: an unknown field, dimension, Lorentz
    invariance, charges, representations, statistics. Empty when the product is invariant.

    !!! example
        >>> from stationary.fieldtheory import STANDARD_MODEL, model, why_not_invariant
        >>> why_not_invariant(("H", "Q", "d"), model(), STANDARD_MODEL)
        'the charges u1 add up to 1, not 0'
    """
    named = {field.name: field for field in fields}
    strange = [letter for letter in letters if letter.removesuffix("*") not in named]
    if strange:
        return f"there is no field {strange[0]!r}; there are {', '.join(named)}"
    letters = [
        letter.removesuffix("*") if named[letter.removesuffix("*")].real else letter
        for letter in letters
    ]
    seen = [
        named[letter.removesuffix("*")].conjugate if letter.endswith("*") else named[letter]
        for letter in letters
    ]
    return (
        _dimension(seen)
        or _lorentz(seen)
        or _charges(seen, group)
        or _representations(seen, group)
        or _statistics(letters, seen, group)
    )


def _dimension(seen: Sequence[Field]) -> str:
    total = sum((Fraction(3, 2) if field.fermion else Fraction(1) for field in seen), Fraction(0))
    if total > 4:
        return f"its mass dimension is {total}, more than 4"
    return ""


def _lorentz(seen: Sequence[Field]) -> str:
    left = sum(field.left_handed for field in seen)
    right = sum(field.fermion and not field.left_handed for field in seen)
    if (left + right) % 2:
        return "an odd number of fermions is not Lorentz invariant"
    if left == right == 1:
        return (
            "a left-handed and a right-handed letter make a Lorentz vector, which needs a "
            "derivative"
        )
    return ""


def _charges(seen: Sequence[Field], group: GaugeGroup) -> str:
    for name in group.abelian:
        total = sum((field.charge(name) for field in seen), Fraction(0))
        if total:
            return f"the charges {name} add up to {total}, not 0"
    return ""


def _representations(seen: Sequence[Field], group: GaugeGroup) -> str:
    for place, (name, _) in enumerate(group.simple):
        irreps = [field.irreps(group)[place] for field in seen]
        if not count_invariants(tuple(((irrep,), (1,)) for irrep in irreps)):
            words = " x ".join(map(str, irreps))
            return f"the representations {words} of {name} contain no singlet"
    return ""


def _statistics(letters: list[str], seen: Sequence[Field], group: GaugeGroup) -> str:
    distinct = list(dict.fromkeys(letters))
    fields = [seen[letters.index(letter)] for letter in distinct]
    numbers = [number((field.irreps(group), field.copies)) for field in fields]
    if count_letters(tuple(sorted(map(distinct.index, letters))), numbers):
        return ""
    twice = [letter for letter in distinct if letters.count(letter) > 1]
    if not twice:  # every factor has a singlet by itself, and different letters do not interfere
        return "its representations contain no singlet"
    words = reduce(lambda a, b: f"{a} and {b}", twice)
    return (
        f"its invariant is antisymmetric in {words}, and vanishes for identical fields; it would "
        "need more copies"
    )
