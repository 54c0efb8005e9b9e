"""The space that the contractions of a term span, whatever the order of its letters."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from jaxtyping import Complex

from stationary.algebra import Coupling, conjugate, invariant_basis

from ._invariants import contractions
from ._term import Contraction, Term
from ._termset import TermSet


class Span:
    """The tensors of a term's contractions, on one order of its letters.

    With several copies of a field, contractions are compared by their labels alone, along the
    canonical order of the letters.

    **Arguments:**

    - `truth`: the Lagrangian that the term is from.
    - `term`: an interaction.
    """

    def __init__(self, truth: TermSet, term: Term) -> None:
        self.truth = truth
        self.term = term
        letters = truth.alphabet
        self.reps = dict(zip(letters.names, letters.reps, strict=True))
        bars = [letters.names[code] for code in letters.conjugates]
        self.bar = dict(zip(letters.names, bars, strict=True))
        self.flavoured = any(truth.field(letter).copies > 1 for letter in term.letters)

    @cached_property
    def tensors(self) -> list[Complex[np.ndarray, "components"]]:
        """The tensors of the exact term, one for each contraction."""
        return [self.tensor(self.term.letters, way.label) for way in self._ways(self.term.letters)]

    def labels(self, letters: Sequence[str]) -> list[str]:
        """The labels of the contractions along an order of letters."""
        if self.flavoured and _grouped(letters) not in self._canonical:
            return []
        return [way.label for way in self._ways(letters)]

    def tensor(self, letters: Sequence[str], label: str) -> Complex[np.ndarray, "components"]:
        """The tensor of a contraction along an order of letters, on the canonical order."""
        ways = self._ways(letters)
        place = [way.label for way in ways].index(label)
        if sorted(letters) != sorted(self.term.letters):  # the hermitian conjugate was written
            letters = [self.bar[letter] for letter in letters]
            mirror = _conjugate(ways[place])
            ways = self._ways(letters)
            place = [(way.coupling, way.shapes) for way in ways].index(mirror)
        if self.flavoured:
            return np.eye(len(ways), dtype=complex)[place]
        grouped = _grouped(letters)
        powers = [(self.reps[letter], grouped.count(letter)) for letter in dict.fromkeys(grouped)]
        basis = invariant_basis(tuple((rep, (power,)) for rep, power in powers))
        order = _axes(grouped, _grouped(self.term.letters))
        return np.transpose(basis[place], order).reshape(-1)

    @property
    def _canonical(self) -> tuple[list[str], list[str]]:
        own = _grouped(self.term.letters)
        return own, [self.bar[letter] for letter in own]

    def _ways(self, letters: Sequence[str]) -> tuple[Contraction, ...]:
        grouped = _grouped(letters)
        return contractions(
            [
                (self.reps[letter], self.truth.field(letter).copies, grouped.count(letter))
                for letter in dict.fromkeys(grouped)
            ]
        )


def _conjugate(way: Contraction) -> tuple[Coupling, tuple[tuple[int, ...], ...]]:
    def bar(steps: tuple) -> tuple:
        return tuple((conjugate(rep), copy) for rep, copy in steps)

    return Coupling(bar(way.coupling.powers), bar(way.coupling.partial)), way.shapes


def _grouped(letters: Sequence[str]) -> list[str]:
    # Identical letters side by side, in order of first appearance.
    return [
        same for letter in dict.fromkeys(letters) for same in [letter] * list(letters).count(letter)
    ]


def _axes(written: list[str], wanted: list[str]) -> list[int]:
    free = list(range(len(written)))
    order = []
    for letter in wanted:
        axis = next(i for i in free if written[i] == letter)
        free.remove(axis)
        order.append(axis)
    return order
