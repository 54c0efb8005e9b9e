"""Tables by which counting invariants and writing terms become look-ups."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from jaxtyping import Int, Integer

from .._invariants import contractions, count, number
from .._term import KINDS
from ._tokens import Tokens
from ._universe import Universe
from ._vocabulary import CLASSES, FIELDS, VOCABULARY


class Invariants:
    """How many invariants a product of letters has, and how they are labelled.

    A product is looked up by its representations, letter by letter, and by which neighbours are
    the same letter. What has not come up before is counted as for single models.

    **Arguments:**

    - `universe`: whose representations they are.
    """

    def __init__(self, universe: Universe) -> None:
        self._reps = universe.reps
        n = len(self._reps)
        self._sizes = [n**size << (size - 1) for size in range(1, 5)]
        self._begins = np.cumsum([0, 0, *self._sizes[:-1]])
        self.counts = np.full(sum(self._sizes), -1, np.int16)

    def keys(
        self,
        sizes: Int[np.ndarray, "c"],
        patterns: Int[np.ndarray, "c"],
        reps: Int[np.ndarray, "c 4"],
    ) -> Int[np.ndarray, "c"]:
        """Places in `counts` of products of letters; what fills `reps` up is ignored."""
        key = patterns
        for place in range(4):
            key = np.where(place < sizes, key * len(self._reps) + reps[:, place], key)
        return key + self._begins[sizes]

    def count(self, keys: Int[np.ndarray, "c"]) -> Int[np.ndarray, "c"]:
        """The number of invariants of each product."""
        found = self.counts[keys]
        if np.any(found < 0):
            for key in np.unique(keys[found < 0]).tolist():
                powers = [8 * number((rep, 1)) + k for rep, k in self.product(key)]
                self.counts[key] = count(tuple(sorted(powers)))
            found = self.counts[keys]
        return found

    def all(self) -> Int[np.ndarray, "keys"]:
        """The number of invariants of every product; 0 where equal letters have unequal reps."""
        for size in range(1, 5):
            for pattern in range(1 << (size - 1)):
                # The group that each letter belongs to, and how large groups are.
                group = np.cumsum([0, *(1 - (pattern >> i & 1) for i in range(size - 1))])
                powers = np.bincount(group)
                grid = np.indices([len(self._reps)] * powers.size).reshape(powers.size, -1).T
                some = np.sort(8 * grid + powers, axis=1)
                each, back = np.unique(some, axis=0, return_inverse=True)
                found = [
                    count(tuple(sorted(8 * number((self._reps[c >> 3], 1)) + (c & 7) for c in row)))
                    for row in each.tolist()
                ]
                letters = np.pad(grid[:, group], ((0, 0), (0, 4 - size)))
                full = np.full(len(grid), size), np.full(len(grid), pattern)
                self.counts[self.keys(*full, letters)] = np.array(found)[back.ravel()]
        return np.maximum(self.counts, 0)

    def labels(self, key: int) -> list[str]:
        """The labels of the contractions of a product."""
        return [way.label for way in contractions([(rep, 1, k) for rep, k in self.product(key)])]

    def product(self, key: int) -> list[tuple[tuple, int]]:
        """Representations with powers, by letter."""
        size = int(np.searchsorted(np.cumsum(self._sizes), key, side="right")) + 1
        rest = key - int(self._begins[size])
        places = []
        for _ in range(size):
            rest, rep = divmod(rest, len(self._reps))
            places.append(rep)
        groups: list[tuple[tuple, int]] = []
        for place, rep in enumerate(reversed(places)):
            if place and rest >> (place - 1) & 1:
                groups[-1] = (groups[-1][0], groups[-1][1] + 1)
            else:
                groups.append((self._reps[rep], 1))
        return groups


class Pieces:
    """Pieces of sequences by number: whatever is written is a list of them.

    **Arguments:**

    - `universe`: whose fields are written about.
    - `tokens`: how they are written.
    """

    def __init__(self, universe: Universe, tokens: Tokens) -> None:
        self._tokens = tokens
        self._invariants = invariants(universe)
        self._list: list[list[int]] = []
        self._flat: np.ndarray | None = None
        compact = tokens.style == "compact"
        self.begin = self._add([VOCABULARY.begin])
        self.end = self._add([VOCABULARY.end])
        self.nothing = self._add([])
        self.close = self._add(tokens.closing(False))
        self.open = np.array([self._add(tokens.opening(k) if k in CLASSES else []) for k in KINDS])
        first = [VOCABULARY.begin]
        if not tokens.interactions_only:
            for factor in ("su3", "su2", "u1"):
                first += tokens.field_strength(factor)
        self.first = self._add(first)
        shape = (len(universe), FIELDS)
        self.element = np.zeros(shape, np.int64)
        self.kinetic = np.zeros(shape, np.int64)
        self.letter = np.zeros((2, *shape), np.int64)
        for kind in range(len(universe)):
            field = universe.field(kind, "f")
            for pointer in range(FIELDS):
                self.element[kind, pointer] = self._add(tokens.element(field, pointer))
                if kind and compact:  # pointers say nothing of the type
                    self.kinetic[kind, pointer] = self.kinetic[0, pointer]
                    self.letter[:, kind, pointer] = self.letter[:, 0, pointer]
                    continue
                self.kinetic[kind, pointer] = self._add(tokens.kinetic(field, pointer))
                for bar in range(2):
                    self.letter[bar, kind, pointer] = self._add(
                        tokens.letter(field, pointer, bool(bar))
                    )
        self._labels = np.full(self._invariants.counts.size, -1, np.int32)

    def _add(self, tokens: Sequence[int]) -> int:
        self._list.append(list(tokens))
        self._flat = None
        return len(self._list) - 1

    def labels(self, keys: Int[np.ndarray, "c"]) -> Int[np.ndarray, "c"]:
        """The piece of the first label of each product; those of the others follow it."""
        found = self._labels[keys]
        if np.any(found < 0):
            for key in np.unique(keys[found < 0]).tolist():
                labels = self._invariants.labels(key)
                self._labels[key] = len(self._list)
                for label in labels:
                    self._add(self._tokens.label(label))
            found = self._labels[keys]
        return found

    def write(
        self, pieces: Int[np.ndarray, "p"], offsets: Int[np.ndarray, "ends"]
    ) -> tuple[Integer[np.ndarray, "t"], Int[np.ndarray, "ends"]]:
        """The tokens of rows of pieces, and where each row begins."""
        if self._flat is None:
            self._lengths = np.array([len(piece) for piece in self._list])
            self._begins = np.cumsum(self._lengths) - self._lengths
            self._flat = np.array([t for piece in self._list for t in piece], np.uint8)
        lengths = self._lengths[pieces]
        ends = np.concatenate([[0], np.cumsum(lengths)])
        where = np.arange(ends[-1]) + np.repeat(self._begins[pieces] - ends[:-1], lengths)
        return self._flat[where], ends[offsets]


@cache
def invariants(universe: Universe) -> Invariants:
    """The one table of a universe."""
    return Invariants(universe)


@cache
def pieces(universe: Universe, tokens: Tokens) -> Pieces:
    """The one list of pieces of a universe and a way of writing."""
    return Pieces(universe, tokens)
