"""Fields and Lagrangians as sequences of tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from stationary.algebra import Irrep

from .._field import Field
from .._group import STANDARD_MODEL
from .._termset import TermSet
from .._text import WrittenTerm, written
from ._reading import Reading, read_fields, read_terms
from ._vocabulary import CLASSES, FIELDS, VOCABULARY, whole

STYLES = ("compact", "verbose")
CHARGE_UNIT = 2
"""Hypercharges are written as multiples of one half, Q = T3 + Y / 2, as the paper does."""


@dataclass(frozen=True)
class Tokens:
    """How fields and Lagrangians are written as tokens.

    Sources describe fields: spin, representations that are not trivial, twice the hypercharge (so
    the Higgs doublet has 1), and helicity; signs, digits and slashes are tokens of their own.
    Targets list terms in canonical order, one contraction after the other.

    **Arguments:**

    - `style`: `"compact"` gives each field a pointer, `F0` to `F9`, with which its description
        begins and which stands for it in terms. `"verbose"` follows the paper: descriptions begin
        with `FIELD`, and in terms each letter is described anew, with `ID` and the field's place.
    - `interactions_only`: leave field strengths and kinetic terms out of targets.

    **Raises:** `ValueError` for another style.

    !!! example
        >>> from stationary.fieldtheory import Field, lagrangian_terms
        >>> from stationary.fieldtheory.learning import VOCABULARY, Tokens
        >>> higgs = [Field("H", su2=2, y="1/2")]
        >>> tokens = Tokens(interactions_only=True)
        >>> VOCABULARY.text(tokens.encode(higgs))
        'F0 SPIN 0 SU2 2 U1 1'
        >>> VOCABULARY.text(tokens.encode(lagrangian_terms(higgs)))
        '[SOS] + MASS F0 F0* + QUART F0 F0 F0* F0* [EOS]'

    !!! cite "Source"
        The form of `verbose` sources: arXiv:2501.09729.
    """

    style: str = "compact"
    interactions_only: bool = False

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"style is one of {', '.join(STYLES)}, got {self.style!r}.")

    def encode(
        self, what: Sequence[Field] | TermSet, *, pointers: Sequence[int] | np.ndarray | None = None
    ) -> list[int]:
        """Token numbers of a list of fields (a source) or of a Lagrangian (a target).

        **Arguments:**

        - `what`: fields, or a [`TermSet`][stationary.fieldtheory.TermSet].
        - `pointers`: which of `F0` to `F9` stands for each field, in rising order; default
            the first ones, and in verbose sequences always these.

        **Returns:** numbers of [`VOCABULARY`][stationary.fieldtheory.learning.VOCABULARY].

        **Raises:** `ValueError` for more than ten fields, fields with several copies, another gauge
        group, and pointers that do not rise.
        """
        if isinstance(what, TermSet):
            return self._target(what, pointers)
        fields = tuple(what)
        chosen = self.pointers(fields, pointers)
        found = [] if self.style == "compact" else [VOCABULARY.begin]
        for pointer, field in zip(chosen, fields, strict=True):
            found += self.element(field, pointer)
        return found if self.style == "compact" else [*found, VOCABULARY.end]

    def decode(
        self,
        tokens: Iterable[Any],
        fields: Sequence[Field],
        *,
        pointers: Sequence[int] | np.ndarray | None = None,
    ) -> Reading:
        """The terms that a target lists, whatever it may be; it never fails.

        **Arguments:**

        - `tokens`: what was written, with or without begin, end and padding.
        - `fields`: the fields it is about.
        - `pointers`: as for `encode`.

        **Returns:** a [`Reading`][stationary.fieldtheory.learning.Reading]: terms in the order in
        which they come, each in canonical form, and the pieces that say nothing.
        """
        chosen = self.pointers(fields, pointers)
        letters = {}
        for i, (field, pointer) in enumerate(zip(fields, chosen, strict=True)):
            for bar in (False, True):
                words = tuple(self.letter(field.conjugate if bar else field, pointer, bar))
                letters[words] = 2 * i + bar
        return read_terms(whole(tokens), tuple(fields), letters, self.style)

    def decode_fields(self, tokens: Iterable[Any]) -> tuple[tuple[Field, ...], tuple[int, ...]]:
        """The fields that a source describes, and their pointers.

        **Returns:** fields, called by their pointers, and the numbers of the pointers.

        **Raises:** `ValueError` when it is no source.
        """
        return read_fields(whole(tokens), self.style)

    def pointers(
        self, fields: Sequence[Field], pointers: Sequence[int] | np.ndarray | None
    ) -> tuple[int, ...]:
        """The pointers of fields, checked, as are the fields."""
        for field in fields:
            for factor, rep in field.representations:
                if factor not in STANDARD_MODEL.factors:
                    raise ValueError(
                        f"{field.name} has {factor}={rep}; sequences describe fields of "
                        f"{STANDARD_MODEL} only."
                    )
            if field.copies > 1:
                raise ValueError(
                    f"{field.name} has {field.copies} copies; sequences describe fields one by "
                    "one, so give each copy a name of its own."
                )
        chosen = tuple(range(len(fields))) if pointers is None else tuple(map(int, pointers))
        if len(chosen) != len(fields) or list(chosen) != sorted(set(chosen)):
            raise ValueError(
                f"{len(fields)} fields need as many pointers, in rising order; got {chosen}."
            )
        if self.style == "verbose" and chosen != tuple(range(len(fields))):
            raise ValueError(f"Verbose sequences number fields by their places, got {chosen}.")
        if chosen and not 0 <= chosen[0] <= chosen[-1] < FIELDS:
            raise ValueError(f"There are {FIELDS} pointers, 0 to {FIELDS - 1}; got {chosen}.")
        return chosen

    def _target(self, terms: TermSet, pointers: Sequence[int] | np.ndarray | None) -> list[int]:
        if terms.group.factors != STANDARD_MODEL.factors:
            raise ValueError(f"Sequences are about {STANDARD_MODEL} only, got {terms.group}.")
        chosen = self.pointers(terms.fields, pointers)
        letters = {}
        for field, pointer in zip(terms.fields, chosen, strict=True):
            letters[field.name] = (field, pointer, False)
            letters[f"{field.name}*"] = (field.conjugate, pointer, True)
        found = [VOCABULARY.begin]
        for line in written(terms, interactions_only=self.interactions_only):
            found += self.line(line, letters)
        return [*found, VOCABULARY.end]

    def line(self, line: WrittenTerm, letters: dict[str, tuple[Field, int, bool]]) -> list[int]:
        """The tokens of a term, its letters given as what `letter` takes."""
        if line.kind not in CLASSES:
            raise ValueError(f"Sequences have no terms of the kind {line.kind!r}, got {line}.")
        if line.kind == "gauge":
            return self.field_strength(line.letters[0][2:-1])
        if line.kind == "kinetic":
            field, pointer, _ = letters[line.letters[0][2:-1]]
            return self.kinetic(field, pointer)
        found = self.opening(line.kind)
        for letter in line.letters:
            found += self.letter(*letters[letter])
        return found + self.label(line.label) + self.closing(line.self_conjugate)

    def element(self, field: Field, pointer: int) -> list[int]:
        """The tokens that describe a field in a source."""
        first = f"F{pointer}" if self.style == "compact" else "FIELD"
        return [*VOCABULARY.numbers(first), *describe(field)]

    def letter(self, field: Field, pointer: int, conjugate: bool) -> list[int]:
        """The tokens of a letter; a conjugate letter is given as the conjugate of its field."""
        if self.style == "compact":
            return VOCABULARY.numbers(f"F{pointer}{'*' if conjugate else ''}")
        tail = f"ID {pointer}{' DAGGER' if conjugate else ''}"
        return [*VOCABULARY.numbers("FIELD"), *describe(field), *VOCABULARY.numbers(tail)]

    def field_strength(self, factor: str) -> list[int]:
        """The tokens of the term of a field strength."""
        return VOCABULARY.numbers(f"+ GAUGE {factor.upper()}")

    def kinetic(self, field: Field, pointer: int) -> list[int]:
        """The tokens of a kinetic term."""
        found = self.opening("kinetic")
        if self.style == "compact":
            return found + self.letter(field, pointer, False)
        derivative = VOCABULARY.numbers("DERIVATIVE")
        found += derivative + self.letter(field, pointer, False)
        found += [] if field.fermion else derivative
        return found + self.letter(field.conjugate, pointer, True)

    def opening(self, kind: str) -> list[int]:
        """The tokens before the letters of a term."""
        return VOCABULARY.numbers(f"+ {CLASSES[kind]}")

    def label(self, label: str) -> list[int]:
        """The tokens of a contraction's label."""
        return VOCABULARY.numbers(" ".join(["CH", *label])) if label else []

    def closing(self, self_conjugate: bool) -> list[int]:
        """The tokens after a term."""
        return [] if self_conjugate else VOCABULARY.numbers("HC")


@lru_cache(maxsize=4096)
def describe(field: Field) -> tuple[int, ...]:
    """The tokens of a field's quantum numbers."""
    given: dict[str, Any] = dict(field.representations)
    words = "SPIN 1 / 2" if field.fermion else "SPIN 0"
    words += " REAL" if field.real else ""
    for factor in STANDARD_MODEL.factors:
        rep = given.get(factor)
        if isinstance(rep, Irrep):
            words += f" {factor.upper()} {_spelled(str(rep))}"
        elif isinstance(rep, Fraction):
            words += f" {factor.upper()} {_spelled(str(CHARGE_UNIT * rep))}"
    if field.helicity is not None:
        words += f" HEL {_spelled(str(field.helicity))}"
    return tuple(VOCABULARY.numbers(words))


def _spelled(text: str) -> str:
    return " ".join(text)
