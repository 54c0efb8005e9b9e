"""Every renormalisable term that a list of fields allows, by group theory."""

from collections.abc import Iterator, Sequence
from functools import cache

from ._alphabet import Alphabet, alphabet
from ._field import Field
from ._group import STANDARD_MODEL, GaugeGroup
from ._invariants import count_letters
from ._term import Term
from ._termset import TermSet

_SCALAR_KINDS = ("linear", "mass", "cubic", "quartic")


def lagrangian_terms(
    fields: Sequence[Field],
    group: GaugeGroup | str = STANDARD_MODEL,
    *,
    max_dimension: int = 4,
    kinetic_mixing: bool = False,
    theta: bool = False,
) -> TermSet:
    """Every gauge- and Lorentz-invariant term up to mass dimension four.

    Field strengths, kinetic terms, masses, Yukawa couplings and the scalar potential; exact, in
    integer arithmetic. Classes of letters whose charges cancel are listed, and the invariants of
    each are counted in the product of symmetric powers of its representations.

    **Arguments:**

    - `fields`: scalars and Weyl fermions, with distinct names.
    - `group`: a [`GaugeGroup`][stationary.fieldtheory.GaugeGroup], or its description.
    - `max_dimension`: 1 to 4; lower it to leave out what weighs more.
    - `kinetic_mixing`: include kinetic terms between different fields of the same quantum numbers,
        and between several U(1), which a redefinition of the fields removes.
    - `theta`: include the topological terms of the field strengths.

    **Returns:** a [`TermSet`][stationary.fieldtheory.TermSet].

    **Raises:** `ValueError` when there are no fields, when two share a name, or when one is charged
    under a factor that `group` does not have; `NotImplementedError` beyond dimension four.

    !!! example
        >>> from stationary.fieldtheory import Field, lagrangian_terms
        >>> higgs = Field("H", su2=2, y="1/2")
        >>> print(lagrangian_terms([higgs], "SU2 x U1"))
        F(su2) F(su2)
        F(u1) F(u1)
        D(H) D(H*)
        H H*
        H H H* H*

    !!! cite "Source"
        Counting by characters: Henning, Lu, Melia and Murayama, arXiv:1512.03433, section 3; the
        task: arXiv:2501.09729.
    """
    group = GaugeGroup(group) if isinstance(group, str) else group
    fields = tuple(fields)
    _check(fields, group)
    if max_dimension > 4:
        raise NotImplementedError(
            f"Terms of mass dimension {max_dimension} need operators with derivatives; "
            "lagrangian_terms lists those up to 4."
        )
    if max_dimension < 1:
        raise ValueError(f"max_dimension must be 1 to 4, got {max_dimension}.")
    letters = alphabet(fields, group)
    terms: list[Term] = []
    if max_dimension == 4:
        terms += _field_strengths(group, kinetic_mixing, theta)
        terms += _kinetic(fields, letters, kinetic_mixing)
    terms += _interactions(fields, letters, max_dimension)
    return TermSet(fields, group, tuple(terms))


def _check(fields: tuple[Field, ...], group: GaugeGroup) -> None:
    if not fields:
        raise ValueError("There are no fields: name one, such as Field('H', su2=2, y='1/2').")
    seen: set[str] = set()
    for field in fields:
        if not isinstance(field, Field):
            raise ValueError(f"Expected a Field, got {field!r}.")
        if field.name in seen:
            raise ValueError(f"Two fields are called {field.name!r}; give each a name of its own.")
        seen.add(field.name)
        for factor, rep in field.representations:
            if factor not in group.factors:
                raise ValueError(
                    f"{field.name} has {factor}={rep}, and {factor} is not a factor of the gauge "
                    f"group {group}."
                )


def _field_strengths(group: GaugeGroup, mixing: bool, theta: bool) -> Iterator[Term]:
    yield from _strengths(group)
    if theta:
        for name in group.factors:
            yield Term("theta", (f"F({name})", f"F~({name})"))
    if mixing:
        for i, name in enumerate(group.abelian):
            for other in group.abelian[i + 1 :]:
                yield Term("mixing", (f"F({name})", f"F({other})"))


@cache
def _strengths(group: GaugeGroup) -> tuple[Term, ...]:
    return tuple(Term("gauge", (f"F({name})",) * 2) for name in group.factors)


