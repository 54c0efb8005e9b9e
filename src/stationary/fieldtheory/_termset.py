"""A Lagrangian as a set of terms."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ._alphabet import Alphabet, alphabet
from ._field import Field
from ._group import GaugeGroup
from ._invariants import contractions
from ._term import Contraction, Term

if TYPE_CHECKING:
    from ._potential import ScalarPotential


@dataclass(frozen=True)
class TermSet:
    """The terms of a Lagrangian, in canonical order, with the fields they are made of.

    **Arguments:**

    - `fields`: the matter fields, in the order in which they were given.
    - `group`: the gauge group.
    - `terms`: the terms.

    !!! example
        >>> from stationary.fieldtheory import Field, lagrangian_terms
        >>> terms = lagrangian_terms([Field("H", su2=2, y="1/2"), Field("h", su2=2, y="1/2")])
        >>> term = terms["H H* h h*"]
        >>> term.count, [way.label for way in terms.contractions(term)]
        (2, ['1,1', '1,3'])
        >>> terms.real_parameters
        14
    """

    fields: tuple[Field, ...]
    group: GaugeGroup
    terms: tuple[Term, ...]

    @cached_property
    def alphabet(self) -> Alphabet:
        """The letters of the fields, numbered."""
        return alphabet(self.fields, self.group)

    @property
    def interactions(self) -> tuple[Term, ...]:
        """The terms that are neither kinetic nor made of field strengths."""
        return tuple(term for term in self.terms if term.interaction)

    @property
    def real_parameters(self) -> int:
        """The number of real couplings in the interactions."""
        return sum(term.real_parameters for term in self.interactions)

    def field(self, name: str) -> Field:
        """The field of a name, or of a letter such as `H*`."""
        for field in self.fields:
            if field.name == name.removesuffix("*"):
                return field
        raise KeyError(f"there is no field {name!r}; there are {', '.join(self.names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the fields."""
        return tuple(field.name for field in self.fields)

    def contractions(self, term: Term) -> tuple[Contraction, ...]:
        """The independent ways to contract the letters of an interaction, along a fixed tree.

        Identical letters are coupled first, then their groups from left to right.

        **Arguments:**

        - `term`: an interaction of this set.

        **Returns:** a tuple of [`Contraction`][stationary.fieldtheory.Contraction].
        """
        codes = {name: code for code, name in reversed(list(enumerate(self.alphabet.names)))}
        powers = [
            (self.alphabet.reps[codes[letter]], self.field(letter).copies, power)
            for letter, power in term.powers
        ]
        return contractions(powers)

    def potential(self) -> "ScalarPotential":
        """The scalar potential, a function of the fields and of one coupling for each contraction.

        **Returns:** a [`ScalarPotential`][stationary.fieldtheory.ScalarPotential].

        **Raises:** `ValueError` when there are no scalar fields.

        !!! example
            >>> from stationary.fieldtheory import Field, lagrangian_terms
            >>> potential = lagrangian_terms([Field("H", su2=2, y="1/2")]).potential()
            >>> [term.name for term in potential.terms]
            ['H H*', 'H H H* H*']
        """
        from ._assemble import potential

        return potential(self)

    def to_latex(self, *, definitions: bool = True) -> str:
        """The Lagrangian as a display; see [`to_latex`][stationary.fieldtheory.to_latex]."""
        from ._latex import to_latex

        return to_latex(self, definitions=definitions)

    def _repr_latex_(self) -> str:  # what a notebook shows
        return self.to_latex()

    def of_kind(self, kind: str) -> tuple[Term, ...]:
        """The terms of one kind."""
        return tuple(term for term in self.terms if term.kind == kind)

    def __getitem__(self, letters: str) -> Term:
        wanted = sorted(letters.split())
        for term in self.terms:
            if sorted(term.letters) == wanted:
                return term
        raise KeyError(f"there is no term {letters!r}")

    def __contains__(self, letters: str) -> bool:
        wanted = sorted(letters.split())
        return any(sorted(term.letters) == wanted for term in self.terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)

    def __len__(self) -> int:
        return len(self.terms)

    def __str__(self) -> str:
        from ._text import to_text

        return to_text(self)
