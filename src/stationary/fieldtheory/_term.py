"""Terms of a Lagrangian: which letters are multiplied, and in how many invariant ways."""

from dataclasses import dataclass
from functools import cached_property

from stationary.algebra import Coupling

KINDS = ("gauge", "theta", "kinetic", "mixing", "linear", "mass", "cubic", "yukawa", "quartic")
"""The kinds of terms, in the order in which they are written."""

INTERACTIONS = frozenset({"linear", "mass", "cubic", "yukawa", "quartic"})
"""The kinds that are neither kinetic nor made of field strengths."""


@dataclass(frozen=True)
class Contraction:
    """One way to contract the indices of a term's letters.

    **Arguments:**

    - `label`: the irreducible representations on the way, as text; empty where there is no choice.
    - `shapes`: for every group of identical letters the Young diagram of its gauge indices, the
        same as that of its flavours.
    - `coupling`: the path to a singlet.
    - `parameters`: the number of independent couplings, one for each flavour structure.
    """

    label: str
    shapes: tuple[tuple[int, ...], ...]
    coupling: Coupling
    parameters: int = 1


@dataclass(frozen=True)
class Term:
    """All invariant ways to multiply the same letters.

    **Arguments:**

    - `kind`: one of `KINDS`.
    - `letters`: the factors in canonical order. `H` is a field, `H*` its conjugate, `D(H)` its
        covariant derivative, `F(su3)` a field strength and `F~(su3)` its dual.
    - `count`: the number of independent contractions, flavours included.
    - `self_conjugate`: whether the term is its own hermitian conjugate; if not, `+ h.c.` is
        understood, and each contraction has a complex coupling.
    """

    kind: str
    letters: tuple[str, ...]
    count: int = 1
    self_conjugate: bool = True

    @property
    def real_parameters(self) -> int:
        """The number of real couplings."""
        return self.count if self.self_conjugate else 2 * self.count

    @property
    def interaction(self) -> bool:
        """Whether it is neither kinetic nor made of field strengths."""
        return self.kind in INTERACTIONS

    @cached_property
    def powers(self) -> tuple[tuple[str, int], ...]:
        """The letters with their powers, in order of first appearance."""
        found: dict[str, int] = {}
        for letter in self.letters:
            found[letter] = found.get(letter, 0) + 1
        return tuple(found.items())

    def __str__(self) -> str:
        body = " ".join(self.letters)
        return body if self.self_conjugate else f"{body} + h.c."
