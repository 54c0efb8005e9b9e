"""The tokens in which fields and Lagrangians are written."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

FIELDS = 10
"""The most fields that sequences can point to."""

CLASSES = {
    "gauge": "GAUGE",
    "kinetic": "KIN",
    "linear": "LIN",
    "mass": "MASS",
    "cubic": "CUB",
    "yukawa": "YUK",
    "quartic": "QUART",
}
"""The token that opens a term, by the term's kind."""

_WORDS = (
    "[PAD] [SOS] [EOS]",
    " ".join(f"F{i}" for i in range(FIELDS)),
    " ".join(f"F{i}*" for i in range(FIELDS)),
    "FIELD SPIN REAL SU3 SU2 U1 HEL ID DAGGER DERIVATIVE",
    "+ GAUGE KIN LIN MASS CUB YUK QUART CH HC",
    "0 1 2 3 4 5 6 7 8 9 - / , ; # '",
)


@dataclass(frozen=True)
class Vocabulary:
    """Tokens and their numbers, for SU(3) x SU(2) x U(1).

    There is one of it, [`VOCABULARY`][stationary.fieldtheory.learning.VOCABULARY], which both ways
    of writing share, so models that were trained with one can go on with the other.

    **Arguments:**

    - `words`: the tokens as text, by number.

    !!! example
        >>> from stationary.fieldtheory.learning import VOCABULARY
        >>> VOCABULARY.numbers("+ MASS F0 F0*"), VOCABULARY.text([1, 33, 37, 3, 13, 2, 0])
        ([33, 37, 3, 13], '[SOS] + MASS F0 F0* [EOS]')
    """

    words: tuple[str, ...]

    @cached_property
    def number(self) -> dict[str, int]:
        """The number of each token."""
        return {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        return len(self.words)

    @property
    def padding(self) -> int:
        """The token that fills sequences up."""
        return self.number["[PAD]"]

    @property
    def begin(self) -> int:
        """The token before the first one."""
        return self.number["[SOS]"]

    @property
    def end(self) -> int:
        """The token after the last one."""
        return self.number["[EOS]"]

    @property
    def pointers(self) -> tuple[int, int]:
        """The first and the last pointer: the tokens that begin an element of a source."""
        return self.number["F0"], self.number[f"F{FIELDS - 1}"]

    def numbers(self, text: str) -> list[int]:
        """The numbers of tokens that are given as text.

        **Raises:** `ValueError` for a word that is no token.
        """
        try:
            return [self.number[word] for word in text.split()]
        except KeyError as error:
            raise ValueError(f"{error.args[0]!r} is no token of this vocabulary.") from None

    def text(self, tokens: Iterable[Any]) -> str:
        """Tokens as text, padding left out; what is no token shows as its number in brackets."""
        kept = [token for token in whole(tokens) if token != self.padding]
        known = range(len(self.words))
        return " ".join(self.words[t] if t in known else f"[{t}]" for t in kept)


VOCABULARY = Vocabulary(tuple(" ".join(_WORDS).split()))
"""The tokens of sequences about SU(3) x SU(2) x U(1)."""


def whole(tokens: Iterable[Any]) -> list[int]:
    """Token numbers as plain integers, whatever they come in: a list, or an array of any kind."""
    return np.asarray(tokens).astype(np.int64).tolist()
