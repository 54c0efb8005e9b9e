"""Terms as they are written: one contraction of some letters each."""

from collections.abc import Sequence
from dataclasses import dataclass

from .._field import Field
from .._termset import TermSet


@dataclass(frozen=True, order=True)
class WrittenTerm:
    """One contraction of one term, as a line of [`to_text`][stationary.fieldtheory.to_text].

    **Arguments:**

    - `kind`: `"gauge"`, `"kinetic"`, `"linear"`, `"mass"`, `"cubic"`, `"yukawa"` or `"quartic"`.
    - `letters`: the factors in canonical order, as in [`Term`][stationary.fieldtheory.Term].
    - `label`: which contraction; empty where there is no choice.
    - `self_conjugate`: whether no hermitian conjugate is to be added.

    !!! example
        >>> from stationary.fieldtheory.learning import WrittenTerm
        >>> print(WrittenTerm("quartic", ("H", "H*", "h", "h*"), "1,3"))
        H H* h h* [1,3]
    """

    kind: str
    letters: tuple[str, ...]
    label: str = ""
    self_conjugate: bool = True

    def __str__(self) -> str:
        label = f" [{self.label}]" if self.label else ""
        tail = "" if self.self_conjugate else " + h.c."
        return " ".join(self.letters) + label + tail


def written(terms: TermSet, *, interactions_only: bool = False) -> list[WrittenTerm]:
    """The lines of a Lagrangian in canonical order.

    **Arguments:**

    - `terms`: the Lagrangian.
    - `interactions_only`: leave out field strengths and kinetic terms.

    **Returns:** [`WrittenTerm`][stationary.fieldtheory.learning.WrittenTerm]s.
    """
    found = []
    for term in terms:
        if not term.interaction and interactions_only:
            continue
        labels = [""]
        if term.interaction and term.count > 1:
            labels = [way.label for way in terms.contractions(term)]
        found += [WrittenTerm(term.kind, term.letters, x, term.self_conjugate) for x in labels]
    return found


def kind_of(codes: Sequence[int], fields: Sequence[Field]) -> str | None:
    """The kind of an interaction: letter 2 i is field i, letter 2 i + 1 its conjugate.

    **Returns:** `None` when there is no renormalisable interaction of that many fermions and
    scalars.
    """
    fermions = sum(fields[code // 2].fermion for code in codes)
    if fermions == 0:
        kinds = (None, "linear", "mass", "cubic", "quartic")
        return kinds[len(codes)] if len(codes) < len(kinds) else None
    if fermions != 2:
        return None
    return {2: "mass", 3: "yukawa"}.get(len(codes))


def canonical(codes: Sequence[int], fields: Sequence[Field]) -> tuple[int, ...]:
    """The letters that stand for a class and its hermitian conjugate, in order.

    Of scalars the first one in order; with fermions the one whose fermions are left-handed.
    """
    codes = [code - code % 2 if fields[code // 2].real else code for code in codes]
    own, mirror = sorted(codes), sorted(_conjugate(code, fields) for code in codes)
    handed = {_left(code, fields[code // 2]) for code in own if fields[code // 2].fermion}
    if handed == {True}:
        return tuple(own)
    if handed == {False}:
        return tuple(mirror)
    return tuple(min(own, mirror))


def _conjugate(code: int, fields: Sequence[Field]) -> int:
    return code if fields[code // 2].real else code ^ 1


def _left(code: int, field: Field) -> bool:
    return field.left_handed == (code % 2 == 0)
