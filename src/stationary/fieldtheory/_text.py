"""Lagrangians as plain text: one contraction of one term in each line."""

from dataclasses import dataclass

from ._termset import TermSet


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


def to_text(terms: TermSet) -> str:
    """A Lagrangian in canonical text: one contraction of one term in each line.

    **Arguments:**

    - `terms`: the Lagrangian.

    **Returns:** lines such as `H H* h h* [1,3]` or `H Q u + h.c.`.
    """
    return "\n".join(lines(terms))


def lines(terms: TermSet) -> list[str]:
    """The lines of [`to_text`][stationary.fieldtheory.to_text]."""
    return [str(term) for term in written(terms)]
