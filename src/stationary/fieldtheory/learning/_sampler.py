"""Random models with their Lagrangians, many at once."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Int, UInt64

from stationary.nn import Ragged

from .._field import Field
from ._draw import DISTRIBUTIONS, present
from ._keys import keys_of_types
from ._tables import pieces
from ._tokens import Tokens
from ._universe import FULL, Universe
from ._vocabulary import FIELDS
from ._writing import hits, interactions, nontrivial, source_pieces, target_pieces

BLOCK = 8192
"""How many examples have one stream of random numbers."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Models as sequences.

    **Arguments:**

    - `source`: fields, as token numbers.
    - `target`: Lagrangians, as token numbers.
    - `types`: the types of the fields, -1 where there is none.
    - `pointers`: what points to them, -1 where there is none.
    - `fields`: how many fields there are.
    - `terms`: how many interactions, contractions counted.
    - `nontrivial`: whether there are others than f f* and f f f* f* of every scalar.
    - `keys`: a number for the fields up to order and conjugation.
    """

    source: Ragged
    target: Ragged
    types: Int[np.ndarray, "rows 10"]
    pointers: Int[np.ndarray, "rows 10"]
    fields: Int[np.ndarray, "rows"]
    terms: Int[np.ndarray, "rows"]
    nontrivial: Bool[np.ndarray, "rows"]
    keys: UInt64[np.ndarray, "rows"]

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True)
class Sampler:
    """Random models with all their renormalisable terms, exact.

    Every model is presented in a random order of its fields, each described as it is or by its
    conjugate. The example at an index depends on the sampler and the index alone.

    **Arguments:**

    - `universe`: the field types.
    - `distribution`: `"uniform"`; `"enriched"`, where fields beyond the second mostly complete
        terms of three letters; `"mixed"`, one half of each.
    - `fields`: the least and the largest number of fields, all as likely.
    - `repetition`: whether fields with equal (or conjugate) quantum numbers may occur.
    - `tokens`: how sequences are written.
    - `random_pointers`: point to fields with any of `F0` to `F9`, in rising order, rather than with
        the first ones, so that a model meets all pointers whatever the number of fields.
    - `seed`: which random numbers.

    **Raises:** `ValueError` for another distribution, for numbers of fields beyond ten or beyond
    what the universe has without repetition, and for random pointers in verbose sequences.

    !!! example
        >>> from stationary.fieldtheory.learning import TINY, VOCABULARY, Sampler, Tokens
        >>> sampler = Sampler(TINY, fields=(1, 2), tokens=Tokens(interactions_only=True))
        >>> examples = sampler.block(0)
        >>> VOCABULARY.text(examples.source[0])
        'F0 SPIN 1 / 2 SU2 2 U1 2 HEL 1 / 2 F1 SPIN 0 SU2 2 U1 2'
        >>> VOCABULARY.text(examples.target[0])
        '[SOS] + MASS F1 F1* + QUART F1 F1 F1* F1* [EOS]'
    """

    universe: Universe = FULL
    distribution: str = "uniform"
    fields: tuple[int, int] = (1, 6)
    repetition: bool = False
    tokens: Tokens = field(default_factory=Tokens)
    random_pointers: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"distribution is one of {', '.join(DISTRIBUTIONS)}, got {self.distribution!r}."
            )
        low, high = self.fields
        most = FIELDS
        if not self.repetition:
            most = min(most, len(set(self.universe.classes.tolist())))
        if not 1 <= low <= high <= most:
            raise ValueError(f"fields must rise within 1..{most}, got {self.fields}.")
        if self.random_pointers and self.tokens.style == "verbose":
            raise ValueError("Verbose sequences have no pointers; random_pointers is for compact.")

    def block(self, index: int, count: int | None = None) -> Examples:
        """The examples from `index * 8192` on.

        **Arguments:**

        - `index`: which block.
        - `count`: how many of its examples; default all 8192.
        """
        count = BLOCK if count is None else count
        if not 1 <= count <= BLOCK or index < 0:
            raise ValueError(f"A block has 1 to {BLOCK} examples, and indices from 0 on.")
        rng = np.random.default_rng([self.seed, index])
        low, high = self.fields
        sizes = rng.integers(low, high, size=BLOCK, endpoint=True)
        types = np.full((BLOCK, FIELDS), -1, np.int64)
        pointers = np.full((BLOCK, FIELDS), -1, np.int64)
        draw = DISTRIBUTIONS[self.distribution]
        for n in range(low, high + 1):
            rows = np.flatnonzero(sizes == n)
            drawn = draw(self.universe, rng, rows.size, n, self.repetition)
            types[rows, :n] = present(self.universe, rng, drawn)
            pointers[rows, :n] = self._pointers(rng, rows.size, n)
        return self.examples(types[:count], pointers[:count])

    def _pointers(self, rng: np.random.Generator, count: int, n: int) -> np.ndarray:
        if not self.random_pointers:
            return np.tile(np.arange(n), (count, 1))
        every = np.tile(np.arange(FIELDS), (count, 1))
        return np.sort(rng.permuted(every, axis=1)[:, :n], axis=1)

    def examples(
        self,
        types: Int[np.ndarray, "rows 10"],
        pointers: Int[np.ndarray, "rows 10"] | None = None,
    ) -> Examples:
        """Sequences for models that are given.

        **Arguments:**

        - `types`: types of fields, those of a model first and then -1.
        - `pointers`: what points to them, rising; default the first ones.
        """
        fields = np.sum(types >= 0, axis=1)
        if pointers is None:
            pointers = np.where(types >= 0, np.arange(types.shape[1]), -1)
        terms = np.zeros(len(types), np.int64)
        unusual = np.zeros(len(types), bool)
        order, sources, targets = [], [], []
        for n in np.unique(fields).tolist():
            rows = np.flatnonzero(fields == n)
            own, pointing = types[rows, :n], pointers[rows, :n]
            found = hits(self.universe, own)
            sources.append(source_pieces(self.universe, self.tokens, own, pointing))
            targets.append(target_pieces(self.universe, self.tokens, own, pointing, found))
            terms[rows] = interactions(found, rows.size)
            unusual[rows] = nontrivial(found, n, rows.size)
            order.append(rows)
        back = np.argsort(np.concatenate(order))
        source, target = (self._written(parts, back) for parts in (sources, targets))
        keys = keys_of_types(self.universe, types)
        return Examples(source, target, types, pointers, fields, terms, unusual, keys)

    def _written(self, parts: list[Ragged], back: Int[np.ndarray, "rows"]) -> Ragged:
        rows = Ragged.joined(parts).take(back)
        return Ragged(*pieces(self.universe, self.tokens).write(rows.tokens, rows.offsets))

    def fields_of(self, examples: Examples, row: int) -> tuple[Field, ...]:
        """The fields of an example, called by their pointers."""
        n = int(examples.fields[row])
        pairs = zip(examples.types[row, :n], examples.pointers[row, :n], strict=True)
        return tuple(self.universe.field(int(kind), f"F{pointer}") for kind, pointer in pairs)