def _kinetic(fields: tuple[Field, ...], letters: Alphabet, mixing: bool) -> Iterator[Term]:
    def term(kind: str, i: int, other: str, count: int, selfconj: bool) -> Term:
        second = other if fields[i].fermion else f"D({other})"
        return Term(kind, (f"D({letters.names[2 * i]})", second), count, selfconj)

    for i, field in enumerate(fields):
        yield term("kinetic", i, letters.names[2 * i + 1], 1, True)
        if mixing and field.copies > 1:
            # Hermitian matrices between copies, less the diagonal one that is the kinetic term.
            n = field.copies
            pairs = n * (n + 1) // 2 - 1 if field.real else n**2 - 1
            yield term("mixing", i, letters.names[2 * i + 1], pairs, True)
    if not mixing:
        return
    same = {}
    for code, name in enumerate(letters.names):
        field = fields[code // 2]
        side = field.helicity if code % 2 == 0 or field.helicity is None else -field.helicity
        same[code] = (letters.reps[code], letters.charges[code], side, name)
    for i, field in enumerate(fields):
        for j in range(i + 1, len(fields)):
            if fields[j].fermion != field.fermion:
                continue
            both_real = field.real and fields[j].real
            for code in (2 * j,) if fields[j].real else (2 * j, 2 * j + 1):
                # D(f) times the conjugate of a letter that transforms as f does.
                if same[code][:3] == same[2 * i][:3]:
                    conjugate = letters.names[letters.conjugates[code]]
                    pairs = field.copies * fields[j].copies
                    yield term("mixing", i, conjugate, pairs, both_real)


def _interactions(fields: tuple[Field, ...], letters: Alphabet, max_dimension: int) -> list[Term]:
    scalars = [c for i, f in enumerate(fields) if not f.fermion for c in _letters_of(f, i)]
    left = [2 * i + (not f.left_handed) for i, f in enumerate(fields) if f.fermion]
    found: list[tuple[tuple, tuple[int, ...], int, bool, bool]] = []
    numbers, conjugates = letters.numbers, letters.conjugates
    candidates = [(c, False) for c in _neutral(scalars, letters.charges, max_dimension)]
    candidates += [(c, True) for c in _fermionic(left, scalars, letters.charges, max_dimension)]
    for codes, fermionic in candidates:
        own = False
        if not fermionic:
            mirror = tuple(sorted([conjugates[c] for c in codes]))
            if mirror < codes:
                continue  # the conjugate represents the pair
            own = mirror == codes
        ways = count_letters(codes, numbers)
        if ways:
            found.append(((len(codes), 2 * fermionic), codes, ways, own, fermionic))
    found.sort(key=lambda item: (item[0], item[1]))
    names = letters.names
    return [
        Term(_kind(codes, fermionic), tuple([names[c] for c in codes]), ways, own)
        for _, codes, ways, own, fermionic in found
    ]


def _letters_of(field: Field, i: int) -> tuple[int, ...]:
    return (2 * i,) if field.real else (2 * i, 2 * i + 1)


def _kind(codes: tuple[int, ...], fermionic: bool) -> str:
    if fermionic:
        return "mass" if len(codes) == 2 else "yukawa"
    return _SCALAR_KINDS[len(codes) - 1]


def _neutral(
    scalars: Sequence[int], charges: Sequence[int], max_dimension: int
) -> Iterator[tuple[int, ...]]:
    """Multisets of at most four scalar letters whose charges cancel."""
    by_charge: dict[int, list[int]] = {}
    for code in scalars:
        by_charge.setdefault(charges[code], []).append(code)
    pairs: dict[int, list[tuple[int, int]]] = {}
    for place, i in enumerate(scalars):
        for j in scalars[place:]:
            pairs.setdefault(charges[i] + charges[j], []).append((i, j))
    for i in by_charge.get(0, ()):
        yield (i,)
    if max_dimension >= 2:
        yield from pairs.get(0, ())
    if max_dimension >= 3:
        for charge, some in pairs.items():
            thirds = by_charge.get(-charge)
            if thirds:
                for i, j in some:
                    for k in thirds:
                        if k >= j:
                            yield (i, j, k)
    if max_dimension >= 4:
        for charge, some in pairs.items():
            others = pairs.get(-charge)
            if others:
                for i, j in some:
                    for k, m in others:
                        if k >= j:
                            yield (i, j, k, m)


def _fermionic(
    left: Sequence[int], scalars: Sequence[int], charges: Sequence[int], max_dimension: int
) -> Iterator[tuple[int, ...]]:
    """Two left-handed letters, alone or with a scalar letter, whose charges cancel."""
    if max_dimension < 3:
        return
    by_charge: dict[int, list[int]] = {}
    for code in scalars:
        by_charge.setdefault(charges[code], []).append(code)
    for place, i in enumerate(left):
        for j in left[place:]:
            charge = charges[i] + charges[j]
            if charge == 0:
                yield (i, j)
            if max_dimension >= 4:
                for k in by_charge.get(-charge, ()):
                    yield tuple(sorted((i, j, k)))
